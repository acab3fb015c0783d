INSERT INTO co_so VALUES ('92001', 'Bệnh viện Thử Nghiệm'), ('92002', 'Trạm y tế Thử Nghiệm');

INSERT INTO the_bhyt VALUES
    ('HS4920123456781', '0123456781', NULL, NULL, 'Nguyễn Văn', 'Hoà', '1958', '01/01/2020', '31/12/2021', NULL, '4', '92001', NULL, 1780000000),
    ('GD4920123456781', '0123456781', '092058000001', '361000001', 'Nguyễn Văn', 'Hoà', '1958', '01/01/2022', '31/12/2026', NULL, '4', '92002', '01/01/2027', 1780000000),
    ('GD4920123456781', '0123456781', '092058000001', '361000001', 'Nguyễn Văn', 'Hoà', '1958', '01/01/2028', NULL, NULL, '4', '92002', NULL, 1780000000),
    ('DN4929999999992', '9999999992', '092160000002', NULL, 'Trần Thị', 'Bé', '21/07/1960', '2026', '2026', '15/03/2026', '4', '92001', NULL, 1780000000),
    ('9999999993', '9999999993', NULL, '361000009', 'Lê Văn', 'Cũ', NULL, '2016', NULL, NULL, NULL, NULL, NULL, 1780000000),
    ('TE1929999999994', '9999999994', '092315000004', NULL, 'Nguyễn Thị', 'Mai', '30/01/2015', '30/01/2015', NULL, 'không rõ', NULL, NULL, NULL, 1780000000);

INSERT INTO benh_nhan VALUES
    ('BN0001', '092058000001', '361000001', 'GD4920123456781', '0123456781', 'Nguyễn Văn', 'Hoà', '1958', 'Nam', '12 Nguyễn Trãi', '31120', '31117', '+84900000001', 'Trần Thị Bé', 'vợ', 'O+', '', 165.5, 60, '92001', 1770000000000, 1780000000),
    ('BN0002', '092160000002', NULL, NULL, NULL, 'Trần Thị', 'Bé', '21/07/1960', 'Nữ', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1770000000000, 1780000000);

INSERT INTO di_ung VALUES
    ('BN0001', 'Hải sản', 'nổi mề đay', 'nhẹ', '2010'),
    ('BN0001', 'Penicillin', 'sốc phản vệ', 'nặng', '05/2001');

INSERT INTO benh_ly VALUES
    ('BN0001', 'J18', 'Viêm phổi', NULL, '01/2019', '02/2019'),
    ('BN0001', 'I10', 'Tăng huyết áp', 'x', '2015', NULL);

INSERT INTO thuoc VALUES
    ('BN0001', 'Thuốc đang dùng', 'amlodipine', '5 mg mỗi sáng', '2015', NULL),
    ('BN0001', 'Thuốc đã ngừng', NULL, NULL, '01/2019', '02/2019'),
    ('BN0001', 'Thuốc dùng dài', NULL, NULL, '2020', '2190');

INSERT INTO luot_kham VALUES
    (1, 'BN0001', '15/01/2019', '92001', 'J18', 'nội trú'),
    (2, 'BN0001', '01/04/2026', '92002', 'I10', 'ngoại trú');

INSERT INTO vac_xin VALUES
    ('VX01', 'Vắc xin thử nghiệm', 'Nhà sản xuất thử nghiệm', 'A36; A37;A35', 3, 'tiêm bắp'),
    ('VX02', 'Vắc xin khác', NULL, NULL, NULL, NULL);

INSERT INTO mui_tiem VALUES
    (11, 'BN0001', 'VX01', 'L1', 1, '01/06/2021', '92002', '07/2021', NULL, 1780000000),
    (12, 'BN0001', 'VX02', NULL, NULL, '2023', NULL, NULL, 'sốt nhẹ', 1780000000),
    (13, 'BN0001', 'VX01', 'L2', 2, '02/07/2021', '92002', NULL, NULL, 1780000000),
    (14, 'BN0001', 'VX01', 'L3', 3, '10/01/2022', '92002', NULL, NULL, 1780000000),
    (10, 'BN0001', 'VX02', NULL, NULL, '10/01/2022', '92001', NULL, NULL, 1780000000),
    (20, 'BN0002', 'VX01', 'L2', 1, '05/01/2022', '92002', NULL, NULL, 1780000000);
