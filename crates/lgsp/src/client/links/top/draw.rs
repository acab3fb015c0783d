//! Draws the screen.

use lgsp_core::time::timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row as Drawn, Table, Wrap};

use super::super::{ask, words};
use super::columns::{self, Row};
use super::screen::{Over, Screen};
use super::told::Told;
use crate::client::output::Tone;
use crate::client::report::clean;
use crate::client::{Lang, table, words as moments};

/// From this width on there is room for why a link is as it is.
const WIDE: u16 = 110;
/// From this height on there is room for more changes.
const HIGH: u16 = 36;

/// Draws all that is known.
pub fn draw(frame: &mut Frame<'_>, screen: &mut Screen, told: &Told, now_us: i64) {
    let note = columns::note(told, screen.lang);
    let changes = if frame.area().height < HIGH { 5 } else { 11 };
    let noted = note.as_ref().map_or(0, |(text, _)| lines(text, frame.area().width).min(2));
    let [title, numbers, notes, list, news, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(noted),
        Constraint::Min(3),
        Constraint::Length(changes),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_title(frame, screen, told, now_us, title);
    draw_numbers(frame, screen, told, numbers);
    if let Some((text, tone)) = note {
        let text = Paragraph::new(clean(&text)).style(style(tone, screen.colours)).wrap(Wrap { trim: true });
        frame.render_widget(text, notes);
    }
    draw_links(frame, screen, told, now_us, list);
    draw_changes(frame, screen, told, news);
    draw_keys(frame, screen, keys);
    match screen.over {
        Over::Nothing => {}
        Over::Help => draw_help(frame, screen),
        Over::Details => draw_details(frame, screen, told, now_us),
    }
}

fn lines(text: &str, width: u16) -> u16 {
    let lines = text.chars().count().div_ceil(usize::from(width.max(1)));
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// What a tone looks like; without colours what is bad is still told apart.
fn style(tone: Tone, colours: bool) -> Style {
    let style = Style::default();
    if !colours {
        return if tone == Tone::Bad { style.add_modifier(Modifier::BOLD) } else { style };
    }
    match tone {
        Tone::Plain => style,
        Tone::Good => style.fg(Color::Green),
        Tone::Notice => style.fg(Color::Cyan),
        Tone::Warning => style.fg(Color::Yellow),
        Tone::Bad => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        Tone::Dim => style.fg(Color::DarkGray),
    }
}

fn cell(cell: &table::Cell, screen: &Screen) -> Cell<'static> {
    Cell::new(cell.text.clone()).style(style(cell.tone, screen.colours))
}

fn right(text: String) -> Cell<'static> {
    Cell::new(Line::from(text).right_aligned())
}

fn draw_title(frame: &mut Frame<'_>, screen: &Screen, told: &Told, now_us: i64, area: Rect) {
    let (wide, now) = (area.width >= WIDE, timestamp(now_us));
    let now = if wide { moments::second(Some(&now)) } else { moments::time_of_day(Some(&now)) };
    let [left, _, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(1), Constraint::Length(now.len() as u16)])
            .areas(area);
    let (name, gateway) =
        if wide { ("lgsp top", format!("  {}", told.gateway)) } else { ("lgsp", String::new()) };
    let name = Span::styled(name, Style::default().add_modifier(Modifier::BOLD));
    let summary = ask::summary(&told.links, screen.lang);
    frame.render_widget(Line::from(vec![name, format!("{gateway}  {summary}").into()]), left);
    frame.render_widget(Line::from(now), right);
}

fn draw_numbers(frame: &mut Frame<'_>, screen: &Screen, told: &Told, area: Rect) {
    let mut spans = Vec::new();
    let numbers = columns::numbers(&told.figures, screen.lang);
    let shown = |number: &columns::Number| area.width >= WIDE || number.is_narrow;
    for number in numbers.into_iter().filter(shown) {
        spans.push(Span::styled(format!("{} ", number.name), style(Tone::Dim, screen.colours)));
        spans.push(format!("{}  ", number.value).into());
    }
    frame.render_widget(Line::from(spans), area);
}

