//! The registry as of a moment, folded from the history until then; and the history itself, newest first.

use std::ops::ControlFlow;

use lgsp_core::time::micros;
use lgsp_proto::registry::v1::moment::Moment as Of;
use lgsp_proto::registry::v1::{Change, Edit, ListChangesRequest, ListChangesResponse, Moment};
use prost::Message;
use tokio::time::Instant;

use crate::asked::{MOST_BYTES, page_size};
use crate::catalogue::Catalogue;
use crate::history::{History, HistoryError};

/// Changes that are read at once when they are looked for, and for one page altogether.
const CHANGES_AT_ONCE: usize = 200;
const MOST_CHANGES: usize = 2_000;

/// Folds the history until a moment.
///
/// # Errors
/// The store failed, or its history is damaged.
pub(crate) async fn as_of(
    history: &History,
    moment: &Moment,
    until: Instant,
) -> Result<Catalogue, HistoryError> {
    let mut catalogue = Catalogue::default();
    let folded = history.each_after(0, until, |change| {
        if !was_made_by(&change, moment) {
            return Ok(ControlFlow::Break(()));
        }
        catalogue.apply(&change)?;
        Ok(ControlFlow::Continue(()))
    });
    folded.await?;
    Ok(catalogue)
}

/// Whether a change was made by then. One that comes after it in the history was not, whatever its own clock said.
fn was_made_by(change: &Change, moment: &Moment) -> bool {
    match &moment.moment {
        None => true,
        Some(Of::At(at)) => change.at.as_ref().map_or(0, micros) <= micros(at),
        Some(Of::Sequence(sequence)) => change.sequence <= *sequence,
        Some(Of::Revision(revision)) => change.revision <= *revision,
    }
}

/// The changes before one, newest first, that are about what is asked for. What is far back is found page by page: each reads a part
/// of the history, so that none is long.
///
/// # Errors
/// The store failed, or its history is damaged.
pub(crate) async fn changes_before(
    history: &History,
    mut sequence: u64,
    request: &ListChangesRequest,
    until: Instant,
) -> Result<ListChangesResponse, HistoryError> {
    let (size, mut bytes) = (page_size(request.page_size), 0);
    let mut page = ListChangesResponse::default();
    for _ in 0..MOST_CHANGES / CHANGES_AT_ONCE {
        let read = history.before(sequence, CHANGES_AT_ONCE, until).await?;
        for change in &read {
            if is_about(&change.edits, request) {
                let told = shortened(change.clone());
                bytes += told.encoded_len();
                if bytes > MOST_BYTES && !page.changes.is_empty() {
                    page.next_page_token = next(sequence);
                    return Ok(page);
                }
                page.changes.push(told);
            }
            sequence = change.sequence;
            if page.changes.len() == size {
                page.next_page_token = next(sequence);
                return Ok(page);
            }
        }
        if read.len() < CHANGES_AT_ONCE {
            return Ok(page);
        }
    }
    page.next_page_token = next(sequence);
    Ok(page)
}

/// What is more than an answer carries is told without what was before, and if that is not enough, without what came of it: that the
/// registry as of then tells.
fn shortened(mut change: Change) -> Change {
    for part in [|edit: &mut Edit| edit.before = None, |edit: &mut Edit| edit.after = None] {
        if change.encoded_len() > MOST_BYTES {
            change.edits.iter_mut().for_each(part);
        }
    }
    change
}

/// Nothing comes before the first change.
fn next(sequence: u64) -> String {
    if sequence > 1 { sequence.to_string() } else { String::new() }
}

