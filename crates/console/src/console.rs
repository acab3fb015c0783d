//! How the console starts.

use std::net::SocketAddr;
use std::sync::Arc;

use lgsp_runtime::{Shutdown, Stage, State};
use rustls::ClientConfig;
use tokio::net::TcpListener;
use tonic::transport::Channel;
use tracing::info;

use crate::board::Board;
use crate::follow::Follower;
use crate::hub::Hub;
use crate::invitation::Invitations;
use crate::oidc::Issuer;
use crate::options::Options;
use crate::web::{self, Desk};
use crate::{Bearer, Ports};

/// Why the console does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its address is taken, or is not ours.
    #[error("the console cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The issuer's options cannot be used.
    #[error("console.oidc cannot be used: {0}")]
    Oidc(#[source] std::io::Error),
}

/// What is around a console.
pub struct Around {
    /// The way to the gateway.
    pub channel: Channel,
    /// What goes with the console's own calls.
    pub own: Arc<dyn Bearer>,
    /// The admin ports.
    pub ports: Arc<dyn Ports>,
    /// One-time links, and what goes with the calls of whoever comes by one.
    pub invited: Option<(Invitations, Arc<dyn Bearer>)>,
    /// Whom connections to the issuer trust.
    pub issuer_tls: Option<ClientConfig>,
}

/// Binds the address of the pages.
///
/// # Errors
/// It is taken, or is not ours.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Serves the pages, and follows what they show.
///
/// # Errors
/// The issuer's options cannot be used.
pub fn start(
    options: Options,
    around: Around,
    listener: TcpListener,
    state: &State,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let (hub, board) = (Hub::new(around.channel), Arc::new(Board::new()));
    let issuer = match (&options.oidc, around.issuer_tls) {
        (Some(oidc), Some(tls)) => Some(Issuer::new((**oidc).clone(), tls).map_err(Error::Oidc)?),
        _ => None,
    };
    let follower =
        Follower { hub: hub.clone(), own: around.own, ports: around.ports, board: Arc::clone(&board) };
    let leaving = shutdown.begins(Stage::NotServing);
    for (name, work) in [
        ("links", Box::pin(follower.clone().links()) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>),
        ("metrics", Box::pin(follower.clone().metrics())),
        ("names", Box::pin(follower.names())),
    ] {
        let leaving = leaving.clone();
        shutdown.spawn(Stage::NotServing, name, async move {
            leaving.run_until_cancelled(work).await;
        });
    }
    if let Ok(address) = listener.local_addr() {
        info!(%address, "console listens");
    }
    let desk = Arc::new(Desk::new(options, hub, board, around.invited, issuer, leaving));
    let stop = shutdown.begins(Stage::StopAccepting);
    shutdown.spawn(Stage::Drain, "pages", web::serve(listener, web::router(desk), stop));
    state.component("pages").ready();
    Ok(())
}
