//! The rules, as whoever edits them meets them.

#![allow(clippy::unwrap_used)]

use lgsp_core::{Caller, Priority, Purpose, Reason, Rules, permit};
use lgsp_proto::registry::v1::certificate::KnownBy;
use lgsp_registry::rules::{Folder, check};
use lgsp_registry::{Problems, shipped};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

/// The moment that the shipped rules are judged at: 2026-06-01 in Asia/Ho_Chi_Minh.
const NOW: i64 = 1_780_246_800_000_000;

/// The shipped rules with a text of one file replaced.
fn shipped_with(file: &str, from: &str, to: &str) -> Folder {
    let texts: Vec<(&str, String)> = shipped()
        .iter()
        .map(|(name, text)| {
            assert!(*name != file || text.contains(from), "{file} does not contain {from}");
            (*name, if *name == file { text.replacen(from, to, 1) } else { (*text).to_owned() })
        })
        .collect();
    Folder::of(texts.iter().map(|(name, text)| (*name, text.as_str())))
}

fn problems(folder: &Folder) -> Problems {
    check(folder, "sandbox").expect_err("the rules are bad")
}

/// Expects one problem, with each of these texts.
fn check_refused(file: &str, from: &str, to: &str, expect: &[&str]) {
    let problems = problems(&shipped_with(file, from, to));
    let text = problems.to_string();
    for expect in expect {
        assert!(text.contains(expect), "`{expect}` is not in {text}");
    }
    assert!(text.contains(file), "{text}");
    assert_eq!(problems.all.len(), 1, "{text}");
}

#[test]
fn the_shipped_rules_hold_together() {
    let checked =
        check(&Folder::of(shipped().iter().copied()), "sandbox").unwrap_or_else(|error| panic!("{error}"));
    let snapshot = checked.snapshot();
    let (platform, city): (Vec<_>, Vec<_>) = snapshot.applications.iter().partition(|known| known.platform);
    assert_eq!((city.len(), platform.len()), (11, 1));
    let (platform, city): (Vec<_>, Vec<_>) = snapshot.services.iter().partition(|known| known.platform);
    assert_eq!(city.len(), 5);
    assert!(platform.iter().any(|service| service.name == "lgsp.registry.v1.ConnectionService"));
}

#[test]
fn the_shipped_agreements_show_every_decision() {
    let checked = check(&Folder::of(shipped().iter().copied()), "sandbox").unwrap();
    let rules = Rules::compile(checked.snapshot(), checked.descriptors()).unwrap();
    let decide = |application: &str, method: &str, purpose: &str| {
        let application = rules.application(application).unwrap().clone();
        let caller = Caller { application, credential_sha256: [0; 32], person: None };
        let method = rules.method(&format!("/lgsp.{method}")).unwrap();
        permit(&rules, &caller, method, Purpose::parse(purpose).as_ref(), NOW).map_err(|fault| fault.reason())
    };
    let citizen = "population.v1.PopulationService/GetCitizen";
    assert_eq!(decide("tthc", citizen, "prefill").unwrap().fields(), ["citizen"]);
    assert_eq!(decide("dvctt", citizen, "prefill").unwrap().fields().len(), 7);
    assert!(decide("dvctt", citizen, "prefill").unwrap().grant.unwrap().per_second.is_some());
    assert!(decide("tthc", "population.v1.PopulationService/ListResidents", "statistics").is_ok());
    let priority = |application, method| decide(application, method, "statistics").unwrap().priority();
    assert_eq!(priority("tthc", "population.v1.PopulationService/ListResidents"), Priority::Interactive);
    assert_eq!(priority("hotich", "population.v1.PopulationService/ListResidents"), Priority::Bulk);
    assert!(decide("spp", "land.v1.LandService/ListParcels", "planning").is_ok());
    assert!(decide("dieu-hanh", "ledger.v1.LedgerService/ListExchanges", "").is_ok());
    assert!(decide("qlvb", "registry.v1.RegistryService/ListServices", "").is_ok());

    let refused = |application, purpose| decide(application, citizen, purpose).expect_err("it is refused");
    assert_eq!(refused("tthc", "statistics"), Reason::PurposeNotAgreed);
    assert_eq!(refused("qlvb", "prefill"), Reason::AgreementMissing);
    assert_eq!(refused("ketqua", "prefill"), Reason::AgreementExpired);
    assert_eq!(refused("yte", "health-care"), Reason::AgreementSuspended);
    assert_eq!(refused("giaoduc", "school-enrolment"), Reason::AgreementNotYetValid);
    let log = decide("tthc", "ledger.v1.LedgerService/ListExchanges", "");
    assert_eq!(log.unwrap_err(), Reason::RoleMissing);
}

