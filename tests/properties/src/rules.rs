//! Rules with something of everything: agreements in every state, a certificate for either application, a draft, a role.

use std::sync::LazyLock;

use lgsp_core::Rules;
use lgsp_core::time::timestamp;
use lgsp_proto::registry::v1::{
    Agreement, AgreementState, Application, ApplicationState, Certificate, Grant, Person, ServiceState,
    SignIn, Snapshot, certificate::KnownBy,
};

use crate::fixture;
use crate::fixture::NOW;

/// The certificates of the applications `tthc` and `khac`, by their fingerprints.
pub(crate) const CERTIFICATES: [[u8; 32]; 2] = [[5; 32], [6; 32]];
/// Who signs persons in, and the only one whom it does.
pub(crate) const ISSUER: &str = "https://sso.example.vn";
pub(crate) const SUBJECT: &str = "an";
const DAY: i64 = 24 * 3_600 * 1_000_000;

pub(crate) static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let mut snapshot = fixture::snapshot();
    for (application, sha256) in snapshot.applications.iter_mut().zip(CERTIFICATES) {
        let known_by = Some(KnownBy::Sha256(sha256.to_vec().into()));
        application.certificates.push(Certificate { known_by, ..Certificate::default() });
        application.roles.push("operator".to_owned());
    }
    snapshot.applications.push(Application {
        id: "dieu-hanh".to_owned(),
        state: ApplicationState::Connected.into(),
        platform: true,
        ..Application::default()
    });
    snapshot.persons.push(Person {
        id: "an.tuphap".to_owned(),
        agency_code: "H13.03".to_owned(),
        sign_ins: vec![SignIn { issuer: ISSUER.to_owned(), subject: SUBJECT.to_owned() }],
        ..Person::default()
    });
    let health = snapshot.services.iter_mut().find(|service| service.domain == "health");
    health.expect("it is there").state = ServiceState::Draft.into();
    let land = "lgsp.land.v1.LandService";
    snapshot.agreements.extend([
        agreement("khac", land, "GetParcel", AgreementState::Active, 0..i64::MAX / 2),
        agreement("tthc", land, "GetParcel", AgreementState::Suspended, 0..i64::MAX / 2),
        agreement("tthc", land, "ListParcels", AgreementState::Active, 0..NOW),
        agreement("tthc", land, "ListParcels", AgreementState::Active, NOW + DAY..NOW + 2 * DAY),
        agreement(
            "tthc",
            "lgsp.health.v1.HealthService",
            "VerifyInsurance",
            AgreementState::Active,
            0..i64::MAX / 2,
        ),
    ]);
    snapshot
});

pub(crate) static RULES: LazyLock<Rules> =
    LazyLock::new(|| Rules::compile(&SNAPSHOT, &fixture::descriptors()).expect("good rules"));

fn agreement(
    application: &str,
    service: &str,
    method: &str,
    state: AgreementState,
    valid: std::ops::Range<i64>,
) -> Agreement {
    Agreement {
        id: format!("{application}-{}", method.to_lowercase()),
        version: 1,
        application: application.to_owned(),
        service: service.to_owned(),
        grants: vec![Grant { method: method.to_owned(), fields: vec!["*".to_owned()] }],
        purposes: vec!["verify".to_owned()],
        valid_from: Some(timestamp(valid.start)),
        valid_to: Some(timestamp(valid.end)),
        state: state.into(),
        ..Agreement::default()
    }
}
