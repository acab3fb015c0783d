//! Data services at run time: a contract comes to a live hub, is tried, put in use, called, announced to end, and retired.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use lgsp::cli::{Cli, Command};
use lgsp::client::service::compile;
use lgsp::client::{self, Exit, Lang};
use lgsp::roles::{self, Role};
use lgsp_adapter::Options;
use lgsp_adapter::testing::{Database, native};
use lgsp_core::Reason;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_example_adapter::v1::vehicle_service_client::VehicleServiceClient;
use lgsp_example_adapter::v1::{GetVehicleRequest, GetVehicleResponse};
use lgsp_proto::registry::v1::catalogue_service_client::CatalogueServiceClient;
use lgsp_proto::registry::v1::{
    Agreement, AgreementDecision, CheckServiceResponse, ContractProblem, DecideAgreementRequest,
    DecideServiceRequest, Grant, ListServiceVersionsRequest, ProposeAgreementRequest, RegisterServiceRequest,
    ServiceRecord, ServiceState,
};
use lgsp_tests::echo;
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Response, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::caller::{App, Refusal, exchange_of, refused};
use crate::fixture::{City, DAY_US, hub, key_of, within};

const SERVICE: &str = "example.vehicle.v1.VehicleService";
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/adapter");
const PLATE: &str = "65a-123.45";
const POLICE: &str = "G01.30.92";

/// A hub that knows no vehicles yet, the police's people who bring them, and an office with a shell.
struct Office {
    city: City,
    dir: TempDir,
}

