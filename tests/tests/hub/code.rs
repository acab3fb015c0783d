//! The registry as code: from a hub that knows itself alone to the shipped files, in steps of the persons whose they are; and its past.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePublicKey, KeypairBytes};
use lgsp::cli::{Cli, Command};
use lgsp::client::{self, Lang};
use lgsp::layout::{Layout, read_signing_key};
use lgsp_core::Reason;
use lgsp_core::time::{day, unix_micros};
use lgsp_proto::registry::v1::catalogue_service_client::CatalogueServiceClient;
use lgsp_proto::registry::v1::history_service_client::HistoryServiceClient;
use lgsp_proto::registry::v1::moment::Moment as Of;
use lgsp_proto::registry::v1::{
    ApplicationState, Conformance, GetRegistryRequest, GetRegistryResponse, GetSnapshotRequest,
    ListAllowedMethodsRequest, ListApplicationsRequest, ListPersonsRequest, ListServiceVersionsRequest,
    MethodConformance, Moment, RecordConformanceRequest, ServiceState, Snapshot,
};
use lgsp_registry::rules::{Checked, Folder, check};
use lgsp_registry::{BeginWith, Recovery, recover_administrator};
use lgsp_store::Options;
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::caller::{App, refused, sign};
use crate::fixture::{City, DAY_US, PERSON, key_of, within};

/// Nothing is left to do; something is.
const DONE: u8 = 0;
const DIFFERS: u8 = 8;

const OPERATOR: &str = "dung-vanhanh";
/// Everybody who takes part, with their agency and role.
const PERSONS: [(&str, &str, &str); 16] = [
    ("an-thanhpho", "H13", "developer"),
    ("an-vanphong", "H13.01", "developer"),
    ("an-khcn", "H13.02", "developer"),
    ("an-tuphap", "H13.03", "developer"),
    ("an-datdai", "H13.04", "developer"),
    ("an-taichinh", "H13.05", "developer"),
    ("an-yte", "H13.06", "developer"),
    ("an-giaoduc", "H13.07", "developer"),
    ("an-xaydung", "H13.08", "developer"),
    ("an-congan", "G01.30.92", "developer"),
    ("chi-datdai", "H13.04", "approver"),
    ("chi-taichinh", "H13.05", "approver"),
    ("chi-yte", "H13.06", "approver"),
    ("chi-giaoduc", "H13.07", "approver"),
    ("chi-congan", "G01.30.92", "approver"),
    (OPERATOR, "H13.02", "operator"),
];

/// A city, the keys of its persons as files, and files of rules.
struct Office {
    city: City,
    dir: TempDir,
}

impl Office {
    async fn of(begin_with: BeginWith) -> Self {
        let city = City::start_with(|config| {
            config.registry.begin_with = begin_with;
            config.registry.environment = "production".to_owned();
        });
        let office = Self { city: Box::pin(city).await, dir: tempfile::tempdir().unwrap() };
        for (id, agency, role) in PERSONS {
            office.city.put(id, agency, role).await;
            office.keep_key(id, &key_of(id));
        }
        office
    }

    fn keep_key(&self, id: &str, key: &SigningKey) {
        let pem = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
        let pem = ed25519_dalek::pkcs8::EncodePrivateKey::to_pkcs8_pem(&pem, LineEnding::LF).unwrap();
        let mut file = fs::OpenOptions::new();
        let mut file = file.write(true).create_new(true).mode(0o600).open(self.key(id)).unwrap();
        file.write_all(pem.as_bytes()).unwrap();
    }

    fn key(&self, id: &str) -> PathBuf {
        self.dir.path().join(format!("{id}.pem"))
    }

