use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use deadpool_postgres::Connect;
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use tracing::{debug, warn};
use zeroize::Zeroizing;

use super::tls::Tls;
use crate::Error;

/// Makes connections, and says on a line of its own that a statement is no longer wanted.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) tls: Tls,
    pub(super) password_file: Option<PathBuf>,
}

impl Connector {
    /// # Errors
    /// The password cannot be read, in a way that can be told to the operator.
    pub(super) async fn check_password(&self) -> Result<(), Error> {
        let Some(file) = &self.password_file else { return Ok(()) };
        match password(file).await {
            Some(password) if password.is_empty() => Err(Error::options("password-file", "is empty")),
            Some(_) => Ok(()),
            None => Err(Error::options("password-file", "cannot be read")),
        }
    }

    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match &self.tls {
            Tls::Off => token.cancel_query(NoTls).await,
            Tls::On(tls) => token.cancel_query(tls.clone()).await,
        }
    }

    /// The password is read for each connection, so that a new one counts from its first moment.
    async fn connect(&self, mut config: Config) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        if let Some(file) = &self.password_file {
            match password(file).await {
                Some(password) => drop(config.password(password.as_slice())),
                None => warn!("the password file of a store cannot be read"),
            }
        }
        match &self.tls {
            Tls::Off => {
                let (client, connection) = config.connect(NoTls).await?;
                Ok((client, tokio::spawn(served(connection))))
            }
            Tls::On(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                Ok((client, tokio::spawn(served(connection))))
            }
        }
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>>
    {
        Box::pin(Self::connect(self, config.clone()))
    }
}

/// A connection ends with its client, or when the server ends it; then the next caller makes a new one.
async fn served(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        debug!(cause = %Error::from(error).cause(), "a connection of a store ended");
    }
}

async fn password(file: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let mut password = Zeroizing::new(tokio::fs::read(file).await.ok()?);
    while password.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        password.pop();
    }
    Some(password)
}