#[test]
fn an_unknown_name_is_told_with_the_known_ones() {
    let (file, services) = ("agreements.toml", "lgsp.land.v1.LandService, lgsp.ledger.v1.AnomalyService");
    check_refused("applications.toml", "\"H13.01\"", "\"H13.99\"", &["H13.99", "H13.01, H13.02"]);
    check_refused(
        "applications.toml",
        "[\"connected\"]",
        "[\"conected\"]",
        &["conected", "connected, developer, operator"],
    );
    check_refused(
        "services.toml",
        "lgsp.land.v1.LandService\"\nowner = \"H13.04\"",
        "lgsp.land.v1.LandService\"\nowner = \"H13.94\"",
        &["H13.94"],
    );
    check_refused(
        "roles.toml",
        "LedgerService/ListExchanges",
        "LedgerService/ListExchange",
        &["LedgerService/ListExchange`", "FollowExchanges"],
    );
    check_refused(
        file,
        "application = \"tthc\"",
        "application = \"thtc\"",
        &["thtc", "tthc", "agreements.toml:9"],
    );
    check_refused(
        file,
        "lgsp.population.v1.PopulationService",
        "lgsp.population.v2.PopulationService",
        &["v2", services],
    );
    check_refused(file, "\"prefill\", \"verify\"", "\"prefil\"", &["prefil", "prefill"]);
    check_refused(file, "\"GetHousehold\"", "\"GetHouse\"", &["GetHouse", "GetHousehold, ListResidents"]);
    check_refused(
        file,
        "[\"household\"]",
        "[\"household.membres.full_name\"]",
        &["membres", "household.members", "agreements.toml:24"],
    );
    check_refused(
        file,
        "citizen.date_of_birth",
        "citizen.full_name.x",
        &["no field `citizen.full_name.x`", "`citizen.full_name` has nothing below it"],
    );
}

#[test]
fn a_value_that_is_not_accepted_is_told_with_what_is() {
    // A code that nothing else refers to.
    let another =
        "[[agency]]\ncode = \"13\"\nname-vi = \"Sở\"\nname-en = \"Department\"\n\n[[agency]]\ncode = \"H13\"";
    check_refused("agencies.toml", "[[agency]]\ncode = \"H13\"", another, &["`13`", "such as H13.05"]);
    check_refused(
        "applications.toml",
        "state = \"connected\"",
        "state = \"on\"",
        &["on", "connected", "suspended"],
    );
    check_refused(
        "applications.toml",
        "name-vi",
        "x = 1\nname-vi",
        &["`x`", "`max-in-flight`", "applications.toml:9"],
    );
    check_refused("agreements.toml", "2031-01-01", "2025-07-01", &["`valid-to` is not after `valid-from`"]);
    check_refused("agreements.toml", "2031-01-01", "2031-01-01T00:00:00", &["valid-to", "with its offset"]);
    check_refused("agreements.toml", "2031-01-01", "2031-02-30", &["agreements.toml:16"]);
    check_refused(
        "agreements.toml",
        "id = \"tt-tthc-thongke\"",
        "id = \"tt-tthc-dancu\"",
        &["tt-tthc-dancu", "line 9"],
    );
    check_refused(
        "services.toml",
        "name = \"lgsp.land.v1.LandService\"",
        "name = \"lgsp.land.v1.LandService\"\ndescriptor-set = \"land.binpb\"",
        &["land.binpb"],
    );
}

