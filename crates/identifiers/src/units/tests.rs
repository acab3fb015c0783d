use super::*;

fn code(text: &str) -> WardCode {
    WardCode::parse(text).unwrap()
}

#[test]
fn the_tables_are_complete() {
    assert_eq!((wards().len(), former_wards().len()), (103, 263));
    assert_eq!((BY_FORMER.len(), BY_CURRENT.len()), (282, 282));
    assert!(NAMES.len() > 263);
    let provinces = ["92", "93", "94"]
        .map(|code| former_wards().iter().filter(|ward| ward.province_code.as_str() == code).count());
    assert_eq!(provinces, [80, 75, 108]);
    for ward in wards() {
        assert!((9.0..10.5).contains(&ward.latitude) && (105.0..106.5).contains(&ward.longitude), "{ward:?}");
        assert!(ward.area_km2 > 1.0, "{ward:?}");
    }
}

#[test]
fn every_former_ward_has_exactly_one_main_successor_and_every_ward_in_use_a_predecessor() {
    for ward in former_wards() {
        let shares: Vec<Share> = successors(ward.code).iter().map(|succession| succession.share).collect();
        assert!(shares == [Share::Whole] || shares == [Share::Most, Share::Rest], "{} {shares:?}", ward.code);
        assert!(main_successor(ward.code).is_some());
    }
    for ward in wards() {
        assert!(predecessors(ward.code).iter().all(|succession| former(succession.former).is_some()));
        assert_eq!(predecessors(ward.code)[0].former, ward.code, "the ward that had the code comes first");
    }
}

#[test]
fn a_code_that_was_reused_leads_to_the_same_ward_in_both_meanings() {
    for ward in wards() {
        assert_eq!(main_successor(ward.code), Some(ward));
        assert_eq!(resolve(ward.code).map(|resolved| resolved.ward), Some(ward));
    }
}

#[test]
fn a_reused_code_is_read_as_the_ward_in_use() {
    let resolved = resolve(code("31120")).unwrap();
    assert_eq!(resolved.ward.name, "Phường Cái Khế");
    assert!(resolved.is_certain());
    let Reading::Reused(former) = resolved.reading else { panic!("{resolved:?}") };
    assert_eq!((former.name, former.district), ("Phường An Hòa", "Quận Ninh Kiều"));
}

#[test]
fn a_former_code_leads_to_its_successor() {
    let resolved = resolve(code("31117")).unwrap();
    assert_eq!(resolved.ward.code, code("31120"));
    assert!(matches!(resolved.reading, Reading::Former(former) if former.name == "Phường Cái Khế"));
    assert!(resolved.is_certain());
}

#[test]
fn a_divided_ward_leads_to_where_most_of_it_went() {
    let resolved = resolve(code("31178")).unwrap();
    assert_eq!(resolved.ward.code, code("31168"));
    assert!(!resolved.is_certain());
    let targets: Vec<_> = successors(code("31178")).iter().map(|succession| succession.current).collect();
    assert_eq!(targets, [code("31168"), code("31120")]);
}

#[test]
fn an_unknown_code_leads_nowhere() {
    assert_eq!(resolve(code("00001")), None);
    assert!(successors(code("00001")).is_empty() && predecessors(code("31117")).is_empty());
}

#[test]
fn wards_are_found_by_old_and_new_names() {
    let found = named("cái khế");
    assert!(matches!(found, [Named::Current(_), Named::Former(_)]), "{found:?}");
    assert!(found.iter().all(|named| named.ward().is_some_and(|ward| ward.code == code("31120"))));
    assert!(matches!(named("PHƯỜNG AN HOÀ"), [Named::Former(ward), ..] if ward.code == code("31120")));
    assert_eq!(named("Xã Phú Tân").len(), 2, "a name of two former communes and none in use");
    assert!(named("Gotham").is_empty());
}

#[test]
fn short_names_leave_out_the_kind() {
    assert_eq!(current(code("31135")).unwrap().short_name(), "Ninh Kiều");
    assert!(
        former_wards()
            .iter()
            .any(|ward| ward.kind == WardKind::Township && !ward.short_name().starts_with("Thị"))
    );
}
