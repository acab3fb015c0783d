//! The table: every case at every size, beside what is aimed at.

use std::collections::BTreeSet;
use std::fmt;

use lgsp_sample::Config;
use serde::Serialize;

use crate::case::Case;
use crate::measure::Figures;
use crate::plans::{Plan, Plans};

/// A unary method answers within this time, in 99 of 100 calls.
const MOST_P99_US: f64 = 3_000.0;
/// A stream brings so many records in a second.
const LEAST_RECORDS_PER_SECOND: f64 = 20_000.0;
/// So much of a statement is told when its plan was shown before.
const MOST_REPEATED: usize = 120;

/// All that was measured on one database.
#[derive(Debug, Serialize)]
pub struct Report {
    database: String,
    cores: usize,
    seconds: f64,
    /// Citizens.
    sizes: Vec<u32>,
    /// How many times as long a call may take in the largest city as in the smallest: the ratio of the logarithms of their
    /// sizes.
    growth_bound: f64,
    rows: Vec<Row>,
    plans: Vec<Plans>,
}

/// One case at every size.
#[derive(Debug, Serialize)]
pub struct Row {
    domain: &'static str,
    method: &'static str,
    by: &'static str,
    is_stream: bool,
    sizes: Vec<Figures>,
    /// The p50 in the largest city over that in the smallest, of a unary method in more than one.
    growth: Option<f64>,
}

impl Row {
    pub fn of(case: &Case, sizes: Vec<Figures>) -> Self {
        let &Case { domain, method, by, is_stream, .. } = case;
        let growth = match sizes.as_slice() {
            [smallest, .., largest] if !is_stream => Some(largest.p50_us / smallest.p50_us),
            _ => None,
        };
        Self { domain, method, by, is_stream, sizes, growth }
    }
}

/// One case, in a line while others are still measured.
pub fn progress(row: &Row) -> String {
    let figures: Vec<String> = row
        .sizes
        .iter()
        .map(|size| {
            if row.is_stream {
                format!("{:.0} records/s", size.records_per_second)
            } else {
                format!("{:.0} µs", size.p50_us)
            }
        })
        .collect();
    format!("{} {} by {}: {}", row.domain, row.method, row.by, figures.join(", "))
}

impl Report {
    pub fn of(database: String, seconds: f64, cities: &[Config], rows: Vec<Row>, plans: Vec<Plans>) -> Self {
        let sizes: Vec<u32> = cities.iter().map(|city| city.citizens).collect();
        let logarithm = |size: Option<&u32>| size.map_or(f64::NAN, |size| f64::from(*size).ln());
        Self {
            database,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            seconds,
            growth_bound: logarithm(sizes.last()) / logarithm(sizes.first()),
            sizes,
            rows,
            plans,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, cores, seconds, .. } = self;
        writeln!(
            f,
            "\n{database}, {cores} cores, one call at a time, {seconds} s of each case at each size\n"
        )?;
        self.write_unary(f)?;
        writeln!(f)?;
        self.write_streams(f)?;
        self.write_aims(f)?;
        self.write_plans(f)
    }
}

/// What is aimed at is marked where it is missed.
fn mark(misses: bool) -> char {
    if misses { '!' } else { ' ' }
}

impl Report {
    fn write_unary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<58}", "unary methods, µs")?;
        self.sizes.iter().try_for_each(|size| write!(f, "{:>28} ", grouped(f64::from(*size))))?;
        write!(f, "\n{:<34}{:<24}", "method", "asked by")?;
        self.sizes.iter().try_for_each(|_| write!(f, "{:>10}{:>9} {:>9}", "p50", "p99", "max"))?;
        writeln!(f, "    growth")?;
        let mut domain = "";
        for row in self.rows.iter().filter(|row| !row.is_stream) {
            if row.domain != domain {
                domain = row.domain;
                writeln!(f, "{domain}")?;
            }
            write!(f, "  {:<32}{:<24}", row.method, row.by)?;
            for Figures { p50_us, p99_us, max_us, .. } in &row.sizes {
                let mark = mark(*p99_us >= MOST_P99_US);
                write!(f, "{p50_us:>10.0}{p99_us:>9.0}{mark}{max_us:>9.0}")?;
            }
            match row.growth {
                Some(growth) => writeln!(f, "{growth:>10.2}{}", mark(growth > self.growth_bound))?,
                None => writeln!(f, "{:>10}", "-")?,
            }
        }
        Ok(())
    }

    fn write_streams(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<58}", "streams of whole wards, records a second")?;
        self.sizes.iter().try_for_each(|size| write!(f, "{:>15} ", grouped(f64::from(*size))))?;
        writeln!(f)?;
        for row in self.rows.iter().filter(|row| row.is_stream) {
            write!(f, "{:<34}{:<24}", format!("{} {}", row.domain, row.method), row.by)?;
            for Figures { records_per_second, .. } in &row.sizes {
                let mark = mark(*records_per_second < LEAST_RECORDS_PER_SECOND);
                write!(f, "{:>15}{mark}", grouped(*records_per_second))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn write_aims(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most_ms, least) = (MOST_P99_US / 1e3, grouped(LEAST_RECORDS_PER_SECOND));
        writeln!(
            f,
            "\n! misses its aim: p99 below {most_ms} ms; at least {least} records a second; growth, which is the p50 in the"
        )?;
        writeln!(
            f,
            "largest city over that in the smallest, no greater than {:.2}, the ratio of the logarithms of their sizes",
            self.growth_bound
        )
    }

    /// Each plan once: methods share statements.
    fn write_plans(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = self.sizes.last().copied().map_or(0.0, f64::from);
        writeln!(f, "\nplans in the city of {} citizens", grouped(largest))?;
        let mut shown = BTreeSet::new();
        for Plans { domain, method, by, statements } in &self.plans {
            writeln!(f, "\n{domain} {method} by {by}")?;
            for plan in statements {
                let is_new = shown.insert((&plan.statement, plan.shape()));
                if is_new { write_plan(f, plan)? } else { write_beginning(f, plan)? }
            }
        }
        Ok(())
    }
}

fn write_plan(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    writeln!(f, "  {}", plan.statement)?;
    plan.steps.iter().try_for_each(|step| writeln!(f, "      {step}"))
}

fn write_beginning(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    let beginning: String = plan.statement.chars().take(MOST_REPEATED).collect();
    writeln!(f, "  {beginning} … as above")
}

/// A whole number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
