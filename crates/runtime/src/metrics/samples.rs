//! What a process of the hub tells at `/metrics`, read back: the text format of Prometheus as the hub itself writes it.

use std::collections::BTreeMap;

/// Most lines that are read of one page.
const MOST: usize = 200_000;

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// As Prometheus has it: `lgsp_exchange_ended_total`.
    pub name: String,
    labels: BTreeMap<String, String>,
    /// What was counted or measured.
    pub value: f64,
}

impl Sample {
    /// A label's value; empty if it has none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// All values of a page. A line that cannot be read is left out.
pub fn read(page: &str) -> Vec<Sample> {
    page.lines().filter(|line| !line.starts_with('#')).take(MOST).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    // A moment may follow the value.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// The labels up to their closing brace, and what follows it.
fn labels(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.insert(name.to_owned(), value);
        text = rest;
    }
}

/// A text up to its closing quote, and what follows that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                escaped => escaped,
            }),
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Counters, Histograms, Kind, Metric, Metrics, Unit};

    #[test]
    fn what_the_hub_writes_is_read_back() {
        const CALLS: Metric = Metric {
            name: "test.calls",
            kind: Kind::Counter,
            unit: Unit::Of("{call}"),
            labels: &["test.name"],
            help: "Calls",
        };
        const TOOK: Metric = Metric {
            name: "test.took",
            kind: Kind::Histogram,
            unit: Unit::Seconds,
            labels: &[],
            help: "Time",
        };
        let (metrics, calls, took) = (Metrics::default(), Counters::new(&CALLS), Histograms::new(&TOOK));
        metrics.show(&calls);
        metrics.show(&took);
        calls.of(&["a \"b\", \\c}\nd"]).add();
        took.of(&[]).record(std::time::Duration::from_millis(3));
        let read = read(&metrics.prometheus());
        let call = read.iter().find(|sample| sample.name == "test_calls_total").expect("written");
        assert_eq!((call.label("test_name"), call.value), ("a \"b\", \\c}\nd", 1.0));
        let bucket = |le: &str| {
            let buckets = read.iter().filter(|sample| sample.name == "test_took_seconds_bucket");
            buckets.clone().find(|sample| sample.label("le") == le).map(|sample| sample.value)
        };
        assert_eq!((bucket("0.001"), bucket("0.005"), bucket("+Inf")), (Some(0.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn a_line_that_is_none_is_left_out() {
        assert_eq!(read("# HELP a b\nnothing\na{b=\"c} 1\na_b 2 1700000000\n").len(), 1);
    }
}
