//! `lgsp registry …`: the registry's past, and the registry as files.

mod apply;
mod export;
pub(super) mod fields;
mod history;
pub(super) mod known;
mod perform;
mod plan;
mod show;
mod tell;
mod wanted;

use std::time::Duration;

use super::{Error, Lang};
use crate::cli::code::Command;

/// Time for a page of the past: it is folded from the whole history.
const DEADLINE: Duration = Duration::from_secs(20);

/// Runs a command below `lgsp registry` that calls a hub.
///
/// # Errors
/// Whatever kept it from being done; or [`Error::Differs`], which is no failure.
pub(crate) async fn run(command: &Command, lang: Lang) -> Result<(), Error> {
    match command {
        Command::History(args) => history::run(args, lang).await,
        Command::Show(args) => show::run(args, lang).await,
        Command::Export(args) => export::run(args, lang).await,
        Command::Plan(args) => apply::plan(args, lang).await,
        Command::Apply(args) => apply::run(args, lang).await,
        // It calls no hub, and is run as a command of a server.
        Command::RecoverAdmin(_) => Ok(()),
    }
}
