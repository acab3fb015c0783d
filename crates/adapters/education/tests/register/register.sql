-- A pupil who moved in the middle of a year, one who finished school, one in pre-school, and diplomas. Made up.
INSERT INTO source VALUES (1, 'csdl-giaoduc-test', 'H13.07', 1, 1);

INSERT INTO school VALUES
    ('92THCS01', 'Trường THCS Thử Nghiệm', '31120'),
    ('92THCS02', 'Trường THCS Khác', '31135'),
    ('92THPT01', 'Trường THPT Thử Nghiệm', '31120'),
    ('92MN01', 'Trường mầm non Thử Nghiệm', '31120');

INSERT INTO student (student_id, student_code, personal_number, old_identity_number, full_name, date_of_birth, sex, ethnicity,
                     line, ward_code, former_ward_code, disabled, policy_groups, updated_us, as_of_us) VALUES
    (1, '9200000001', '092212000001', NULL, 'Nguyễn Thị Mai', '2012-01-30', 2, 'Kinh', '12 Nguyễn Trãi', '31120', '31117', 1, 'hộ nghèo; con thương binh', 1770000000000000, 1780000000000000),
    (2, '9200000002', '092306000002', '361000002', 'Trần Văn An', '2006', 1, NULL, NULL, NULL, NULL, 0, NULL, 1770000000000000, 1780000000000000),
    (3, '9200000003', '092320000003', NULL, 'Lê Thị Bé', '2020-05', 2, NULL, NULL, NULL, NULL, 0, NULL, 1770000000000000, 1780000000000000);

INSERT INTO enrolment (enrolment_id, student_id, school_year, school_code, level, grade, class_name, status, enrolled_on,
                       left_on, conduct_rating, study_rating) VALUES
    (1, 1, '2024-2025', '92THCS01', 3, 6, '6A', 1, '2024-09-05', NULL, 'Tốt', 'Khá'),
    (3, 1, '2025-2026', '92THCS01', 3, 7, '7A', 3, '2025-09-05', '2026-01-10', NULL, NULL),
    (2, 1, '2025-2026', '92THCS02', 3, 7, '7C', 1, '2026-01-12', NULL, NULL, NULL),
    (4, 2, '2023-2024', '92THPT01', 4, 12, '12A', 5, '2021-09-05', '2024-05-31', 'Tốt', 'Tốt'),
    (5, 3, '2025-2026', '92MN01', 1, 0, 'Lá', 1, '2023-09-05', NULL, NULL, NULL);

INSERT INTO guardian (guardian_id, student_id, personal_number, full_name, relation, phone_number) VALUES
    (1, 1, '092085000011', 'Nguyễn Văn Hoà', 'cha', '+84900000001'),
    (2, 1, NULL, 'Trần Thị Bé', 'mẹ', NULL);

INSERT INTO diploma (diploma_id, student_id, serial_number, register_number, personal_number, old_identity_number, full_name,
                     date_of_birth, kind, graduation_year, rating, issuer, issued_on, revoked, as_of_us) VALUES
    (1, 2, 'B1234567', '12/THPT', '092306000002', NULL, 'Trần Văn An', '2006', 2, 2024, 'Giỏi', 'Sở Giáo dục và Đào tạo', '2024-08-01', 0, 1780000000000000),
    -- Printed twice; of people who left school long ago.
    (2, NULL, 'A7654321', '7/THCS', NULL, '361000008', 'Phạm Thị Cũ', '1970', 1, 1986, NULL, NULL, '1986', 0, 1780000000000000),
    (3, NULL, 'A7654321', '8/THCS', NULL, NULL, 'Võ Văn Xưa', '1970-02-01', 1, 1986, NULL, NULL, '1986', 1, 1780000000000000);
