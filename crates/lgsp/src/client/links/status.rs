//! `lgsp status`: every link on one screen, also while the hub cannot be called.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_monitor::at_a_glance;
use lgsp_monitor::picture::Picture;
use lgsp_proto::monitor::v1::{Link, LinkState};

use super::{ask, words};
use crate::admin_ports;
use crate::cli::links::Status;
use crate::client::output::{self, Listing, Surface};
use crate::client::registry::open;
use crate::client::table::{Shrink, Table};
use crate::client::{Error, Exit, Lang, alerts};

/// Longest time for the monitor to answer, before admin ports are asked.
const DEADLINE: Duration = Duration::from_secs(3);
/// The hub refuses to tell.
const REFUSED: u8 = 3;

/// Runs `lgsp status`, and tells in its exit code how the worst link is.
pub(crate) async fn run(args: &Status, lang: Lang) -> ExitCode {
    let told = match of_the_monitor(args).await {
        Ok(told) => Ok(told),
        Err(error) => match of_admin_ports(args, &error, lang).await {
            Some(links) => Ok((links, 0)),
            None => Err(error),
        },
    };
    let (links, alerts) = match told {
        Ok(told) => told,
        Err(error) => {
            output::failure(&error.report(lang));
            let is_refused = matches!(error.exit(), Some(Exit::Refused | Exit::Usage));
            return ExitCode::from(if is_refused { REFUSED } else { 2 });
        }
    };
    let surface = Surface::of_stdout();
    match write((&links, alerts), surface.listing(args.output), &surface, lang) {
        Ok(()) => ExitCode::from(worst(&links)),
        Err(error) => {
            output::failure(&error.report(lang));
            ExitCode::FAILURE
        }
    }
}

/// The links, and how many alerts fire: of a monitor from before, none.
async fn of_the_monitor(args: &Status) -> Result<(Vec<Link>, usize), Error> {
    let session = open(&args.operator).await?;
    let links = ask::list(&session, DEADLINE).await?;
    Ok((links, alerts::firing(&session, DEADLINE).await.unwrap_or(0)))
}

/// What the roles say themselves; `None` if none of them answers.
async fn of_admin_ports(args: &Status, error: &Error, lang: Lang) -> Option<Vec<Link>> {
    let is_refused = matches!(error.exit(), Some(Exit::Refused | Exit::Usage));
    let ports = admin_ports::named_or_found(&args.admin, &args.operator.key.data);
    if (is_refused && args.admin.is_empty()) || ports.is_empty() {
        return None;
    }
    let (now_us, mut picture) = (unix_micros(SystemTime::now()), Picture::default());
    let silent = ask::into_picture(&mut picture, &ports, now_us).await;
    silent.iter().for_each(|(port, error)| output::note(&format!("{port}: {error}")));
    if silent.len() == ports.len() {
        return None;
    }
    output::note(ask::without_monitor(lang));
    Some(at_a_glance(picture.readings([].into_iter(), ask::SILENT_AFTER_US, now_us), now_us))
}

fn worst(links: &[Link]) -> u8 {
    let code = |link: &Link| match link.state() {
        LinkState::Unspecified | LinkState::Working | LinkState::Silent | LinkState::Maintenance => 0,
        LinkState::Degraded => 1,
        LinkState::Down => 2,
    };
    links.iter().map(code).max().unwrap_or(0)
}

fn write(
    (links, alerts): (&[Link], usize),
    listing: Listing,
    surface: &Surface,
    lang: Lang,
) -> Result<(), Error> {
    if listing == Listing::Json {
        return links.iter().try_for_each(|link| output::line(&output::json_line(link)?));
    }
    output::line(&heading(links, alerts, lang))?;
    table(links, lang).write(listing, surface)
}

/// How many links are how, and how many alerts fire.
fn heading(links: &[Link], alerts: usize, lang: Lang) -> String {
    let told = [ask::summary(links, lang), alerts::firing_in_words(alerts, lang)];
    told.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Grouped by what they connect, in the order in which a night's duty looks at them.
fn table(links: &[Link], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["link", "state", "since (+07:00)", "cause", "evidence"],
        Lang::Vi => ["kết nối", "trạng thái", "từ (+07:00)", "nguyên nhân", "căn cứ"],
    };
    let [_, _, since, cause, evidence] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![cause, evidence])
        .shrinking([evidence, since].map(Shrink::Drop).to_vec());
    let mut ordered: Vec<&Link> = links.iter().collect();
    ordered.sort_by_key(|link| (ask::group(link.kind()), link.id.as_str()));
    for link in ordered {
        table.row(vec![
            link.id.as_str().into(),
            words::state(link.state(), lang),
            crate::client::words::minute(link.since.as_ref()).into(),
            words::cause(&link.cause, lang).into(),
            words::signs(link, lang).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use lgsp_proto::monitor::v1::LinkKind;

    use super::*;

    fn link(id: &str, kind: LinkKind, state: LinkState) -> Link {
        Link { id: id.to_owned(), kind: kind.into(), state: state.into(), ..Link::default() }
    }

    #[test]
    fn the_worst_link_decides_and_maintenance_and_silence_are_no_trouble() {
        let check = |states: &[LinkState], expected| {
            let links: Vec<Link> =
                states.iter().map(|state| link("x/y", LinkKind::Provider, *state)).collect();
            assert_eq!(worst(&links), expected, "{states:?}");
        };
        check(&[], 0);
        check(&[LinkState::Working, LinkState::Silent, LinkState::Maintenance], 0);
        check(&[LinkState::Working, LinkState::Degraded], 1);
        check(&[LinkState::Down, LinkState::Degraded], 2);
    }

    #[test]
    fn the_screen_begins_with_a_sum_and_is_grouped() {
        let links = [
            link("application/tthc", LinkKind::Application, LinkState::Silent),
            link("provider/land", LinkKind::Provider, LinkState::Down),
            link("broker/kafka", LinkKind::Broker, LinkState::Working),
        ];
        assert_eq!(heading(&links, 0, Lang::En), "1 down, 1 silent, 1 working");
        assert_eq!(heading(&links, 2, Lang::En), "1 down, 1 silent, 1 working; 2 alerts fire");
        let plain = table(&links, Lang::Vi).plain();
        let firsts: Vec<&str> =
            plain.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(firsts, ["broker/kafka", "provider/land", "application/tthc"]);
    }
}
