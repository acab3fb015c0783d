//! The figures of a period: what was called is what is counted, and what the report of that period says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser as _;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use lgsp::cli::{Cli, Command};
use lgsp::client::{self, Lang};
use lgsp_core::Reason;
use lgsp_core::indicators::{Held, Period};
use lgsp_core::time::{day, timestamp, unix_micros};
use lgsp_proto::ledger::v1::{CountTrafficRequest, Outcome, TrafficCount, TrafficCounts};
use lgsp_proto::registry::v1::connection_service_client::ConnectionServiceClient;
use lgsp_proto::registry::v1::history_service_client::HistoryServiceClient;
use lgsp_proto::registry::v1::moment::Moment as At;
use lgsp_proto::registry::v1::{
    GetRegistryRequest, Moment, NationalService, NationalServiceState, PutNationalServiceRequest,
};
use tonic::Status;

use crate::caller::{App, exchange_of, refused};
use crate::fixture::{City, PERSON, hub, key_of};

const POPULATION: &str = "lgsp.population.v1.PopulationService";
/// Nobody's number: the sample has none of this province.
const NOBODY: &str = "001085000011";

/// The day of the first call. A story that goes on over midnight has two.
fn today() -> Period {
    day(unix_micros(SystemTime::now())).parse().expect("a day")
}

async fn counted(app: &App, period: &Period, dossiers: bool) -> Result<TrafficCounts, Status> {
    let request = CountTrafficRequest {
        since: Some(timestamp(period.since_us())),
        // Two days, for midnight.
        until: Some(timestamp(period.until_us() + crate::fixture::DAY_US)),
        dossiers,
        forms: true,
        ..CountTrafficRequest::default()
    };
    let mut told = app.ledger().count_traffic(app.request(request)).await?.into_inner();
    let mut all = TrafficCounts::default();
    while let Some(message) = told.message().await? {
        all.counts.extend(message.counts);
        all.dossiers.extend(message.dossiers);
        all.forms.extend(message.forms);
        all.filled.extend(message.filled);
        all.leaves = all.leaves.max(message.leaves);
    }
    Ok(all)
}

fn of_data(counts: &TrafficCounts, outcome: Outcome) -> impl Iterator<Item = &TrafficCount> {
    counts.counts.iter().filter(move |it| !it.platform && it.service == POPULATION && it.outcome() == outcome)
}

fn exchanges(counts: &TrafficCounts, outcome: Outcome) -> u64 {
    of_data(counts, outcome).map(|it| it.exchanges).sum()
}

/// Five calls: three served about two dossiers, one of nobody, and one for a purpose that the agreement does not name.
async fn call(city: &City) {
    let tthc = || city.hub.tthc();
    for dossier in ["H13.05-260601-0001", "H13.05-260601-0002", "H13.05-260601-0001"] {
        let served = tthc().with("lgsp-dossier", dossier).get_citizen(PERSON).await.expect("served");
        city.hub.final_entry(exchange_of(served.metadata())).await;
    }
    for (app, number) in [(tthc(), NOBODY), (tthc().purpose("statistics"), PERSON)] {
        let status = app.get_citizen(number).await.expect_err("it is refused");
        city.hub.final_entry(exchange_of(status.metadata())).await;
    }
}

#[tokio::test]
async fn files_tell_what_the_registry_holds_now_and_nothing_of_before() {
    let app = hub().await.app("dieu-hanh");
    let mut client = HistoryServiceClient::new(app.channel.clone());
    let mut read = async |at_us: i64, page_token: String| {
        let as_of = Some(Moment { moment: Some(At::At(timestamp(at_us))) });
        let request = GetRegistryRequest { as_of, page_size: 50, page_token };
        client.get_registry(app.request(request)).await
    };
    let (mut held, mut token, mut pages) = (Held::default(), String::new(), 0);
    while pages == 0 || !token.is_empty() {
        let page = read(today().until_us(), token).await.expect("told").into_inner();
        page.items.iter().for_each(|item| held.add(item));
        (token, pages) = (page.next_page_token, pages + 1);
    }
    let stood = held.stood();
    let printed =
        [stood.applications, stood.national, stood.systems].map(|ratio| ratio.expect("told").to_string());
    assert_eq!((printed.each_ref().map(String::as_str), pages > 1), (["11/11", "8/15", "11/31"], true));
    refused(read(today().since_us() - 1, String::new()).await, Reason::FilesDecide);
    refused(read(today().until_us(), "999:item".to_owned()).await, Reason::InvalidField);
}

