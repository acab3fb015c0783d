//! The screen at two sizes and in both languages, and what keys do to it. The expected screens are files; after a wanted change
//! `LGSP_ACCEPT_SCREENS=1` writes them anew.

use std::path::PathBuf;

use lgsp_core::time::timestamp;
use lgsp_proto::monitor::v1::{Link, LinkChange, LinkEvidence, LinkKind, LinkState};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;

use super::*;

/// 2026-11-28 09:30:00 in Viet Nam.
const NOW: i64 = 1_795_833_000_000_000;
const SECOND: i64 = 1_000_000;

fn link(id: &str, kind: LinkKind, state: LinkState, cause: &str, ago: i64) -> Link {
    Link {
        id: id.to_owned(),
        kind: kind.into(),
        state: state.into(),
        measured: state.into(),
        cause: cause.to_owned(),
        since: Some(timestamp(NOW - ago * SECOND)),
        ..Link::default()
    }
}

fn told() -> Told {
    let mut land = link("provider/land", LinkKind::Provider, LinkState::Down, "instance-not-heard", 72);
    land.evidence = Some(LinkEvidence {
        last_sign: Some(timestamp(NOW - 74 * SECOND)),
        failed: 12,
        of: 40,
        reason: "NO_PROVIDER".to_owned(),
        hop: "gateway".to_owned(),
        instances: vec!["adapter-land-9f86d081".to_owned()],
        ..LinkEvidence::default()
    });
    let links = vec![
        link("application/tthc", LinkKind::Application, LinkState::Working, "", 7_300),
        link("application/spp", LinkKind::Application, LinkState::Silent, "no-traffic", 90_000),
        link("broker/kafka", LinkKind::Broker, LinkState::Working, "", 200_000),
        link("provider/population", LinkKind::Provider, LinkState::Working, "", 200_000),
        land.clone(),
        link("source/health/fhir", LinkKind::Source, LinkState::Degraded, "source-timed-out", 600),
    ];
    let rate = |per_second, failed, p50, p99| Rate { per_second, failed, p50, p99 };
    let population = rate(21.4, 0.0, Some(0.0041), Some(0.0183));
    let figures = Figures {
        whole: Some(rate(23.0, 0.031, Some(0.0043), Some(1.25))),
        applications: [("tthc".to_owned(), rate(23.0, 0.031, None, None))].into(),
        domains: [
            ("population".to_owned(), population),
            ("land".to_owned(), rate(1.6, 0.45, Some(1.1), Some(1.25))),
        ]
        .into(),
        in_flight: Some((7, 2)),
        unsealed: Some(18),
        lags: [("land".to_owned(), 31), ("population".to_owned(), 0)].into(),
        answering: 3,
        asked: 4,
    };
    let change = |link: &Link, from: LinkState, ago: i64| LinkChange {
        link: link.id.clone(),
        from: from.into(),
        to: link.state,
        measured: link.state,
        cause: link.cause.clone(),
        at: Some(timestamp(NOW - ago * SECOND)),
        evidence: None,
    };
    let changes = [change(&land, LinkState::Working, 72), change(&links[5], LinkState::Working, 600)];
    Told {
        origin: Origin::Monitor,
        gateway: "127.0.0.1:50051".to_owned(),
        at_us: NOW,
        links,
        changes: changes.into(),
        figures,
        ..Told::default()
    }
}

fn drawn(screen: &mut Screen, told: &Told, (width, height): (u16, u16)) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, screen, told, NOW)).expect("drawn");
    terminal.backend().clone()
}

fn text(backend: &TestBackend) -> String {
    let buffer = backend.buffer();
    let line = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| format!("{}\n", line(y).trim_end())).collect()
}

/// Compares a screen with its file.
fn holds(name: &str, screen: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/client/links/top/screens").join(name);
    if std::env::var_os("LGSP_ACCEPT_SCREENS").is_some() {
        std::fs::write(&file, screen).expect("written");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        screen == expected,
        "{name} differs; LGSP_ACCEPT_SCREENS=1 accepts it:\n{screen}\ninstead of\n{expected}"
    );
}

