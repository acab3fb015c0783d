//! Whether there is, or was, an application that is asked about: a mistyped one finds nothing, and must not pass for one that did nothing.

use lgsp_proto::ledger::v1::AuditFilter;

use super::search;
use crate::client::registry::every_application;
use crate::client::session::Session;
use crate::client::{Error, Held, Lang};

/// Looks for an application of which nothing was found.
///
/// # Errors
/// [`Error::NotHeld`] if it is neither in the registry nor anywhere in the log.
pub(super) async fn must_be_known(session: &Session, id: Option<&str>, lang: Lang) -> Result<(), Error> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(()) };
    // Who may not list applications is told by the log alone.
    let registered = every_application(session, lang).await.unwrap_or_default();
    if registered.iter().any(|application| application.id == id) {
        return Ok(());
    }
    let ever = AuditFilter { application: id.to_owned(), include_platform: true, ..AuditFilter::default() };
    let seen = search::find(session, ever, 1).await?;
    // What is archived may be of it.
    if !seen.exchanges.is_empty() || !seen.archived.is_empty() {
        return Ok(());
    }
    let known = registered.into_iter().map(|application| application.id).collect();
    Err(Error::NotHeld { kind: Held::Application, id: id.to_owned(), known })
}