#[test]
fn a_platform_method_cannot_be_opened_by_agreement() {
    let to = "\"lgsp.ledger.v1.LedgerService\"";
    check_refused("agreements.toml", "\"lgsp.population.v1.PopulationService\"", to, &["opened by role"]);
}

#[test]
fn all_problems_of_all_files_are_told_at_once() {
    let mut texts: Vec<(&str, String)> =
        shipped().iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    for (name, text) in &mut texts {
        match *name {
            "agencies.toml" => text.push_str("\n[[agency]]\ncode = \"X\"\nname = \"x\"\n"),
            "applications.toml" => text.push_str("\n[[application]]\nid = 7\nstates = 1\n[extra]\n"),
            "credentials.toml" => text.push_str(
                "\n[[credential]]\napplication = \"nobody\"\nkey-id = \"k\"\npublic-key = \"no key\"\nnot-before = 2026-01-02\nnot-after = 2026-01-01\n",
            ),
            _ => {}
        }
    }
    texts.push(("more.toml", String::new()));
    let text = problems(&Folder::of(texts.iter().map(|(name, text)| (*name, text.as_str())))).to_string();
    for expect in [
        "more.toml",
        "unknown field `name`",
        "missing field `name-vi`",
        "unknown field `states`",
        "expected a string",
        "`extra` is not known",
        "nobody",
        "cannot be read",
        "not after `not-before`",
    ] {
        assert!(text.contains(expect), "`{expect}` is not in {text}");
    }
}

#[test]
fn a_missing_file_is_a_problem_and_an_empty_one_is_none() {
    let without = |name: &str| Folder::of(shipped().iter().copied().filter(|(file, _)| *file != name));
    assert!(
        problems(&without("credentials.toml")).to_string().contains("credentials.toml: the file is missing")
    );
    let (_, credentials) = shipped().iter().find(|(name, _)| *name == "credentials.toml").unwrap();
    assert!(check(&shipped_with("credentials.toml", credentials, ""), "sandbox").is_ok());
}

/// The shipped rules with more in `credentials.toml`.
fn with_certificates(entries: &[(&str, &str)]) -> Folder {
    let dates = "not-before = 2026-01-01\nnot-after = 2027-01-01\n";
    let entry = |(application, known_by): &(&str, &str)| {
        format!("\n[[certificate]]\napplication = \"{application}\"\n{known_by}\n{dates}")
    };
    let (_, shipped) = shipped().iter().find(|(name, _)| *name == "credentials.toml").unwrap();
    let text = entries.iter().map(entry).fold((*shipped).to_owned(), |text, entry| text + &entry);
    shipped_with("credentials.toml", shipped, &text)
}

#[test]
fn a_certificate_is_bound_by_a_fingerprint_or_by_a_name() {
    let fingerprint = ["AB"; 32].join(":");
    let folder = with_certificates(&[
        ("tthc", "uri = \"urn:lgsp:tthc\""),
        ("tthc", "dns-name = \"TTHC.example.vn\""),
        ("tthc", &format!("sha256 = \"{fingerprint}\"")),
        ("yte", &format!("sha256 = \"{}\"", "cd".repeat(32))),
    ]);
    let checked = check(&folder, "sandbox").unwrap_or_else(|error| panic!("{error}"));
    let applications = &checked.snapshot().applications;
    let of = |id: &str| applications.iter().find(|known| known.id == id).unwrap();
    let known_by: Vec<_> =
        of("tthc").certificates.iter().map(|known| known.known_by.clone().unwrap()).collect();
    assert_eq!(
        known_by,
        [
            KnownBy::Sha256(vec![0xab; 32].into()),
            KnownBy::DnsName("tthc.example.vn".to_owned()),
            KnownBy::Uri("urn:lgsp:tthc".to_owned())
        ]
    );
    assert_eq!(of("yte").certificates.len(), 1);
    let period = of("yte").certificates[0].clone();
    assert_eq!(period.not_before.unwrap().seconds, 1_767_200_400, "midnight in Asia/Ho_Chi_Minh");
    assert!(period.not_after.is_some());
}

