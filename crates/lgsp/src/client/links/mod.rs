//! `lgsp status`, `lgsp top` and `lgsp link`: how the links are, also live, their past, and maintenance.

mod announced;
mod ask;
mod maintenance;
mod show;
mod status;
pub mod top;
mod words;

use lgsp_proto::monitor::v1::monitor_service_client::MonitorServiceClient;
use tonic::transport::Channel;

use super::session::Session;
use super::{Error, Lang};
use crate::cli::links::Link;

pub(crate) use announced::Announced;
pub(crate) use status::run as status;
pub(crate) use words::{cause, evidence};

/// Runs `lgsp link`.
///
/// # Errors
/// Whatever kept it from being done.
pub(crate) async fn run(command: &Link, lang: Lang) -> Result<(), Error> {
    match command {
        Link::Show(args) => show::run(args, lang).await,
        Link::Maintenance(command) => maintenance::run(command, lang).await,
    }
}

fn client(session: &Session) -> MonitorServiceClient<Channel> {
    MonitorServiceClient::new(session.channel.clone())
}
