-- The same people as an agency might hold them: tables, names, codes and dates of its own, all addresses of a person in one
-- row, and no constraint that would keep bad records out. Made up.
CREATE TABLE ho_gia_dinh (
    so_ho               VARCHAR(20) NOT NULL,
    so_dinh_danh_chu_ho VARCHAR(12),
    dia_chi             VARCHAR(200),
    ma_xa               VARCHAR(5),
    ma_xa_cu            VARCHAR(5),
    ngay_lap            VARCHAR(10),
    xac_nhan            BIGINT
);

CREATE TABLE cong_dan (
    id                INTEGER     NOT NULL,
    so_dinh_danh      VARCHAR(12) NOT NULL,
    so_cmnd           VARCHAR(9),
    ho_va_ten_dem     VARCHAR(100),
    ten               VARCHAR(50),
    ngay_sinh         VARCHAR(10),
    gioi_tinh         VARCHAR(10),
    so_ho             VARCHAR(20),
    quan_he_chu_ho    VARCHAR(20),
    ho_ten_cha        VARCHAR(100),
    so_vo_chong       VARCHAR(12),
    ho_ten_vo_chong   VARCHAR(100),
    con_song          VARCHAR(1),
    ngay_mat          VARCHAR(10),
    ngay_cap_can_cuoc VARCHAR(10),
    thuong_tru        VARCHAR(200),
    thuong_tru_xa     VARCHAR(5),
    thuong_tru_xa_cu  VARCHAR(5),
    thuong_tru_tu     VARCHAR(10),
    tam_tru           VARCHAR(200),
    tam_tru_xa        VARCHAR(5),
    tam_tru_tu        VARCHAR(10),
    que_quan          VARCHAR(200),
    que_quan_xa       VARCHAR(5),
    cap_nhat          BIGINT,
    xac_nhan          BIGINT
);

CREATE INDEX cong_dan_id ON cong_dan (id);
CREATE INDEX cong_dan_so_dinh_danh ON cong_dan (so_dinh_danh);
CREATE INDEX cong_dan_so_cmnd ON cong_dan (so_cmnd);
CREATE INDEX cong_dan_so_ho ON cong_dan (so_ho);
CREATE INDEX cong_dan_thuong_tru ON cong_dan (thuong_tru_xa);
CREATE INDEX cong_dan_tam_tru ON cong_dan (tam_tru_xa);
CREATE INDEX cong_dan_que_quan ON cong_dan (que_quan_xa);
CREATE INDEX ho_gia_dinh_so_ho ON ho_gia_dinh (so_ho);