impl Office {
    async fn open() -> Self {
        let domain = lgsp_example_adapter::DOMAIN.to_owned();
        let city = Box::pin(City::start_with(|config| config.kafka.domains.push(domain))).await;
        for (id, agency, role) in [
            ("eva-congan", POLICE, "developer"),
            ("chi-congan", POLICE, "approver"),
            ("an-doanhnghiep", "H13.05", "developer"),
            ("dung-vanhanh", "H13.02", "operator"),
        ] {
            city.put(id, agency, role).await;
        }
        let office = Self { city, dir: tempfile::tempdir().unwrap() };
        for id in ["eva-congan", "chi-congan", "dung-vanhanh"] {
            let pem = key_of(id).to_pkcs8_pem(Default::default()).unwrap();
            fs::write(office.file(id), pem.as_bytes()).unwrap();
            fs::set_permissions(office.file(id), fs::Permissions::from_mode(0o600)).unwrap();
        }
        office
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `lgsp service …` as a person.
    async fn service(&self, person: &str, line: &str) -> ExitCode {
        let key = self.file(person).display().to_string();
        self.run(&format!("{line} --as {person} --key {key}")).await
    }

    async fn run(&self, line: &str) -> ExitCode {
        let line = format!("lgsp service {line} --grpc {}", self.city.hub.grpc());
        let cli =
            Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let Command::Service(service) = cli.command else { panic!("{line}") };
        Box::pin(client::run(client::Command::Service(service), Lang::En)).await
    }

    /// Calls every method with good requests, and records what came of it.
    async fn check(&self) -> ExitCode {
        let requests = self.file("requests");
        fs::create_dir_all(&requests).unwrap();
        fs::write(requests.join("GetVehicle.json"), format!(r#"{{"plate":"{PLATE}"}}"#)).unwrap();
        fs::write(requests.join("GetVehicle.unknown.json"), r#"{"plate":"65A99999"}"#).unwrap();
        self.check_with(&requests).await
    }

    async fn check_with(&self, requests: &Path) -> ExitCode {
        let key = self.city.hub.data().join("keys/applications/doanhnghiep.pem");
        self.run(&format!(
            "check {SERVICE} --as doanhnghiep --key {} --purpose business-licensing --requests {} --person eva-congan \
             --person-key {}",
            key.display(),
            requests.display(),
            self.file("eva-congan").display()
        ))
        .await
    }

    async fn version(&self, version: u32) -> ServiceRecord {
        let developer = self.city.person("eva-congan");
        let request = ListServiceVersionsRequest { name: SERVICE.to_owned(), ..Default::default() };
        let listed = catalogue(&developer).list_service_versions(developer.request(request)).await;
        let mut listed = listed.expect("told").into_inner().services;
        listed.retain(|record| record.version == version);
        listed.pop().expect("the version is there")
    }

    async fn state(&self, version: u32) -> ServiceState {
        self.version(version).await.service.unwrap().state()
    }

    async fn retire(&self, person: &str, version: u32) -> Result<(), Status> {
        let person = self.city.person(person);
        let etag = self.version(version).await.etag;
        let (name, reason) = (SERVICE.to_owned(), "replaced".to_owned());
        let request = DecideServiceRequest { name, version, etag, reason };
        catalogue(&person).retire_service(person.request(request)).await.map(drop)
    }

    /// An agreement for the business register, by three persons.
    async fn agree(&self) -> AgreementDecision {
        let consumer = self.city.person("an-doanhnghiep");
        let request = ProposeAgreementRequest { agreement: Some(terms()), reason: "licensing".to_owned() };
        let proposed = consumer.decisions().propose_agreement(consumer.request(request)).await;
        let owner = self.city.person("chi-congan");
        let about = about(&proposed.expect("proposed").into_inner());
        let approved = owner.decisions().approve_agreement(owner.request(about)).await;
        let operator = self.city.person("dung-vanhanh");
        let about = self::about(&approved.expect("approved").into_inner());
        let activated = operator.decisions().activate_agreement(operator.request(about)).await;
        activated.expect("activated").into_inner()
    }

    /// The example's adapter behind the hub, on a database of its own.
    async fn serve(&self, database: &Database) -> Role {
        let schema = native(database.dialect(), &read("schema.sql"));
        database.filled(&format!("{schema}\n{}", read("register.sql"))).await.close().await;
        let options = Options::of(database.url());
        let adapter =
            lgsp_example_adapter::open(&options).await.expect("the source is what the adapter reads");
        let host = self.city.hub.host();
        roles::adapter::serve(host, "adapter-vehicle", adapter, options.probe_interval).await.expect("served")
    }

    fn app(&self) -> App {
        self.city.hub.app("doanhnghiep").purpose("business-licensing")
    }

    /// The example's contract with some text in the place of other.
    fn changed(&self, old: &str, new: &str) -> PathBuf {
        let file = "example/vehicle/v1/vehicle.proto";
        let text = read(&format!("proto/{file}"));
        assert!(text.contains(old), "{old}");
        let proto = self.file("proto");
        fs::create_dir_all(proto.join(file).parent().unwrap()).unwrap();
        fs::write(proto.join(file), text.replacen(old, new, 1)).unwrap();
        proto
    }

    async fn told(&self, person: &str, request: &RegisterServiceRequest) -> CheckServiceResponse {
        let person = self.city.person(person);
        let told = catalogue(&person).check_service(person.request(request.clone())).await;
        told.expect("told").into_inner()
    }

    async fn refusal(&self, person: &str, request: RegisterServiceRequest, reason: Reason) -> Refusal {
        let person = self.city.person(person);
        refused(catalogue(&person).register_service(person.request(request)).await, reason)
    }
}

fn catalogue(app: &App) -> CatalogueServiceClient<Channel> {
    CatalogueServiceClient::new(app.channel.clone())
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(EXAMPLE).join(file)).unwrap()
}

fn terms() -> Agreement {
    let now = unix_micros(SystemTime::now());
    let fields = ["vehicles.plate", "vehicles.make", "more"].map(str::to_owned).to_vec();
    Agreement {
        id: "tt-doanhnghiep-xe".to_owned(),
        application: "doanhnghiep".to_owned(),
        service: SERVICE.to_owned(),
        grants: vec![Grant { method: "GetVehicle".to_owned(), fields }],
        purposes: vec!["business-licensing".to_owned()],
        valid_from: Some(timestamp(now - DAY_US)),
        valid_to: Some(timestamp(now + DAY_US)),
        legal_basis: "Luật Dữ liệu (giả định)".to_owned(),
        ..Agreement::default()
    }
}

fn about(decision: &AgreementDecision) -> DecideAgreementRequest {
    let record = decision.agreement.as_ref().unwrap();
    let terms = record.agreement.as_ref().unwrap();
    let (id, version, etag) = (terms.id.clone(), terms.version, record.etag);
    DecideAgreementRequest { id, version, etag, ..Default::default() }
}

async fn get(app: &App, plate: &str) -> Result<Response<GetVehicleResponse>, Status> {
    let asked = GetVehicleRequest { plate: plate.to_owned(), ..Default::default() };
    VehicleServiceClient::new(app.channel.clone()).get_vehicle(app.request(asked)).await
}

fn registration(name: &str, descriptor_set: &[u8]) -> RegisterServiceRequest {
    let descriptor_set = descriptor_set.to_vec().into();
    RegisterServiceRequest { name: name.to_owned(), descriptor_set, ..Default::default() }
}

fn fields(refusal: &Refusal) -> Vec<&str> {
    refusal.violations.iter().map(|(field, _)| field.as_str()).collect()
}

fn sentences(problems: &[ContractProblem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}: {}", problem.place, problem.problem)).collect()
}

#[tokio::test]
async fn a_contract_comes_to_a_live_hub_is_tried_put_in_use_called_and_deprecated() {
    let office = Box::pin(Office::open()).await;
    let (eva, dung) = ("eva-congan", "dung-vanhanh");
    let proto = Path::new(EXAMPLE).join("proto").display().to_string();
    assert_eq!(
        office.service(eva, &format!("register --proto-dir {proto} --reason vehicles")).await,
        ExitCode::SUCCESS
    );
    assert_eq!(office.state(1).await, ServiceState::Draft);
    refused(get(&office.app(), PLATE).await, Reason::MethodUnknown);

    assert_eq!(office.service(eva, &format!("offer {SERVICE}")).await, ExitCode::SUCCESS);
    office.agree().await;
    let database = Database::sqlite();
    let adapter = office.serve(&database).await;
    within("the adapter answers", || async { get(&office.app(), PLATE).await.is_ok() }).await;

    let not_checked = office.service(dung, &format!("use {SERVICE}")).await;
    assert_eq!(not_checked, Exit::Invalid.into(), "nobody has called it as it should be");
    let none = office.file("no-requests");
    fs::create_dir_all(&none).unwrap();
    assert_eq!(office.check_with(&none).await, Exit::Invalid.into());
    assert!(!office.version(1).await.conformance.expect("recorded").passed, "a method was not called");
    assert_eq!(office.check().await, ExitCode::SUCCESS);
    let conformance = office.version(1).await.conformance.expect("recorded");
    assert!(conformance.passed && conformance.application == "doanhnghiep", "{conformance:?}");
    let evidence = lgsp_core::ExchangeId::parse(&conformance.methods[0].exchange_ids[0]);
    assert_eq!(office.city.hub.final_entry(evidence).await.method, "GetVehicle");
    assert_eq!(office.service(dung, &format!("use {SERVICE}")).await, ExitCode::SUCCESS);
    assert_eq!(office.state(1).await, ServiceState::InUse);

    // Nothing that callers rely on goes away.
    let broken = office.changed("  string make = 3", "  string maker = 8");
    let exit =
        office.service(eva, &format!("register --proto-dir {} --service {SERVICE}", broken.display())).await;
    assert_eq!(exit, Exit::Invalid.into());
    let request = registration(SERVICE, &compile(Some(&broken), None, None).unwrap().descriptor_set);
    let told = office.told(eva, &request).await;
    assert_eq!(told.compared_with, 1);
    assert_eq!(sentences(&told.breaks), ["example.vehicle.v1.Vehicle.make: is not there any more"]);
    let refusal = office.refusal(eva, request, Reason::BreakingChange).await;
    assert_eq!(fields(&refusal), ["descriptor_set.vehicle.make"]);

    let deprecate = format!("deprecate {SERVICE} --reason replaced --retire-after");
    let soon = office.service("chi-congan", &format!("{deprecate} 1h")).await;
    assert_eq!(soon, Exit::Invalid.into(), "an agreement uses it");
    assert_eq!(office.service("chi-congan", &format!("{deprecate} 60d")).await, ExitCode::SUCCESS);
    let answered = get(&office.app(), PLATE).await.expect("still carried");
    let told = |name: &str, metadata: &tonic::metadata::MetadataMap| {
        metadata.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned).unwrap_or_default()
    };
    assert!(told("deprecation", answered.metadata()).starts_with('@'), "{:?}", answered.metadata());
    assert!(told("sunset", answered.metadata()).ends_with(" GMT"), "{:?}", answered.metadata());
    assert!(exchange_of(answered.metadata()).is_some());
    let other = get(&office.city.hub.app("tthc").purpose("prefill"), PLATE).await.unwrap_err();
    assert!(!told("sunset", other.metadata()).is_empty(), "whoever is refused is told, too");

    let retire = format!("retire {SERVICE} --reason replaced");
    assert_eq!(office.service(dung, &retire).await, Exit::Invalid.into(), "no sooner than was announced");
    let sooner = office.service(dung, &format!("{deprecate} 59d")).await;
    assert_eq!(sooner, Exit::Invalid.into(), "what was announced is never brought forward");
    adapter.stop().await;
}

#[tokio::test]
async fn a_new_version_is_called_in_the_sandbox_before_anybody_relies_on_it_and_retired_when_nobody_does() {
    let office = Box::pin(Office::open()).await;
    let (eva, dung) = ("eva-congan", "dung-vanhanh");
    let proto = Path::new(EXAMPLE).join("proto").display().to_string();
    for line in [format!("register --proto-dir {proto}"), format!("offer {SERVICE}")] {
        assert_eq!(office.service(eva, &line).await, ExitCode::SUCCESS, "{line}");
    }
    let agreed = office.agree().await;
    let database = Database::sqlite();
    let adapter = office.serve(&database).await;
    within("the adapter answers", || async { get(&office.app(), PLATE).await.is_ok() }).await;
    assert_eq!(office.check().await, ExitCode::SUCCESS);
    assert_eq!(office.service(dung, &format!("use {SERVICE}")).await, ExitCode::SUCCESS);

    let more = office.changed(
        "  // As the register writes it: `65A12345`.",
        "  string note = 9 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_INTERNAL}];",
    );
    let register = format!("register --proto-dir {}", more.display());
    assert_eq!(office.service(eva, &register).await, ExitCode::SUCCESS);
    assert_eq!(office.service(eva, &register).await, Exit::Invalid.into(), "one version waits already");
    assert_eq!(office.service(eva, &format!("offer {SERVICE}")).await, ExitCode::SUCCESS);
    assert_eq!((office.state(1).await, office.state(2).await), (ServiceState::InUse, ServiceState::Sandbox));
    assert_eq!(
        office.check().await,
        ExitCode::SUCCESS,
        "an older adapter answers a contract with more fields"
    );
    assert_eq!(office.service(dung, &format!("use {SERVICE}")).await, ExitCode::SUCCESS);
    assert_eq!(
        (office.state(1).await, office.state(2).await),
        (ServiceState::Superseded, ServiceState::InUse)
    );
    get(&office.app(), PLATE).await.expect("callers of the first version are served on");

    let owner = office.city.person("chi-congan");
    let revoke = DecideAgreementRequest { reason: "not needed any more".to_owned(), ..about(&agreed) };
    owner.decisions().revoke_agreement(owner.request(revoke)).await.expect("revoked");
    let deprecate = format!("deprecate {SERVICE} --reason replaced --retire-after 1s");
    assert_eq!(office.service(dung, &deprecate).await, ExitCode::SUCCESS, "no agreement uses it");
    within("it may be retired", || async { office.retire(dung, 2).await.is_ok() }).await;
    refused(get(&office.app(), PLATE).await, Reason::ServiceNotInUse);
    adapter.stop().await;
}

#[tokio::test]
async fn what_the_hub_cannot_carry_and_names_that_are_taken_are_refused_by_their_place() {
    let office = Box::pin(Office::open()).await;
    let eva = "eva-congan";

    let any = office.changed("import \"lgsp/record/v1/record.proto\";", "import \"lgsp/record/v1/record.proto\"; import \"google/protobuf/any.proto\"; message Extra { google.protobuf.Any any = 1; }");
    let text = fs::read_to_string(any.join("example/vehicle/v1/vehicle.proto")).unwrap();
    let text = text.replacen("  bool more =", "  Extra extra = 9 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_INTERNAL}];\n  bool more =", 1);
    fs::write(any.join("example/vehicle/v1/vehicle.proto"), text).unwrap();
    let request = registration(SERVICE, &compile(Some(&any), None, None).unwrap().descriptor_set);
    let told = sentences(&office.told(eva, &request).await.problems);
    assert!(
        told.contains(&"google.protobuf.Any: may hold anything, which the hub cannot filter".to_owned()),
        "{told:?}"
    );
    let refusal = office.refusal(eva, request, Reason::InvalidField).await;
    assert!(fields(&refusal).contains(&"descriptor_set.protobuf.any"), "{:?}", fields(&refusal));

    let stream = registration(echo::SERVICE, echo::DESCRIPTOR_SET);
    let told = sentences(&office.told(eva, &stream).await.problems);
    let refused =
        "lgsp.echo.v1.EchoService.Collect: takes a stream of requests, which the hub does not carry";
    assert!(told.contains(&refused.to_owned()), "{told:?}");

    // The population is the police's, and nobody else's.
    let population = "lgsp.population.v1.PopulationService";
    let taken = registration(population, lgsp_proto::descriptor_set_of(population).unwrap());
    let told = sentences(&office.told("an-doanhnghiep", &taken).await.problems);
    let names = ["is a data service of another agency", "is in a domain of another agency"];
    assert_eq!(told, names.map(|name| format!("{population}: {name}")));
    let own = registration(
        "lgsp.ledger.v1.LedgerService",
        lgsp_proto::descriptor_set_of("lgsp.ledger.v1.LedgerService").unwrap(),
    );
    let told = sentences(&office.told(eva, &own).await.problems);
    assert!(told.iter().any(|told| told.ends_with("its package belongs to the hub")), "{told:?}");

    let refusal = office.refusal(eva, registration(SERVICE, b"no contract"), Reason::InvalidField).await;
    assert_eq!(fields(&refusal), ["descriptor_set"]);
}

#[tokio::test]
async fn reflection_lists_what_the_caller_may_call_and_tells_every_contract() {
    let hub = hub().await;
    let [all, tthc, expired] =
        [None, Some(hub.app("tthc")), Some(hub.app("ketqua"))].map(|app| list(hub.grpc(), app));
    let (all, tthc, expired) = (all.await, tthc.await, expired.await);
    let population = "lgsp.population.v1.PopulationService".to_owned();
    let decisions = "lgsp.registry.v1.DecisionService".to_owned();
    let ledger = "lgsp.ledger.v1.LedgerService".to_owned();
    assert!([&population, &decisions, &ledger].into_iter().all(|name| all.contains(name)), "{all:?}");
    assert!(tthc.contains(&population) && tthc.contains(&decisions) && !tthc.contains(&ledger), "{tthc:?}");
    assert!(!expired.contains(&population) && expired.contains(&decisions), "{expired:?}");

    let mut client = ServerReflectionClient::new(hub.app("ketqua").channel);
    let question = MessageRequest::FileContainingSymbol(population);
    let answer = ask(&mut client, Some(&hub.app("ketqua").token()), question).await.expect("told");
    assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
    let bad = ask(&mut client, Some("no.good.token"), MessageRequest::ListServices(String::new())).await;
    refused(bad, Reason::TokenInvalid);
}

async fn list(grpc: std::net::SocketAddr, app: Option<App>) -> Vec<String> {
    let channel = Channel::from_shared(format!("http://{grpc}")).unwrap().connect_lazy();
    let token = app.map(|app| app.token());
    let question = MessageRequest::ListServices(String::new());
    let answer =
        ask(&mut ServerReflectionClient::new(channel), token.as_deref(), question).await.expect("told");
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    list.service.into_iter().map(|service| service.name).collect()
}

async fn ask(
    client: &mut ServerReflectionClient<Channel>,
    token: Option<&str>,
    question: MessageRequest,
) -> Result<MessageResponse, Status> {
    let question = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut request = tonic::Request::new(tokio_stream::iter([question]));
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let mut answers = client.server_reflection_info(request).await?.into_inner();
    let answer = answers.message().await?.expect("an answer");
    Ok(answer.message_response.expect("a response"))
}
