//! `lgsp service list`.

use lgsp_proto::registry::v1::{ServiceRecord, Step};

use super::{open, state, versions};
use crate::cli::service::List;
use crate::client::links::Announced;
use crate::client::output::{self, Listing, Surface};
use crate::client::table::{Shrink, Table};
use crate::client::{Error, Lang, words};

/// Runs `lgsp service list`.
pub(super) async fn run(args: &List, lang: Lang) -> Result<(), Error> {
    let session = open(&args.asker).await?;
    let versions = versions(&session, &args.name, &args.agency).await?;
    let announced = Announced::of(&session, lang).await;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return versions.iter().try_for_each(|record| {
            output::line(&announced.beside(domain(record), output::json_line(record)?)?)
        });
    }
    table(&versions, &announced, lang).write(listing, &surface)
}

fn domain(record: &ServiceRecord) -> &str {
    record.service.as_ref().map_or("", |service| &service.domain)
}

fn table(versions: &[ServiceRecord], announced: &Announced, lang: Lang) -> Table {
    let header = match lang {
        Lang::En => {
            ["service", "version", "state", "owner", "registered by", "checked", "retired from", "etag"]
        }
        Lang::Vi => [
            "dịch vụ",
            "phiên bản",
            "trạng thái",
            "cơ quan chủ quản",
            "người đăng ký",
            "kiểm thử",
            "dừng từ",
            "etag",
        ],
    };
    let [_, _, _, owner, registered, _, sunset, _] = header;
    let maintenance = (!announced.is_empty()).then(|| Announced::header(lang));
    let mut table = Table::new(header.into_iter().chain(maintenance).collect())
        .wrapping(maintenance.into_iter().collect())
        .shrinking([registered, sunset, owner].map(Shrink::Drop).to_vec());
    for record in versions {
        let service = record.service.clone().unwrap_or_default();
        let sunset = words::moment(service.sunset_at.as_ref());
        let mut row = vec![
            service.name.into(),
            record.version.to_string().into(),
            words::service_state(state(record), lang),
            service.owner_agency_code.into(),
            by(record.registered.as_ref(), lang).into(),
            checked(record, lang).into(),
            sunset.get(..10).unwrap_or("-").into(),
            record.etag.to_string().into(),
        ];
        row.extend(maintenance.map(|_| announced.cell(domain(record), lang)));
        table.row(row);
    }
    table
}

fn by(step: Option<&Step>, lang: Lang) -> String {
    let files = || lang.pick("the files", "tệp cấu hình").to_owned();
    step.map_or_else(files, |step| step.by.clone().unwrap_or_default().person)
}

fn checked(record: &ServiceRecord, lang: Lang) -> &'static str {
    match &record.conformance {
        None => "-",
        Some(conformance) if conformance.passed => lang.pick("passed", "đạt"),
        Some(_) => lang.pick("failed", "không đạt"),
    }
}
