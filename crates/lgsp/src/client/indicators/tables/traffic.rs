//! Tables of exchanges. Environments and kinds are never added up.

use std::collections::BTreeMap;

use lgsp_core::Outcome;
use lgsp_proto::ledger::v1::{DossierCount, TrafficCount};

use super::{Cell, PRODUCTION, Table, text, texts};
use crate::client::indicators::gather::Gathered;
use crate::client::indicators::sum::{Sum, by};
use crate::client::{Lang, words};

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

fn environment(name: &str) -> Cell {
    Cell::Environment(name.to_owned())
}

fn is_trial(environment: &str) -> bool {
    environment != PRODUCTION
}

/// What the exchanges are, so that nobody takes a trial for what is served.
fn kind(count: &TrafficCount, lang: Lang) -> &'static str {
    match (count.platform, is_trial(&count.environment)) {
        (false, false) => lang.pick("data", "dữ liệu"),
        (false, true) => lang.pick("trial data, not real", "dữ liệu thử nghiệm, không tính"),
        (true, false) => lang.pick("the hub's own", "của chính nền tảng"),
        (true, true) => lang.pick("the hub's own, trial", "của chính nền tảng, thử nghiệm"),
    }
}

/// By kind and environment, what is served first.
pub(super) fn totals(gathered: &Gathered, lang: Lang) -> Table {
    let place = |it: &'_ TrafficCount| (is_trial(&it.environment), it.platform);
    let sums = by(gathered.counts.iter(), |it| (place(it), it.environment.as_str(), kind(it, lang)));
    let rows = sums
        .iter()
        .map(|((_, name, kind), sum)| [vec![environment(name), text(*kind)], measured(sum)].concat());
    let header = [texts([lang.pick("environment", "môi trường"), lang.pick("kind", "loại")]), measures(lang)];
    Table {
        title: lang.pick("Exchanges, all together", "Tổng số lượt trao đổi").to_owned(),
        header: header.concat(),
        rows: rows.collect(),
        note: lang
            .pick(
                "Rows are never added up. Traffic of the sandbox, sample traffic included, is a trial and no result.",
                "Các dòng không cộng với nhau. Lưu lượng của môi trường thử nghiệm, gồm cả lưu lượng mẫu, là thử nghiệm và không phải kết quả.",
            )
            .to_owned(),
        ..Table::default()
    }
}

type Place<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Distinct dossiers by day, environment, application and service, with the exchanges that they were told from.
fn dossiers(gathered: &Gathered) -> BTreeMap<Place<'_>, (u64, u64)> {
    let place = |it: &'_ DossierCount| (it.distinct, it.exchanges);
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

/// By service and application, of the whole period.
pub(super) fn pairs(gathered: &Gathered, lang: Lang) -> Table {
    let dossiers = dossiers(gathered);
    let sums = by(of_data(gathered), |it| (&*it.environment, &*it.service, &*it.application));
    let rows = sums.iter().map(|((name, service, application), sum)| {
        let told = dossiers.get(&("", *name, *application, *service));
        let named = vec![environment(name), text(*service), text(*application)];
        [named, measured(sum), dossier_cells(told, sum)].concat()
    });
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
        rows: rows.collect(),
        ..Table::default()
    }
}

/// By method and application, of the whole period.
pub(super) fn methods(gathered: &Gathered, lang: Lang) -> Table {
    let sums = by(of_data(gathered), |it| (&*it.environment, &*it.service, &*it.method, &*it.application));
    let rows = sums.iter().map(|((name, service, method, application), sum)| {
        let named = vec![environment(name), text(*service), text(*method), text(*application)];
        [named, measured(sum), vec![Cell::Count(sum.with_dossier)]].concat()
    });
    let named = match lang {
        Lang::En => ["environment", "service", "method", "application"],
        Lang::Vi => ["môi trường", "dịch vụ", "phương thức", "ứng dụng"],
    };
    let with_dossier = lang.pick("exchanges with a dossier", "lượt có hồ sơ");
    Table {
        title: lang
            .pick(
                "Exchanges of data by method and application",
                "Lượt trao đổi dữ liệu theo phương thức và ứng dụng",
            )
            .to_owned(),
        header: [texts(named), measures(lang), texts([with_dossier])].concat(),
        rows: rows.collect(),
        ..Table::default()
    }
}

pub(super) fn days(gathered: &Gathered, lang: Lang) -> Table {
    let dossiers = dossiers(gathered);
    let sums = by(of_data(gathered), |it| (&*it.day, &*it.environment));
    let rows = sums.iter().map(|((day, name), sum)| {
        let told = dossiers.get(&(*day, *name, "", ""));
        [vec![text(*day), environment(name)], measured(sum), dossier_cells(told, sum)].concat()
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

/// By day, service and application.
pub(super) fn details(gathered: &Gathered, lang: Lang) -> Table {
    let dossiers = dossiers(gathered);
    let sums = by(of_data(gathered), |it| (&*it.day, &*it.environment, &*it.service, &*it.application));
    let rows = sums.iter().map(|((day, name, service, application), sum)| {
        let named = vec![text(*day), environment(name), text(*service), text(*application)];
        let told = dossiers.get(&(*day, *name, *application, *service));
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
