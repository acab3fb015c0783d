//! Bad records: borders that are none or lie where they cannot, unknown codes, contradictions; and mappings that do not fit.

use std::time::Duration;

use lgsp_adapter::OpenError;
use lgsp_adapter::testing::Database;
use lgsp_proto::land::v1::{Parcel, ParcelStatus};
use lgsp_proto::record::v1::Point;
use tokio::time::Instant;
use tonic::Code;

use crate::fixtures::{Cadastre, Form, opened_with, uuid};

/// What is wrong with the border of parcel 1, for each form.
async fn assert_border_is_left_out(form: Form, spoil: &str) {
    for mut cadastre in Cadastre::each_of(form, spoil).await {
        let parcel = cadastre.by_id(&uuid(1)).await.unwrap();
        let Parcel { geometry, geometry_geojson, area_m2, .. } = &parcel;
        assert_eq!((geometry, geometry_geojson.as_str(), *area_m2), (&None, "", 120.5), "{spoil}");
        assert_eq!(cadastre.not_understood("parcel", "geometry"), 1, "{spoil}");
        assert!(!cadastre.at(10.0405, 105.7805).await.contains(&1), "{spoil}");
        assert_eq!(cadastre.numbers_of_ward("31120").await, [1, 2, 3], "a list goes on: {spoil}");
        cadastre.adapter.probe.probe(Instant::now() + Duration::from_secs(20)).await.unwrap();
    }
}

#[tokio::test]
async fn a_border_on_record_that_is_none_is_left_out_and_counted() {
    for border in [
        "POLYGON((1 1))",
        r#"{"type":"Point","coordinates":[105.78,10.04]}"#,
        r#"{"type":"Polygon","coordinates":[[[105.78,10.04],[105.781,10.041],[105.781,10.04],[105.78,10.041],[105.78,10.04]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[10.04,105.78],[10.04,105.781],[10.041,105.781],[10.04,105.78]]]}"#,
    ] {
        let spoil = format!("UPDATE parcel SET geometry = '{border}' WHERE parcel_id = 1;");
        assert_border_is_left_out(Form::Native, &spoil).await;
    }
}

