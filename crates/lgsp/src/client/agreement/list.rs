//! `lgsp agreement list`.

use lgsp_proto::registry::v1::{AgreementRecord, AgreementStage, ListAgreementsRequest};

use super::{every, terms};
use crate::cli::agreement::List;
use crate::client::output::{self, Listing, Surface};
use crate::client::registry::open;
use crate::client::table::{Cell, Shrink, Table};
use crate::client::{Error, Lang, words};

/// Runs `lgsp agreement list`.
pub(super) async fn run(args: &List, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let wanted = ListAgreementsRequest {
        application: args.application.clone(),
        service: args.service.clone(),
        stage: args.stage.map_or(AgreementStage::Unspecified, AgreementStage::from).into(),
        ..ListAgreementsRequest::default()
    };
    write(&every(&session, wanted).await?, args.output, lang)
}

/// Writes records as a list.
pub(super) fn write(records: &[AgreementRecord], form: Option<Listing>, lang: Lang) -> Result<(), Error> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(form);
    if listing == Listing::Json {
        return records.iter().try_for_each(|record| output::line(&output::json_line(record)?));
    }
    table(records, lang).write(listing, &surface)
}

fn table(records: &[AgreementRecord], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => {
            ["agreement", "version", "application", "service", "purposes", "stage", "until (+07:00)", "etag"]
        }
        Lang::Vi => [
            "thoả thuận",
            "phiên bản",
            "ứng dụng",
            "dịch vụ",
            "mục đích",
            "trạng thái",
            "đến (+07:00)",
            "etag",
        ],
    };
    let [_, _, _, service, purposes, _, until, etag] = header;
    let mut table = Table::new(header.to_vec()).wrapping(vec![purposes]).shrinking(
        [
            Shrink::Shorten,
            Shrink::Drop(until),
            Shrink::Drop(etag),
            Shrink::Drop(purposes),
            Shrink::Drop(service),
        ]
        .to_vec(),
    );
    for record in records {
        let Some(terms) = terms(record) else { continue };
        let service = Cell::from(terms.service.as_str()).or_short(words::last_word(&terms.service));
        table.row(vec![
            terms.id.as_str().into(),
            terms.version.to_string().into(),
            terms.application.as_str().into(),
            service,
            terms.purposes.join(", ").into(),
            words::agreement_stage(record.stage(), lang),
            words::minute(terms.valid_to.as_ref()).into(),
            record.etag.to_string().into(),
        ]);
    }
    table
}
