//! Announced maintenance, beside the data services that it is about.

use std::time::{Duration, SystemTime};

use lgsp_core::time::{micros, unix_micros};
use lgsp_proto::monitor::v1::{AnnouncedMaintenance, ListAnnouncedMaintenanceRequest};
use serde_json::Value;

use super::client;
use crate::client::output::{self, Tone};
use crate::client::registry::answered_within;
use crate::client::session::Session;
use crate::client::table::Cell;
use crate::client::{Error, Exit, Lang, words};

const DEADLINE: Duration = Duration::from_secs(5);

/// What runs or is to come.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    maintenance: Vec<AnnouncedMaintenance>,
    now_us: i64,
}

impl Announced {
    /// Asks the monitor. Best effort: a list of data services is good without, and who may not ask is told nothing.
    pub(crate) async fn of(session: &Session, lang: Lang) -> Self {
        let asked = async {
            let request = session.request(ListAnnouncedMaintenanceRequest {}, Some(DEADLINE))?;
            let mut client = client(session);
            answered_within(session, DEADLINE, client.list_announced_maintenance(request)).await
        };
        let maintenance = match asked.await {
            Ok(told) => told.maintenance,
            Err(error) => {
                if !matches!(error.exit(), Some(Exit::Refused | Exit::Usage)) {
                    output::note(lang.pick(
                        "note: whether maintenance is announced is not known: the monitor does not answer",
                        "lưu ý: không biết có lịch bảo trì hay không: hệ thống giám sát không trả lời",
                    ));
                }
                Vec::new()
            }
        };
        Self { maintenance, now_us: unix_micros(SystemTime::now()) }
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.maintenance.is_empty()
    }

    /// The column's header.
    pub(crate) fn header(lang: Lang) -> &'static str {
        lang.pick("maintenance (+07:00)", "bảo trì (+07:00)")
    }

    /// What is announced about a domain.
    pub(crate) fn cell(&self, domain: &str, lang: Lang) -> Cell {
        let mut tone = Tone::Plain;
        let told = self.about(domain).map(|it| {
            let (from, until) = (words::minute(it.from.as_ref()), words::minute(it.until.as_ref()));
            let runs = it.from.as_ref().map_or(0, micros) <= self.now_us;
            if runs {
                tone = Tone::Warning;
            } else if matches!(tone, Tone::Plain) {
                tone = Tone::Notice;
            }
            match (lang, runs) {
                (Lang::En, true) => format!("until {until}"),
                (Lang::En, false) => format!("{from} until {until}"),
                (Lang::Vi, true) => format!("đến {until}"),
                (Lang::Vi, false) => format!("{from} đến {until}"),
            }
        });
        let told: Vec<String> = told.collect();
        let text = if told.is_empty() { "-".to_owned() } else { told.join("; ") };
        Cell::new(text, tone)
    }

    /// A line of JSON about something of a domain, with what is announced about it.
    pub(crate) fn beside(&self, domain: &str, line: String) -> Result<String, Error> {
        let about: Vec<Value> =
            self.about(domain).map(|it| parsed(&output::json_line(it)?)).collect::<Result<_, Error>>()?;
        if about.is_empty() {
            return Ok(line);
        }
        let mut line = parsed(&line)?;
        line["maintenance"] = Value::Array(about);
        Ok(line.to_string())
    }

    fn about(&self, domain: &str) -> impl Iterator<Item = &AnnouncedMaintenance> {
        self.maintenance.iter().filter(move |it| it.every_domain || it.domains.iter().any(|of| of == domain))
    }
}

fn parsed(line: &str) -> Result<Value, Error> {
    serde_json::from_str(line).map_err(|error| Error::Output(error.into()))
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;

    use super::*;

    #[test]
    fn maintenance_stands_beside_the_data_services_that_it_is_about() {
        const MINUTE_US: i64 = 60_000_000;
        let window = |domain: &str, from: i64, until: i64| AnnouncedMaintenance {
            domains: vec![domain.to_owned()],
            from: Some(timestamp(from * MINUTE_US)),
            until: Some(timestamp(until * MINUTE_US)),
            reason: "thay đĩa".to_owned(),
            ..AnnouncedMaintenance::default()
        };
        let everything =
            AnnouncedMaintenance { every_domain: true, domains: Vec::new(), ..window("", 50, 60) };
        let maintenance = vec![window("land", 1, 9), window("health", 20, 30), everything];
        let announced = Announced { maintenance, now_us: 2 * MINUTE_US };
        let text = |domain, lang| announced.cell(domain, lang).text;
        assert_eq!(text("land", Lang::En), "until 1970-01-01 07:09; 1970-01-01 07:50 until 1970-01-01 08:00");
        assert_eq!(
            text("health", Lang::Vi),
            "1970-01-01 07:20 đến 1970-01-01 07:30; 1970-01-01 07:50 đến 1970-01-01 08:00"
        );
        assert_eq!(text("", Lang::En), "1970-01-01 07:50 until 1970-01-01 08:00");
        assert_eq!(Announced::default().cell("land", Lang::En).text, "-");
        let line = announced.beside("land", r#"{"name":"x"}"#.to_owned()).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["maintenance"][0]["reason"], "thay đĩa");
        assert_eq!(line["maintenance"].as_array().unwrap().len(), 2);
        let untouched = Announced::default().beside("land", r#"{"b":1,"a":2}"#.to_owned()).unwrap();
        assert_eq!(untouched, r#"{"b":1,"a":2}"#);
    }
}
