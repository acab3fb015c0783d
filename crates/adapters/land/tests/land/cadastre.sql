-- Two neighbours that share a border, a triangle, a divided parcel with its halves, and one of two parts and with a hole in
-- the former Sóc Trăng. Made up.
INSERT INTO source VALUES (1, 'csdl-datdai-test', 'H13.04', 1, 1);

INSERT INTO parcel (parcel_id, uuid, ward_code, map_sheet, parcel_number, former_ward_code, address, area_m2,
                    certified_area_m2, use_origin, certificate_serial, certificate_issued_on, geometry, centre_latitude,
                    centre_longitude, south, west, north, east, source_epsg, map_scale, measured_on, status, valid_from,
                    valid_to, updated_us, as_of_us) VALUES
    -- West neighbour; had another key before.
    (1, '00000000-0000-8000-8000-000000000001', '31120', 105, 7, '31117', '12 Nguyễn Trãi', 120.5, 120.0, 4, 'BA 000001', '2003-11', '{"type":"Polygon","coordinates":[[[105.780,10.040],[105.781,10.040],[105.781,10.041],[105.780,10.041],[105.780,10.040]]]}', 10.0405, 105.7805, 10.040, 105.780, 10.041, 105.781, 5897, 500, '2003', 1, '2003', NULL, 1770000000000000, 1780000000000000),
    -- East neighbour, without a certificate.
    (2, '00000000-0000-8000-8000-000000000002', '31120', 105, 8, NULL, NULL, 121.0, NULL, 5, NULL, NULL, '{"type":"Polygon","coordinates":[[[105.781,10.040],[105.782,10.040],[105.782,10.041],[105.781,10.041],[105.781,10.040]]]}', 10.0405, 105.7815, 10.040, 105.781, 10.041, 105.782, 5897, 500, NULL, 1, NULL, NULL, 1770000000000000, 1780000000000000),
    -- A triangle whose box covers the point 10.0408, 105.7838, which is not in it.
    (3, '00000000-0000-8000-8000-000000000003', '31120', 105, 9, NULL, NULL, 60.0, NULL, 1, NULL, NULL, '{"type":"Polygon","coordinates":[[[105.783,10.040],[105.784,10.040],[105.783,10.041],[105.783,10.040]]]}', 10.0403, 105.7833, 10.040, 105.783, 10.041, 105.784, 5897, 500, NULL, 1, NULL, NULL, 1770000000000000, 1780000000000000),
    -- Divided into the halves 5 and 6. Its last key is a former key of nobody else, and the key before it was in use later.
    (4, '00000000-0000-8000-8000-000000000004', '31135', 20, 1, NULL, NULL, 200.0, NULL, 4, NULL, NULL, '{"type":"Polygon","coordinates":[[[105.770,10.030],[105.772,10.030],[105.772,10.031],[105.770,10.031],[105.770,10.030]]]}', 10.0305, 105.771, 10.030, 105.770, 10.031, 105.772, 5897, 500, NULL, 2, '1994', '2019-06-30', 1770000000000000, 1780000000000000),
    (5, '00000000-0000-8000-8000-000000000005', '31135', 20, 2, NULL, NULL, 100.0, NULL, 4, NULL, NULL, '{"type":"Polygon","coordinates":[[[105.770,10.030],[105.771,10.030],[105.771,10.031],[105.770,10.031],[105.770,10.030]]]}', 10.0305, 105.7705, 10.030, 105.770, 10.031, 105.771, 5897, 500, NULL, 1, '2019-07-01', NULL, 1770000000000000, 1780000000000000),
    (6, '00000000-0000-8000-8000-000000000006', '31135', 20, 3, NULL, NULL, 100.0, NULL, 4, NULL, NULL, '{"type":"Polygon","coordinates":[[[105.771,10.030],[105.772,10.030],[105.772,10.031],[105.771,10.031],[105.771,10.030]]]}', 10.0305, 105.7715, 10.030, 105.771, 10.031, 105.772, 5897, 500, NULL, 1, '2019-07-01', NULL, 1770000000000000, 1780000000000000),
    -- Measured on another central meridian.
    (7, '00000000-0000-8000-8000-000000000007', '31507', 3, 44, '31507', NULL, 36000.0, NULL, 2, NULL, NULL, '{"type":"MultiPolygon","coordinates":[[[[105.990,9.620],[105.992,9.620],[105.992,9.622],[105.990,9.622],[105.990,9.620]],[[105.9905,9.6205],[105.9905,9.6215],[105.9915,9.6215],[105.9915,9.6205],[105.9905,9.6205]]],[[[105.993,9.620],[105.994,9.620],[105.994,9.621],[105.993,9.621],[105.993,9.620]]]]}', 9.6202, 105.9902, 9.620, 105.990, 9.622, 105.994, 9209, 1000, '2012-05', 1, NULL, NULL, 1770000000000000, 1780000000000000);

INSERT INTO former_key VALUES
    (1, '31117', 5, 7, '2025-06-30'),
    (1, '31117', 2, 700, '2010'),
    -- Formerly parcel 2 had the key that parcel 1 has now.
    (2, '31120', 105, 7, '2009-01-01');

INSERT INTO owner (owner_id, parcel_id, kind, personal_number, old_identity_number, enterprise_code, name, share_numerator, share_denominator, since, until) VALUES
    (1, 1, 1, '092058000001', '361000001', NULL, 'Nguyễn Văn Hoà', 1, 2, '2003', NULL),
    (2, 1, 1, '092160000002', NULL, NULL, 'Trần Thị Bé', 1, 2, '2003', NULL),
    (3, 2, 3, NULL, NULL, '0100109106', 'Công ty thử nghiệm', 1, 1, NULL, NULL),
    (4, 2, 1, '092058000001', NULL, NULL, 'Nguyễn Văn Hoà', 1, 1, '1994', '2001-01-01'),
    (5, 3, 2, '092058000001', NULL, NULL, 'Hộ ông Nguyễn Văn Hoà', 1, 1, '2011', NULL),
    (6, 5, 1, '092058000001', NULL, NULL, 'Nguyễn Văn Hoà', 1, 1, '2019', NULL);

INSERT INTO land_use (land_use_id, parcel_id, code, title_vi, area_m2, until) VALUES
    (1, 1, 'ODT', 'Đất ở tại đô thị', 100.0, NULL),
    (2, 1, 'CLN', 'Đất trồng cây lâu năm', 20.5, '2043-10');

INSERT INTO restriction (restriction_id, parcel_id, kind, holder, since, until) VALUES
    (1, 1, 1, 'Ngân hàng thử nghiệm', '2024-01-15', NULL),
    (2, 1, 2, 'Cơ quan thi hành án thử nghiệm', '2010', '2012');

INSERT INTO lineage VALUES
    ('00000000-0000-8000-8000-000000000004', '00000000-0000-8000-8000-000000000005'),
    ('00000000-0000-8000-8000-000000000004', '00000000-0000-8000-8000-000000000006');