    /// The shipped files, with the keys of this hub's applications: good for a year.
    fn shipped(&self) -> PathBuf {
        let folder = self.dir.path().join("registry");
        fs::create_dir(&folder).unwrap();
        for (name, text) in lgsp_registry::shipped() {
            fs::write(folder.join(name), text).unwrap();
        }
        let now = unix_micros(SystemTime::now());
        let (from, to) = (day(now - DAY_US), day(now + 365 * DAY_US));
        let files = check(&Folder::read(&folder).unwrap(), "production").unwrap();
        let mut credentials = String::new();
        for application in &files.snapshot().applications {
            let id = &application.id;
            let key = read_signing_key(&Layout::new(self.city.hub.data()).application_key(id)).unwrap();
            let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
            // The hub's own tool is there already, with the key that `up` made for it.
            let (from, to) = match application.platform {
                true => ("2026-01-01", "2036-01-01"),
                false => (from.as_str(), to.as_str()),
            };
            credentials.push_str(&format!(
                "[[credential]]\napplication = \"{id}\"\nkey-id = \"{id}-1\"\nnot-before = {from}\n\
                 not-after = {to}\npublic-key = \"\"\"\n{pem}\"\"\"\n\n"
            ));
        }
        fs::write(folder.join("credentials.toml"), credentials).unwrap();
        folder
    }

    /// Runs `lgsp registry …` as a person.
    async fn run(&self, id: &str, command: &str, more: &[&str]) -> ExitCode {
        let (key, grpc) = (self.key(id), self.city.hub.grpc().to_string());
        let line = ["lgsp", "registry", command, "--as", id, "--key", key.to_str().unwrap(), "--grpc", &grpc];
        let cli = Cli::try_parse_from(line.iter().chain(more)).unwrap();
        let Command::Registry(registry) = cli.command else { panic!("lgsp registry") };
        client::run(client::Command::Registry(Box::new(registry.command.unwrap())), Lang::En).await
    }

    async fn ends(&self, id: &str, command: &str, more: &[&str], code: u8) {
        assert_eq!(self.run(id, command, more).await, ExitCode::from(code), "{id}: {command} {more:?}");
    }

    /// What the check of a service records, for every service that is offered: `lgsp service check` has its own story.
    async fn record_checks(&self) {
        for (id, agency, _) in PERSONS.into_iter().filter(|(_, _, role)| *role == "developer") {
            let person = self.city.person(id);
            let mut catalogue = CatalogueServiceClient::new(person.channel.clone());
            let offered = ListServiceVersionsRequest {
                agency_code: agency.to_owned(),
                state: ServiceState::Sandbox.into(),
                ..Default::default()
            };
            let offered =
                catalogue.list_service_versions(person.request(offered)).await.unwrap().into_inner();
            for record in offered.services.into_iter().filter(|it| it.conformance.is_none()) {
                let service = record.service.unwrap();
                let descriptor = lgsp_proto::pool().get_service_by_name(&service.name).unwrap();
                let passed = |method: prost_reflect::MethodDescriptor| MethodConformance {
                    method: method.name().to_owned(),
                    requests: 1,
                    exchange_ids: vec!["0199c0de-0000-7000-8000-000000000001".to_owned()],
                    ..Default::default()
                };
                let conformance = Conformance {
                    descriptor_sha256: service.descriptor_sha256,
                    methods: descriptor.methods().map(passed).collect(),
                    application: "tthc".to_owned(),
                    ..Default::default()
                };
                let (name, version, etag) = (service.name, record.version, record.etag);
                let request =
                    RecordConformanceRequest { name, version, etag, conformance: Some(conformance) };
                catalogue.record_conformance(person.request(request)).await.unwrap();
            }
        }
    }
}

fn read(folder: &Path) -> Checked {
    check(&Folder::read(folder).unwrap(), "production").unwrap()
}

/// What a folder says; the version of an agreement is the registry's to give.
fn rules(folder: &Path) -> Snapshot {
    let mut rules = read(folder).snapshot().clone();
    rules.agreements.iter_mut().for_each(|terms| terms.version = 0);
    rules
}

fn history(app: &App) -> HistoryServiceClient<Channel> {
    HistoryServiceClient::new(app.channel.clone())
}

async fn registry(app: &App, of: Option<Of>) -> Result<GetRegistryResponse, Status> {
    let as_of = of.map(|moment| Moment { moment: Some(moment) });
    let request = GetRegistryRequest { as_of, page_size: 200, ..Default::default() };
    history(app).get_registry(app.request(request)).await.map(Response::into_inner)
}

