//! The end of a month's subject key: an entry of the log, and a list of where its files are still to be deleted.

use lgsp_proto::ledger::v1::audit_service_server::SERVICE_NAME;
use lgsp_proto::ledger::v1::{DestroySubjectKeyRequest, DestroySubjectKeyResponse};

use super::{DEADLINE, client};
use crate::cli::audit::DestroyKey;
use crate::cli::client::Method;
use crate::client::output::{self, Listing, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::session::Session;
use crate::client::sheet::{Sheet, headline};
use crate::client::{Error, Exit, Lang, confirm, reflection, words};

/// Destroys the key.
pub(super) async fn run(args: &DestroyKey, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    previews(&session).await?;
    let shown = ask(&session, args, true).await?;
    let mut sheet = Sheet::default();
    sheet.toned(lang.pick("month", "tháng"), &*args.month, Tone::Warning);
    sheet.line(lang.pick("reason", "lý do"), &*args.reason);
    sheet.line(lang.pick("legal basis", "căn cứ"), &*args.legal_basis);
    let holders = lang.pick("may be held by", "có thể còn ở");
    sheet.line(holders, shown.gateways.join(", "));
    let name =
        lang.pick("destroy the subject key of a month, for good", "huỷ hẳn khoá chủ thể của một tháng");
    sheet.note(&headline(name, args.dry_run, lang));
    if args.dry_run {
        return Ok(());
    }
    if !args.yes && !confirm::confirmed(lang.pick("Destroy it for good?", "Huỷ hẳn?"))? {
        return Err(Error::NotConfirmed);
    }
    let destroyed = ask(&session, args, false).await?;
    if args.output == Some(Listing::Json) {
        return output::line(&output::json_line(&destroyed)?);
    }
    tell(&destroyed, &args.month, lang).write()
}

/// A hub that does not know what a preview is would destroy the key.
async fn previews(session: &Session) -> Result<(), Error> {
    let method = Method { service: SERVICE_NAME.to_owned(), method: "DestroySubjectKey".to_owned() };
    let known = reflection::method(session, &method).await?;
    match known.input().get_field_by_name("preview") {
        Some(_) => Ok(()),
        None => Err(Error::Contract {
            service: SERVICE_NAME.to_owned(),
            problem: "the hub is of a version before this command, which tells nothing beforehand".to_owned(),
        }),
    }
}

/// Asks for the decision, or what it would be about.
async fn ask(
    session: &Session,
    args: &DestroyKey,
    preview: bool,
) -> Result<DestroySubjectKeyResponse, Error> {
    let request = DestroySubjectKeyRequest {
        month: args.month.clone(),
        legal_basis: args.legal_basis.clone(),
        reason: args.reason.clone(),
        preview,
    };
    let request = session.request(request, Some(DEADLINE))?;
    let answer = answered_within(session, DEADLINE, client(session).destroy_subject_key(request)).await;
    let month = args.month.clone();
    match answer {
        Ok(answer) if preview && !answer.act_id.is_empty() => {
            let entered = words::minute(answer.entered.as_ref());
            Err(Error::KeyDestroyed { month, leaf: answer.leaf, entered })
        }
        Ok(answer) => Ok(answer),
        Err(Error::Refused(failure)) if failure.exit() == Exit::NotFound => {
            let is_destroyed = failure.violations().iter().any(|(_, rule)| rule.starts_with(DESTROYED));
            if is_destroyed { Err(Error::Refused(failure)) } else { Err(Error::NoSubjectKey { month }) }
        }
        Err(other) => Err(other),
    }
}

/// How the ledger begins to say that a decision has destroyed a key, where it cannot tell which.
const DESTROYED: &str = "has no key any more";

/// What was decided, and what of it is still to be done by hand.
fn tell(destroyed: &DestroySubjectKeyResponse, month: &str, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.line(lang.pick("decision", "quyết định"), &*destroyed.act_id);
    sheet.line(lang.pick("entry", "bản ghi"), destroyed.leaf.to_string());
    sheet.line(lang.pick("entered (+07:00)", "ghi lúc (+07:00)"), words::moment(destroyed.entered.as_ref()));
    let deleted = lang.pick("by the ledger itself", "kho nhật ký tự xoá");
    sheet.line(lang.pick("deleted", "đã xoá"), format!("keys.subjects/{month}.key, {deleted}"));
    let on = lang.pick("on each machine of", "trên mỗi máy của");
    let label = lang.pick("to be deleted", "còn phải xoá");
    // A gateway has another name after each start: one line for all, or `lgsp up` is told the same file again and again.
    if !destroyed.gateways.is_empty() {
        let unless = lang.pick("if it is not the file above", "nếu không phải chính tệp trên");
        let gateways = destroyed.gateways.join(", ");
        sheet.toned(label, format!("keys.subjects/{month}.key {on} {gateways}, {unless}"), Tone::Warning);
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
    fn every_gateway_that_may_have_the_key_is_named_with_the_file_which_is_named_once() {
        let gateways = vec!["gateway-1".to_owned(), "gateway-2".to_owned()];
        let destroyed = DestroySubjectKeyResponse { leaf: 7, gateways, ..Default::default() };
        let text = tell(&destroyed, "2024-05", Lang::En).text();
        for told in [
            "on each machine of gateway-1, gateway-2, if it is not the file above",
            "keys.subjects/2024-05.key",
            "backup",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
        assert_eq!(
            text.matches("keys.subjects/2024-05.key").count(),
            2,
            "deleted, and to be deleted: {text}"
        );
    }
}