fn press(screen: &mut Screen, told: &Told, keys: &[KeyCode]) -> Flow {
    let mut flow = Flow::Stay;
    for key in keys {
        flow = screen.on_key(KeyEvent::new(*key, KeyModifiers::NONE), told);
    }
    flow
}

fn letters(text: &str) -> Vec<KeyCode> {
    text.chars().map(KeyCode::Char).collect()
}

/// The links of the list in their order.
fn listed(screen: &Screen, told: &Told) -> Vec<String> {
    screen.rows(told).iter().map(|row| row.link.id.clone()).collect()
}

#[test]
fn the_list_is_read_at_a_glance_at_two_sizes_and_in_both_languages() {
    for (lang, name) in [(Lang::En, "en"), (Lang::Vi, "vi")] {
        for size in [(80, 24), (160, 48)] {
            let shown = drawn(&mut Screen::new(lang, true), &told(), size);
            holds(&format!("list-{name}-{}x{}.txt", size.0, size.1), &text(&shown));
        }
    }
}

#[test]
fn details_and_help_lie_over_the_list() {
    for (lang, name) in [(Lang::En, "en"), (Lang::Vi, "vi")] {
        for (key, over) in [(KeyCode::Enter, "details"), (KeyCode::Char('?'), "help")] {
            let mut screen = Screen::new(lang, true);
            press(&mut screen, &told(), &[key]);
            holds(&format!("{over}-{name}-80x24.txt"), &text(&drawn(&mut screen, &told(), (80, 24))));
        }
    }
}

#[test]
fn what_is_old_or_not_of_the_monitor_says_so_and_since_when() {
    let mut told = told();
    told.lose_monitor("cannot reach the gateway at 127.0.0.1:50051".to_owned(), NOW - 30 * SECOND);
    let shown = |told: &Told, lang| text(&drawn(&mut Screen::new(lang, false), told, (160, 48)));
    assert!(shown(&told, Lang::En).contains("since 2026-11-28 09:29:30: cannot reach the gateway"));
    told.hear_ports(told.links.clone(), NOW - 20 * SECOND);
    assert!(shown(&told, Lang::Vi).contains("trạng thái do các tiến trình tự báo"));
    told.lose_all(NOW - 10 * SECOND);
    told.lose_all(NOW);
    let text = shown(&told, Lang::En);
    assert!(
        text.contains("nobody answers since 2026-11-28 09:29:50: what is shown is of 2026-11-28 09:29:40"),
        "{text}"
    );
    told.hear_monitor(Vec::new(), NOW);
    assert!(!shown(&told, Lang::En).contains("since 2026"), "it answers again");
}

#[test]
fn without_a_monitor_what_differs_between_two_looks_is_a_change() {
    let mut told = told();
    told.changes.clear();
    told.lose_monitor("gone".to_owned(), NOW);
    let mut links = told.links.clone();
    links[4].set_state(LinkState::Working);
    links[4].cause.clear();
    told.hear_ports(links, NOW + 5 * SECOND);
    let change = told.changes.front().expect("a change");
    assert_eq!(
        (change.link.as_str(), change.from(), change.to()),
        ("provider/land", LinkState::Down, LinkState::Working)
    );
    let since = |id: &str| told.links.iter().find(|link| link.id == id).and_then(|link| link.since);
    assert_eq!(since("provider/land"), Some(timestamp(NOW + 5 * SECOND)));
    assert_eq!(since("broker/kafka"), Some(timestamp(NOW - 200_000 * SECOND)), "as it was known before");
    told.hear_ports(Vec::new(), NOW + 6 * SECOND);
    told.hear_ports(Vec::new(), NOW + 7 * SECOND);
    let unknown = told.links.iter().map(|link| link.unknown_since);
    assert!(
        unknown.clone().count() == 6 && unknown.into_iter().all(|it| it == Some(timestamp(NOW + 6 * SECOND)))
    );
}