fn draw_links(frame: &mut Frame<'_>, screen: &mut Screen, told: &Told, now_us: i64, area: Rect) {
    let (lang, wide) = (screen.lang, area.width >= WIDE);
    let rows = screen.rows(told);
    let header = match lang {
        Lang::En => ["link", "state", "since", "/s", "failed", "p50", "p99", "waiting", "why"],
        Lang::Vi => ["kết nối", "trạng thái", "từ", "/s", "lỗi", "p50", "p99", "chờ", "vì sao"],
    };
    let states = ask::WORST_FIRST.map(|state| words::state(state, lang).text.chars().count());
    let state = u16::try_from(states.into_iter().max().unwrap_or(0)).unwrap_or(u16::MAX);
    let numbers = [5, 6, 7, 7, 7, 7].map(Constraint::Length);
    let (columns, widths): (&[usize], Vec<Constraint>) = match wide {
        true => (&[0, 1, 2, 3, 4, 5, 6, 7, 8], {
            let first = [Constraint::Length(34), Constraint::Length(state)];
            first.into_iter().chain(numbers).chain([Constraint::Min(10)]).collect()
        }),
        false => (&[0, 1, 2, 3, 4, 6], {
            let first = [Constraint::Min(20), Constraint::Length(state)];
            first.into_iter().chain(numbers.into_iter().take(4)).collect()
        }),
    };
    let drawn = rows.iter().map(|row| {
        let cells = cells(row, screen, now_us);
        Drawn::new(columns.iter().map(|column| cells[*column].clone()).collect::<Vec<_>>())
    });
    let titles = columns.iter().map(|column| match column {
        2..=7 => right(header[*column].to_owned()),
        _ => Cell::new(header[*column]),
    });
    let drawn = Table::new(drawn.collect::<Vec<_>>(), widths)
        .header(
            Drawn::new(titles.collect::<Vec<_>>()).style(Style::default().add_modifier(Modifier::UNDERLINED)),
        )
        .row_highlight_style(Style::default().add_modifier(Modifier::REVERSED));
    screen.table.select(screen.position(&rows));
    frame.render_stateful_widget(drawn, area, &mut screen.table);
}

fn cells(row: &Row<'_>, screen: &Screen, now_us: i64) -> [Cell<'static>; 9] {
    let failed = row.failed_text();
    [
        Cell::new(clean(&row.link.id)),
        cell(&words::state(row.link.state(), screen.lang), screen),
        right(row.age(now_us)),
        right(row.rate_text()),
        right(failed.text.clone()).style(style(failed.tone, screen.colours)),
        right(row.p50_text()),
        right(row.p99_text()),
        right(row.waiting_text()),
        Cell::new(clean(&row.why(screen.lang))),
    ]
}

