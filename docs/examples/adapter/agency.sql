-- The same vehicles as an agency might hold them: names, codes and dates of its own. Made up.
CREATE TABLE phuong_tien (
    ma_so        INTEGER     NOT NULL,
    bien_so      VARCHAR(12) NOT NULL,
    loai_xe      VARCHAR(20),
    nhan_hieu    VARCHAR(50),
    ngay_dang_ky VARCHAR(10),
    ma_chu_xe    INTEGER
);
CREATE TABLE chu_xe (
    ma_chu_xe    INTEGER     NOT NULL,
    so_dinh_danh VARCHAR(12),
    ho_ten       VARCHAR(100)
);
CREATE INDEX phuong_tien_bien_so ON phuong_tien (bien_so);
CREATE INDEX phuong_tien_chu_xe ON phuong_tien (ma_chu_xe);
CREATE INDEX chu_xe_ma ON chu_xe (ma_chu_xe);
CREATE INDEX chu_xe_so_dinh_danh ON chu_xe (so_dinh_danh);

INSERT INTO chu_xe VALUES (7, '092085000011', 'Nguyễn Văn Mẫu'), (8, '092190000022', 'Trần Thị Thử Nghiệm');
INSERT INTO phuong_tien VALUES
    (1, '65A12345', 'Ô tô con', 'Toyota', '07/03/2019', 7),
    (2, '65B100001', 'Mô tô', 'Honda', '2016', 7),
    (3, '65C00777', 'Tải', 'Thaco', NULL, 8);
