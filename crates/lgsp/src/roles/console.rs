//! The console: pages for operators, beside the other roles of `lgsp up` or on its own. It has no bus: it calls a gateway, and reads admin ports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use futures::future::{BoxFuture, join_all};
use lgsp_console::{Around, Bearer, Invitations, Options, Ports};
use lgsp_core::ApplicationId;
use lgsp_core::time::unix_micros;
use lgsp_monitor::picture::Picture;
use lgsp_monitor::tell::Tellers;
use lgsp_monitor::{at_a_glance, ports};
use lgsp_proto::monitor::v1::Link;
use lgsp_runtime::{Shutdown, State};
use tokio::net::TcpListener;
use tracing::warn;

use super::{Host, Role};
use crate::cli::client::{Gateway, Key};
use crate::client::connect::{lazily, trusting};
use crate::client::token::Signer;
use crate::config::Config;

/// The page of an admin port with what is measured.
const METRICS: &str = "/metrics";

/// Starts the console beside the other roles of a process. Whoever runs them lets themselves in by a one-time link, as the operator's tool.
///
/// # Errors
/// A key or a file of certificates cannot be read.
pub fn beside(host: &Host, gateway: SocketAddr, listener: TcpListener) -> anyhow::Result<Role> {
    let start = host.start("console");
    let mut options = host.config.console.clone();
    if host.config.gateway.tls.is_none() {
        options.gateway = gateway.to_string();
    }
    let invitations = Invitations::of(&host.config.data);
    invitations.listens(&address(&listener, &options)?).context("one-time links cannot be kept")?;
    let own = bearer(&host.config)?;
    let around = Around {
        channel: lazily(&way(&options)).context("console.gateway")?,
        invited: Some((invitations, Arc::clone(&own))),
        own,
        ports: Arc::new(Roles {
            ports: options.admin_ports.clone(),
            silent_after_us: silent_after_us(&host.config),
            here: Some((host.links.clone(), host.state.clone())),
        }),
        issuer_tls: issuer_tls(&options)?,
    };
    lgsp_console::start(options, around, listener, &start.state, &start.shutdown)?;
    Ok(start.into_role())
}

/// Starts the console on its own. Persons sign in at an issuer.
///
/// # Errors
/// Its address is taken, or a key or a file of certificates cannot be read.
pub async fn alone(config: &Config, state: &State) -> anyhow::Result<Role> {
    let options = config.console.clone();
    if options.oidc.is_none() {
        warn!("console.oidc names no issuer: nobody can sign in");
    }
    let shutdown = Shutdown::new(state.clone(), config.shutdown.clone());
    let listener = lgsp_console::bind(options.listen).await?;
    let around = Around {
        channel: lazily(&way(&options)).context("console.gateway")?,
        own: bearer(config)?,
        invited: None,
        ports: Arc::new(Roles {
            ports: options.admin_ports.clone(),
            silent_after_us: silent_after_us(config),
            here: None,
        }),
        issuer_tls: issuer_tls(&options)?,
    };
    lgsp_console::start(options, around, listener, state, &shutdown)?;
    Ok(Role { name: "console", shutdown })
}

/// Where browsers find the console.
fn address(listener: &TcpListener, options: &Options) -> anyhow::Result<String> {
    let address = listener.local_addr().context("the console's address")?;
    Ok(match options.origin.as_str() {
        "" => format!("http://{address}"),
        origin => origin.to_owned(),
    })
}

fn way(options: &Options) -> Gateway {
    let ca = Some(options.gateway_ca.clone()).filter(|ca| !ca.as_os_str().is_empty());
    Gateway { grpc: options.gateway.clone(), ca, cert: None, cert_key: None }
}

fn silent_after_us(config: &Config) -> i64 {
    i64::try_from(config.monitor.silent_after.as_micros()).unwrap_or(i64::MAX)
}

fn issuer_tls(options: &Options) -> anyhow::Result<Option<rustls::ClientConfig>> {
    let Some(oidc) = &options.oidc else { return Ok(None) };
    let tls = trusting(oidc.ca.as_deref()).context("console.oidc.ca")?;
    Ok(Some(tls.with_no_client_auth()))
}

/// Signs a token for each call.
struct Signed(Signer);

impl Bearer for Signed {
    fn token(&self) -> Option<String> {
        self.0.token().inspect_err(|error| warn!(%error, "the console's key does not sign")).ok()
    }
}

fn bearer(config: &Config) -> anyhow::Result<Arc<dyn Bearer>> {
    let options = &config.console;
    let application = ApplicationId::parse(&options.application).context("console.application is no id")?;
    let file = Some(options.key.clone()).filter(|file| !file.as_os_str().is_empty());
    let key = Key { data: config.data.clone(), key: file, key_id: None };
    Ok(Arc::new(Signed(Signer::open(&application, &key).context("console.key")?)))
}

/// The roles: those whose admin ports are known, and those of this process.
struct Roles {
    ports: Vec<SocketAddr>,
    silent_after_us: i64,
    here: Option<(Tellers, State)>,
}

impl Ports for Roles {
    fn links(&self) -> BoxFuture<'_, Option<Vec<Link>>> {
        Box::pin(async {
            let (now_us, mut picture) = (unix_micros(SystemTime::now()), Picture::default());
            let read = join_all(self.ports.iter().map(|port| ports::read(*port))).await;
            let here = self.here.as_ref().map(|(tellers, _)| tellers.ask());
            let mut answered = false;
            for telling in read.into_iter().flatten().chain(here) {
                answered = true;
                picture.take(telling, now_us);
            }
            let readings = picture.readings([].into_iter(), self.silent_after_us, now_us);
            answered.then(|| at_a_glance(readings, now_us))
        })
    }

    fn metrics(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        Box::pin(async {
            let read = join_all(self.ports.iter().map(|port| ports::get(*port, METRICS))).await;
            let text = |page: ports::Page| String::from_utf8(page.body.to_vec()).ok();
            let pages = self.ports.iter().zip(read);
            let mut pages: Vec<(String, String)> =
                pages.filter_map(|(port, page)| Some((port.to_string(), text(page.ok()?)?))).collect();
            if let Some((_, state)) = &self.here {
                pages.push((state.instance().name().to_owned(), state.metrics().prometheus()));
            }
            pages
        })
    }
}
