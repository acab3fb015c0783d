//! `docs/writing-an-adapter.md`: its blocks are the example's code in both languages, and its steps lead to a sixth domain.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lgsp_adapter::testing::{Database, native};
use lgsp_adapter::{Options, SourceOptions, check};
use lgsp_core::{Outcome, Reason};
use lgsp_example_adapter::v1::vehicle_service_client::VehicleServiceClient;
use lgsp_example_adapter::v1::{GetVehicleRequest, GetVehicleResponse, VehicleKind};
use lgsp_proto::record::v1::PartialDate;
use tonic::{Response, Status};

use crate::caller::{App, exchange_of, refused};
use crate::fixture::{VehicleHub, read_mapping};

const GUIDES: [&str; 2] = ["docs/writing-an-adapter.md", "docs/writing-an-adapter.vi.md"];
const EXAMPLE: &str = "docs/examples/adapter";
const OWNER: &str = "092085000011";
const OWNERS_NAME: &str = "Nguyễn Văn Mẫu";

/// A fenced block of a guide.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Its language, and the file that it is of, if any.
    head: String,
    text: String,
}

impl Block {
    fn file(&self) -> Option<&str> {
        self.head.split_once(' ').map(|(_, file)| file)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let text = read(guide);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("```") else { continue };
        let text = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .fold(String::new(), |text, line| text + line + "\n");
        blocks.push(Block { head: head.to_owned(), text });
    }
    blocks
}

#[test]
fn every_block_that_names_a_file_stands_in_it() {
    for guide in GUIDES {
        let blocks = blocks(guide);
        assert!(blocks.iter().filter(|block| block.file().is_some()).count() > 10, "{guide} shows the code");
        for block in &blocks {
            let Some(file) = block.file() else { continue };
            let content = format!("\n{}", read(file));
            assert!(
                content.contains(&format!("\n{}", block.text)),
                "{guide} shows what {file} does not hold:\n{}",
                block.text
            );
        }
    }
}

#[test]
fn both_guides_have_the_same_blocks_and_leave_no_file_of_the_example_out() {
    let [english, vietnamese] = GUIDES.map(blocks);
    assert_eq!(english, vietnamese);
    let guides = GUIDES.map(read);
    for file in files(&root().join(EXAMPLE)) {
        let name = file.strip_prefix(root().join("docs")).expect("below docs").display().to_string();
        for (guide, text) in GUIDES.iter().zip(&guides) {
            assert!(text.contains(&name), "{guide} does not name {name}");
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn the_guides_steps_lead_to_a_sixth_domain() {
    for database in Database::each().await {
        let schema = native(database.dialect(), &read("docs/examples/adapter/schema.sql"));
        let register = read("docs/examples/adapter/register.sql");
        database.filled(&format!("{schema}\n{register}")).await.close().await;
        // Boxed, as below: it holds a hub.
        Box::pin(holds_what_the_guide_promises(&Options::of(database.url()))).await;
    }
}

#[tokio::test]
async fn the_guides_mapping_leads_to_the_same_on_an_agencys_own_tables() {
    for database in Database::each().await {
        database.filled(&read("docs/examples/adapter/agency.sql")).await.close().await;
        Box::pin(holds_what_the_guide_promises(&mapped(&database))).await;
    }
}

/// The guide's configuration, with a database that is there in place of the agency's.
fn mapped(database: &Database) -> Options {
    let options = read_mapping();
    let (url, root_certificates) = (database.url().to_owned(), None);
    let source = SourceOptions { url, password_file: None, root_certificates, ..options.source };
    Options { source, ..options }
}

async fn holds_what_the_guide_promises(source: &Options) {
    let adapter = lgsp_example_adapter::open(source).await.expect("the source is what the adapter reads");
    let tables = adapter.probe.tables().expect("a database");
    let report = check::check(tables, Duration::from_secs(20), |_| ()).await.expect("the source answers");
    assert_eq!((report.records, report.findings), (vec![("vehicle", 3)], Vec::new()));

    let hub = Box::pin(VehicleHub::start(source)).await;
    let app = hub.app("doanhnghiep").purpose("business-licensing");
    let answer = get(&app, "65a-123.45", "").await.expect("served");
    let entry = hub.final_entry(exchange_of(answer.metadata())).await;
    let vehicle = answer.into_inner().vehicles.remove(0);
    assert_eq!((vehicle.plate.as_str(), vehicle.kind()), ("65A12345", VehicleKind::Car));
    assert_eq!(vehicle.registered_on, Some(PartialDate { year: 2019, month: 3, day: 7 }));
    assert_eq!((vehicle.owner_personal_number.as_str(), vehicle.owner_name.as_str()), ("", ""), "masked");
    let provenance = vehicle.provenance.expect("granted");
    assert_eq!((provenance.agency_code.as_str(), provenance.synthetic), ("G01.30.92", true));

    assert_eq!(entry.outcome(), Outcome::Served);
    assert_eq!((entry.application.as_str(), entry.purpose.as_str()), ("doanhnghiep", "business-licensing"));
    assert_eq!(entry.service, "example.vehicle.v1.VehicleService");
    assert!(entry.agreement.starts_with("tt-doanhnghiep-phuongtien"), "{}", entry.agreement);
    let log = format!("{entry:?}");
    assert!(!log.contains("65A12345") && !log.contains(OWNERS_NAME), "no personal data is logged");

    let of_owner = get(&app, "", OWNER).await.expect("served").into_inner();
    let plates: Vec<&str> = of_owner.vehicles.iter().map(|vehicle| vehicle.plate.as_str()).collect();
    assert_eq!(plates, ["65A12345", "65B100001"]);

    let refusal = refused(get(&app, "65A99999", "").await, Reason::NotFound);
    assert_eq!(hub.final_entry(refusal.exchange).await.outcome(), Outcome::NotFound);
    refused(get(&app, "", "").await, Reason::InvalidField);
    refused(get(&hub.app("tthc").purpose("prefill"), "65A12345", "").await, Reason::AgreementMissing);
}

async fn get(app: &App, plate: &str, owner: &str) -> Result<Response<GetVehicleResponse>, Status> {
    let asked = GetVehicleRequest { plate: plate.to_owned(), owner_personal_number: owner.to_owned() };
    VehicleServiceClient::new(app.channel.clone()).get_vehicle(app.request(asked)).await
}