fn is_about(edits: &[Edit], request: &ListChangesRequest) -> bool {
    let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
    // An agreement's id without a version means all of them.
    let is_of = |id: &str| {
        is(&request.id, id) || id.strip_prefix(&request.id).is_some_and(|rest| rest.starts_with('/'))
    };
    let any = edits.iter().any(|edit| is(&request.kind, &edit.kind) && is_of(&edit.id));
    any || (request.kind.is_empty() && request.id.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lgsp_core::time::timestamp;
    use lgsp_proto::registry::v1::Purpose;
    use lgsp_proto::registry::v1::item::Item;
    use lgsp_store::Options;

    use super::*;
    use crate::catalogue::put;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    /// Of purposes `p-1`, `p-2` …, one a second; every second of them makes rules.
    async fn history(folder: &std::path::Path, changes: u64) -> History {
        let url = format!("sqlite:{}", folder.join("registry.db").display());
        let history = History::open(&Options::of(url)).await.unwrap();
        for sequence in 1..=changes {
            let purpose = Purpose { code: format!("p-{sequence}"), ..Purpose::default() };
            let change = Change {
                sequence,
                at: Some(timestamp(i64::try_from(sequence).unwrap() * 1_000_000)),
                edits: vec![put(None, Item::Purpose(purpose), format!("p-{sequence}"))],
                revision: sequence.div_ceil(2),
                ..Change::default()
            };
            assert!(history.append(&change, soon()).await.unwrap());
        }
        history
    }

    async fn check(history: &History, moment: Option<Of>, sequence: u64) {
        let catalogue = as_of(history, &Moment { moment }, soon()).await.unwrap();
        assert_eq!(catalogue.sequence, sequence, "{moment:?}");
        assert_eq!(catalogue.items().count() as u64, sequence, "{moment:?}");
    }

    #[tokio::test]
    async fn the_registry_is_what_its_changes_until_then_amount_to() {
        let folder = tempfile::tempdir().unwrap();
        let history = history(folder.path(), 6).await;
        check(&history, None, 6).await;
        check(&history, Some(Of::Sequence(4)), 4).await;
        check(&history, Some(Of::Sequence(0)), 0).await;
        check(&history, Some(Of::Revision(2)), 4).await;
        check(&history, Some(Of::At(timestamp(2_999_999))), 2).await;
        check(&history, Some(Of::At(timestamp(3_000_000))), 3).await;
        check(&history, Some(Of::At(timestamp(0))), 0).await;
        check(&history, Some(Of::At(timestamp(i64::MAX / 2))), 6).await;
    }

    async fn pages(history: &History, id: &str, page_size: i32) -> (Vec<u64>, usize) {
        let (mut found, mut pages, mut before) = (Vec::new(), 0, u64::MAX);
        loop {
            let request = ListChangesRequest { id: id.to_owned(), page_size, ..Default::default() };
            let page = changes_before(history, before, &request, soon()).await.unwrap();
            found.extend(page.changes.iter().map(|change| change.sequence));
            pages += 1;
            if page.next_page_token.is_empty() {
                return (found, pages);
            }
            before = page.next_page_token.parse().unwrap();
        }
    }

    #[tokio::test]
    async fn every_change_is_on_one_page_and_what_is_far_back_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let most = MOST_CHANGES as u64;
        let history = history(folder.path(), most + 10).await;
        let (all, _) = pages(&history, "", 200).await;
        assert_eq!(all, (1..=most + 10).rev().collect::<Vec<_>>());
        assert_eq!(
            pages(&history, "p-3", 50).await,
            (vec![3], 2),
            "the first page is empty, and not the last"
        );
        assert_eq!(pages(&history, "p-9999", 50).await, (vec![], 2));
    }

    #[tokio::test]
    async fn a_page_of_changes_has_no_more_bytes_than_the_bus_carries_and_a_large_change_is_told_short() {
        let folder = tempfile::tempdir().unwrap();
        let history = history(folder.path(), 0).await;
        let purpose = |bytes: usize| {
            Item::Purpose(Purpose { code: "p".to_owned(), title_vi: "x".repeat(bytes), ..Purpose::default() })
        };
        // The first does not fit beside the others; the third is told only without what was before; the fourth not even so.
        for (sequence, before, after) in [
            (1, 0, MOST_BYTES / 3),
            (2, 0, MOST_BYTES / 3),
            (3, MOST_BYTES / 2, MOST_BYTES / 2),
            (4, 1, MOST_BYTES),
        ] {
            let before = (before > 0).then(|| purpose(before));
            let edits = vec![put(before, purpose(after), "p".to_owned())];
            let change = Change { sequence, edits, ..Change::default() };
            assert!(history.append(&change, soon()).await.unwrap());
        }
        let mut told = Vec::new();
        let mut from = u64::MAX;
        loop {
            let page = changes_before(&history, from, &ListChangesRequest::default(), soon()).await.unwrap();
            assert!(page.encoded_len() <= MOST_BYTES + 1_000);
            told.push(
                page.changes
                    .iter()
                    .map(|it| (it.sequence, it.edits[0].before.is_some(), it.edits[0].after.is_some()))
                    .collect::<Vec<_>>(),
            );
            match page.next_page_token.as_str() {
                "" => break,
                token => from = token.parse().unwrap(),
            }
        }
        assert_eq!(
            told,
            [vec![(4, false, false), (3, false, true), (2, false, true)], vec![(1, false, true)]]
        );
    }
}
