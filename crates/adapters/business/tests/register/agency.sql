-- The same as a registration office might hold it: tables, names, codes and dates of its own. Whose term has no end has an empty
-- text there. Made up.
CREATE TABLE doanh_nghiep (
    stt            BIGINT PRIMARY KEY,
    ma_so          VARCHAR(14) NOT NULL,
    thuoc_ma_so    VARCHAR(12),
    ten            TEXT NOT NULL,
    ten_nuoc_ngoai TEXT,
    ten_viet_tat   TEXT,
    loai_hinh      TEXT,
    tinh_trang     TEXT,
    ngay_cap       TEXT,
    ngay_thay_doi  TEXT,
    lan_thay_doi   BIGINT,
    ngay_giai_the  TEXT,
    dia_chi        TEXT,
    ma_xa          VARCHAR(5),
    ma_xa_cu       VARCHAR(5),
    von_dieu_le    NUMERIC(18, 0),
    so_lao_dong    BIGINT
);

CREATE TABLE ten_cu (stt BIGINT NOT NULL, ten TEXT NOT NULL, den_ngay TEXT);
CREATE TABLE tru_so_cu (stt BIGINT NOT NULL, dia_chi TEXT, ma_xa VARCHAR(5), ma_xa_cu VARCHAR(5), ghi_chu TEXT, den_ngay TEXT);
CREATE TABLE nganh_nghe (stt BIGINT NOT NULL, ma_nganh TEXT NOT NULL, ten_nganh TEXT, nganh_chinh TEXT);

CREATE TABLE nguoi_dai_dien (
    stt          BIGINT NOT NULL,
    so_dinh_danh VARCHAR(12),
    so_cmnd      VARCHAR(9),
    ho_ten       TEXT NOT NULL,
    chuc_danh    TEXT,
    ngay_sinh    TEXT,
    gioi_tinh    TEXT,
    den_ngay     TEXT NOT NULL
);

CREATE TABLE thanh_vien (
    stt          BIGINT NOT NULL,
    so_dinh_danh VARCHAR(12),
    ma_so        VARCHAR(14),
    ten          TEXT NOT NULL,
    gia_tri_gop  NUMERIC(18, 0),
    ty_le        NUMERIC(5, 2)
);

CREATE INDEX doanh_nghiep_ma_so ON doanh_nghiep (ma_so);
CREATE INDEX doanh_nghiep_thuoc_ma_so ON doanh_nghiep (thuoc_ma_so);
CREATE INDEX ten_cu_stt ON ten_cu (stt);
CREATE INDEX tru_so_cu_stt ON tru_so_cu (stt);
CREATE INDEX nganh_nghe_stt ON nganh_nghe (stt);
CREATE INDEX nguoi_dai_dien_stt ON nguoi_dai_dien (stt);
CREATE INDEX nguoi_dai_dien_so_dinh_danh ON nguoi_dai_dien (so_dinh_danh, stt);
CREATE INDEX nguoi_dai_dien_so_cmnd ON nguoi_dai_dien (so_cmnd, stt);
CREATE INDEX thanh_vien_stt ON thanh_vien (stt);