#[test]
fn a_certificate_that_says_not_whose_or_which_it_is_is_told_with_what_is_accepted() {
    let refused = |entries: &[(&str, &str)], expect: &[&str]| {
        let problems = problems(&with_certificates(entries));
        let text = problems.to_string();
        assert_eq!(problems.all.len(), 1, "{text}");
        for expect in expect.iter().chain(&["credentials.toml:"]) {
            assert!(text.contains(expect), "`{expect}` is not in {text}");
        }
    };
    let uri = "uri = \"urn:lgsp:tthc\"";
    refused(&[("thtc", uri)], &["the application `thtc` is unknown", "tthc"]);
    refused(&[("tthc", "")], &["known by nothing", "sha256, dns-name and uri"]);
    refused(&[("tthc", "uri = \"urn:a\"\ndns-name = \"a.vn\"")], &["more than one thing"]);
    refused(&[("tthc", "sha256 = \"abc\"")], &["`sha256` = `abc` is not well formed", "openssl"]);
    refused(&[("tthc", "dns-name = \"*.example.vn\"")], &["`dns-name`", "without wildcards"]);
    refused(&[("tthc", "uri = \"tthc\"")], &["`uri` = `tthc`", "urn:lgsp:application:tthc"]);
    refused(&[("tthc", uri), ("yte", uri)], &["certificate `urn:lgsp:tthc` is there already, on line"]);
    let twice = [("tthc", "dns-name = \"a.vn\""), ("yte", "dns-name = \"A.VN\"")];
    refused(&twice, &["certificate `a.vn` is there already"]);
    refused(&[("tthc", "san = \"a.vn\"")], &["unknown field `san`"]);
}

#[test]
fn the_order_of_a_file_says_nothing() {
    let one = check(&Folder::of(shipped().iter().copied()), "sandbox").unwrap();
    let (from, to) = ("\"tthc\"\nservice", "\"tthc\"\n# A comment.\nservice");
    let other = check(&shipped_with("agreements.toml", from, to), "sandbox").unwrap();
    assert_eq!(one.snapshot(), other.snapshot());
}

/// The contract of the land service, with the options of its methods left out.
fn contract_without_method_options() -> Vec<u8> {
    let set = lgsp_proto::descriptor_set_of("lgsp.land.v1.LandService").unwrap();
    let pool = DescriptorPool::decode(set).unwrap();
    let kind = pool.get_message_by_name("google.protobuf.FileDescriptorSet").unwrap();
    let mut set = DynamicMessage::decode(kind, set).unwrap();
    for file in messages(&mut set, "file") {
        for service in messages(file, "service") {
            messages(service, "method").for_each(|method| method.clear_field_by_name("options"));
        }
    }
    set.encode_to_vec()
}

fn messages<'a>(
    message: &'a mut DynamicMessage,
    field: &str,
) -> impl Iterator<Item = &'a mut DynamicMessage> {
    let items = message.get_field_by_name_mut(field).and_then(Value::as_list_mut).unwrap();
    items.iter_mut().filter_map(Value::as_message_mut)
}

#[test]
fn a_contract_without_deadlines_and_limits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in shipped() {
        let own = "name = \"lgsp.land.v1.LandService\"\ndescriptor-set = \"land.binpb\"";
        let text = text.replace("name = \"lgsp.land.v1.LandService\"", own);
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("land.binpb"), contract_without_method_options()).unwrap();
    let text = problems(&Folder::read(folder.path()).unwrap()).to_string();
    assert!(text.contains("its method `GetParcel` has no deadline"), "{text}");
    assert!(text.contains("its streaming method `ListParcels` has no limits"), "{text}");
}
