//! `lgsp link show`: one link, its changes, and how long it was down.

use std::time::Duration;

use lgsp_proto::monitor::v1::{GetLinkRequest, GetLinkResponse};

use super::{client, words};
use crate::cli::links::Show;
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::sheet::Sheet;
use crate::client::table::{Shrink, Table};
use crate::client::{Error, Lang, words as moments};

const DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn run(args: &Show, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let wanted = GetLinkRequest { id: args.link.clone(), since: args.since, until: args.until };
    let request = session.request(wanted, Some(DEADLINE))?;
    let mut client = client(&session);
    let told = answered_within(&session, DEADLINE, client.get_link(request)).await?;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return output::line(&output::json_line(&told)?);
    }
    sheet(&told, lang).write()?;
    if told.changes.is_empty() {
        return Ok(());
    }
    output::line("")?;
    table(&told, lang).write(listing, &surface)
}

fn sheet(told: &GetLinkResponse, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    if let Some(link) = &told.link {
        let state = words::state(link.state(), lang);
        sheet.line(lang.pick("link", "kết nối"), &link.id);
        sheet.toned(lang.pick("state", "trạng thái"), state.text, state.tone);
        sheet.line(lang.pick("since", "từ"), moments::moment(link.since.as_ref()));
        sheet.line(lang.pick("cause", "nguyên nhân"), words::cause(&link.cause, lang));
        sheet.line(lang.pick("evidence", "căn cứ"), words::signs(link, lang));
    }
    let down = lang.pick("down", "mất kết nối");
    let unannounced = lang.pick("unannounced", "không báo trước");
    let tone = if told.unannounced_down_ms == 0 { Tone::Plain } else { Tone::Bad };
    sheet.toned(down, format!("{} {unannounced}", time(told.unannounced_down_ms)), tone);
    let announced = lang.pick("announced", "đã báo trước");
    sheet.line(down, format!("{} {announced}", time(told.announced_down_ms)));
    let unobserved = lang.pick("not observed", "không quan sát");
    sheet.line(unobserved, time(told.unobserved_ms));
    if told.is_cut {
        let text = lang
            .pick("there were more changes: ask for a shorter time", "còn thay đổi khác: thu hẹp thời gian");
        sheet.toned(lang.pick("note", "lưu ý"), text, Tone::Warning);
    }
    sheet
}

/// A time in the largest two units.
fn time(millis: u64) -> String {
    let seconds = millis.div_ceil(1_000);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} m {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} m"),
        _ => format!("{days} d {hours} h"),
    }
}

fn table(told: &GetLinkResponse, lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["at (+07:00)", "from", "to", "cause", "evidence"],
        Lang::Vi => ["lúc (+07:00)", "từ trạng thái", "sang", "nguyên nhân", "căn cứ"],
    };
    let [_, from, _, cause, evidence] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![cause, evidence])
        .shrinking([evidence, from].map(Shrink::Drop).to_vec());
    for change in &told.changes {
        let signs = change.evidence.as_ref().map(|it| words::evidence(it, lang)).unwrap_or_default();
        table.row(vec![
            moments::moment(change.at.as_ref()).into(),
            words::state(change.from(), lang),
            words::state(change.to(), lang),
            words::cause(&change.cause, lang).into(),
            signs.into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_units() {
        for (millis, told) in [
            (0, "0 s"),
            (1, "1 s"),
            (59_000, "59 s"),
            (61_000, "1 m 1 s"),
            (3_660_000, "1 h 1 m"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(time(millis), told);
        }
    }
}
