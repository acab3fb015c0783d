//! Streams of records, read from the source in chunks as they are taken.

use std::collections::VecDeque;
use std::future::Future;

use futures::{Stream, stream};
use lgsp_core::Fault;
use prost::Message;
use tonic::Status;

use crate::status;

/// Records read at once, and one more in the end. Nothing is read ahead of what was taken, so that a slow reader holds no
/// more than this.
pub const CHUNK: usize = 200;
/// Most encoded bytes of the records of one stream. The methods allow 4 MiB; the rest is for what wraps the records.
pub const MOST_STREAM_BYTES: usize = 3 * 1024 * 1024;

/// Streams at most `size` records that come after a number.
///
/// `fetch` reads up to so many records after a number, in order; fewer mean that none are left. `answer` wraps a
/// record; it is given the record's number for the last message, if more records follow.
pub fn records<T, A, F, Fetched, W>(
    size: usize,
    after: i64,
    fetch: F,
    answer: W,
) -> impl Stream<Item = Result<A, Status>> + Send + use<T, A, F, Fetched, W>
where
    T: Message,
    F: Fn(i64, usize) -> Fetched + Send,
    Fetched: Future<Output = Result<Vec<(i64, T)>, Fault>> + Send,
    W: Fn(T, Option<i64>) -> A + Send,
{
    let cursor = Cursor { fetch, after, left: size, bytes: 0, rows: VecDeque::new(), source_ended: false };
    stream::try_unfold((cursor, answer), |(mut cursor, answer)| async move {
        match cursor.next().await {
            Ok(Some((record, next))) => Ok(Some((answer(record, next), (cursor, answer)))),
            Ok(None) => Ok(None),
            Err(fault) => Err(status(fault)),
        }
    })
}

struct Cursor<T, F> {
    fetch: F,
    /// The number of the last record that was read.
    after: i64,
    /// How many records the stream may still have.
    left: usize,
    bytes: usize,
    /// Records that were read and not yet taken.
    rows: VecDeque<(i64, T)>,
    source_ended: bool,
}

impl<T, F, Fetched> Cursor<T, F>
where
    T: Message,
    F: Fn(i64, usize) -> Fetched,
    Fetched: Future<Output = Result<Vec<(i64, T)>, Fault>>,
{
    /// The next record; with its number if it is the stream's last and more follow.
    async fn next(&mut self) -> Result<Option<(T, Option<i64>)>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        // The record that comes after decides whether this one is the last: hold two.
        if self.rows.len() < 2 && !self.source_ended {
            self.read().await?;
        }
        let Some((number, record)) = self.rows.pop_front() else { return Ok(None) };
        self.left -= 1;
        self.bytes += record.encoded_len();
        let Some((_, following)) = self.rows.front() else { return Ok(Some((record, None))) };
        if self.left == 0 || self.bytes + following.encoded_len() > MOST_STREAM_BYTES {
            self.left = 0;
            return Ok(Some((record, Some(number))));
        }
        Ok(Some((record, None)))
    }

    async fn read(&mut self) -> Result<(), Fault> {
        // One more than may be sent, to know whether more follow. It comes with the last chunk, not alone.
        let wanted = self.left + 1 - self.rows.len();
        let limit = if wanted <= CHUNK + 1 { wanted } else { CHUNK };
        let rows = (self.fetch)(self.after, limit).await?;
        self.source_ended = rows.len() < limit;
        if let Some((last, _)) = rows.last() {
            self.after = *last;
        }
        self.rows.extend(rows);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use lgsp_core::Reason;

    /// Streams `size` of `count` records that have `length` bytes each.
    async fn streamed(count: i64, size: usize, after: i64, length: usize) -> Vec<(String, Option<i64>)> {
        let fetch = move |after: i64, limit: usize| async move {
            let numbers = (1..=count).filter(|number| *number > after).take(limit);
            Ok(numbers.map(|number| (number, "x".repeat(length))).collect())
        };
        let records = records(size, after, fetch, |record, next| (record, next));
        records.try_collect().await.expect("the source answers")
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_source() {
        for count in [0, 1, 2, 199, 200, 201, 399, 400, 401] {
            let answers = streamed(count, 5000, 0, 1).await;
            assert_eq!(answers.len() as i64, count);
            assert!(answers.iter().all(|(_, next)| next.is_none()));
        }
    }

    #[tokio::test]
    async fn only_the_last_message_names_where_to_continue_and_only_if_more_follow() {
        for size in [1, 2, 199, 200, 201, 400] {
            let answers = streamed(401, size, 0, 1).await;
            assert_eq!(answers.len(), size);
            let next: Vec<_> = answers.iter().filter_map(|(_, next)| *next).collect();
            assert_eq!(next, [size as i64]);
            let rest = streamed(401, 401 - size, size as i64, 1).await;
            assert_eq!((rest.len(), rest.iter().filter(|(_, next)| next.is_some()).count()), (401 - size, 0));
        }
    }

    #[tokio::test]
    async fn a_stream_of_large_records_stays_within_its_bytes() {
        let answers = streamed(10, 10, 0, 1024 * 1024).await;
        let bytes: usize = answers.iter().map(|(record, _)| record.encoded_len()).sum();
        assert!(bytes <= MOST_STREAM_BYTES);
        assert_eq!((answers.len(), answers[1].1), (2, Some(2)));
    }

    #[tokio::test]
    async fn a_failure_in_the_middle_ends_the_stream_with_its_status() {
        let fetch = |after: i64, limit: usize| async move {
            if after > 0 {
                return Err(Fault::new(Reason::SourceUnavailable));
            }
            Ok((1..=limit as i64).map(|number| (number, number.to_string())).collect())
        };
        let records = records(5000, 0, fetch, |record, _| record);
        let result: Result<Vec<String>, Status> = records.try_collect().await;
        assert_eq!(result.unwrap_err().code(), tonic::Code::Unavailable);
    }
}
