//! Which entries of a period are in damaged segments and cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use lgsp_core::Fault;
use lgsp_proto::ledger::v1::{Sealed, UnreadableLeaves};
use prost::Message as _;

use super::Audit;
use crate::Damage;
use crate::disk;
use crate::files::log::{self, End};
use crate::service::{LONGEST_STREAM, unanswered};

/// Most runs of leaves that an answer names.
const MOST_RUNS: usize = 100;

/// What cannot be read.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    /// At least so many.
    pub entries: u64,
    /// Which ones, as far as that is known.
    pub leaves: Vec<UnreadableLeaves>,
}

impl Audit {
    /// What cannot be read of the damaged segments that may have entries of a period (Unix µs; not its end).
    pub(super) async fn unreadable(&self, period: (i64, i64)) -> Result<Unreadable, Fault> {
        let (folder, found) = (self.log.log.folder().to_owned(), self.log.damages.found());
        if found.is_empty() {
            return Ok(Unreadable::default());
        }
        let end = self.log.index.progress().await.map_err(unanswered)?.end;
        disk(folder.clone(), move || in_segments(&folder, (&found, end), period)).await.map_err(unanswered)
    }
}

fn in_segments(folder: &Path, (found, end): (&[Damage], End), period: (i64, i64)) -> io::Result<Unreadable> {
    let of_log = found.iter().filter(|damage| damage.file.parent() == Some(folder));
    let numbers: BTreeSet<u64> = of_log
        .filter_map(|damage| damage.file.file_stem().and_then(|stem| stem.to_str())?.parse().ok())
        .collect();
    // Of each segment its first leaf, and the one after its last.
    let spans: BTreeMap<u64, (u64, u64)> =
        log::spans(folder)?.into_iter().map(|(number, first, next)| (number, (first, next))).collect();
    let mut all = Unreadable::default();
    for number in numbers {
        let of = in_segment(folder, (number, spans.get(&number).copied()), end, period)?;
        all.entries += of.entries;
        all.leaves.extend(of.leaves);
    }
    all.leaves.truncate(MOST_RUNS);
    Ok(all)
}

/// What a segment lacks of its leaves. A damage of which nobody knows what was there takes at least one.
fn in_segment(
    folder: &Path,
    (number, span): (u64, Option<(u64, u64)>),
    log_end: End,
    (since_us, until_us): (i64, i64),
) -> io::Result<Unreadable> {
    let read = log::salvage(folder, number, log_end.place)?;
    // A repair that was made meanwhile.
    if read.damage.is_empty() {
        return Ok(Unreadable::default());
    }
    let admitted = read.leaves.iter().filter_map(|leaf| Sealed::decode(leaf.sealed.clone()).ok());
    let admitted: Vec<i64> = admitted.map(|sealed| sealed.admitted_us).collect();
    // What is lost was admitted about when its neighbours were.
    let about = i64::try_from(LONGEST_STREAM.as_micros()).unwrap_or(i64::MAX);
    if let (Some(earliest), Some(latest)) = (admitted.iter().min(), admitted.iter().max())
        && (latest.saturating_add(about) < since_us || earliest.saturating_sub(about) >= until_us)
    {
        return Ok(Unreadable::default());
    }
    let has: BTreeSet<u64> = read.leaves.iter().map(|leaf| leaf.number).collect();
    let first = match log::first_leaf(folder, number) {
        Ok((first, _)) => first,
        Err(error) if error.kind() == io::ErrorKind::NotFound => has.first().copied().unwrap_or_default(),
        Err(error) => return Err(error),
    };
    let known_end = match span {
        Some((_, next)) => Some(next),
        None => (number == log_end.place.segment).then_some(log_end.leaves),
    };
    let end = known_end.unwrap_or_default().max(has.last().map_or(first, |last| last + 1));
    let leaves = between(&has, first, end);
    let entries = leaves.iter().map(|run| run.last - run.first + 1).sum::<u64>();
    let only_its_header = read.damage.iter().all(|damage| damage.byte == 0) && !has.is_empty();
    let entries = if only_its_header { entries } else { entries.max(1) };
    Ok(Unreadable { entries, leaves })
}

/// The runs of leaves from the first to before the end that are not among those.
fn between(has: &BTreeSet<u64>, first: u64, end: u64) -> Vec<UnreadableLeaves> {
    let (mut runs, mut next) = (Vec::new(), first);
    for number in has.range(first..).copied().chain([end]) {
        if number > next {
            runs.push(UnreadableLeaves { first: next, last: number - 1 });
        }
        next = number + 1;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told_in_runs() {
        let runs = |has: &[u64], first, end| {
            let runs = between(&has.iter().copied().collect(), first, end);
            runs.iter().map(|run| (run.first, run.last)).collect::<Vec<_>>()
        };
        assert_eq!(runs(&[3, 4, 8], 1, 11), [(1, 2), (5, 7), (9, 10)]);
        assert_eq!(runs(&[1, 2], 1, 3), []);
        assert_eq!(runs(&[], 5, 7), [(5, 6)]);
    }
}