#[tokio::test]
async fn a_border_outside_of_its_zone_is_left_out_and_counted() {
    for (x, y) in [("1110381", "585306"), ("105.780", "10.040"), ("48585306", "1110381"), ("0", "0")] {
        let border =
            format!(r#"{{"type":"Polygon","coordinates":[[[{x},{y}],[{x}1,{y}],[{x}1,{y}1],[{x},{y}]]]}}"#);
        let spoil = format!("UPDATE thua_dat SET ranh_gioi = '{border}' WHERE ma_thua = 1;");
        assert_border_is_left_out(Form::Mapped, &spoil).await;
    }
}

#[tokio::test]
async fn a_border_of_postgis_that_is_no_area_is_left_out_and_counted() {
    for border in [
        "POINT(585306 1110381)",
        "LINESTRING(585306 1110381,585416 1110381)",
        "POLYGON EMPTY",
        "POLYGON((585306 1110381,585416 1110492,585416 1110381,585306 1110492,585306 1110381))",
    ] {
        let spoil = format!(
            "UPDATE dia_chinh.thua_dat_105_00 SET ranh_gioi = ST_GeomFromText('{border}', 5897) WHERE ma_thua = 1;"
        );
        assert_border_is_left_out(Form::PostGis, &spoil).await;
    }
}

#[tokio::test]
async fn a_parcel_of_the_former_soc_trang_in_the_wrong_zone_is_nowhere_rather_than_in_a_wrong_place() {
    let wrong = "UPDATE thua_dat SET he_toa_do = 5897 WHERE ma_thua = 7;";
    for mut cadastre in Cadastre::each_of(Form::Mapped, wrong).await {
        let parcel = cadastre.by_id(&uuid(7)).await.unwrap();
        assert_eq!((parcel.geometry.as_ref(), parcel.centre), (None, None));
        assert_eq!(cadastre.not_understood("parcel", "geometry"), 1);
        // Half a degree to the west, where the zone of Can Tho would put it.
        assert_eq!(cadastre.in_box(9.6, 105.45, 9.64, 105.52).await, [] as [u32; 0]);
        assert_eq!(cadastre.at(9.6202, 105.9902).await, [] as [u32; 0]);
    }
}

#[tokio::test]
async fn a_border_whose_system_cannot_be_told_is_left_out_and_counted() {
    for system in ["NULL", "3857", "9208"] {
        let spoil = format!("UPDATE thua_dat SET he_toa_do = {system} WHERE ma_thua = 1;");
        assert_border_is_left_out(Form::Mapped, &spoil).await;
    }
}

#[tokio::test]
async fn a_check_of_the_source_counts_the_borders_that_cannot_be_told_by_what_is_wrong_with_them() {
    let wrong = "UPDATE thua_dat SET ranh_gioi = 'x' WHERE ma_thua = 1;
        UPDATE thua_dat SET ranh_gioi = NULL WHERE ma_thua = 2;
        UPDATE thua_dat SET he_toa_do = 3857 WHERE ma_thua = 3;
        UPDATE thua_dat SET ranh_gioi = replace(ranh_gioi, '[584', '[4584') WHERE ma_thua IN (4, 5);
        UPDATE thua_dat SET he_toa_do = 5897 WHERE ma_thua = 7;";
    for cadastre in Cadastre::each_of(Form::Mapped, wrong).await {
        let findings = cadastre.adapter.probe.findings(Duration::from_secs(20)).await.unwrap();
        let found: Vec<(&str, u64)> =
            findings.iter().map(|finding| (finding.wrong.text(), finding.count)).collect();
        assert_eq!(
            found,
            [
                ("a border that is no polygon", 1),
                ("a border whose system of coordinates cannot be told", 1),
                ("a border outside of its zone", 2),
                ("a border far from its ward", 1),
            ]
        );
    }
}

#[tokio::test]
async fn a_border_that_is_not_on_record_is_not_known_and_not_misunderstood() {
    let none = "UPDATE thua_dat SET ranh_gioi = NULL WHERE ma_thua = 1;";
    for mut cadastre in Cadastre::each_of(Form::Mapped, none).await {
        assert_eq!(cadastre.by_id(&uuid(1)).await.unwrap().geometry, None);
        assert_eq!(cadastre.not_understood("parcel", "geometry"), 0);
    }
}

#[tokio::test]
async fn a_border_with_arcs_is_told_with_short_straight_sides() {
    let circle = "UPDATE dia_chinh.thua_dat_105_00 SET ranh_gioi = ST_GeomFromText(
            'CURVEPOLYGON(CIRCULARSTRING(585300 1110400, 585350 1110450, 585400 1110400, 585350 1110350, 585300 1110400))', 5897)
        WHERE ma_thua = 1;";
    for mut cadastre in Cadastre::each_of(Form::PostGis, circle).await {
        let parcel = cadastre.by_id(&uuid(1)).await.unwrap();
        let sides = parcel.geometry.unwrap().polygons[0].exterior.as_ref().unwrap().points.len();
        assert!(sides > 50, "{sides}");
        let Point { latitude, longitude } = parcel.centre.unwrap();
        assert_eq!(cadastre.at(latitude, longitude).await, [1]);
    }
}

#[tokio::test]
async fn a_parcel_wider_than_any_is_found_in_its_middle() {
    let wide = r#"{"type":"Polygon","coordinates":[[[576000,1100000],[596000,1100000],[596000,1122000],[576000,1122000],[576000,1100000]]]}"#;
    let more = format!(
        "UPDATE thua_dat SET ranh_gioi = '{wide}', tay = 576000, dong = 596000, nam = 1100000, bac = 1122000 WHERE ma_thua = 3;"
    );
    for mut cadastre in Cadastre::each_of(Form::Mapped, &more).await {
        assert_eq!(
            cadastre.at(10.0405, 105.8600).await,
            [3],
            "the bound of the native schema holds for nobody else"
        );
    }
}

