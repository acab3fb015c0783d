INSERT INTO ho_gia_dinh VALUES
    ('H0001', '092058000001', '12 Nguyễn Trãi', '31120', NULL, '03/1999', 1780000000),
    ('H0002', '094190000005', '7 Cách Mạng Tháng Tám', '31120', '31117', '', 1780000000);

INSERT INTO cong_dan VALUES
    (1, '092058000001', '361000001', 'Nguyễn Văn', 'Hoà', '1958', 'Nam', 'H0001', 'Chủ hộ', 'Nguyễn Văn Ba',
     '092160000002', 'Trần Thị Bé', 'C', NULL, '02-05-2021', '12 Nguyễn Trãi', '31120', NULL, '03/1999',
     NULL, NULL, NULL, 'xã Bình Hoà, tỉnh An Giang', NULL, 1770000000000, 1780000000),
    (2, '092160000002', NULL, 'Trần Thị', 'Bé', '21/07/1960', 'Nữ', 'H0001', 'Vợ', NULL,
     '092058000001', 'Nguyễn Văn Hoà', 'C', NULL, NULL, '12 Nguyễn Trãi', '31120', NULL, '03/1999',
     NULL, NULL, NULL, NULL, NULL, 1770000000000, 1780000000),
    (3, '092031000003', NULL, 'Nguyễn Văn', 'Ba', '00/00/1931', 'Nam', 'H0001', 'Cha', NULL,
     NULL, NULL, 'M', '09/08/2021', NULL, '12 Nguyễn Trãi', '31120', NULL, '03/1999',
     NULL, NULL, NULL, NULL, NULL, 1770000000000, 1780000000),
    (4, '092315000004', NULL, 'Nguyễn Thị', 'Mai', '30/01/2015', 'Nữ', 'H0001', 'Cháu', NULL,
     NULL, NULL, 'C', NULL, NULL, '3 Hoà Bình', '31135', NULL, '02/2015',
     '12 Nguyễn Trãi', '31120', '01/09/2024', NULL, NULL, 1770000000000, 1780000000),
    (5, '094190000005', '362000005', 'Lê Thị', 'Thuý', '05/11/1990', 'Nữ', 'H0002', 'Chủ hộ', NULL,
     NULL, NULL, 'C', NULL, NULL, '7 Cách Mạng Tháng Tám', '31120', '31117', '2012',
     NULL, NULL, NULL, NULL, NULL, 1770000000000, 1780000000);
