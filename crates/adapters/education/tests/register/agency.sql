-- The same as a school office keeps it: one sheet of pupils and years, and one of diplomas.
CREATE TABLE bang_hoc_sinh (
    dong           BIGINT PRIMARY KEY,
    ma_hs          TEXT NOT NULL,
    so_dinh_danh   TEXT,
    so_cmnd        TEXT,
    ho_ten         TEXT NOT NULL,
    ngay_sinh      TEXT,
    gioi_tinh      TEXT,
    dan_toc        TEXT,
    dia_chi        TEXT,
    ma_xa          TEXT,
    ma_xa_cu       TEXT,
    khuyet_tat     TEXT,
    dien           TEXT,
    nam_hoc        TEXT NOT NULL,
    ma_truong      TEXT NOT NULL,
    ten_truong     TEXT NOT NULL,
    cap            TEXT,
    khoi           BIGINT,
    lop            TEXT,
    trang_thai     TEXT,
    ngay_vao       TEXT,
    ngay_roi       TEXT,
    hanh_kiem      TEXT,
    hoc_luc        TEXT,
    ten_cha        TEXT,
    so_cha         TEXT,
    dien_thoai_cha TEXT,
    ten_me         TEXT
);

CREATE TABLE so_van_bang (
    stt          BIGINT PRIMARY KEY,
    ma_hs        TEXT,
    so_hieu      TEXT NOT NULL,
    so_vao_so    TEXT,
    so_dinh_danh TEXT,
    so_cmnd      TEXT,
    ho_ten       TEXT NOT NULL,
    ngay_sinh    TEXT,
    loai         TEXT,
    nam          BIGINT,
    xep_loai     TEXT,
    noi_cap      TEXT,
    ngay_cap     TEXT,
    thu_hoi      TEXT
);

INSERT INTO bang_hoc_sinh VALUES
    (1, '9200000001', '092212000001', NULL, 'Nguyễn Thị Mai', '30/01/2012', 'Nữ', 'Kinh', '12 Nguyễn Trãi', '31120', '31117', 'x', 'hộ nghèo; con thương binh', '2024 - 2025', '92THCS01', 'Trường THCS Thử Nghiệm', 'THCS', 6, '6A', 'Đang học', '05/09/2024', NULL, 'Tốt', 'Khá', 'Nguyễn Văn Hoà', '092085000011', '+84900000001', 'Trần Thị Bé'),
    (3, '9200000001', '092212000001', NULL, 'Nguyễn Thị Mai', '30/01/2012', 'Nữ', 'Kinh', '12 Nguyễn Trãi', '31120', '31117', 'x', 'hộ nghèo; con thương binh', '2025 - 2026', '92THCS01', 'Trường THCS Thử Nghiệm', 'THCS', 7, '7A', 'Chuyển đi', '05/09/2025', '10/01/2026', NULL, NULL, 'Nguyễn Văn Hoà', '092085000011', '+84900000001', 'Trần Thị Bé'),
    (2, '9200000001', '092212000001', NULL, 'Nguyễn Thị Mai', '30/01/2012', 'Nữ', 'Kinh', '12 Nguyễn Trãi', '31120', '31117', 'x', 'hộ nghèo; con thương binh', '2025 - 2026', '92THCS02', 'Trường THCS Khác', 'THCS', 7, '7C', 'Đang học', '12/01/2026', NULL, NULL, NULL, 'Nguyễn Văn Hoà', '092085000011', '+84900000001', 'Trần Thị Bé'),
    (4, '9200000002', '092306000002', '361000002', 'Trần Văn An', '2006', 'Nam', NULL, NULL, NULL, NULL, NULL, NULL, '2023 - 2024', '92THPT01', 'Trường THPT Thử Nghiệm', 'THPT', 12, '12A', 'Tốt nghiệp', '05/09/2021', '31/05/2024', 'Tốt', 'Tốt', NULL, NULL, NULL, NULL),
    (5, '9200000003', '092320000003', NULL, 'Lê Thị Bé', '05/2020', 'Nữ', NULL, NULL, NULL, NULL, NULL, NULL, '2025 - 2026', '92MN01', 'Trường mầm non Thử Nghiệm', 'Mầm non', 0, 'Lá', 'Đang học', '05/09/2023', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO so_van_bang VALUES
    (1, '9200000002', 'B1234567', '12/THPT', '092306000002', NULL, 'Trần Văn An', '2006', 'THPT', 2024, 'Giỏi', 'Sở Giáo dục và Đào tạo', '01/08/2024', NULL),
    (2, NULL, 'A7654321', '7/THCS', NULL, '361000008', 'Phạm Thị Cũ', '1970', 'THCS', 1986, NULL, NULL, '1986', NULL),
    (3, NULL, 'A7654321', '8/THCS', NULL, NULL, 'Võ Văn Xưa', '01/02/1970', 'THCS', 1986, NULL, NULL, '1986', 'x');
