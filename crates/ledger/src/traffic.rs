//! Tells the counts that indicators are computed from, as a stream of messages that together are one answer.

use lgsp_core::Fault;
use lgsp_core::indicators::{day_of, midnight_after};
use lgsp_core::time::micros;
use lgsp_proto::ledger::v1::{
    CountTrafficRequest, DossierCount, FilledCount, FormCount, TrafficCount, TrafficCounts,
};
use prost::Message;
use tokio::time::Instant;

use crate::index::{Asked, Counted, Dossiers, Filled, Forms};
use crate::service::{Service, invalid, unanswered};

/// Most rows of counts that one answer is made of.
const MOST_ROWS: usize = 500_000;
/// Encoded bytes after which a message is full.
const FULL: usize = 200 * 1024;
const DAY_US: i64 = 86_400_000_000;
const LONGEST_DAYS: i64 = 366;

impl Service {
    /// Counts the exchanges of a period.
    ///
    /// # Errors
    /// The period is none; there is more to tell than one answer holds; or the index did not answer.
    pub async fn traffic(
        &self,
        request: CountTrafficRequest,
        deadline: Instant,
    ) -> Result<Vec<TrafficCounts>, Fault> {
        let (since_us, until_us) = period(&request)?;
        let CountTrafficRequest { by_day, dossiers, forms, .. } = request;
        self.catch_up(deadline).await;
        let asked = Asked { since_us, until_us, by_day, dossiers, limit: MOST_ROWS + 1 };
        let told = self.index.traffic(asked, deadline).await.map_err(unanswered)?;
        if told.counted.len().max(told.dossiers.len()) > MOST_ROWS {
            return Err(invalid(
                "until",
                "asks for more counts than one answer tells: ask for a shorter period",
            ));
        }
        let mut first = TrafficCounts { leaves: told.leaves, ..TrafficCounts::default() };
        first.archived = self.shelf.within(Some(since_us), Some(until_us));
        let mut messages = vec![first];
        let mut bytes = 0;
        for count in merged(told.counted) {
            room(&mut messages, &mut bytes, count.encoded_len()).counts.push(count);
        }
        for count in told.dossiers.into_iter().map(dossiers_of) {
            room(&mut messages, &mut bytes, count.encoded_len()).dossiers.push(count);
        }
        if forms {
            let told = self.index.forms((since_us, until_us), MOST_ROWS, deadline).await;
            let (opened, filled) = told.map_err(unanswered)?;
            for count in opened.into_iter().map(form_of) {
                room(&mut messages, &mut bytes, count.encoded_len()).forms.push(count);
            }
            for count in filled.into_iter().map(filled_of) {
                room(&mut messages, &mut bytes, count.encoded_len()).filled.push(count);
            }
        }
        Ok(messages)
    }
}

/// Days, since counts are of days.
fn period(request: &CountTrafficRequest) -> Result<(i64, i64), Fault> {
    let moment = |moment: &Option<_>| moment.as_ref().map_or(0, micros);
    let (since, until) = (moment(&request.since), moment(&request.until));
    for (field, at) in [("since", since), ("until", until)] {
        if midnight_after(at) != at {
            return Err(invalid(field, "is not midnight in Asia/Ho_Chi_Minh"));
        }
    }
    if until <= since || until.saturating_sub(since) > LONGEST_DAYS * DAY_US {
        return Err(invalid("until", "is not 1 to 366 days after `since`"));
    }
    Ok((since, until))
}

/// The message that takes so many more bytes.
fn room<'a>(messages: &'a mut Vec<TrafficCounts>, bytes: &mut usize, more: usize) -> &'a mut TrafficCounts {
    if *bytes > 0 && *bytes + more > FULL {
        messages.push(TrafficCounts::default());
        *bytes = 0;
    }
    *bytes += more;
    let last = messages.len() - 1;
    &mut messages[last]
}

/// Rows of the same, but for their buckets, are one count. They follow each other.
fn merged(rows: Vec<Counted>) -> Vec<TrafficCount> {
    let mut counts: Vec<TrafficCount> = Vec::new();
    for row in rows {
        let (bucket, exchanges, dossiers) =
            (row.bucket, row.exchanges.cast_unsigned(), row.dossiers.cast_unsigned());
        let bare = TrafficCount {
            day: row.day.map(day_of).unwrap_or_default(),
            platform: row.platform,
            environment: row.environment,
            application: row.application,
            service: row.service,
            method: row.method,
            outcome: i32::try_from(row.outcome).unwrap_or_default(),
            ..TrafficCount::default()
        };
        match counts.last_mut() {
            Some(last) if is_same(last, &bare) => {}
            Some(_) | None => counts.push(bare),
        }
        let last = counts.len() - 1;
        let count = &mut counts[last];
        count.exchanges += exchanges;
        count.with_dossier += dossiers;
        count.buckets.push(u32::try_from(bucket).unwrap_or_default());
        count.in_buckets.push(exchanges);
    }
    counts
}

fn is_same(one: &TrafficCount, other: &TrafficCount) -> bool {
    let key = |it: &TrafficCount| (it.platform, it.outcome);
    let texts = |it: &TrafficCount| {
        [&it.day, &it.environment, &it.application, &it.service, &it.method].map(String::clone)
    };
    key(one) == key(other) && texts(one) == texts(other)
}

fn form_of(row: Forms) -> FormCount {
    FormCount {
        environment: row.environment,
        application: row.application,
        opened: row.opened.cast_unsigned(),
        filled: row.filled.cast_unsigned(),
    }
}

fn filled_of(row: Filled) -> FilledCount {
    FilledCount {
        environment: row.environment,
        service: row.service,
        forms: row.forms.cast_unsigned(),
        exchanges: row.exchanges.cast_unsigned(),
        fields: row.fields.cast_unsigned(),
    }
}

fn dossiers_of(row: Dossiers) -> DossierCount {
    DossierCount {
        day: row.day.map(day_of).unwrap_or_default(),
        environment: row.environment,
        application: row.application,
        service: row.service,
        distinct: row.distinct.cast_unsigned(),
        exchanges: row.exchanges.cast_unsigned(),
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;

    use super::*;

    const JUNE: i64 = 1_780_246_800_000_000;

    #[test]
    fn a_period_is_whole_days_and_at_most_a_year() {
        let check = |since: i64, until: i64| {
            let request = CountTrafficRequest {
                since: Some(timestamp(since)),
                until: Some(timestamp(until)),
                ..CountTrafficRequest::default()
            };
            period(&request).map_err(|fault| fault.violations()[0].field.clone())
        };
        assert_eq!(check(JUNE, JUNE + DAY_US), Ok((JUNE, JUNE + DAY_US)));
        assert!(check(JUNE, JUNE + 366 * DAY_US).is_ok());
        assert_eq!(check(JUNE + 1, JUNE + DAY_US), Err("since".to_owned()));
        for until in [JUNE, JUNE - DAY_US, JUNE + 367 * DAY_US, JUNE + 1] {
            assert_eq!(check(JUNE, until), Err("until".to_owned()), "{until}");
        }
    }
}
