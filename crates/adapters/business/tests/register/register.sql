-- An enterprise with all there is to it, its two branches, one of an individual, and one of long ago. Made up.
INSERT INTO source VALUES (1, 'csdl-doanhnghiep-test', 'H13.05', 1, 1);

INSERT INTO enterprise (enterprise_id, enterprise_code, parent_enterprise_code, name, foreign_name, short_name, legal_form,
                        status, registered_on, changed_on, change_count, dissolved_on, line, ward_code, former_ward_code,
                        phone_number, email, website, charter_capital_vnd, tax_office, employee_count, registration_office,
                        updated_us, as_of_us) VALUES
    (1, '0100109106', NULL, 'Công ty TNHH Thương mại Hoà Bình Thử Nghiệm', 'Test Peace Trading Co., Ltd', 'HBTN', 3, 1, '2005-03-01', '2025-07-15', 4, NULL, '12 Nguyễn Trãi', '31120', '31117', '+842900000001', 'hbtn@example.vn', 'https://hbtn.example.vn', 12000000000, 'Thuế cơ sở thử nghiệm', 25, 'Phòng ĐKKD thử nghiệm', 1770000000000000, 1780000000000000),
    (2, '0100109106-001', '0100109106', 'Chi nhánh Công ty TNHH Thương mại Hoà Bình Thử Nghiệm tại Thới Lai', NULL, NULL, 8, 1, '2010', NULL, 0, NULL, 'Ấp 1', '31135', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1770000000000000, 1780000000000000),
    (3, '0100109106-002', '0100109106', 'Chi nhánh thứ hai', NULL, NULL, 8, 4, NULL, NULL, 0, '2020-01-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1770000000000000, 1780000000000000),
    (4, '092058000001', NULL, 'Hộ kinh doanh Nguyễn Văn Hoà', NULL, NULL, 7, 2, '2018-06', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1770000000000000, 1780000000000000),
    (5, '0300588569', NULL, 'Doanh nghiệp tư nhân Ngày Xưa', NULL, NULL, 1, 4, '1995', NULL, 1, '2003', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1770000000000000, 1780000000000000),
    (6, '0100233488', NULL, 'Công ty Cổ phần Thử Nghiệm', NULL, NULL, 4, 1, '2015', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1770000000000000, 1780000000000000);

INSERT INTO former_name (former_name_id, enterprise_id, name, valid_to) VALUES
    (1, 1, 'Doanh nghiệp tư nhân Hoà Bình', '2008-05-31'),
    (2, 1, 'Công ty TNHH Hoà Bình', '2015-12-31');

INSERT INTO former_address (former_address_id, enterprise_id, line, ward_code, former_ward_code, text, valid_to) VALUES
    (1, 1, '7 Lê Lợi', '31120', '31117', NULL, '2008-05-31'),
    (2, 1, NULL, NULL, NULL, '9 Trần Phú, thành phố Đà Nẵng', '2015');

INSERT INTO business_line (business_line_id, enterprise_id, code, title_vi, main) VALUES
    (1, 1, '4632', 'Bán buôn thực phẩm', 0),
    (2, 1, '4631', 'Bán buôn gạo', 1);

INSERT INTO representative (representative_id, enterprise_id, personal_number, old_identity_number, full_name, position,
                            date_of_birth, sex, line, ward_code, since, until) VALUES
    (1, 1, '092058000001', '361000001', 'Nguyễn Văn Hoà', 'Giám đốc', '1958', 1, '12 Nguyễn Trãi', '31120', '2005', NULL),
    -- In two positions, and one who left.
    (2, 1, '092058000001', '361000001', 'Nguyễn Văn Hoà', 'Chủ tịch hội đồng thành viên', '1958', 1, NULL, NULL, '2005', NULL),
    (3, 1, '092160000002', NULL, 'Trần Thị Bé', 'Giám đốc', NULL, 2, NULL, NULL, '2005', '2010'),
    (4, 4, '092058000001', NULL, 'Nguyễn Văn Hoà', 'Chủ hộ', NULL, 0, NULL, NULL, NULL, NULL),
    (5, 5, NULL, '361000005', 'Lê Văn Cũ', 'Chủ doanh nghiệp', NULL, 0, NULL, NULL, NULL, NULL),
    (6, 6, '092058000001', NULL, 'Nguyễn Văn Hoà', 'Tổng giám đốc', NULL, 0, NULL, NULL, NULL, NULL);

INSERT INTO member (member_id, enterprise_id, personal_number, member_enterprise_code, name, contribution_vnd,
                    contribution_percent) VALUES
    (1, 1, '092160000002', NULL, 'Trần Thị Bé', 3000000000, 25.0),
    (2, 1, NULL, '0300588569', 'Doanh nghiệp tư nhân Ngày Xưa', 9000000000, 75.0);
