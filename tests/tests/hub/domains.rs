//! Health, education and business through the hub: what each domain answers, what an agreement lets out of it, and that one
//! domain's bad day is its own.

use lgsp_core::{Outcome, Reason};
use lgsp_proto::business::v1::{
    EnterpriseStatus, GetEnterpriseRequest, ListEnterprisesByRepresentativeRequest, Representative,
    VerifyEnterpriseRequest,
};
use lgsp_proto::education::v1::{
    DiplomaKind, GetStudentRequest, VerifyDiplomaRequest, VerifyEnrolmentRequest,
};
use lgsp_proto::health::v1::{
    GetPatientSummaryRequest, InsuranceValidity, ListImmunizationsRequest, VerifyInsuranceRequest,
};
use lgsp_proto::ledger::v1::Hop;
use lgsp_proto::record::v1::{Match, PartialDate};
use lgsp_sample::persons::{ALL_FIELDS, MASKED, MOVED_WARD, NOT_FOUND, REFUSED_PURPOSE, Record};
use prost::Message;

use crate::caller::{App, exchange_of, refused};
use crate::fixture::{Hub, hub, within};

fn record(person: lgsp_sample::persons::Person) -> Record {
    person.record.expect("in every city")
}

fn insurance(personal_number: &str, on_date: &str) -> VerifyInsuranceRequest {
    VerifyInsuranceRequest {
        personal_number: personal_number.to_owned(),
        on_date: on_date.to_owned(),
        ..Default::default()
    }
}

fn immunizations(page_token: String) -> ListImmunizationsRequest {
    ListImmunizationsRequest {
        personal_number: ALL_FIELDS.personal_number.to_owned(),
        page_size: 2,
        page_token,
    }
}

fn diploma(record: &Record) -> VerifyDiplomaRequest {
    VerifyDiplomaRequest {
        serial_number: record.diploma_serial.to_owned(),
        full_name: record.full_name.to_owned(),
        ..Default::default()
    }
}

/// The health records' own application.
async fn clinic() -> App {
    hub().await.app("yte").purpose("health-care")
}

/// An officer who verifies what a citizen declares.
async fn officer() -> App {
    hub().await.tthc().purpose("verify")
}

#[tokio::test]
async fn an_officer_sees_whether_a_card_is_valid_and_no_number_of_it() {
    let (hub, app) = (hub().await, officer().await);
    let asked = VerifyInsuranceRequest {
        full_name: "NGUYỄN VĂN MẪU".to_owned(),
        ..insurance(ALL_FIELDS.personal_number, "2026-05-31")
    };
    let answer = app.health().verify_insurance(app.request(asked)).await.expect("served");
    let id = exchange_of(answer.metadata());
    let answer = answer.into_inner();
    assert_eq!((answer.validity(), answer.full_name()), (InsuranceValidity::Valid, Match::Yes));
    let card = answer.card.expect("granted in part");
    assert_eq!(card.valid_to, Some(PartialDate { year: 2026, month: 12, day: 31 }));
    assert!(!card.facility_name.is_empty());
    assert_eq!((card.card_number.as_str(), card.personal_number.as_str()), ("", ""));
    assert!(card.full_name.is_empty() && card.date_of_birth.is_none() && card.benefit_code.is_empty());

    let sealed = hub.final_entry(id).await.sealed.expect("shown");
    assert!(!sealed.fields_released.iter().any(|field| field == "card" || field == "card.card_number"));
    assert_eq!(sealed.erasable_digests.expect("digests").subjects.len(), 1, "who was asked about");
}

