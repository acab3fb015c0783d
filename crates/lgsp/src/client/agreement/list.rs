//! `lgsp agreement list`.

use std::time::SystemTime;

use lgsp_core::time::{micros, unix_micros};
use lgsp_proto::registry::v1::{AgreementRecord, AgreementStage, ListAgreementsRequest};

use super::{every, terms};
use crate::cli::agreement::List;
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::{note_unknown_application, open};
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
    let records = every(&session, wanted, lang).await?;
    if records.is_empty() {
        note_unknown_application(&session, &args.application, lang).await;
    }
    write(&records, args.output, lang)
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

/// Where a version stands. One that is active, and past its last day, opens nothing any more.
fn stage(record: &AgreementRecord, now: i64, lang: Lang) -> Cell {
    let until = terms(record).and_then(|terms| terms.valid_to.as_ref()).map_or(i64::MAX, micros);
    if record.stage() == AgreementStage::Active && until <= now {
        return Cell::new(lang.pick("ended", "hết hiệu lực"), Tone::Dim);
    }
    words::agreement_stage(record.stage(), lang)
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
    let now = unix_micros(SystemTime::now());
    for record in records {
        let Some(terms) = terms(record) else { continue };
        let service = Cell::from(terms.service.as_str()).or_short(words::last_word(&terms.service));
        table.row(vec![
            terms.id.as_str().into(),
            terms.version.to_string().into(),
            terms.application.as_str().into(),
            service,
            terms.purposes.join(", ").into(),
            stage(record, now, lang),
            words::minute(terms.valid_to.as_ref()).into(),
            record.etag.to_string().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::registry::v1::Agreement;

    use super::*;

    #[test]
    fn an_agreement_past_its_last_day_is_listed_as_ended() {
        let record = |stage: AgreementStage| AgreementRecord {
            agreement: Some(Agreement { valid_to: Some(timestamp(2_000_000)), ..Agreement::default() }),
            stage: stage.into(),
            ..AgreementRecord::default()
        };
        let told = |it, now| stage(&record(it), now, Lang::En).text;
        assert_eq!(told(AgreementStage::Active, 1_999_999), "active");
        assert_eq!(told(AgreementStage::Active, 2_000_000), "ended");
        assert_eq!(told(AgreementStage::Revoked, 2_000_000), "revoked");
    }
}
