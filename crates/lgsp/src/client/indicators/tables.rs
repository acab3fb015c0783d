//! The tables of a report, in the order in which they are sent.

use std::collections::BTreeMap;

use lgsp_core::Outcome;
use lgsp_core::indicators::{FIGURES, Held, Ratio, Source};
use lgsp_proto::ledger::v1::TrafficCount;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Item, NationalServiceState};

use super::gather::Gathered;
use super::sum::{Sum, by};
use crate::cli::report;
use crate::client::{Lang, words};

/// The data service whose owner operates the hub.
const REGISTRY: &str = "lgsp.registry.v1.RegistryService";
const OUTCOMES: [Outcome; 8] = [
    Outcome::Served,
    Outcome::NotFound,
    Outcome::Denied,
    Outcome::Invalid,
    Outcome::Failed,
    Outcome::TimedOut,
    Outcome::Cancelled,
    Outcome::Abandoned,
];
const PERCENTILES: [u32; 3] = [50, 95, 99];

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Report {
    /// `vi` or `en`.
    pub lang: &'static str,
    pub title: String,
    pub head: Vec<(String, String)>,
    pub tables: Vec<Table>,
    pub notes_title: String,
    pub notes: Vec<(String, String)>,
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
}

/// A cell of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Count(u64),
    /// As it is written, since it is computed in whole numbers.
    Percent(String),
    /// In µs.
    Took(u64),
    /// There is nothing that it could be.
    Nothing,
}