#[tokio::test]
async fn a_card_is_told_as_valid_suspended_or_expired_on_the_day_in_question() {
    use InsuranceValidity::{Expired, NotYetValid, Suspended, Valid};
    let app = clinic().await;
    let suspended = record(REFUSED_PURPOSE);
    for (on_date, expected) in [
        ("2023-12-31", NotYetValid),
        ("2026-02-28", Valid),
        ("2026-03-01", Suspended),
        ("2027-01-01", Expired),
    ] {
        let asked = VerifyInsuranceRequest {
            card_number: suspended.card_number.to_owned(),
            on_date: on_date.to_owned(),
            ..Default::default()
        };
        let answer = app.health().verify_insurance(app.request(asked)).await.expect("served").into_inner();
        assert_eq!(answer.validity(), expected, "{on_date}");
        assert_eq!(answer.card.expect("granted").card_number, suspended.card_number);
    }
    // The card before was issued by the old identity card.
    for person in [MOVED_WARD.personal_number, record(MOVED_WARD).old_identity_number] {
        let asked = insurance(person, "2025-06-01");
        let answer = app.health().verify_insurance(app.request(asked)).await.expect("served").into_inner();
        assert_eq!(answer.validity(), Valid);
        assert_ne!(answer.card.expect("granted").card_number, record(MOVED_WARD).card_number);
    }
}

#[tokio::test]
async fn a_treating_facility_gets_the_summary_by_person_and_by_card() {
    let app = clinic().await;
    let get = async |asked| {
        app.health().get_patient_summary(app.request(asked)).await.expect("served").into_inner().summary
    };
    let by_person = GetPatientSummaryRequest {
        personal_number: ALL_FIELDS.personal_number.to_owned(),
        ..Default::default()
    };
    let by_card = GetPatientSummaryRequest {
        card_number: record(ALL_FIELDS).card_number.to_owned(),
        ..Default::default()
    };
    let summary = get(by_person).await.expect("a summary");
    assert_eq!(summary.full_name, record(ALL_FIELDS).full_name);
    assert!(summary.allergies.iter().any(|allergy| allergy.substance == "Penicillin"));
    assert!(summary.conditions.iter().any(|condition| condition.chronic));
    assert!(!summary.medications.is_empty() && !summary.encounters.is_empty());
    assert!(summary.provenance.as_ref().is_some_and(|provenance| provenance.synthetic));
    assert_eq!(get(by_card).await, Some(summary));
}

#[tokio::test]
async fn immunizations_come_newest_first_page_by_page() {
    let app = clinic().await;
    let (mut years, mut token) = (Vec::new(), String::new());
    loop {
        let asked = app.request(immunizations(token));
        let page = app.health().list_immunizations(asked).await.expect("served").into_inner();
        years.extend(page.immunizations.iter().map(|one| one.on_date.expect("a date").year));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        let of_another = ListImmunizationsRequest {
            personal_number: MASKED.personal_number.to_owned(),
            ..immunizations(token.clone())
        };
        let refusal = app.health().list_immunizations(app.request(of_another)).await;
        refused(refusal, Reason::InvalidField);
    }
    assert!(years.len() >= 4 && years.is_sorted_by(|newer, older| newer >= older), "{years:?}");
}

#[tokio::test]
async fn a_school_sees_against_what_a_pupil_was_vaccinated_and_nothing_else() {
    let app = hub().await.app("giaoduc").purpose("school-enrolment");
    let asked = app.request(immunizations(String::new()));
    let page = app.health().list_immunizations(asked).await.expect("served").into_inner();
    let dose = &page.immunizations[0];
    assert!(!dose.vaccine_name.is_empty() && dose.on_date.is_some() && dose.dose_number > 0);
    let ungranted = [
        &dose.immunization_id,
        &dose.personal_number,
        &dose.lot_number,
        &dose.facility_name,
        &dose.adverse_reaction,
    ];
    assert!(ungranted.iter().all(|field| field.is_empty()), "{dose:?}");
}

