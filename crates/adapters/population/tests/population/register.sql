-- A household of three generations with a dead great-grandfather, and a person of another household whose address was
-- written under the ward's old code. Made up.
INSERT INTO source VALUES (1, 'csdl-dancu-test', 'G01.92', 1, 1);

INSERT INTO household (household_id, number, head_id, line, ward_code, former_ward_code, registered_on, as_of_us) VALUES
    (1, 'H0001', 1, '12 Nguyễn Trãi', '31120', NULL, '1999-03', 1780000000000000),
    (2, 'H0002', 5, '7 Cách Mạng Tháng Tám', '31120', '31117', NULL, 1780000000000000);

INSERT INTO citizen (citizen_id, personal_number, old_identity_number, full_name, date_of_birth, sex, household_id,
                     relation_to_head, father_name, spouse_number, spouse_name, life_status, date_of_death,
                     card_issued_on, updated_us, as_of_us) VALUES
    (1, '092058000001', '361000001', 'Nguyễn Văn Hoà', '1958', 1, 1, 1, 'Nguyễn Văn Ba', '092160000002', 'Trần Thị Bé', 1, NULL, '2021-05-02', 1770000000000000, 1780000000000000),
    (2, '092160000002', NULL, 'Trần Thị Bé', '1960-07-21', 2, 1, 2, NULL, '092058000001', 'Nguyễn Văn Hoà', 1, NULL, NULL, 1770000000000000, 1780000000000000),
    (3, '092031000003', NULL, 'Nguyễn Văn Ba', '1931', 1, 1, 4, NULL, NULL, NULL, 2, '2021-08-09', NULL, 1770000000000000, 1780000000000000),
    (4, '092315000004', NULL, 'Nguyễn Thị Mai', '2015-01-30', 2, 1, 7, NULL, NULL, NULL, 1, NULL, NULL, 1770000000000000, 1780000000000000),
    (5, '094190000005', '362000005', 'Lê Thị Thuý', '1990-11-05', 2, 2, 1, NULL, NULL, NULL, 1, NULL, NULL, 1770000000000000, 1780000000000000);

INSERT INTO address (address_id, citizen_id, kind, line, ward_code, former_ward_code, text, since) VALUES
    (1, 1, 1, '12 Nguyễn Trãi', '31120', NULL, NULL, '1999-03'),
    (2, 1, 5, NULL, NULL, NULL, 'xã Bình Hoà, tỉnh An Giang', NULL),
    (3, 2, 1, '12 Nguyễn Trãi', '31120', NULL, NULL, '1999-03'),
    (4, 3, 1, '12 Nguyễn Trãi', '31120', NULL, NULL, '1999-03'),
    (5, 4, 1, '3 Hoà Bình', '31135', NULL, NULL, '2015-02'),
    (6, 4, 2, '12 Nguyễn Trãi', '31120', NULL, NULL, '2024-09-01'),
    (7, 5, 1, '7 Cách Mạng Tháng Tám', '31120', '31117', NULL, '2012');