#[tokio::test]
async fn unknown_codes_and_false_dates_are_passed_on_as_unknown_and_counted() {
    let odd = "UPDATE thua_dat SET trang_thai = 'XX', nguon_goc = '?', hieu_luc_tu = '31/02/2003', tranh_chap = 'x' WHERE ma_thua = 1;
        UPDATE han_che_quyen SET den_ngay = 'không rõ', loai = 'Khác' WHERE ma_han_che = 1;";
    for mut cadastre in Cadastre::each_of(Form::Mapped, odd).await {
        let parcel = cadastre.by_id(&uuid(1)).await.unwrap();
        assert_eq!(
            (parcel.status(), parcel.use_origin, parcel.valid_from),
            (ParcelStatus::Unspecified, 0, None)
        );
        assert!(!parcel.disputed);
        let [restriction] = parcel.restrictions.as_slice() else { panic!("it may be in force") };
        assert_eq!((restriction.kind, restriction.until), (0, None));
        for (relation, column) in [
            ("parcel", "status"),
            ("parcel", "use_origin"),
            ("parcel", "valid_from"),
            ("parcel", "disputed"),
            ("restriction", "until"),
            ("restriction", "kind"),
        ] {
            assert_eq!(cadastre.not_understood(relation, column), 1, "{relation}.{column}");
        }
        assert_eq!(
            cadastre.numbers_of_ward("31120").await,
            [2, 3],
            "what is not known to be in use is in no list"
        );
    }
}

#[tokio::test]
async fn a_number_of_a_parcel_that_is_no_whole_one_is_not_rounded_and_its_list_goes_on() {
    let odd = "ALTER TABLE thua_dat ALTER COLUMN so_thua TYPE NUMERIC(8, 1);
        ALTER TABLE thua_cu ALTER COLUMN so_thua TYPE NUMERIC(8, 1);
        UPDATE thua_dat SET so_thua = 7.5 WHERE ma_thua = 1;
        UPDATE thua_cu SET so_thua = 700.5 WHERE so_thua = 700;";
    let Some(database) = Database::postgres().await else { return };
    let mut cadastre = Cadastre::of(database, Form::Mapped, odd).await;
    assert_eq!(cadastre.numbers_of_ward("31120").await, [1, 2, 3]);
    let parcel = cadastre.by_id(&uuid(1)).await.unwrap();
    assert_eq!((parcel.map_sheet.as_str(), parcel.parcel_number.as_str()), ("105", ""));
    assert_eq!(parcel.parcel_key, "");
    let former: Vec<&str> = parcel.former_keys.iter().map(|key| key.parcel_key.as_str()).collect();
    assert_eq!(former, ["31117/5/7"]);
    assert_eq!(cadastre.not_understood("parcel", "parcel_number"), 2);
    assert_eq!(cadastre.by_key("31120/105/8").await.unwrap().parcel_number, "8");
}

#[tokio::test]
async fn of_what_hangs_on_a_parcel_the_first_are_told_and_what_has_no_day_comes_last() {
    let many = "UPDATE thua_cu SET den_ngay = NULL WHERE so_thua = 700;
        INSERT INTO chu_su_dung (ma_chu, ma_thua, ten, den_ngay)
        WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 399)
        SELECT i, 1 + i % 2, CAST(i AS VARCHAR(9)), CASE WHEN i < 200 THEN '2001' END FROM n;";
    for mut cadastre in Cadastre::each_of(Form::Mapped, many).await {
        let parcel = cadastre.by_id(&uuid(1)).await.unwrap();
        let keys: Vec<&str> = parcel.former_keys.iter().map(|key| key.parcel_key.as_str()).collect();
        assert_eq!(keys, ["31117/5/7", "31117/2/700"]);
        assert_eq!(parcel.owners.len(), 100);
        assert_eq!(parcel.owners[99].name, "394", "those who held it before take nobody's place");
    }
}

#[tokio::test]
async fn of_two_parcels_with_one_key_or_id_neither_is_told() {
    let twice = "UPDATE thua_dat SET so_thua = 7 WHERE ma_thua = 2;
        UPDATE thua_dat SET dinh_danh = '00000000-0000-8000-8000-000000000005' WHERE ma_thua = 6;";
    for mut cadastre in Cadastre::each_of(Form::Mapped, twice).await {
        let refusal = cadastre.by_key("31120/105/7").await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal);
        assert!(!format!("{refusal:?}").contains("Nguyễn"));
        assert_eq!(cadastre.by_id(&uuid(5)).await.unwrap_err().code(), Code::Internal);
        cadastre.by_key("31117/5/7").await.unwrap();
    }
}