#[tokio::test]
async fn nobody_without_an_agreement_learns_of_an_illness() {
    let hub = hub().await;
    let asked = GetPatientSummaryRequest {
        personal_number: ALL_FIELDS.personal_number.to_owned(),
        ..Default::default()
    };
    for app in [hub.tthc(), hub.app("giaoduc").purpose("school-enrolment")] {
        let refusal = app.health().get_patient_summary(app.request(asked.clone())).await;
        let refusal = refused(refusal, Reason::AgreementMissing);
        assert_eq!(hub.final_entry(refusal.exchange).await.outcome(), Outcome::Denied);
    }
    let statistics = clinic().await.purpose("statistics");
    let refusal = statistics.health().get_patient_summary(statistics.request(asked)).await;
    refused(refusal, Reason::PurposeNotAgreed);
}

#[tokio::test]
async fn a_student_is_told_to_the_schools_and_masked_to_the_clinic() {
    let hub = hub().await;
    let asked =
        GetStudentRequest { personal_number: ALL_FIELDS.personal_number.to_owned(), ..Default::default() };
    let schools = hub.app("giaoduc").purpose("school-enrolment");
    let student = schools.education().get_student(schools.request(asked.clone())).await.expect("served");
    let student = student.into_inner().student.expect("a student");
    assert_eq!(Some(student.student_code.as_str()), record(ALL_FIELDS).student_code);
    assert_eq!((student.school_year.as_str(), student.grade), ("2002-2003", 12));
    assert_eq!(student.diplomas.len(), 2);
    assert!(!student.guardians.is_empty());

    let clinic = clinic().await;
    let masked = clinic.education().get_student(clinic.request(asked)).await.expect("served");
    let masked = masked.into_inner().student.expect("a student");
    assert_eq!((&masked.full_name, &masked.school_name), (&student.full_name, &student.school_name));
    assert!(masked.student_code.is_empty() && masked.personal_number.is_empty());
    assert!(masked.guardians.is_empty() && masked.diplomas.is_empty() && masked.address.is_none());
}

#[tokio::test]
async fn an_enrolment_is_verified_by_matches_alone() {
    let app = officer().await;
    let asked = VerifyEnrolmentRequest {
        personal_number: record(MASKED).old_identity_number.to_owned(),
        school_year: "2006-2007".to_owned(),
        grade: 11,
        full_name: record(ALL_FIELDS).full_name.to_owned(),
        ..Default::default()
    };
    let answer =
        app.education().verify_enrolment(app.request(asked.clone())).await.expect("served").into_inner();
    assert_eq!((answer.enrolled(), answer.grade()), (Match::Yes, Match::Yes));
    assert_eq!((answer.full_name(), answer.school_code()), (Match::No, Match::NotClaimed));
    let now = VerifyEnrolmentRequest { school_year: String::new(), ..asked };
    let answer = app.education().verify_enrolment(app.request(now)).await.expect("served").into_inner();
    assert_eq!(answer.enrolled(), Match::No, "she left school long ago");
}

#[tokio::test]
async fn a_diploma_that_does_not_match_leaves_nothing_but_matches() {
    let (hub, app) = (hub().await, officer().await);
    let asked = VerifyDiplomaRequest {
        kind: DiplomaKind::LowerSecondary.into(),
        graduation_year: 2003,
        date_of_birth: Some(PartialDate { year: 1985, month: 4, day: 30 }),
        ..diploma(&record(ALL_FIELDS))
    };
    let answer =
        app.education().verify_diploma(app.request(asked.clone())).await.expect("served").into_inner();
    assert_eq!((answer.serial_number(), answer.full_name()), (Match::Yes, Match::Yes));
    assert_eq!((answer.kind(), answer.graduation_year()), (Match::No, Match::Yes));
    assert_eq!(answer.date_of_birth(), Match::Yes);
    assert_eq!(answer.register_number(), Match::Unspecified, "outside the agreement");

    let forged = VerifyDiplomaRequest { full_name: "Ai Đó Khác".to_owned(), ..asked };
    let answer = app.education().verify_diploma(app.request(forged)).await.expect("served");
    let id = exchange_of(answer.metadata());
    let answer = answer.into_inner();
    assert_eq!((answer.serial_number(), answer.full_name(), answer.revoked), (Match::Yes, Match::No, false));
    let bytes = answer.encode_to_vec();
    assert!(!String::from_utf8_lossy(&bytes).contains("Mẫu"));
    let sealed = hub.final_entry(id).await.sealed.expect("shown").encode_to_vec();
    let sealed = String::from_utf8_lossy(&sealed);
    assert!(!sealed.contains("Ai Đó") && !sealed.contains(record(ALL_FIELDS).diploma_serial));
}

