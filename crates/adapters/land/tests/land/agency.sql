-- The same cadastre as an agency might hold it: tables, names, codes and dates of its own, borders in VN-2000, and no constraint
-- that would keep bad records out. Made up.
CREATE TABLE thua_dat (
    ma_thua           INTEGER     NOT NULL PRIMARY KEY,
    dinh_danh         VARCHAR(36) NOT NULL,
    ma_xa             VARCHAR(5)  NOT NULL,
    so_to             INTEGER     NOT NULL,
    so_thua           INTEGER     NOT NULL,
    ma_xa_cu          VARCHAR(5),
    dia_chi           VARCHAR(200),
    dien_tich         NUMERIC(12, 1),
    dien_tich_phap_ly NUMERIC(12, 1),
    nguon_goc         VARCHAR(3),
    so_phat_hanh      VARCHAR(20),
    ngay_cap          VARCHAR(10),
    tranh_chap        VARCHAR(5),
    -- GeoJSON, in metres of the system that he_toa_do names; then its box.
    ranh_gioi         TEXT,
    tay               DOUBLE PRECISION,
    nam               DOUBLE PRECISION,
    dong              DOUBLE PRECISION,
    bac               DOUBLE PRECISION,
    he_toa_do         INTEGER,
    ty_le             INTEGER,
    ngay_do           VARCHAR(10),
    trang_thai        VARCHAR(2),
    hieu_luc_tu       VARCHAR(10),
    hieu_luc_den      VARCHAR(10),
    cap_nhat          BIGINT,
    xac_nhan          BIGINT
);

CREATE TABLE thua_cu (
    ma_thua  INTEGER    NOT NULL,
    ma_xa    VARCHAR(5) NOT NULL,
    so_to    INTEGER    NOT NULL,
    so_thua  INTEGER    NOT NULL,
    den_ngay VARCHAR(10)
);

CREATE TABLE chu_su_dung (
    ma_chu       INTEGER NOT NULL,
    ma_thua      INTEGER NOT NULL,
    loai         VARCHAR(3),
    so_dinh_danh VARCHAR(12),
    so_cmnd      VARCHAR(9),
    ma_so_thue   VARCHAR(14),
    ten          VARCHAR(200),
    tu_so        INTEGER,
    mau_so       INTEGER,
    tu_ngay      VARCHAR(10),
    den_ngay     VARCHAR(10)
);

CREATE TABLE muc_dich_su_dung (
    ma_muc_dich  INTEGER NOT NULL,
    ma_thua      INTEGER NOT NULL,
    ma_loai_dat  VARCHAR(3),
    ten_loai_dat VARCHAR(100),
    dien_tich    NUMERIC(12, 1),
    thoi_han     VARCHAR(10)
);

CREATE TABLE han_che_quyen (
    ma_han_che INTEGER NOT NULL,
    ma_thua    INTEGER NOT NULL,
    loai       VARCHAR(20),
    ben_nhan   VARCHAR(200),
    tu_ngay    VARCHAR(10),
    den_ngay   VARCHAR(10)
);

CREATE TABLE bien_dong_thua (
    thua_goc VARCHAR(36) NOT NULL,
    thua_moi VARCHAR(36) NOT NULL
);

CREATE INDEX thua_dat_dinh_danh ON thua_dat (dinh_danh);
CREATE INDEX thua_dat_so_thua ON thua_dat (ma_xa, so_to, so_thua);
CREATE INDEX thua_dat_ma_xa ON thua_dat (ma_xa, ma_thua);
CREATE INDEX thua_dat_khung ON thua_dat (tay, dong, nam, bac);
CREATE INDEX thua_cu_so_thua ON thua_cu (ma_xa, so_to, so_thua);
CREATE INDEX thua_cu_ma_thua ON thua_cu (ma_thua);
CREATE INDEX chu_su_dung_ma_thua ON chu_su_dung (ma_thua);
CREATE INDEX chu_su_dung_so_dinh_danh ON chu_su_dung (so_dinh_danh);
CREATE INDEX chu_su_dung_so_cmnd ON chu_su_dung (so_cmnd);
CREATE INDEX chu_su_dung_ma_so_thue ON chu_su_dung (ma_so_thue);
CREATE INDEX muc_dich_su_dung_ma_thua ON muc_dich_su_dung (ma_thua);
CREATE INDEX han_che_quyen_ma_thua ON han_che_quyen (ma_thua);
CREATE INDEX bien_dong_thua_goc ON bien_dong_thua (thua_goc);
CREATE INDEX bien_dong_thua_moi ON bien_dong_thua (thua_moi);
