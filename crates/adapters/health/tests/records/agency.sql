-- The same people as an agency might hold them: tables, names, codes and dates of its own, and no constraint that would keep
-- bad records out. Made up.
CREATE TABLE co_so (
    ma_cs  VARCHAR(10) NOT NULL,
    ten_cs VARCHAR(200)
);

CREATE TABLE the_bhyt (
    so_the       VARCHAR(15) NOT NULL,
    so_bhxh      VARCHAR(10),
    so_dinh_danh VARCHAR(12),
    so_cmnd      VARCHAR(9),
    ho_dem       VARCHAR(100),
    ten          VARCHAR(50),
    ngay_sinh    VARCHAR(10),
    tu_ngay      VARCHAR(10),
    den_ngay     VARCHAR(10),
    khoa_tu      VARCHAR(20),
    muc_huong    VARCHAR(2),
    ma_cs        VARCHAR(10),
    du_5_nam     VARCHAR(10),
    xac_nhan     BIGINT
);

CREATE TABLE benh_nhan (
    ma_bn        VARCHAR(20) NOT NULL,
    so_dinh_danh VARCHAR(12),
    so_cmnd      VARCHAR(9),
    so_the       VARCHAR(15),
    so_bhxh      VARCHAR(10),
    ho_dem       VARCHAR(100),
    ten          VARCHAR(50),
    ngay_sinh    VARCHAR(10),
    gioi_tinh    VARCHAR(10),
    dia_chi      VARCHAR(200),
    ma_xa        VARCHAR(5),
    ma_xa_cu     VARCHAR(5),
    dien_thoai   VARCHAR(15),
    nguoi_than   VARCHAR(100),
    quan_he      VARCHAR(20),
    nhom_mau     VARCHAR(3),
    thai_ky      VARCHAR(1),
    chieu_cao    NUMERIC(5,1),
    can_nang     NUMERIC(5,1),
    ma_cs        VARCHAR(10),
    cap_nhat     BIGINT,
    xac_nhan     BIGINT
);

CREATE TABLE di_ung (
    ma_bn    VARCHAR(20),
    chat     VARCHAR(100),
    phan_ung VARCHAR(100),
    muc_do   VARCHAR(10),
    ngay     VARCHAR(10)
);

CREATE TABLE benh_ly (
    ma_bn    VARCHAR(20),
    ma_icd   VARCHAR(10),
    ten      VARCHAR(200),
    man_tinh VARCHAR(1),
    tu_ngay  VARCHAR(10),
    den_ngay VARCHAR(10)
);

CREATE TABLE thuoc (
    ma_bn     VARCHAR(20),
    ten       VARCHAR(100),
    hoat_chat VARCHAR(100),
    lieu      VARCHAR(100),
    tu_ngay   VARCHAR(10),
    den_ngay  VARCHAR(10)
);

CREATE TABLE luot_kham (
    so_luot BIGINT NOT NULL,
    ma_bn   VARCHAR(20),
    ngay    VARCHAR(10),
    ma_cs   VARCHAR(10),
    ma_icd  VARCHAR(10),
    loai    VARCHAR(10)
);

CREATE TABLE vac_xin (
    ma_vx  VARCHAR(10) NOT NULL,
    ten    VARCHAR(100),
    hang   VARCHAR(100),
    benh   VARCHAR(200),
    so_mui INTEGER,
    duong  VARCHAR(20)
);

CREATE TABLE mui_tiem (
    so_mui   BIGINT NOT NULL,
    ma_bn    VARCHAR(20),
    ma_vx    VARCHAR(10),
    so_lo    VARCHAR(20),
    mui_thu  INTEGER,
    ngay     VARCHAR(10),
    ma_cs    VARCHAR(10),
    hen_tiem VARCHAR(10),
    phan_ung VARCHAR(100),
    xac_nhan BIGINT
);

CREATE INDEX co_so_ma ON co_so (ma_cs);
CREATE INDEX the_bhyt_so_bhxh ON the_bhyt (so_bhxh);
CREATE INDEX the_bhyt_so_dinh_danh ON the_bhyt (so_dinh_danh);
CREATE INDEX the_bhyt_so_cmnd ON the_bhyt (so_cmnd);
CREATE INDEX benh_nhan_ma ON benh_nhan (ma_bn);
CREATE INDEX benh_nhan_so_dinh_danh ON benh_nhan (so_dinh_danh);
CREATE INDEX benh_nhan_so_cmnd ON benh_nhan (so_cmnd);
CREATE INDEX benh_nhan_so_the ON benh_nhan (so_the);
CREATE INDEX benh_nhan_so_bhxh ON benh_nhan (so_bhxh);
CREATE INDEX di_ung_benh_nhan ON di_ung (ma_bn);
CREATE INDEX benh_ly_benh_nhan ON benh_ly (ma_bn);
CREATE INDEX thuoc_benh_nhan ON thuoc (ma_bn);
CREATE INDEX luot_kham_benh_nhan ON luot_kham (ma_bn);
CREATE INDEX vac_xin_ma ON vac_xin (ma_vx);
CREATE INDEX mui_tiem_so ON mui_tiem (so_mui);
CREATE INDEX mui_tiem_benh_nhan ON mui_tiem (ma_bn);
