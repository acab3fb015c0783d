//! PostgreSQL through tokio-postgres.

mod address;
mod connect;
mod error;
mod lent;
mod load;
mod migrate;
mod numeric;
mod older;
mod plain;
mod reader;
mod tls;
mod value;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Config;
use tokio_util::task::TaskTracker;

use crate::{Error, Migration, Options};
use connect::Connector;
use lent::Lent;
pub use load::{CopyIn, Load};
use plain::Plain;
pub(crate) use reader::Reader;
use tls::Tls;
pub(crate) use value::cell;
pub(crate) use writer::Writer;

/// How long an opening may take.
const OPENING_TIMEOUT: Duration = Duration::from_secs(30);
/// How long making one connection may take: the network, TLS and the password.
const MAKING_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a free connection of callers that bring no deadline of their own.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Checks the options without opening anything.
///
/// # Errors
/// [`Error::Options`].
pub(crate) fn check(options: &Options) -> Result<(), Error> {
    address::parse(options).map(drop)
}

/// An open database: a bounded pool of connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    pool: Pool,
    connector: Arc<Connector>,
    plain: Arc<Plain>,
    /// Those that end a statement whose caller has left.
    reclaiming: TaskTracker,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) async fn open(options: &Options, migrations: &[Migration]) -> Result<Self, Error> {
        let (config, connector) = connector(options).await?;
        let store = Self::over(config, connector, options)?;
        let mut client = Lent::new(store.first().await?);
        migrate::run(&mut client, migrations).await?;
        client.give_back();
        Ok(store)
    }

    pub(crate) async fn open_in(
        schema: &str,
        options: &Options,
        migrations: &[Migration],
    ) -> Result<Self, Error> {
        let (mut config, connector) = connector(options).await?;
        address::in_schema(&mut config, schema)?;
        let store = Self::over(config, connector, options)?;
        let mut client = Lent::new(store.first().await?);
        migrate::make_schema(&mut client, schema).await?;
        migrate::run(&mut client, migrations).await?;
        client.give_back();
        Ok(store)
    }

    pub(crate) async fn open_read_only(options: &Options) -> Result<Self, Error> {
        let (mut config, connector) = connector(options).await?;
        address::read_only(&mut config);
        let store = Self::over(config, connector, options)?;
        drop(store.first().await?);
        Ok(store)
    }

    fn over(config: Config, connector: Connector, options: &Options) -> Result<Self, Error> {
        // A connection that the server ended is noticed without asking; one that went silent, at its next statement.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_connect(config, connector.clone(), recycling))
            .max_size(options.connections() as usize)
            .create_timeout(Some(MAKING_TIMEOUT))
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| Error::Failed { code: "pool".to_owned() })?;
        Ok(Self {
            pool,
            connector: Arc::new(connector),
            plain: Arc::default(),
            reclaiming: TaskTracker::new(),
        })
    }

    async fn first(&self) -> Result<Object, Error> {
        match timeout(OPENING_TIMEOUT, self.pool.get()).await {
            Ok(client) => Ok(client?),
            Err(_) => Err(Error::TimedOut),
        }
    }

    pub(crate) async fn reader(&self, deadline: Instant) -> Result<Reader, Error> {
        // A free connection would still be lent, since a timeout looks at its clock last.
        if Instant::now() >= deadline {
            return Err(Error::TimedOut);
        }
        match timeout_at(deadline, self.pool.get()).await {
            Ok(client) => Ok(Reader::new(client?, self.clone(), deadline)),
            Err(_) => Err(Error::TimedOut),
        }
    }

    pub(crate) async fn writer(&self, deadline: Instant) -> Result<Writer, Error> {
        // As for a reader.
        if Instant::now() >= deadline {
            return Err(Error::TimedOut);
        }
        match timeout_at(deadline, self.pool.get()).await {
            Ok(client) => Writer::begin(Lent::new(client?), deadline).await,
            Err(_) => Err(Error::TimedOut),
        }
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<(), Error> {
        let client = Lent::new(self.pool.get().await?);
        // The last reader's bound must not hold here. Alone, because some statements refuse company.
        client.batch_execute("SET statement_timeout = 0").await?;
        client.batch_execute(sql).await?;
        client.give_back();
        Ok(())
    }

    pub(crate) async fn load(&self) -> Result<Load, Error> {
        Load::begin(Lent::new(self.pool.get().await?)).await
    }

    /// Lent connections are closed when they come back.
    pub(crate) async fn close(&self) {
        self.pool.close();
        self.reclaiming.close();
        self.reclaiming.wait().await;
    }
}

async fn connector(options: &Options) -> Result<(Config, Connector), Error> {
    let (config, trust) = address::parse(options)?;
    let connector = Connector { tls: Tls::of(trust, options)?, password_file: options.password_file.clone() };
    connector.check_password().await?;
    Ok((config, connector))
}