#[test]
fn the_worst_link_is_first_and_s_sorts_otherwise() {
    let (told, mut screen) = (told(), Screen::new(Lang::En, true));
    assert_eq!(
        listed(&screen, &told),
        [
            "provider/land",
            "source/health/fhir",
            "application/spp",
            "broker/kafka",
            "provider/population",
            "application/tthc",
        ]
    );
    let first = |screen: &Screen| listed(screen, &told).remove(0);
    for expected in ["application/tthc", "provider/land", "provider/land", "application/spp", "provider/land"]
    {
        press(&mut screen, &told, &letters("s"));
        assert_eq!(first(&screen), expected, "{:?}", screen.sort);
    }
}

#[test]
fn a_filter_is_written_kept_and_taken_back() {
    let (told, mut screen) = (told(), Screen::new(Lang::Vi, true));
    press(&mut screen, &told, &letters("/fhirq"));
    assert_eq!(listed(&screen, &told), [""; 0], "letters are no keys now");
    press(&mut screen, &told, &[KeyCode::Backspace, KeyCode::Enter]);
    assert_eq!(listed(&screen, &told), ["source/health/fhir"]);
    press(&mut screen, &told, &[KeyCode::Esc]);
    assert_eq!(listed(&screen, &told).len(), 6);
    press(&mut screen, &told, &letters("/mất kết nối"));
    assert_eq!(listed(&screen, &told), ["provider/land"], "by the state's word");
}

#[test]
fn the_selection_stays_with_its_link_when_the_order_changes() {
    let (mut told, mut screen) = (told(), Screen::new(Lang::En, true));
    press(&mut screen, &told, &[KeyCode::Down]);
    assert_eq!(screen.selected.as_deref(), Some("source/health/fhir"));
    told.links[2].set_state(LinkState::Down);
    let rows = screen.rows(&told);
    assert_eq!(screen.position(&rows), Some(2));
    drop(rows);
    press(&mut screen, &told, &[KeyCode::End, KeyCode::Down]);
    assert_eq!(screen.selected.as_deref(), Some("application/tthc"));
    press(&mut screen, &told, &[KeyCode::Home, KeyCode::Up]);
    assert_eq!(screen.selected.as_deref(), Some("broker/kafka"));
    told.links.clear();
    assert_eq!(press(&mut screen, &told, &[KeyCode::Down, KeyCode::Enter]), Flow::Stay, "nothing to select");
    drawn(&mut screen, &told, (80, 24));
}

#[test]
fn q_closes_what_lies_over_the_list_and_then_quits() {
    let (told, mut screen) = (told(), Screen::new(Lang::En, true));
    assert_eq!(press(&mut screen, &told, &letters("?q")), Flow::Stay);
    assert_eq!(press(&mut screen, &told, &letters("q")), Flow::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    screen.writes_filter = true;
    assert_eq!(screen.on_key(interrupt, &told), Flow::Quit);
}

#[test]
fn without_colours_there_are_none() {
    let colours = |colours| {
        let shown = drawn(&mut Screen::new(Lang::En, colours), &told(), (160, 48));
        shown.buffer().content().iter().any(|cell| cell.fg != Color::Reset)
    };
    assert!(colours(true));
    assert!(!colours(false));
}

#[test]
fn a_terminal_may_be_of_any_size() {
    let mut screen = Screen::new(Lang::Vi, true);
    for over in [KeyCode::Esc, KeyCode::Enter, KeyCode::Char('?')] {
        press(&mut screen, &told(), &[over]);
        for size in [(1, 1), (5, 3), (20, 8), (400, 100)] {
            drawn(&mut screen, &told(), size);
        }
    }
}

#[test]
fn a_pipe_gets_every_link_and_no_codes() {
    let text = plain(&told(), Lang::En);
    assert!(!text.contains('\u{1b}'));
    assert!(
        text.starts_with("1 down, 1 degraded, 1 silent, 3 working\nrate 23.0/s, failed 3.1 %, "),
        "{text}"
    );
    for link in &told().links {
        assert!(text.contains(&link.id), "{text}");
    }
    assert!(
        text.contains("12 of 40 exchanges failed, last NO_PROVIDER at gateway; adapter-land-9f86d081"),
        "{text}"
    );
}