impl Cell {
    /// As a text says it.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Percent(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            // A µs is a whole number of them: nothing is rounded.
            Self::Took(us) => format!("{}.{:03}", us / 1_000, us % 1_000),
            Self::Nothing => "–".to_owned(),
        }
    }

    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_))
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
    let tables = vec![
        connection(&held, lang),
        national(&held, lang),
        applications(gathered, lang),
        systems(gathered, &held, lang),
        totals(gathered, lang),
        traffic(gathered, lang),
        days(gathered, lang),
        details(gathered, lang),
        not_measured(lang),
    ];
    let numbers = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    let tables = tables.into_iter().zip(numbers).map(|(table, number)| Table { number, ..table });
    Report {
        lang: lang.pick("en", "vi"),
        title: title.to_owned(),
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

fn head(gathered: &Gathered, args: &report::Report, lang: Lang) -> Vec<(String, String)> {
    let period = &args.period;
    let known = &gathered.known;
    let agencies = gathered.agencies(lang);
    let operates = known.services.iter().filter_map(|it| it.service.as_ref()).find(|it| it.name == REGISTRY);
    let operator = operates.map_or("", |it| it.owner_agency_code.as_str());
    let agency = args.agency.as_deref().or(agencies.get(operator).copied()).unwrap_or(operator);
    let mut head = vec![
        (lang.pick("Agency", "Cơ quan báo cáo").to_owned(), agency.to_owned()),
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
    if let Some(made_at) = &args.made_at {
        head.push((lang.pick("Made at", "Lập lúc").to_owned(), made_at.clone()));
    }
    let registry = format!(
        "{} {}, {} {}",
        lang.pick("revision", "phiên bản"),
        known.revision,
        lang.pick("change", "thay đổi"),
        known.sequence
    );
    head.push((lang.pick("Registry", "Danh mục").to_owned(), registry));
    let log = match &gathered.checkpoint {
        Some((size, root)) => format!("{size} {}, {root}", lang.pick("entries", "bản ghi")),
        None => lang.pick("not sealed", "chưa niêm phong").to_owned(),
    };
    head.push((lang.pick("Checkpoint of the log", "Điểm chốt của nhật ký").to_owned(), log));
    head
}

fn connection(held: &Held, lang: Lang) -> Table {
    let stood = held.stood();
    let ratios = [stood.applications, stood.national, stood.systems];
    let rows = FIGURES.iter().filter(|figure| figure.source == Source::Registry).zip(ratios).map(
        |(figure, ratio)| {
            let name = text(lang.pick(figure.name_en, figure.name_vi));
            let Some(Ratio { part, of }) = ratio else {
                let empty = lang.pick("not measured: the registry held none", "chưa đo: danh mục chưa có");
                return vec![name, Cell::Nothing, Cell::Nothing, text(empty)];
            };
            let percent = Ratio { part, of }.percent().map_or(Cell::Nothing, Cell::Percent);
            vec![name, Cell::Count(part), Cell::Count(of), percent]
        },
    );
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

/// The columns of sums.
fn measures(lang: Lang) -> Vec<String> {
    let mut header = vec![lang.pick("exchanges", "số lượt").to_owned()];
    header.extend(OUTCOMES.map(|outcome| words::outcome(outcome, lang).text));
    header.extend(PERCENTILES.map(|percent| format!("p{percent} (ms)")));
    header
}

fn measured(sum: &Sum) -> Vec<Cell> {
    let mut cells = vec![Cell::Count(sum.exchanges)];
    cells.extend(OUTCOMES.map(|outcome| Cell::Count(sum.of(outcome))));
    let took = |percent| sum.answered.percentile_us(percent).map_or(Cell::Nothing, Cell::Took);
    cells.extend(PERCENTILES.map(took));
    cells
}

fn kind(count: &TrafficCount, lang: Lang) -> &'static str {
    if count.platform {
        lang.pick("the hub's own", "của chính nền tảng")
    } else {
        lang.pick("data", "dữ liệu")
    }
}

/// By environment and kind: they are never added up.
fn totals(gathered: &Gathered, lang: Lang) -> Table {
    let sums = by(gathered.counts.iter(), |it| (it.platform, it.environment.as_str(), kind(it, lang)));
    let rows = sums
        .iter()
        .map(|((_, environment, kind), sum)| [vec![text(*environment), text(*kind)], measured(sum)].concat());
    let header = [texts([lang.pick("environment", "môi trường"), lang.pick("kind", "loại")]), measures(lang)];
    Table {
        title: lang.pick("Exchanges, all together", "Tổng số lượt trao đổi").to_owned(),
        header: header.concat(),
        rows: rows.collect(),
        ..Table::default()
    }
}

type Place<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Distinct dossiers by day, environment, application and service, with the exchanges that they were told from.
fn dossiers(gathered: &Gathered) -> BTreeMap<Place<'_>, (u64, u64)> {
    let place = |it: &'_ lgsp_proto::ledger::v1::DossierCount| (it.distinct, it.exchanges);
    let of = gathered.dossiers.iter();
    of.map(|it| ((&*it.day, &*it.environment, &*it.application, &*it.service), place(it))).collect()
}

fn dossier_header(lang: Lang) -> Vec<String> {
    match lang {
        Lang::En => texts(["distinct dossiers", "told from", "exchanges with a dossier"]),
        Lang::Vi => texts(["hồ sơ khác nhau", "đọc được từ", "lượt có hồ sơ"]),
    }
}

fn dossier_cells(dossiers: Option<&(u64, u64)>, sum: &Sum) -> Vec<Cell> {
    let (distinct, told) = dossiers.copied().unwrap_or_default();
    vec![Cell::Count(distinct), Cell::Count(told), Cell::Count(sum.with_dossier)]
}

fn of_data(gathered: &Gathered) -> impl Iterator<Item = &TrafficCount> {
    gathered.counts.iter().filter(|it| !it.platform)
}

fn traffic(gathered: &Gathered, lang: Lang) -> Table {
    let dossiers = dossiers(gathered);
    let sums = by(of_data(gathered), |it| (&*it.environment, &*it.service, &*it.application));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for ((environment, service, application), sum) in &sums {
        let named = vec![text(*environment), text(*service), text(*application)];
        let told = dossiers.get(&("", *environment, *application, *service));
        rows.push([named, measured(sum), dossier_cells(told, sum)].concat());
    }
    let all = lang.pick("all", "tất cả");
    for (environment, sum) in &by(of_data(gathered), |it| &*it.environment) {
        let named = vec![text(*environment), text(all), text(all)];
        let told = dossiers.get(&("", *environment, "", ""));
        rows.push([named, measured(sum), dossier_cells(told, sum)].concat());
    }
    let named = match lang {
        Lang::En => ["environment", "service", "application"],
        Lang::Vi => ["môi trường", "dịch vụ", "ứng dụng"],
    };
    Table {
        title: lang
            .pick(
                "Exchanges of data by service and application",
                "Lượt trao đổi dữ liệu theo dịch vụ và ứng dụng",
            )
            .to_owned(),
        header: [texts(named), measures(lang), dossier_header(lang)].concat(),
        rows,
        ..Table::default()
    }
}

fn days(gathered: &Gathered, lang: Lang) -> Table {
    let dossiers = dossiers(gathered);
    let sums = by(of_data(gathered), |it| (&*it.day, &*it.environment));
    let rows = sums.iter().map(|((day, environment), sum)| {
        let told = dossiers.get(&(*day, *environment, "", ""));
        [vec![text(*day), text(*environment)], measured(sum), dossier_cells(told, sum)].concat()
    });
    let named = texts([lang.pick("day", "ngày"), lang.pick("environment", "môi trường")]);
    Table {
        title: lang.pick("Exchanges of data by day", "Lượt trao đổi dữ liệu theo ngày").to_owned(),
        header: [named, measures(lang), dossier_header(lang)].concat(),
        rows: rows.collect(),
        bars: Some((0, 2)),
        ..Table::default()
    }
}

fn details(gathered: &Gathered, lang: Lang) -> Table {
    let dossiers = dossiers(gathered);
    let sums = by(of_data(gathered), |it| (&*it.day, &*it.environment, &*it.service, &*it.application));
    let rows = sums.iter().map(|((day, environment, service, application), sum)| {
        let named = [*day, *environment, *service, *application].map(text).to_vec();
        let told = dossiers.get(&(*day, *environment, *application, *service));
        [named, measured(sum), dossier_cells(told, sum)].concat()
    });
    let named = match lang {
        Lang::En => ["day", "environment", "service", "application"],
        Lang::Vi => ["ngày", "môi trường", "dịch vụ", "ứng dụng"],
    };
    Table {
        title: lang
            .pick(
                "Exchanges of data by day, service and application",
                "Lượt trao đổi dữ liệu theo ngày, dịch vụ và ứng dụng",
            )
            .to_owned(),
        header: [texts(named), measures(lang), dossier_header(lang)].concat(),
        rows: rows.collect(),
        is_long: true,
        ..Table::default()
    }
}

fn not_measured(lang: Lang) -> Table {
    let rows = FIGURES.iter().filter(|figure| figure.source == Source::NotMeasured).map(|figure| {
        vec![text(lang.pick(figure.name_en, figure.name_vi)), text(lang.pick("not measured", "chưa đo"))]
    });
    Table {
        title: lang.pick("Not measured", "Chỉ số chưa đo").to_owned(),
        header: texts([lang.pick("figure", "chỉ số"), lang.pick("value", "giá trị")]),
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
