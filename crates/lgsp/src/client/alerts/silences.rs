//! `lgsp alert silence`, `silences` and `end-silence`.

use std::time::SystemTime;

use lgsp_core::time::{micros, unix_micros};
use lgsp_proto::monitor::v1::{
    AlertMatcher, EndSilenceRequest, ListSilencesRequest, Silence, SilenceAlertsRequest,
};

use super::{DEADLINE, client};
use crate::cli::alerts::{EndSilence, Silence as Args, Silences};
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::table::{Cell, Shrink, Table};
use crate::client::{Error, Lang, words};

pub(super) async fn silence(args: &Args, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let wanted = SilenceAlertsRequest {
        matcher: Some(AlertMatcher {
            rule: args.rule.clone().unwrap_or_default(),
            subject: args.subject.clone().unwrap_or_default(),
            owner: args.owner.clone().unwrap_or_default(),
        }),
        until: args.ends.of(unix_micros(SystemTime::now())),
        reason: args.reason.clone(),
    };
    let request = session.request(wanted, Some(DEADLINE))?;
    let mut client = client(&session);
    let silence = answered_within(&session, DEADLINE, client.silence_alerts(request)).await?;
    write(&[silence], args.output, lang)
}

pub(super) async fn list(args: &Silences, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = session.request(ListSilencesRequest {}, Some(DEADLINE))?;
    let mut client = client(&session);
    let told = answered_within(&session, DEADLINE, client.list_silences(request)).await?;
    write(&told.silences, args.output, lang)
}

pub(super) async fn end(args: &EndSilence, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = session.request(EndSilenceRequest { id: args.id.clone() }, Some(DEADLINE))?;
    let mut client = client(&session);
    let ended = answered_within(&session, DEADLINE, client.end_silence(request)).await?;
    write(&[ended], args.output, lang)
}

fn write(silences: &[Silence], output: Option<Listing>, lang: Lang) -> Result<(), Error> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(output);
    if listing == Listing::Json {
        return silences.iter().try_for_each(|silence| output::line(&output::json_line(silence)?));
    }
    table(silences, unix_micros(SystemTime::now()), lang).write(listing, &surface)
}

fn table(silences: &[Silence], now_us: i64, lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["until (+07:00)", "state", "matches", "alerts", "reason", "made by", "id"],
        Lang::Vi => ["đến (+07:00)", "trạng thái", "áp dụng cho", "cảnh báo", "lý do", "người tạo", "mã"],
    };
    let [_, _, matches, _, reason, by, _] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![matches, reason])
        .shrinking([by, reason].map(Shrink::Drop).to_vec());
    for silence in silences {
        let holds = silence.until.as_ref().is_some_and(|until| now_us < micros(until));
        let state = match (holds, silence.ended.is_some()) {
            (true, _) => Cell::new(lang.pick("holds", "đang tắt"), Tone::Notice),
            (false, true) => Cell::new(lang.pick("ended", "đã bật lại"), Tone::Dim),
            (false, false) => Cell::new(lang.pick("over", "đã xong"), Tone::Dim),
        };
        table.row(vec![
            words::minute(silence.until.as_ref()).into(),
            state,
            matched(silence).into(),
            silence.alerts.to_string().into(),
            silence.reason.as_str().into(),
            silence.made_by.as_str().into(),
            silence.id.as_str().into(),
        ]);
    }
    table
}

fn matched(silence: &Silence) -> String {
    let AlertMatcher { rule, subject, owner } = silence.matcher.clone().unwrap_or_default();
    let named = [("rule", rule), ("subject", subject), ("owner", owner)];
    let named = named.into_iter().filter(|(_, value)| !value.is_empty());
    named.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;

    use super::*;

    #[test]
    fn a_silence_is_told_with_what_it_matches_and_whether_it_holds() {
        let matcher = AlertMatcher { subject: "source/land/*".to_owned(), ..AlertMatcher::default() };
        let until = Some(timestamp(20));
        let silence = Silence { matcher: Some(matcher), until, alerts: 3, ..Silence::default() };
        let plain = |now_us| table(std::slice::from_ref(&silence), now_us, Lang::En).plain();
        assert!(plain(19).contains("holds") && plain(19).contains("subject=source/land/*"));
        assert!(plain(20).contains("over"));
    }
}
