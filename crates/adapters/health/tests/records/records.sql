-- A holder with three cards one after the other, the first without a number of the person, and others with a suspended, a future and an old one. Made up.
INSERT INTO source VALUES (1, 'hsskdt-test', 'H13.06', 1, 1);

INSERT INTO facility VALUES ('92001', 'Bệnh viện Thử Nghiệm'), ('92002', 'Trạm y tế Thử Nghiệm');

INSERT INTO insurance_card (card_id, card_number, social_insurance_number, personal_number, old_identity_number, full_name,
                            date_of_birth, valid_from, valid_to, suspended_from, benefit_code, facility_code,
                            five_years_from, as_of_us) VALUES
    (1, 'HS4920123456781', '0123456781', NULL, NULL, 'Nguyễn Văn Hoà', '1958', '2020-01-01', '2021-12-31', NULL, '4', '92001', NULL, 1780000000000000),
    (2, 'GD4920123456781', '0123456781', '092058000001', '361000001', 'Nguyễn Văn Hoà', '1958', '2022-01-01', '2026-12-31', NULL, '4', '92002', '2027-01-01', 1780000000000000),
    (3, 'GD4920123456781', '0123456781', '092058000001', '361000001', 'Nguyễn Văn Hoà', '1958', '2028-01-01', NULL, NULL, '4', '92002', NULL, 1780000000000000),
    -- Suspended in the middle of its year.
    (4, 'DN4929999999992', '9999999992', '092160000002', NULL, 'Trần Thị Bé', '1960-07-21', '2026', '2026', '2026-03-15', '4', '92001', NULL, 1780000000000000),
    -- Issued by an old identity card, and bearing the number alone.
    (5, '9999999993', '9999999993', NULL, '361000009', 'Lê Văn Cũ', NULL, '2016', NULL, NULL, NULL, NULL, NULL, 1780000000000000),
    -- Nobody understands since when it is suspended.
    (6, 'TE1929999999994', '9999999994', '092315000004', NULL, 'Nguyễn Thị Mai', '2015-01-30', '2015-01-30', NULL, 'không rõ', NULL, NULL, NULL, 1780000000000000);

INSERT INTO patient (patient_id, patient_number, personal_number, old_identity_number, insurance_card_number,
                     social_insurance_number, full_name, date_of_birth, sex, line, ward_code, former_ward_code, phone_number,
                     contact_name, contact_relation, blood_type, pregnant, height_cm, weight_kg, facility_code, updated_us,
                     as_of_us) VALUES
    (1, 'BN0001', '092058000001', '361000001', 'GD4920123456781', '0123456781', 'Nguyễn Văn Hoà', '1958', 1, '12 Nguyễn Trãi', '31120', '31117', '+84900000001', 'Trần Thị Bé', 'vợ', 'O+', 0, 165.5, 60, '92001', 1770000000000000, 1780000000000000),
    (2, 'BN0002', '092160000002', NULL, NULL, NULL, 'Trần Thị Bé', '1960-07-21', 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, 1770000000000000, 1780000000000000);

INSERT INTO allergy (allergy_id, patient_id, substance, reaction, severity, recorded_on) VALUES
    (1, 1, 'Hải sản', 'nổi mề đay', 1, '2010'),
    (2, 1, 'Penicillin', 'sốc phản vệ', 3, '2001-05');

INSERT INTO condition (condition_id, patient_id, icd10_code, title_vi, chronic, since, until) VALUES
    (1, 1, 'J18', 'Viêm phổi', 0, '2019-01', '2019-02'),
    (2, 1, 'I10', 'Tăng huyết áp', 1, '2015', NULL);

INSERT INTO medication (medication_id, patient_id, name, active_ingredient, dosage, since, until) VALUES
    (1, 1, 'Thuốc đang dùng', 'amlodipine', '5 mg mỗi sáng', '2015', NULL),
    (2, 1, 'Thuốc đã ngừng', NULL, NULL, '2019-01', '2019-02'),
    (3, 1, 'Thuốc dùng dài', NULL, NULL, '2020', '2190');

INSERT INTO encounter (encounter_id, patient_id, on_date, facility_code, icd10_code, inpatient) VALUES
    (1, 1, '2019-01-15', '92001', 'J18', 1),
    (2, 1, '2026-04-01', '92002', 'I10', 0);

INSERT INTO vaccine (vaccine_id, vaccine_code, name, manufacturer, target_diseases, series_doses, route) VALUES
    (1, 'VX01', 'Vắc xin thử nghiệm', 'Nhà sản xuất thử nghiệm', 'A36; A37;A35', 3, 'tiêm bắp'),
    (2, 'VX02', 'Vắc xin khác', NULL, NULL, NULL, NULL);

INSERT INTO immunization (immunization_id, patient_id, vaccine_id, lot_number, dose_number, on_date, facility_code,
                          next_due_on, adverse_reaction, as_of_us) VALUES
    (11, 1, 1, 'L1', 1, '2021-06-01', '92002', '2021-07', NULL, 1780000000000000),
    (12, 1, 2, NULL, NULL, '2023', NULL, NULL, 'sốt nhẹ', 1780000000000000),
    (13, 1, 1, 'L2', 2, '2021-07-02', '92002', NULL, NULL, 1780000000000000),
    -- Two on one day.
    (14, 1, 1, 'L3', 3, '2022-01-10', '92002', NULL, NULL, 1780000000000000),
    (10, 1, 2, NULL, NULL, '2022-01-10', '92001', NULL, NULL, 1780000000000000),
    (20, 2, 1, 'L2', 1, '2022-01-05', '92002', NULL, NULL, 1780000000000000);
