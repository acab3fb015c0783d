-- Made up, like all that ships with the hub.
INSERT INTO source VALUES (1, 'csdl-phuongtien-mau', 'G01.30.92', 1, 1);

INSERT INTO vehicle VALUES
    ('65A12345', 1, 'Toyota', '2019-03-07', '092085000011', 'Nguyễn Văn Mẫu', 1780000000000000),
    ('65B100001', 2, 'Honda', '2016', '092085000011', 'Nguyễn Văn Mẫu', 1780000000000000),
    ('65C00777', 3, 'Thaco', NULL, '092190000022', 'Trần Thị Thử Nghiệm', 1780000000000000);
