//! The tables of a report, in the order in which they are sent.

mod forms;
mod links;
mod traffic;

use lgsp_core::indicators::{FIGURES, Figure, Held, Period, Ratio, Source, Unit};
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Item, NationalServiceState};

use super::gather::Gathered;
use crate::cli::report;
use crate::client::{Lang, words};

/// The data service whose owner operates the hub.
const REGISTRY: &str = "lgsp.registry.v1.RegistryService";
/// What is served; any other environment is there to try things out.
const PRODUCTION: &str = "production";

const NUMBERS: [&str; 13] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII"];

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Report {
    pub lang: Lang,
    /// The lines above it that an office's letter has.
    pub letterhead: Letterhead,
    pub title: String,
    /// Which period, below the title.
    pub subtitle: String,
    pub head: Vec<(String, String)>,
    pub tables: Vec<Table>,
    pub notes_title: String,
    pub notes: Vec<(String, String)>,
}

/// Who sends it, as Nghị định 30/2020/NĐ-CP lays a letter out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Letterhead {
    /// The body above the agency; empty: none is named.
    pub superior: String,
    pub agency: String,
    /// Where it is signed; empty: left open.
    pub place: String,
}

/// A table with its number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub number: &'static str,
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// The columns of a bar's name and of its length, if it is drawn.
    pub bars: Option<(usize, usize)>,
    /// So long that it is for a spreadsheet alone.
    pub is_long: bool,
    /// What has to be known to read it.
    pub note: String,
}

/// A cell of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    /// What is not of production is there to try things out, and is marked.
    Environment(String),
    Count(u64),
    /// As it is written, since it is computed in whole numbers.
    Percent(String),
    /// In µs.
    Took(u64),
    /// In ms; minutes and seconds of it are told.
    Lasted(u64),
    /// There is nothing that it could be.
    Nothing,
}

impl Cell {
    /// As a text says it.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Environment(text) | Self::Percent(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            // A µs is a whole number of them: nothing is rounded.
            Self::Took(us) => format!("{}.{:03}", us / 1_000, us % 1_000),
            Self::Lasted(ms) => {
                let seconds = ms / 1_000;
                format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
            }
            Self::Nothing => "–".to_owned(),
        }
    }

    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Environment(_))
    }

    /// Whether it says that its row is of trial, and not of what is served.
    pub fn is_trial(&self) -> bool {
        matches!(self, Self::Environment(name) if name != PRODUCTION)
    }
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

pub(super) fn report(gathered: &Gathered, args: &report::Report, lang: Lang) -> Report {
    let held = held(gathered);
    let title = lang
        .pick("Report on the integration and sharing of data", "Báo cáo kết quả tích hợp, chia sẻ dữ liệu");
    let tables = [
        connection(&held, lang),
        national(&held, lang),
        applications(gathered, lang),
        systems(gathered, &held, lang),
        traffic::totals(gathered, lang),
        traffic::pairs(gathered, lang),
        traffic::methods(gathered, lang),
        traffic::days(gathered, lang),
        traffic::details(gathered, lang),
        forms::forms(gathered, lang),
        forms::filled(gathered, lang),
        links::availability(gathered, &args.period, lang),
        links::credentials(gathered, &args.period, lang),
    ];
    let tables = tables.into_iter().zip(NUMBERS).map(|(table, number)| Table { number, ..table });
    Report {
        lang,
        letterhead: Letterhead {
            superior: args.superior.clone().unwrap_or_default(),
            agency: agency(gathered, args, lang),
            place: args.place.clone().unwrap_or_default(),
        },
        title: title.to_owned(),
        subtitle: subtitle(&args.period, lang),
        head: head(gathered, args, lang),
        tables: tables.collect(),
        notes_title: lang.pick("What each figure is", "Định nghĩa từng chỉ số").to_owned(),
        notes: notes(gathered, lang),
    }
}

fn held(gathered: &Gathered) -> Held {
    let known = &gathered.known;
    let mut held = Held::default();
    let connections = known.connections.iter().cloned().map(Of::Connection);
    let systems = known.systems.iter().cloned().map(Of::System);
    let national = known.national_services.iter().cloned().map(Of::NationalService);
    connections.chain(systems).chain(national).for_each(|item| held.add(&Item { item: Some(item) }));
    held
}

/// Whose report it is: that of whoever operates the hub, unless another is named.
fn agency(gathered: &Gathered, args: &report::Report, lang: Lang) -> String {
    let agencies = gathered.agencies(lang);
    let mut services = gathered.known.services.iter().filter_map(|it| it.service.as_ref());
    let operator = services.find(|it| it.name == REGISTRY).map_or("", |it| it.owner_agency_code.as_str());
    args.agency.as_deref().or(agencies.get(operator).copied()).unwrap_or(operator).to_owned()
}