#[tokio::test]
async fn a_revoked_diploma_is_told_to_who_knows_its_holder_and_an_unknown_one_is_an_answer() {
    let app = officer().await;
    let verify =
        async |asked| app.education().verify_diploma(app.request(asked)).await.expect("served").into_inner();
    let revoked = diploma(&record(REFUSED_PURPOSE));
    assert!(verify(revoked.clone()).await.revoked);
    let stranger = VerifyDiplomaRequest { full_name: record(MASKED).full_name.to_owned(), ..revoked.clone() };
    assert!(!verify(stranger).await.revoked);
    let unknown = VerifyDiplomaRequest { serial_number: "Z99999999".to_owned(), ..revoked };
    let answer = verify(unknown).await;
    assert_eq!((answer.serial_number(), answer.full_name()), (Match::No, Match::Unknown));
    assert!(answer.provenance.is_some(), "who says so");
}

#[tokio::test]
async fn an_enterprise_fills_a_form_with_what_is_open_about_it() {
    let app = hub().await.tthc();
    let get = async |code: &str| {
        let asked = GetEnterpriseRequest { enterprise_code: code.to_owned() };
        app.business().get_enterprise(app.request(asked)).await.expect("served").into_inner().enterprise
    };
    let enterprise = get(record(ALL_FIELDS).enterprise_code).await.expect("an enterprise");
    assert!(!enterprise.former_names.is_empty() && !enterprise.former_addresses.is_empty());
    assert!(enterprise.head_office.is_some() && !enterprise.business_lines.is_empty());
    let representative = &enterprise.representatives[0];
    assert!(!representative.full_name.is_empty() && !representative.position.is_empty());
    assert!(representative.personal_number.is_empty() && representative.date_of_birth.is_none());
    assert!(enterprise.members.is_empty() && enterprise.phone_number.is_empty());
    assert_eq!(enterprise.charter_capital_vnd, 0, "outside the agreement");

    assert_eq!(enterprise.branches.len(), 2);
    let branch = get(&enterprise.branches[0].enterprise_code).await.expect("a branch");
    assert_eq!(branch.name, enterprise.branches[0].name);
    assert!(branch.branches.is_empty());
}

#[tokio::test]
async fn enterprises_are_found_by_who_represents_them() {
    let hub = hub().await;
    let of = |personal_number: &str| ListEnterprisesByRepresentativeRequest {
        personal_number: personal_number.to_owned(),
        ..Default::default()
    };
    let registrar = hub.app("doanhnghiep").purpose("business-licensing");
    let list = async |app: &App, asked| {
        let answer = app.business().list_enterprises_by_representative(app.request(asked)).await;
        answer.expect("served").into_inner().enterprises
    };
    let whole = list(&registrar, of(ALL_FIELDS.personal_number)).await;
    assert_eq!(whole[0].enterprise_code, record(ALL_FIELDS).enterprise_code);
    let is_theirs = |one: &Representative| one.personal_number == ALL_FIELDS.personal_number;
    assert!(whole.iter().all(|one| one.representatives.iter().any(is_theirs)));

    let online = hub.app("dvctt").purpose("prefill");
    let masked = list(&online, of(ALL_FIELDS.personal_number)).await;
    assert_eq!((&masked[0].name, masked[0].status()), (&whole[0].name, EnterpriseStatus::Operating));
    assert!(masked[0].representatives.is_empty() && masked[0].head_office.is_none());
    assert!(list(&registrar, of(NOT_FOUND.personal_number)).await.is_empty(), "none is an answer");
}

