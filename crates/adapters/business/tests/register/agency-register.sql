INSERT INTO doanh_nghiep VALUES
    (1, '0100109106', NULL, 'Công ty TNHH Thương mại Hoà Bình Thử Nghiệm', 'Test Peace Trading Co., Ltd', 'HBTN', 'TNHH2', 'Đang hoạt động', '01/03/2005', '15/07/2025', 4, NULL, '12 Nguyễn Trãi', '31120', '31117', 12000000000, 25),
    (2, '0100109106-001', '0100109106', 'Chi nhánh Công ty TNHH Thương mại Hoà Bình Thử Nghiệm tại Thới Lai', NULL, NULL, 'CN', 'Đang hoạt động', '2010', NULL, 0, NULL, 'Ấp 1', '31135', NULL, NULL, NULL),
    (3, '0100109106-002', '0100109106', 'Chi nhánh thứ hai', NULL, NULL, 'CN', 'Đã giải thể', NULL, NULL, 0, '31/01/2020', NULL, NULL, NULL, NULL, NULL),
    (4, '092058000001', NULL, 'Hộ kinh doanh Nguyễn Văn Hoà', NULL, NULL, 'HKD', 'Tạm ngừng', '2018', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL),
    (5, '0300588569', NULL, 'Doanh nghiệp tư nhân Ngày Xưa', NULL, NULL, 'DNTN', 'Đã giải thể', '1995', NULL, 1, '2003', NULL, NULL, NULL, NULL, NULL),
    (6, '0100233488', NULL, 'Công ty Cổ phần Thử Nghiệm', NULL, NULL, 'CP', 'Đang hoạt động', '2015', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO ten_cu VALUES
    (1, 'Doanh nghiệp tư nhân Hoà Bình', '31/05/2008'),
    (1, 'Công ty TNHH Hoà Bình', '31/12/2015');

INSERT INTO tru_so_cu VALUES
    (1, '7 Lê Lợi', '31120', '31117', NULL, '31/05/2008'),
    (1, NULL, NULL, NULL, '9 Trần Phú, thành phố Đà Nẵng', '2015');

INSERT INTO nganh_nghe VALUES
    (1, '4632', 'Bán buôn thực phẩm', ''),
    (1, '4631', 'Bán buôn gạo', 'x');

INSERT INTO nguoi_dai_dien VALUES
    (1, '092058000001', '361000001', 'Nguyễn Văn Hoà', 'Giám đốc', '1958', 'Nam', ''),
    (1, '092058000001', '361000001', 'Nguyễn Văn Hoà', 'Chủ tịch hội đồng thành viên', '1958', 'Nam', ''),
    (1, '092160000002', NULL, 'Trần Thị Bé', 'Giám đốc', '', 'Nữ', '2010'),
    (4, '092058000001', NULL, 'Nguyễn Văn Hoà', 'Chủ hộ', '', NULL, ''),
    (5, NULL, '361000005', 'Lê Văn Cũ', 'Chủ doanh nghiệp', '', NULL, ''),
    (6, '092058000001', NULL, 'Nguyễn Văn Hoà', 'Tổng giám đốc', '', NULL, '');

INSERT INTO thanh_vien VALUES
    (1, '092160000002', NULL, 'Trần Thị Bé', 3000000000, 25.0),
    (1, NULL, '0300588569', 'Doanh nghiệp tư nhân Ngày Xưa', 9000000000, 75.0);
