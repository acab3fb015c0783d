//! The registry as of a moment, folded from the history until then; and the history itself, newest first.

use std::ops::ControlFlow;

use lgsp_core::time::micros;
use lgsp_proto::registry::v1::moment::Moment as Of;
use lgsp_proto::registry::v1::{Change, Edit, ListChangesRequest, ListChangesResponse, Moment};
use tokio::time::Instant;

use crate::asked::page_size;
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
    let size = page_size(request.page_size);
    let mut page = ListChangesResponse::default();
    for _ in 0..MOST_CHANGES / CHANGES_AT_ONCE {
        let read = history.before(sequence, CHANGES_AT_ONCE, until).await?;
        for change in &read {
            sequence = change.sequence;
            if is_about(&change.edits, request) {
                page.changes.push(change.clone());
            }
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
}
