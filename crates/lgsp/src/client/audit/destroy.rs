//! The end of a month's subject key: an entry of the log, and a list of where its files are still to be deleted.

use lgsp_proto::ledger::v1::{DestroySubjectKeyRequest, DestroySubjectKeyResponse};

use super::{DEADLINE, client};
use crate::cli::audit::DestroyKey;
use crate::client::output::{self, Listing, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::sheet::{Sheet, headline};
use crate::client::{Error, Lang, words};

/// Destroys the key.
pub(super) async fn run(args: &DestroyKey, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let mut sheet = Sheet::default();
    sheet.toned(lang.pick("month", "tháng"), &*args.month, Tone::Warning);
    sheet.line(lang.pick("reason", "lý do"), &*args.reason);
    sheet.line(lang.pick("legal basis", "căn cứ"), &*args.legal_basis);
    let name =
        lang.pick("destroy the subject key of a month, for good", "huỷ hẳn khoá chủ thể của một tháng");
    sheet.note(&headline(name, args.dry_run, lang));
    if args.dry_run {
        return Ok(());
    }
    let request = DestroySubjectKeyRequest {
        month: args.month.clone(),
        legal_basis: args.legal_basis.clone(),
        reason: args.reason.clone(),
    };
    let request = session.request(request, Some(DEADLINE))?;
    let destroyed =
        answered_within(&session, DEADLINE, client(&session).destroy_subject_key(request)).await?;
    if args.output == Some(Listing::Json) {
        return output::line(&output::json_line(&destroyed)?);
    }
    tell(&destroyed, &args.month, lang).write()
}

/// What was decided, and what of it is still to be done by hand.
fn tell(destroyed: &DestroySubjectKeyResponse, month: &str, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.line(lang.pick("decision", "quyết định"), &*destroyed.act_id);
    sheet.line(lang.pick("entry", "bản ghi"), destroyed.leaf.to_string());
    sheet.line(lang.pick("entered (+07:00)", "ghi lúc (+07:00)"), words::moment(destroyed.entered.as_ref()));
    let deleted = lang.pick("by the ledger itself", "kho nhật ký tự xoá");
    sheet.line(lang.pick("deleted", "đã xoá"), format!("keys.subjects/{month}.key, {deleted}"));
    let on = lang.pick("on the machine of", "trên máy của");
    let label = lang.pick("to be deleted", "còn phải xoá");
    for gateway in &destroyed.gateways {
        sheet.toned(label, format!("keys.subjects/{month}.key {on} {gateway}"), Tone::Warning);
    }
    let copies = lang.pick(
        "every copy of it in a backup; lgsp keys says whether a file is still there",
        "mọi bản sao trong bản lưu; lgsp keys cho biết tệp còn hay không",
    );
    sheet.toned(label, copies, Tone::Warning);
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gateway_that_may_have_the_key_is_named_with_the_file() {
        let gateways = vec!["gateway-1".to_owned(), "gateway-2".to_owned()];
        let destroyed = DestroySubjectKeyResponse { leaf: 7, gateways, ..Default::default() };
        let text = tell(&destroyed, "2024-05", Lang::En).text();
        for told in [
            "on the machine of gateway-1",
            "on the machine of gateway-2",
            "keys.subjects/2024-05.key",
            "backup",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }
}
