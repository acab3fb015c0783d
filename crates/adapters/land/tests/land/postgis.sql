-- The agency's cadastre in PostGIS: what it took over from two provinces, each in the zone of its own. Made of its other form.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE SCHEMA dia_chinh;

CREATE TABLE dia_chinh.thua_dat_105_00 AS
    SELECT ma_thua, CAST(dinh_danh AS UUID) AS dinh_danh, ma_xa, so_to, so_thua, ma_xa_cu, dia_chi, dien_tich, dien_tich_phap_ly,
           nguon_goc, so_phat_hanh, ngay_cap, tranh_chap = 'Có' AS tranh_chap,
           CAST(ST_SetSRID(ST_GeomFromGeoJSON(ranh_gioi), 5897) AS geometry(Geometry, 5897)) AS ranh_gioi,
           ty_le, ngay_do, trang_thai, hieu_luc_tu, hieu_luc_den,
           to_timestamp(cap_nhat / 1000.0) AS cap_nhat, to_timestamp(xac_nhan) AS xac_nhan
    FROM thua_dat WHERE he_toa_do = 5897;
CREATE TABLE dia_chinh.thua_dat_105_30 AS
    SELECT ma_thua, CAST(dinh_danh AS UUID) AS dinh_danh, ma_xa, so_to, so_thua, ma_xa_cu, dia_chi, dien_tich, dien_tich_phap_ly,
           nguon_goc, so_phat_hanh, ngay_cap, tranh_chap = 'Có' AS tranh_chap,
           CAST(ST_SetSRID(ST_GeomFromGeoJSON(ranh_gioi), 9209) AS geometry(Geometry, 9209)) AS ranh_gioi,
           ty_le, ngay_do, trang_thai, hieu_luc_tu, hieu_luc_den,
           to_timestamp(cap_nhat / 1000.0) AS cap_nhat, to_timestamp(xac_nhan) AS xac_nhan
    FROM thua_dat WHERE he_toa_do = 9209;
DROP TABLE thua_dat;

ALTER TABLE dia_chinh.thua_dat_105_00 ADD PRIMARY KEY (ma_thua);
ALTER TABLE dia_chinh.thua_dat_105_30 ADD PRIMARY KEY (ma_thua);
CREATE INDEX ON dia_chinh.thua_dat_105_00 (CAST(dinh_danh AS TEXT));
CREATE INDEX ON dia_chinh.thua_dat_105_30 (CAST(dinh_danh AS TEXT));
CREATE INDEX ON dia_chinh.thua_dat_105_00 (ma_xa, so_to, so_thua);
CREATE INDEX ON dia_chinh.thua_dat_105_30 (ma_xa, so_to, so_thua);
CREATE INDEX ON dia_chinh.thua_dat_105_00 (ma_xa, ma_thua);
CREATE INDEX ON dia_chinh.thua_dat_105_30 (ma_xa, ma_thua);
CREATE INDEX ranh_gioi_105_00 ON dia_chinh.thua_dat_105_00 USING gist (ranh_gioi);
CREATE INDEX ranh_gioi_105_30 ON dia_chinh.thua_dat_105_30 USING gist (ranh_gioi);
