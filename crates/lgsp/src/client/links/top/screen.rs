//! What the person at the terminal has chosen, and what keys do.

use lgsp_core::time::micros;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::widgets::TableState;

use super::columns::Row;
use super::told::Told;
use crate::client::Lang;

/// Rows that a page key goes over.
const PAGE: isize = 10;
/// Longest filter.
const LONGEST: usize = 60;

/// Whether the screen stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Stay,
    /// It ends.
    Quit,
}

/// The order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// The worst first.
    State,
    /// By name.
    Name,
    /// The busiest first.
    Rate,
    /// The slowest first.
    Slow,
    /// What changed last first.
    Since,
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Self::State => Self::Rate,
            Self::Rate => Self::Slow,
            Self::Slow => Self::Since,
            Self::Since => Self::Name,
            Self::Name => Self::State,
        }
    }

    pub(super) fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::State => lang.pick("state", "trạng thái"),
            Self::Name => lang.pick("name", "tên"),
            Self::Rate => lang.pick("rate", "lưu lượng"),
            Self::Slow => "p99",
            Self::Since => lang.pick("change", "thay đổi"),
        }
    }
}

/// What lies over the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Nothing,
    Help,
    Details,
}

/// The screen.
#[derive(Debug)]
pub struct Screen {
    pub(super) lang: Lang,
    pub(super) colours: bool,
    pub(super) sort: Sort,
    pub(super) filter: String,
    /// Whether keys are letters of the filter.
    pub(super) writes_filter: bool,
    pub(super) over: Over,
    /// The link that is selected, wherever it stands.
    pub(super) selected: Option<String>,
    pub(super) table: TableState,
}

impl Screen {
    /// A screen in a language, with or without colours.
    pub fn new(lang: Lang, colours: bool) -> Self {
        Self {
            lang,
            colours,
            sort: Sort::State,
            filter: String::new(),
            writes_filter: false,
            over: Over::Nothing,
            selected: None,
            table: TableState::default(),
        }
    }

    /// The rows that are shown, in their order.
    pub(super) fn rows<'a>(&self, told: &'a Told) -> Vec<Row<'a>> {
        let wanted = self.filter.to_lowercase();
        let rows = told.links.iter().map(|link| Row::of(link, &told.figures));
        let is_wanted = |row: &Row<'_>| {
            let state = super::super::words::state(row.link.state(), self.lang).text;
            [row.link.id.as_str(), row.link.cause.as_str(), &state]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        let mut rows: Vec<Row<'_>> = rows.filter(is_wanted).collect();
        rows.sort_by(|one, other| one.place().cmp(&other.place()));
        match self.sort {
            Sort::State => {}
            Sort::Name => rows.sort_by(|one, other| one.link.id.cmp(&other.link.id)),
            Sort::Rate => rows.sort_by(|one, other| other.per_second().total_cmp(&one.per_second())),
            Sort::Slow => rows.sort_by(|one, other| other.slowest().total_cmp(&one.slowest())),
            Sort::Since => {
                rows.sort_by_key(|row| std::cmp::Reverse(row.link.since.as_ref().map_or(0, micros)));
            }
        }
        rows
    }

    /// Where the selected link stands among the rows; the first, if it is not among them.
    pub(super) fn position(&self, rows: &[Row<'_>]) -> Option<usize> {
        let of = |id: &String| rows.iter().position(|row| row.link.id == *id);
        self.selected.as_ref().and_then(of).or((!rows.is_empty()).then_some(0))
    }

    /// Does what a key is for.
    pub fn on_key(&mut self, key: KeyEvent, told: &Told) -> Flow {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Flow::Quit;
        }
        if self.writes_filter {
            self.write_filter(key.code);
            return Flow::Stay;
        }
        match key.code {
            KeyCode::Char('q') if self.over == Over::Nothing => return Flow::Quit,
            KeyCode::Char('q') | KeyCode::Esc if self.over != Over::Nothing => self.over = Over::Nothing,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('?') => self.over = self.toggled(Over::Help),
            KeyCode::Enter => self.over = self.toggled(Over::Details),
            KeyCode::Char('/') => (self.over, self.writes_filter) = (Over::Nothing, true),
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Up | KeyCode::Char('k') => self.go(told, -1),
            KeyCode::Down | KeyCode::Char('j') => self.go(told, 1),
            KeyCode::PageUp => self.go(told, -PAGE),
            KeyCode::PageDown => self.go(told, PAGE),
            KeyCode::Home => self.go(told, isize::MIN),
            KeyCode::End => self.go(told, isize::MAX),
            _ => {}
        }
        Flow::Stay
    }

    fn toggled(&self, over: Over) -> Over {
        if self.over == over { Over::Nothing } else { over }
    }

    fn write_filter(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(letter) if self.filter.chars().count() < LONGEST => self.filter.push(letter),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.writes_filter = false,
            KeyCode::Esc => {
                self.filter.clear();
                self.writes_filter = false;
            }
            _ => {}
        }
    }

    fn go(&mut self, told: &Told, by: isize) {
        let rows = self.rows(told);
        let Some(at) = self.position(&rows) else { return };
        let to = at.saturating_add_signed(by).min(rows.len() - 1);
        self.selected = Some(rows[to].link.id.clone());
    }
}
