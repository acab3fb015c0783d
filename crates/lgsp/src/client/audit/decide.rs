//! Decisions about exchanges: each shows what it is about, is an entry of the log, and says which.

use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{DecidedResponse, EraseExchangesRequest, Erasure, Mark, MarkExchangesRequest};
use prost_reflect::prost_types::Timestamp;

use super::{DEADLINE, client, exchange, show};
use crate::cli::audit::About;
use crate::client::output::{self, Listing, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::session::Session;
use crate::client::sheet::{Sheet, headline};
use crate::client::{Error, Exit, Lang, confirm, words};

/// What can be decided about exchanges.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision {
    Hold,
    Release,
    /// When the subjects may be told.
    Withhold(Timestamp),
    Erase {
        /// Somebody has said yes on the command line.
        is_confirmed: bool,
    },
}

impl Decision {
    fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Hold => lang.pick("hold exchanges", "giữ các lượt"),
            Self::Release => lang.pick("let exchanges go", "thôi giữ các lượt"),
            Self::Withhold(_) => lang.pick("withhold exchanges from their subjects", "hoãn công bố các lượt"),
            Self::Erase { .. } => lang.pick("erase what can be erased, for good", "xoá hẳn phần có thể xoá"),
        }
    }
}

/// Runs a decision.
pub(super) async fn run(decision: Decision, args: &About, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let sheet = shown(&session, decision, args, lang).await?;
    sheet.note(&headline(decision.name(lang), args.dry_run, lang));
    if args.dry_run {
        return Ok(());
    }
    if let Decision::Erase { is_confirmed: false } = decision {
        let question = lang.pick("Erase it for good?", "Xoá hẳn?");
        if !confirm::confirmed(question)? {
            return Err(Error::NotConfirmed);
        }
    }
    let decided = decide(&session, decision, args).await?;
    for unknown in &decided.unknown {
        let text =
            lang.pick("not in the log, and not decided about", "không có trong nhật ký, không quyết định");
        output::note(&format!("{text}: {unknown}"));
    }
    if args.output == Some(Listing::Json) {
        return output::line(&output::json_line(&decided)?);
    }
    let mut sheet = Sheet::default();
    sheet.line(lang.pick("decision", "quyết định"), &*decided.act_id);
    sheet.line(lang.pick("entry", "bản ghi"), decided.leaf.to_string());
    sheet.line(lang.pick("entered (+07:00)", "ghi lúc (+07:00)"), words::moment(decided.entered.as_ref()));
    for erasure in &decided.erasures {
        let text = format!("{}: {}", erasure.exchange_id, parts(erasure, lang));
        sheet.line(lang.pick("erased", "đã xoá"), text);
    }
    sheet.write()
}

fn parts(erasure: &Erasure, lang: Lang) -> String {
    match (erasure.parts, erasure.held) {
        (_, true) => lang.pick("held: it cannot be erased", "đang giữ: không xoá được").to_owned(),
        (0, false) => lang.pick("nothing is left to erase", "không còn gì để xoá").to_owned(),
        (parts, false) => {
            format!("{parts} {}", lang.pick("entries with something to erase", "bản ghi có phần xoá được"))
        }
    }
}

/// What is decided about: the exchanges as the log holds them.
async fn shown(session: &Session, decision: Decision, args: &About, lang: Lang) -> Result<Sheet, Error> {
    let mut sheet = Sheet::default();
    let label = lang.pick("exchange", "lượt");
    // Who may erase need not be one who may look: they are told what there is to erase, and no more.
    let erasures = match decision {
        Decision::Erase { .. } => preview(session, args).await?,
        Decision::Hold | Decision::Release | Decision::Withhold(_) => Vec::new(),
    };
    for erasure in &erasures {
        let tone = if erasure.held { Tone::Bad } else { Tone::Plain };
        sheet.toned(label, format!("{}: {}", erasure.exchange_id, parts(erasure, lang)), tone);
    }
    let looked_at = args.exchanges.iter().filter(|_| !matches!(decision, Decision::Erase { .. }));
    for id in looked_at {
        let (told, tone) = match exchange(session, id, false).await {
            // It is decided about as well.
            Err(Error::InArchive { .. }) => {
                sheet.line(label, format!("{id}: {}", lang.pick("archived", "đã lưu trữ")));
                continue;
            }
            Ok(told) => (show::ending(&told.entries).map(show::sealed), Tone::Plain),
            Err(error) if error.exit() == Some(Exit::NotFound) => {
                sheet.toned(
                    label,
                    format!("{id}: {}", lang.pick("not in the log", "không có")),
                    Tone::Warning,
                );
                continue;
            }
            // Who may decide need not be one who may look.
            Err(error) if error.exit() == Some(Exit::Refused) => (None, Tone::Dim),
            Err(error) => return Err(error),
        };
        let text = told.map_or_else(
            || lang.pick("not open to you", "bạn không được xem").to_owned(),
            |it| {
                let at = words::minute(Some(&timestamp(it.admitted_us)));
                let (method, outcome) = (format!("{}/{}", it.service, it.method), it.outcome());
                format!("{at}, {}, {method}, {}", it.application, words::outcome(outcome, lang).text)
            },
        );
        sheet.toned(label, format!("{id}: {text}"), tone);
    }
    sheet.line(lang.pick("legal basis", "căn cứ"), &*args.legal_basis);
    if let Decision::Withhold(until) = decision {
        sheet.line(lang.pick("told after (+07:00)", "công bố sau (+07:00)"), words::minute(Some(&until)));
    }
    Ok(sheet)
}

/// What there is to erase; those that the log does not hold are told once it is decided.
async fn preview(session: &Session, args: &About) -> Result<Vec<Erasure>, Error> {
    let request = EraseExchangesRequest {
        exchange_ids: args.exchanges.clone(),
        legal_basis: args.legal_basis.clone(),
        preview: true,
    };
    let request = session.request(request, Some(DEADLINE))?;
    Ok(answered_within(session, DEADLINE, client(session).erase_exchanges(request)).await?.erasures)
}

async fn decide(session: &Session, decision: Decision, args: &About) -> Result<DecidedResponse, Error> {
    let (mark, disclose_after) = match decision {
        Decision::Hold => (Mark::Hold, None),
        Decision::Release => (Mark::Release, None),
        Decision::Withhold(until) => (Mark::Withhold, Some(until)),
        Decision::Erase { .. } => {
            let request = EraseExchangesRequest {
                exchange_ids: args.exchanges.clone(),
                legal_basis: args.legal_basis.clone(),
                preview: false,
            };
            let request = session.request(request, Some(DEADLINE))?;
            return answered_within(session, DEADLINE, client(session).erase_exchanges(request)).await;
        }
    };
    let request = MarkExchangesRequest {
        mark: mark.into(),
        exchange_ids: args.exchanges.clone(),
        legal_basis: args.legal_basis.clone(),
        disclose_after,
    };
    let request = session.request(request, Some(DEADLINE))?;
    answered_within(session, DEADLINE, client(session).mark_exchanges(request)).await
}