/// The period as an office says it.
fn subtitle(period: &Period, lang: Lang) -> String {
    let name = period.to_string();
    let (year, part) = name.split_at(name.len().min(4));
    let part = part.trim_start_matches('-');
    let written = |date: &str| date.split('-').rev().collect::<Vec<_>>().join("/");
    let of = match (lang, part) {
        (Lang::Vi, "") => format!("Năm {year}"),
        (Lang::Vi, "H1") => format!("6 tháng đầu năm {year}"),
        (Lang::Vi, "H2") => format!("6 tháng cuối năm {year}"),
        (Lang::Vi, quarter) if quarter.starts_with('Q') => format!("Quý {} năm {year}", &quarter[1..]),
        (Lang::Vi, month) if month.len() == 2 => format!("Tháng {month} năm {year}"),
        (Lang::Vi, _) => format!("Ngày {}", written(&name)),
        (Lang::En, "") => format!("Year {year}"),
        (Lang::En, "H1") => format!("First half of {year}"),
        (Lang::En, "H2") => format!("Second half of {year}"),
        (Lang::En, quarter) if quarter.starts_with('Q') => format!("Quarter {} of {year}", &quarter[1..]),
        (Lang::En, month) if month.len() == 2 => format!("Month {month} of {year}"),
        (Lang::En, _) => format!("Day {}", written(&name)),
    };
    let (from, to) = (written(&period.first()), written(&period.last()));
    match lang {
        Lang::Vi => format!("{of} (từ 00 giờ ngày {from} đến 24 giờ ngày {to}, giờ Việt Nam)"),
        Lang::En => format!("{of} (0:00 on {from} to 24:00 on {to}, Vietnamese time)"),
    }
}

fn head(gathered: &Gathered, args: &report::Report, lang: Lang) -> Vec<(String, String)> {
    let period = &args.period;
    let known = &gathered.known;
    let mut head = vec![
        (lang.pick("Agency", "Cơ quan báo cáo").to_owned(), agency(gathered, args, lang)),
        (
            lang.pick("Period", "Kỳ báo cáo").to_owned(),
            format!("{period} ({} – {}, Asia/Ho_Chi_Minh)", period.first(), period.last()),
        ),
    ];
    if gathered.goes_on {
        let provisional =
            lang.pick("provisional: the period is not over", "số liệu tạm: kỳ báo cáo chưa kết thúc");
        head.push((lang.pick("State", "Tình trạng").to_owned(), provisional.to_owned()));
    }
    let mut of_data = gathered.counts.iter().filter(|count| !count.platform).peekable();
    if of_data.peek().is_some() && of_data.all(|count| count.environment != PRODUCTION) {
        let trial = lang.pick(
            "trial: no exchange of data was of production; what follows is of the sandbox and of sample traffic",
            "thử nghiệm: không có lượt trao đổi dữ liệu nào ở môi trường chính thức; số liệu dưới đây là của môi trường thử nghiệm và lưu lượng mẫu",
        );
        head.push((lang.pick("Kind", "Tính chất").to_owned(), trial.to_owned()));
    }
    if let Some(made_at) = &args.made_at {
        head.push((lang.pick("Made at", "Lập lúc").to_owned(), made_at.clone()));
    }
    let registry = match known.sequence {
        0 => lang.pick("files, which keep no history", "các tệp, không lưu lịch sử").to_owned(),
        change => format!(
            "{} {}, {} {change}",
            lang.pick("revision", "phiên bản"),
            known.revision,
            lang.pick("change", "thay đổi")
        ),
    };
    head.push((lang.pick("Registry", "Danh mục").to_owned(), registry));
    let log = match &gathered.checkpoint {
        Some((size, root)) => format!("{size} {}, {root}", lang.pick("entries", "bản ghi")),
        None => lang.pick("not sealed", "chưa niêm phong").to_owned(),
    };
    head.push((lang.pick("Checkpoint of the log", "Điểm chốt của nhật ký").to_owned(), log));
    head
}

fn is_share(figure: &Figure) -> bool {
    figure.source == Source::Registry && figure.unit == Unit::Share
}

