//! `lgsp alert show` and `acknowledge`.

use lgsp_proto::monitor::v1::{AcknowledgeAlertRequest, Alert, GetAlertRequest};

use super::{DEADLINE, client, list, words};
use crate::cli::alerts::{Acknowledge, Show};
use crate::client::output::{self, Listing, Surface};
use crate::client::registry::{answered_within, open};
use crate::client::sheet::Sheet;
use crate::client::{Error, Lang, words as moments};

pub(super) async fn run(args: &Show, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = session.request(GetAlertRequest { id: args.id.clone() }, Some(DEADLINE))?;
    let mut client = client(&session);
    let told = answered_within(&session, DEADLINE, client.get_alert(request)).await?;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return output::line(&output::json_line(&told)?);
    }
    if let Some(alert) = &told.alert {
        sheet(alert, lang).write()?;
    }
    if told.earlier.is_empty() {
        return Ok(());
    }
    output::line("")?;
    list::table(&told.earlier, lang).write(listing, &surface)
}

pub(super) async fn acknowledge(args: &Acknowledge, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let wanted = AcknowledgeAlertRequest { id: args.id.clone(), note: args.note.clone() };
    let request = session.request(wanted, Some(DEADLINE))?;
    let mut client = client(&session);
    let alert = answered_within(&session, DEADLINE, client.acknowledge_alert(request)).await?;
    if Surface::of_stdout().listing(args.output) == Listing::Json {
        return output::line(&output::json_line(&alert)?);
    }
    sheet(&alert, lang).write()
}

fn sheet(alert: &Alert, lang: Lang) -> Sheet {
    let (state, severity) = (words::state(alert.state(), lang), words::severity(alert.severity(), lang));
    let mut sheet = Sheet::default();
    sheet.line(lang.pick("alert", "cảnh báo"), &alert.id);
    sheet.line(lang.pick("rule", "quy tắc"), &alert.rule);
    sheet.line(lang.pick("subject", "đối tượng"), &alert.subject);
    sheet.toned(lang.pick("state", "trạng thái"), state.text, state.tone);
    sheet.toned(lang.pick("severity", "mức độ"), severity.text, severity.tone);
    sheet.line(lang.pick("why", "căn cứ"), words::why(alert, lang));
    let times = [
        (lang.pick("since", "từ"), alert.since.as_ref()),
        (lang.pick("fires since", "cảnh báo từ"), alert.fired.as_ref()),
        (lang.pick("resolved", "hết lúc"), alert.resolved.as_ref()),
        (lang.pick("nothing known since", "không có tín hiệu từ"), alert.unknown_since.as_ref()),
        (lang.pick("acknowledged", "xác nhận lúc"), alert.acknowledged.as_ref()),
    ];
    for (name, at) in times.into_iter().filter(|(_, at)| at.is_some()) {
        sheet.line(name, moments::moment(at));
    }
    let texts = [
        (lang.pick("by", "bởi"), &alert.acknowledged_by),
        (lang.pick("note", "ghi chú"), &alert.note),
        (lang.pick("silenced by", "tạm tắt bởi"), &alert.silenced_by),
        (lang.pick("owner", "đơn vị"), &alert.owner),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        sheet.line(name, text);
    }
    sheet
}