#[tokio::test]
async fn an_empty_serial_number_is_no_certificate() {
    let empty = "UPDATE parcel SET certificate_serial = '' WHERE parcel_id = 1";
    for mut cadastre in Cadastre::each_of(Form::Native, empty).await {
        assert_eq!(cadastre.by_id(&uuid(1)).await.unwrap().certificate, None);
    }
}

/// PostgreSQL holds no text that is none.
#[tokio::test]
async fn a_broken_text_of_a_joined_record_is_not_known_and_fails_nothing() {
    let broken = format!(
        "INSERT INTO lineage VALUES (CAST(x'ff' AS TEXT), '{}'), ('{}', CAST(x'ff' AS TEXT));
         UPDATE former_key SET valid_to = CAST(x'ff' AS TEXT) WHERE parcel_id = 2;",
        uuid(5),
        uuid(4)
    );
    let mut cadastre = Cadastre::of(Database::sqlite(), Form::Native, &broken).await;
    assert_eq!(cadastre.by_id(&uuid(5)).await.unwrap().predecessor_ids, [uuid(4)]);
    assert_eq!(cadastre.by_id(&uuid(4)).await.unwrap().successor_ids, [uuid(5), uuid(6)]);
    for column in ["predecessor_uuid", "successor_uuid"] {
        assert_eq!(cadastre.not_understood("lineage", column), 1, "{column}");
    }
    assert_eq!(cadastre.by_key("31120/105/7").await.unwrap().parcel_id, uuid(1), "by the key it has now");
}

#[tokio::test]
async fn a_source_that_changes_its_schema_is_seen_and_its_words_stay_inside() {
    for mut cadastre in Cadastre::each().await {
        let soon = Instant::now() + Duration::from_secs(20);
        cadastre.adapter.probe.probe(soon).await.unwrap();
        let lost = match cadastre.form {
            Form::Native => "former_key",
            Form::Mapped | Form::PostGis => "thua_cu",
        };
        cadastre.store.run(&format!("DROP TABLE {lost}")).await.unwrap();
        assert_eq!(cadastre.adapter.probe.probe(soon).await.unwrap_err().cause(), "unexpected");
        let refusal = cadastre.by_key("31120/105/7").await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal);
        assert!(!format!("{refusal:?}").contains(lost), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_mapping_that_does_not_tell_where_borders_lie_is_refused_with_every_mismatch() {
    for opened in opened_with(Form::Mapped, "\"EPSG:9209\"]", "\"EPSG:9204\", \"VN-2000\"]").await {
        let message = refused(opened.map(drop));
        assert!(message.contains("mapping.parcel.columns.geometry.format: \"EPSG:9204\""), "{message}");
        assert!(message.contains("\"VN-2000\" is no system"), "{message}");
    }
    let unknown_and_missing = "\"EPSG:9204\"] }\nworth = \"tay";
    for opened in opened_with(Form::Mapped, "\"EPSG:9209\"] }\nwest = \"tay", unknown_and_missing).await {
        let message = refused(opened.map(drop));
        for place in ["parcel.columns.worth", "parcel.columns.geometry.format"] {
            assert!(message.contains(place), "{message}");
        }
    }
    for opened in opened_with(Form::Mapped, "west = \"tay\"\nsouth = \"nam\"\n", "").await {
        let message = refused(opened.map(drop));
        for column in ["west", "south"] {
            assert!(message.contains(&format!("mapping.parcel.columns.{column}: is required")), "{message}");
        }
    }
    for opened in
        opened_with(Form::PostGis, "column = \"ranh_gioi\"", "sql = \"ST_AsBinary(ranh_gioi)\"").await
    {
        let message = refused(opened.map(drop));
        assert!(message.contains("mapping.parcel.columns.geometry: is of type bytea"), "{message}");
    }
}

fn refused(opened: Result<(), OpenError>) -> String {
    match opened {
        Err(error @ OpenError::Mismatch(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}