#[tokio::test]
async fn what_was_called_is_what_is_counted_and_what_the_report_says() {
    let city = Box::pin(City::start()).await;
    let (operator, auditor) = (city.person("dung.vanhanh"), city.person("giam.sat"));
    let period = today();
    call(&city).await;
    for app in [&operator, &auditor] {
        let told = counted(app, &period, true).await.expect("served");
        let of = [Outcome::Served, Outcome::NotFound, Outcome::Denied].map(|it| exchanges(&told, it));
        assert_eq!(of, [3, 1, 1]);
        let named: u64 = of_data(&told, Outcome::Served).map(|it| it.with_dossier).sum();
        assert_eq!(named, 3);
        assert!(of_data(&told, Outcome::Served).all(|it| it.in_buckets.iter().sum::<u64>() == it.exchanges));
        let all = told.dossiers.iter().find(|it| it.application.is_empty()).expect("dossiers of all");
        assert_eq!((all.distinct, all.exchanges), (2, 3));
        let forms: Vec<_> = told.forms.iter().map(|it| (&*it.application, it.opened, it.filled)).collect();
        assert_eq!(forms, [("tthc", 2, 2)], "{:?}", told.filled);
        let [source] = &*told.filled else { panic!("{:?}", told.filled) };
        assert_eq!((&*source.service, source.forms, source.exchanges), (POPULATION, 2, 3));
        assert!(source.fields > 0 && source.fields.is_multiple_of(3), "the same fields each time");
        assert!(told.counts.iter().any(|it| it.platform), "the hub's own calls are told apart");
    }
    refused(counted(&city.hub.tthc(), &period, false).await, Reason::RoleMissing);

    let service = NationalService {
        id: "csdl-datdai".to_owned(),
        name_vi: "CSDL quốc gia về đất đai".to_owned(),
        state: NationalServiceState::InUse.into(),
        since: "2026-07-01".to_owned(),
        etag: 1,
        ..NationalService::default()
    };
    let request = PutNationalServiceRequest { service: Some(service), reason: "in use".to_owned() };
    let mut connections = ConnectionServiceClient::new(operator.channel.clone());
    let put = connections.put_national_service(operator.request(request)).await.expect("put").into_inner();
    assert_eq!(put.service.map(|it| it.state()), Some(NationalServiceState::InUse));

    city.put("bao-cao", "H13.02", "operator").await;
    let printed = report(&city, &period).await;
    for line in [
        "Applications connected / required,11,11,100.0%",
        "National data services in official use / available,9,15,60.0%",
        "Information systems connected / inventory,11,31,35.5%",
        "csdl-datdai,,in official use,2026-07-01",
    ] {
        assert!(printed.contains(&format!("{line}\r\n")), "{line} is missing in\n{printed}");
    }
    // Exchanges, then served, not found and denied; then dossiers, what they were told from, and what named one.
    let row = format!("sandbox,{POPULATION},tthc,5,3,1,1,0,0,0,0,0,");
    let line = printed.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("{printed}"));
    assert!(line.ends_with(",2,3,3"), "{line}");
    for begins in [
        format!("sandbox,{POPULATION},GetCitizen,tthc,5,3,1,1,"),
        "sandbox,tthc,2,2,100.0%".to_owned(),
        "broker,kafka,".to_owned(),
        "provider,population,".to_owned(),
        "Kind,trial: ".to_owned(),
        "tthc,key,".to_owned(),
    ] {
        assert!(printed.lines().any(|line| line.starts_with(&begins)), "{begins} is missing in\n{printed}");
    }
    city.hub.stop().await;
}

/// The report of a period as comma-separated values.
async fn report(city: &City, period: &Period) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.csv");
    let key = folder.path().join("key.pem");
    let pem = key_of("bao-cao").to_pkcs8_pem(LineEnding::LF).expect("a key");
    fs::write(&key, pem.as_bytes()).expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("set");
    let line = format!(
        "lgsp report --as bao-cao --key {} --grpc {} --period {period} --format csv --output {}",
        key.display(),
        city.hub.grpc(),
        file.display()
    );
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{error}"));
    let Command::Report(args) = cli.command else { panic!("a report") };
    let done = client::run(client::Command::Report(Box::new(args)), Lang::En).await;
    assert_eq!(done, ExitCode::SUCCESS);
    fs::read_to_string(file).expect("written")
}