#[tokio::test]
async fn the_shipped_files_are_brought_to_a_hub_that_knows_itself_alone_by_the_persons_whose_steps_they_are()
{
    let office = Box::pin(Office::of(BeginWith::Hub)).await;
    let files = office.shipped();
    let dir = files.to_str().unwrap();
    refused(office.city.hub.tthc().get_citizen(PERSON).await, Reason::TokenInvalid);
    office.ends(OPERATOR, "plan", &[dir], DIFFERS).await;

    let mut rounds = 0;
    while office.run(OPERATOR, "plan", &[dir, "--output", "json"]).await != ExitCode::from(DONE) {
        rounds += 1;
        assert!(rounds <= 4, "it does not come to an end");
        for (id, ..) in PERSONS {
            let ended = office.run(id, "apply", &[dir, "--yes"]).await;
            let good = [DONE, DIFFERS].map(ExitCode::from);
            assert!(good.contains(&ended), "{id}: {ended:?}");
        }
        office.record_checks().await;
    }
    for (id, ..) in PERSONS {
        office.ends(id, "plan", &[dir], DONE).await;
        office.ends(id, "apply", &[dir], DONE).await;
    }

    let operator = office.city.person(OPERATOR);
    let all =
        operator.registry().list_applications(operator.request(ListApplicationsRequest::default())).await;
    let mut all = all.unwrap().into_inner().applications;
    all.retain(|it| !it.platform && it.state() == ApplicationState::Connected);
    assert_eq!(all.len(), 11);
    for application in &all {
        let app = office.city.hub.app(&application.id);
        let allowed = app.decisions().list_allowed_methods(app.request(ListAllowedMethodsRequest {})).await;
        let has_methods = !allowed.unwrap().into_inner().methods.is_empty();
        // The one has no agreement, that of the other has ended.
        assert_eq!(has_methods, !["qlvb", "ketqua"].contains(&application.id.as_str()), "{}", application.id);
    }
    let citizen = office.city.hub.tthc().get_citizen(PERSON).await.unwrap().into_inner().citizen.unwrap();
    assert_eq!(citizen.personal_number, PERSON);

    let exported = office.dir.path().join("exported");
    office.ends(OPERATOR, "export", &[exported.to_str().unwrap()], DONE).await;
    assert_eq!(rules(&exported), rules(&files));
    assert_eq!(read(&exported).contacts(), read(&files).contacts());
    office.ends(OPERATOR, "export", &[exported.to_str().unwrap()], 2).await;
    let written = fs::read(exported.join("agreements.toml")).unwrap();
    office.ends(OPERATOR, "export", &[exported.to_str().unwrap(), "--force"], DONE).await;
    assert_eq!(
        fs::read(exported.join("agreements.toml")).unwrap(),
        written,
        "the same rules are the same bytes"
    );
}

#[tokio::test]
async fn what_is_not_in_the_files_any_more_goes_and_what_two_administrators_say_opens() {
    let office = Box::pin(Office::of(BeginWith::Files)).await;
    let exported = office.dir.path().join("exported");
    let dir = exported.to_str().unwrap();
    office.ends(OPERATOR, "export", &[dir], DONE).await;
    office.ends(OPERATOR, "plan", &[dir], DONE).await;

    // An application goes, with its agreements; a role opens more than before.
    let edit = |file: &str, change: &dyn Fn(&str) -> String| {
        let text = fs::read_to_string(exported.join(file)).unwrap();
        fs::write(exported.join(file), change(&text)).unwrap();
    };
    let without = |table: &str, key: &str| {
        let (table, key) = (format!("\n[[{table}]]\n"), format!("{key} = \"spp\"\n"));
        move |text: &str| {
            let mut entries = text.split(&table);
            let head = entries.next().unwrap().to_owned();
            let kept = entries.filter(|entry| !entry.contains(&key));
            kept.fold(head, |all, entry| all + &table + entry)
        }
    };
    edit("applications.toml", &without("application", "id"));
    edit("credentials.toml", &without("credential", "application"));
    edit("agreements.toml", &without("agreement", "application"));
    edit("inventory.toml", &|text| text.replace("application = \"spp\"\n", ""));
    let list = "\"lgsp.registry.v1.DecisionService/ListPersons\",\n    \"lgsp.registry.v1.DecisionService/PutPerson\"";
    let wider = list.replace("\",\n", "\",\n    \"lgsp.registry.v1.DecisionService/ListAgreements\",\n");
    edit("roles.toml", &|text| {
        assert!(text.contains(list));
        text.replace(list, &wider)
    });

    office.ends(OPERATOR, "apply", &[dir, "--yes"], DIFFERS).await;
    let administrators = ["admin-1", "admin-2"];
    for id in administrators {
        let made = office.city.hub.data().join("keys/administrators").join(format!("{id}.pem"));
        fs::copy(made, office.key(id)).unwrap();
    }
    office.ends("admin-1", "apply", &[dir, "--yes"], DIFFERS).await;
    office.ends("admin-1", "apply", &[dir, "--yes"], DIFFERS).await;
    office.ends("admin-2", "apply", &[dir, "--yes"], DONE).await;
    refused(
        {
            let spp = office.city.hub.app("spp");
            spp.decisions().list_allowed_methods(spp.request(ListAllowedMethodsRequest {})).await
        },
        Reason::TokenInvalid,
    );
}