#[tokio::test]
async fn a_claim_about_an_enterprise_is_compared_and_nothing_is_disclosed() {
    let app = hub().await.tthc().purpose("verify");
    let asked = VerifyEnterpriseRequest {
        enterprise_code: record(REFUSED_PURPOSE).enterprise_code.to_owned(),
        name: "CTY TRÁCH NHIỆM HỮU HẠN vận tải mẫu kiểm thử".to_owned(),
        representative_personal_number: REFUSED_PURPOSE.personal_number.to_owned(),
        ward_code: record(REFUSED_PURPOSE).former_ward_code.to_owned(),
        status: EnterpriseStatus::Operating.into(),
    };
    let answer = app.business().verify_enterprise(app.request(asked)).await.expect("served").into_inner();
    assert_eq!((answer.name(), answer.representative_personal_number()), (Match::Yes, Match::Yes));
    assert_eq!((answer.ward_code(), answer.status()), (Match::Yes, Match::No), "it suspended its business");
}

#[tokio::test]
async fn what_a_domain_does_not_hold_is_not_found_and_a_bad_number_never_reaches_it() {
    let (hub, app) = (hub().await, clinic().await);
    let refusal = app.health().verify_insurance(app.request(insurance(NOT_FOUND.personal_number, ""))).await;
    let refusal = refused(refusal, Reason::NotFound);
    assert_eq!(hub.final_entry(refusal.exchange).await.outcome(), Outcome::NotFound);
    let asked = VerifyInsuranceRequest {
        card_number: "HS123".to_owned(),
        on_date: "2026-02-30".to_owned(),
        ..Default::default()
    };
    let refusal = refused(app.health().verify_insurance(app.request(asked)).await, Reason::InvalidField);
    let fields: Vec<&str> = refusal.violations.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["card_number", "on_date"]);
    assert_eq!(refusal.hop, "client");
}

#[tokio::test]
async fn a_domain_whose_source_is_down_leaves_the_others_untouched() {
    let hub = Hub::start(100).await;
    within("all sources answer", || async {
        ["population", "land", "health", "education", "business"]
            .iter()
            .all(|domain| hub.is_well(&format!("adapter-{domain}"), "source"))
    })
    .await;
    std::fs::write(hub.data().join("sources/education.db"), [0; 4096]).expect("written over");

    let schools = hub.app("giaoduc").purpose("school-enrolment");
    let asked =
        GetStudentRequest { personal_number: ALL_FIELDS.personal_number.to_owned(), ..Default::default() };
    let refusal = schools.education().get_student(schools.request(asked)).await;
    let refusal = refused(refusal, Reason::SourceUnavailable);
    let entry = hub.final_entry(refusal.exchange).await;
    assert_eq!((entry.outcome(), entry.failed_hop()), (Outcome::Failed, Hop::Source));
    within("the source is said to be down", || async { !hub.is_well("adapter-education", "source") }).await;

    let clinic = hub.app("yte").purpose("health-care");
    let asked = insurance(ALL_FIELDS.personal_number, "2026-05-31");
    clinic.health().verify_insurance(clinic.request(asked)).await.expect("health is served");
    let app = hub.tthc();
    let asked = GetEnterpriseRequest { enterprise_code: record(ALL_FIELDS).enterprise_code.to_owned() };
    app.business().get_enterprise(app.request(asked)).await.expect("business is served");
    app.get_citizen(ALL_FIELDS.personal_number).await.expect("population is served");
    for domain in ["population", "land", "health", "business"] {
        assert!(hub.is_well(&format!("adapter-{domain}"), "source"), "{domain}");
    }
    hub.stop().await;
}