fn connection(held: &Held, lang: Lang) -> Table {
    let stood = held.stood();
    let ratios = [stood.applications, stood.national, stood.systems];
    let rows = FIGURES.iter().filter(|figure| is_share(figure)).zip(ratios).map(|(figure, ratio)| {
        let name = text(lang.pick(figure.name_en, figure.name_vi));
        let Some(Ratio { part, of }) = ratio else {
            let empty = lang.pick("not measured: the registry held none", "chưa đo: danh mục chưa có");
            return vec![name, Cell::Nothing, Cell::Nothing, text(empty)];
        };
        let percent = Ratio { part, of }.percent().map_or(Cell::Nothing, Cell::Percent);
        vec![name, Cell::Count(part), Cell::Count(of), percent]
    });
    let header = match lang {
        Lang::En => ["figure", "number", "of", "%"],
        Lang::Vi => ["chỉ số", "số lượng", "tổng số", "tỷ lệ"],
    };
    Table {
        title: lang.pick("Connection and use", "Kết nối và sử dụng").to_owned(),
        header: texts(header),
        rows: rows.collect(),
        ..Table::default()
    }
}

fn national(held: &Held, lang: Lang) -> Table {
    let rows = held.national.iter().map(|it| {
        let state = match it.state() {
            NationalServiceState::InUse => lang.pick("in official use", "sử dụng chính thức"),
            NationalServiceState::Available | NationalServiceState::Unspecified => {
                lang.pick("available", "sẵn có")
            }
        };
        vec![text(&it.id), text(lang.pick(&it.name_en, &it.name_vi)), text(state), day(&it.since)]
    });
    let header = match lang {
        Lang::En => ["code", "service", "state", "since"],
        Lang::Vi => ["mã", "dịch vụ", "trạng thái", "từ ngày"],
    };
    Table {
        title: lang
            .pick("Data services of the national platform", "Dịch vụ dữ liệu của nền tảng quốc gia")
            .to_owned(),
        header: texts(header),
        rows: rows.collect(),
        ..Table::default()
    }
}

fn day(day: &str) -> Cell {
    if day.is_empty() { Cell::Nothing } else { text(day) }
}

fn applications(gathered: &Gathered, lang: Lang) -> Table {
    let agencies = gathered.agencies(lang);
    let rows = gathered.known.connections.iter().filter_map(|record| {
        let it = record.application.as_ref().filter(|it| !it.platform)?;
        let connected = record.connected.as_ref().and_then(|step| step.at.as_ref());
        let connected = connected.map(|at| words::minute(Some(at)).chars().take(10).collect::<String>());
        let agency = agencies.get(it.agency_code.as_str()).copied().unwrap_or(&it.agency_code);
        Some(vec![
            text(&it.id),
            text(lang.pick(&it.name_en, &it.name_vi)),
            text(agency),
            text(words::application_state(it.state(), lang).text),
            day(&connected.unwrap_or_default()),
        ])
    });
    let header = match lang {
        Lang::En => ["code", "application", "agency", "state", "connected"],
        Lang::Vi => ["mã", "ứng dụng", "cơ quan", "trạng thái", "kết nối ngày"],
    };
    Table {
        title: lang.pick("Applications", "Ứng dụng").to_owned(),
        header: texts(header),
        rows: rows.collect(),
        ..Table::default()
    }
}

fn systems(gathered: &Gathered, held: &Held, lang: Lang) -> Table {
    let agencies = gathered.agencies(lang);
    let rows = held.systems.iter().filter(|it| it.application.is_empty()).map(|it| {
        let agency = agencies.get(it.agency_code.as_str()).copied().unwrap_or(&it.agency_code);
        let name = if it.name_en.is_empty() { &it.name_vi } else { lang.pick(&it.name_en, &it.name_vi) };
        vec![text(&it.id), text(name), text(agency), day(&it.why_not), day(&it.planned)]
    });
    let header = match lang {
        Lang::En => ["code", "system", "agency", "why not", "planned"],
        Lang::Vi => ["mã", "hệ thống", "cơ quan", "lý do", "dự kiến"],
    };
    Table {
        title: lang.pick("Systems that are not connected", "Hệ thống chưa kết nối").to_owned(),
        header: texts(header),
        rows: rows.collect(),
        ..Table::default()
    }
}

fn notes(gathered: &Gathered, lang: Lang) -> Vec<(String, String)> {
    let means = FIGURES.iter().map(|figure| {
        (
            lang.pick(figure.name_en, figure.name_vi).to_owned(),
            lang.pick(figure.means_en, figure.means_vi).to_owned(),
        )
    });
    let mut notes: Vec<(String, String)> = means.collect();
    for archived in &gathered.archived {
        let text = lang.pick(
            "archived, and not among the figures; bring it back to count it:",
            "đã lưu trữ và không có trong số liệu; khôi phục để đếm:",
        );
        let entries = lang.pick("entries", "bản ghi");
        notes.push((
            archived.name.clone(),
            format!("{text} {} {entries}, {}", archived.entries, archived.digest),
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