fn draw_changes(frame: &mut Frame<'_>, screen: &Screen, told: &Told, area: Rect) {
    let title = screen.lang.pick("changes since the start", "thay đổi từ lúc mở");
    let block = Block::new().borders(ratatui::widgets::Borders::TOP).title(format!(" {title} "));
    let lines: Vec<Line<'_>> = told
        .changes
        .iter()
        .map(|change| {
            let (link, to, why) = columns::change(change, screen.lang);
            let state = Span::styled(format!(" {} ", to.text), style(to.tone, screen.colours));
            Line::from(vec![clean(&link).into(), state, clean(&why).into()])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_keys(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let (lang, sort) = (screen.lang, screen.sort.text(screen.lang));
    let text = if screen.writes_filter {
        format!("/{}_   {}", screen.filter, lang.pick("⏎ keep  Esc clear", "⏎ giữ  Esc xoá"))
    } else {
        let filter = if screen.filter.is_empty() { String::new() } else { format!(" {}", screen.filter) };
        match lang {
            Lang::En => format!("q quit  s sort: {sort}  / filter{filter}  ↑↓ select  ⏎ details  ? help"),
            Lang::Vi => {
                format!("q thoát  s xếp theo: {sort}  / lọc{filter}  ↑↓ chọn  ⏎ chi tiết  ? trợ giúp")
            }
        }
    };
    frame.render_widget(Line::from(text).style(style(Tone::Dim, screen.colours)), area);
}

/// A box in the middle, and what stands in it.
fn draw_over(frame: &mut Frame<'_>, title: &str, lines: Vec<Line<'_>>, width: u16) {
    let area = frame.area();
    let width = width.min(area.width.saturating_sub(2));
    let inner = usize::from(width.saturating_sub(2).max(1));
    let rows: usize = lines.iter().map(|line| line.width().div_ceil(inner).max(1)).sum();
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(area.height.saturating_sub(2));
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    let block = Block::bordered().title(format!(" {title} "));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), place);
}

fn draw_help(frame: &mut Frame<'_>, screen: &Screen) {
    let lang = screen.lang;
    let keys: [(&'static str, &'static str, &'static str); 8] = [
        ("q, Ctrl-C", "quit; q and Esc close what lies over the list", "thoát; q và Esc đóng khung đang mở"),
        (
            "s",
            "sort by state, rate, p99, last change or name",
            "xếp theo trạng thái, lưu lượng, p99, lần thay đổi hoặc tên",
        ),
        (
            "/",
            "show links with a text in name, state or cause; Esc shows all",
            "chỉ hiện kết nối có chuỗi này trong tên, trạng thái, nguyên nhân; Esc hiện tất cả",
        ),
        ("↑ ↓ PgUp PgDn", "select a link", "chọn một kết nối"),
        ("⏎", "details of the selected link", "chi tiết kết nối đang chọn"),
        (
            lang.pick("/s, failed", "/s, lỗi"),
            "exchanges per second and those that failed, of the last 15 seconds",
            "lượt trao đổi mỗi giây và tỷ lệ lỗi trong 15 giây gần nhất",
        ),
        (
            "p50, p99",
            "half, or 99 of 100, were answered within this time",
            "một nửa, hoặc 99 trên 100 lượt, được trả lời trong thời gian này",
        ),
        (
            lang.pick("waiting", "chờ"),
            "requests on Kafka without an answer yet",
            "yêu cầu trên Kafka chưa được trả lời",
        ),
    ];
    let line = |(key, en, vi): (&'static str, &'static str, &'static str)| {
        let key = Span::styled(format!("{key:<15}"), style(Tone::Notice, screen.colours));
        Line::from(vec![key, lang.pick(en, vi).into()])
    };
    draw_over(frame, lang.pick("help", "trợ giúp"), keys.into_iter().map(line).collect(), 76);
}

fn draw_details(frame: &mut Frame<'_>, screen: &Screen, told: &Told, now_us: i64) {
    let rows = screen.rows(told);
    let Some(row) = screen.position(&rows).map(|at| &rows[at]) else { return };
    let lang = screen.lang;
    let state = words::state(row.link.state(), lang);
    let since = moments::second(row.link.since.as_ref());
    let line = |name: &str, value: Span<'static>| {
        Line::from(vec![Span::styled(format!("{name:<16}"), style(Tone::Dim, screen.colours)), value])
    };
    let mut lines = vec![
        line(
            lang.pick("state", "trạng thái"),
            Span::styled(state.text.clone(), style(state.tone, screen.colours)),
        ),
        line(lang.pick("since", "từ"), format!("{since} ({})", row.age(now_us)).into()),
        line(lang.pick("cause", "nguyên nhân"), words::cause(&row.link.cause, lang).into()),
        line(lang.pick("evidence", "căn cứ"), clean(&words::signs(row.link, lang)).into()),
        line(lang.pick("rate", "lưu lượng"), format!("{}/s", row.rate_text()).into()),
        line(lang.pick("failed", "lỗi"), row.failed_text().text.into()),
        line("p50, p99", format!("{}, {}", row.p50_text(), row.p99_text()).into()),
    ];
    if row.waiting.is_some() {
        lines.push(line(lang.pick("waiting", "đang chờ"), row.waiting_text().into()));
    }
    let past = told.changes.iter().filter(|change| change.link == row.link.id).take(5);
    for change in past {
        let (_, to, why) = columns::change(change, lang);
        let at = moments::time_of_day(change.at.as_ref());
        let text = format!("{at} {} {}", to.text, clean(&why));
        lines.push(line(lang.pick("change", "thay đổi"), text.into()));
    }
    let more = format!("lgsp link show {}", clean(&row.link.id));
    lines.push(line(lang.pick("its past", "lịch sử"), more.into()));
    draw_over(frame, &clean(&row.link.id), lines, 76);
}