#[tokio::test]
async fn the_registry_as_of_then_is_told_to_whoever_oversees_it() {
    let city = Box::pin(City::start()).await;
    let auditor = city.person("giam.sat");
    let now = registry(&auditor, None).await.unwrap();
    let first = registry(&auditor, Some(Of::Sequence(1))).await.unwrap();
    assert!(first.sequence == 1 && now.sequence > 1);
    let persons = |answer: &GetRegistryResponse| {
        let is_person = |it: &&lgsp_proto::registry::v1::Item| {
            matches!(it.item, Some(lgsp_proto::registry::v1::item::Item::Person(_)))
        };
        answer.items.iter().filter(is_person).count()
    };
    assert_eq!((persons(&first), persons(&now)), (2, 6));

    // Page by page, it is one moment, whatever is decided meanwhile.
    let mut request = GetRegistryRequest { page_size: 7, ..Default::default() };
    let mut items = Vec::new();
    loop {
        let page =
            history(&auditor).get_registry(auditor.request(request.clone())).await.unwrap().into_inner();
        items.extend(page.items);
        if items.len() == 7 {
            city.put("moi.vao", "H13.03", "developer").await;
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(items, now.items);

    let snapshot = async |of| {
        let request = GetSnapshotRequest { as_of: Some(Moment { moment: Some(of) }), environment: 0 };
        history(&auditor).get_snapshot(auditor.request(request)).await.map(Response::into_inner)
    };
    let then = snapshot(Of::Sequence(1)).await.unwrap().snapshot.unwrap();
    assert_eq!((then.revision, then.persons.len(), then.applications.len()), (first.revision, 2, 12));
    assert_eq!(snapshot(Of::Revision(now.revision)).await.unwrap().snapshot.unwrap().persons.len(), 6);
    refused(snapshot(Of::Revision(u64::MAX)).await, Reason::NotFound);
    refused(registry(&auditor, Some(Of::Sequence(u64::MAX))).await, Reason::InvalidField);

    let developer = city.person("an.tuphap");
    let told = registry(&developer, None).await.unwrap();
    assert_eq!((persons(&told), told.caller.unwrap().id.as_str()), (0, "an.tuphap"));
    refused(registry(&developer, Some(Of::Sequence(1))).await, Reason::NotYourAgency);
}

#[tokio::test]
async fn an_administrator_who_is_let_back_in_on_the_store_is_one_within_moments() {
    let city = Box::pin(City::start()).await;
    let dir = tempfile::tempdir().unwrap();
    let recovery = Recovery {
        store: Options::of(city.database().url()),
        environment: "sandbox".to_owned(),
        id: "admin-1".to_owned(),
        key_file: dir.path().join("admin-1.pem"),
        reason: "both keys burnt".to_owned(),
    };
    let recovered = recover_administrator(&recovery).await.unwrap();
    assert_eq!(recovered.key_id, "admin-1-2");
    let administrator = city.hub.person("admin-1", read_signing_key(&recovery.key_file).unwrap());
    within("the gateway knows the new key", || async {
        let token = sign(&administrator.key, &recovered.key_id, &administrator.claims());
        let request = administrator.request_with_token(ListPersonsRequest::default(), &token);
        administrator.decisions().list_persons(request).await.is_ok()
    })
    .await;
    let former = city.hub.administrator("admin-1");
    let request = former.request(ListPersonsRequest::default());
    refused(former.decisions().list_persons(request).await, Reason::TokenInvalid);
}
