//! Dead letters as an operator reads them: their headers, of which none says anything about a person.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::timeout;

use super::DEAD_LETTER;
use crate::{Bus, Error, Record, Start, Tailed, headers};

/// How long Kafka may take to bring all of them.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest value that is shown.
const LONGEST: usize = 128;
/// So many digits in a row may be somebody's number: whoever is no part of the hub writes into a request's headers what it likes.
const MOST_DIGITS: usize = 8;

/// A record that could not be processed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// When it was written, Unix µs.
    pub at_us: i64,
    /// Why it is dead.
    pub cause: String,
    /// Where the record stood.
    pub topic: String,
    /// The record's partition.
    pub partition: String,
    /// The record's offset.
    pub offset: String,
    /// The instance that could not process it.
    pub instance: String,
    /// Whose call it says that it is.
    pub application: String,
    /// What it says that it calls.
    pub method: String,
    /// The exchange that it says that it is of.
    pub exchange: String,
    /// How many bytes it had.
    pub size: String,
}

/// The last dead letters, the newest first, and how many there are in all.
///
/// # Errors
/// Kafka does not answer, or denies us the right to read them.
pub async fn dead_letters(bus: &Bus, most: usize) -> Result<(Vec<DeadLetter>, i64), Error> {
    let marks = bus.watermarks(DEAD_LETTER).await?;
    let all = marks.iter().map(|marks| marks.high - marks.low).sum();
    if all == 0 {
        return Ok((Vec::new(), 0));
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let from = |(partition, marks): (i32, &crate::Watermarks)| {
        (partition, marks.high.saturating_sub(most).max(marks.low))
    };
    let start: BTreeMap<i32, i64> = (0..).zip(&marks).map(from).collect();
    let mut tail = bus.tail(DEAD_LETTER, Start::At(start))?;
    let reading = async {
        let mut letters = Vec::new();
        while let Tailed::Record(record) = tail.next().await? {
            letters.push(read(&record));
        }
        Ok(letters)
    };
    let what = "bring its dead letters";
    let mut letters: Vec<DeadLetter> =
        timeout(PATIENCE, reading).await.map_err(|_| Error::TimedOut { what })??;
    // Those of one millisecond stand in the order in which they were written.
    letters.reverse();
    letters.sort_by_key(|letter| std::cmp::Reverse(letter.at_us));
    letters.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok((letters, all))
}

fn read(record: &Record) -> DeadLetter {
    let text = |name: &str| {
        let found = record.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| shown(value)).unwrap_or_default()
    };
    let exchange = text(headers::EXCHANGE_ID);
    DeadLetter {
        at_us: record.timestamp_us,
        cause: text(headers::CAUSE),
        topic: text(headers::TOPIC),
        partition: text(headers::PARTITION),
        offset: text(headers::OFFSET),
        instance: text(headers::ADAPTER),
        application: text(headers::APPLICATION),
        method: text(headers::METHOD),
        exchange: if is_uuid(&exchange) { exchange } else { String::new() },
        size: text(headers::SIZE),
    }
}

/// A value, if it can be nobody's number. What has the form of an exchange's id is one.
fn shown(value: &Bytes) -> String {
    let Ok(text) = std::str::from_utf8(value) else { return String::new() };
    let is_plain = text.len() <= LONGEST && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let runs = text.split(|letter: char| !letter.is_ascii_digit());
    let is_harmless = runs.map(str::len).max().unwrap_or(0) <= MOST_DIGITS;
    if is_plain && (is_harmless || is_uuid(text)) { text.to_owned() } else { String::new() }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_may_be_a_persons_number_is_not_shown() {
        let shown = |text: &str| shown(&Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(shown("the mac is missing or wrong"), "the mac is missing or wrong");
        assert_eq!(shown("adapter-land-9f86d081"), "adapter-land-9f86d081");
        assert_eq!(shown("0197f0d4-5b7e-7c3a-9f52-000000000001"), "0197f0d4-5b7e-7c3a-9f52-000000000001");
        for personal in ["079190000001", "x.Y/079190000001", "Nguyễn", "a\nb"] {
            assert_eq!(shown(personal), "", "{personal:?}");
        }
    }

    #[test]
    fn a_letter_is_read_by_its_headers_and_an_exchange_by_its_form() {
        let header = |name: &str, value: &str| (name.to_owned(), Bytes::copy_from_slice(value.as_bytes()));
        let record = Record {
            topic: DEAD_LETTER.into(),
            partition: 0,
            offset: 3,
            timestamp_us: 7,
            key: None,
            headers: vec![
                header(headers::CAUSE, "the service panicked"),
                header(headers::TOPIC, "lgsp.request.land"),
                header(headers::OFFSET, "41"),
                header(headers::EXCHANGE_ID, "no-uuid"),
                header(headers::OFFICER, "somebody"),
            ],
            value: None,
        };
        let expected = DeadLetter {
            at_us: 7,
            cause: "the service panicked".to_owned(),
            topic: "lgsp.request.land".to_owned(),
            offset: "41".to_owned(),
            ..DeadLetter::default()
        };
        assert_eq!(read(&record), expected);
    }
}
