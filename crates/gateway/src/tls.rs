//! How a connection begins: with the gateway's certificate, and, where callers are asked for one, with theirs.
//!
//! All that decides about it is read from files ([`files`]), and again when they change. A caller's certificate
//! ([`shown`]) is held against them when its connection begins, and from time to time as long as it lasts.

mod files;
mod refusal;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use lgsp_core::time::unix_micros;
use lgsp_runtime::Component;
use lgsp_runtime::metrics::Metrics;
use rustls::server::danger::ClientCertVerifier;
use tokio::task::spawn_blocking;
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::error::Error;
use crate::metrics::CERTIFICATE_REMAINING;
use crate::options::Tls;
use files::Files;

pub(crate) use refusal::{Refusals, cause};
pub(crate) use shown::Shown;

/// How soon a change of the files is noticed, and how long what was found of a caller's certificate holds.
const LOOK: Duration = Duration::from_secs(5);

/// The certificates of a gateway, as its files had them when they were last good.
pub(crate) struct Certificates {
    options: Tls,
    current: ArcSwap<Current>,
}

/// What one reading of the files makes of new connections.
pub(crate) struct Current {
    pub(crate) acceptor: TlsAcceptor,
    /// Holds a caller's certificate against authorities and revocations, if callers are asked for one.
    clients: Option<Arc<dyn ClientCertVerifier>>,
    /// When ours ends, Unix s.
    ends: i64,
    /// Grows by one with every change.
    generation: u64,
    digests: Vec<[u8; 32]>,
}

impl Certificates {
    /// Reads the files. Blocking.
    pub(crate) fn open(options: &Tls) -> Result<Self, Error> {
        let current = Files::read(options)?.into_current(0)?;
        Ok(Self { options: options.clone(), current: ArcSwap::from_pointee(current) })
    }

    /// What connections that begin now are held against.
    pub(crate) fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// Reads the files again if they have changed, and tells whether they had. Blocking. What cannot be used changes
    /// nothing.
    fn look(&self) -> Result<bool, Error> {
        let (files, current) = (Files::read(&self.options)?, self.current.load());
        if files.digests() == current.digests {
            return Ok(false);
        }
        self.current.store(Arc::new(files.into_current(current.generation + 1)?));
        Ok(true)
    }

    /// Shows how long the certificate of the gateway is good.
    pub(crate) fn observe(self: &Arc<Self>, metrics: &Metrics) {
        let certificates = Arc::downgrade(self);
        metrics.observe(&CERTIFICATE_REMAINING, move |told| {
            let Some(certificates) = certificates.upgrade() else { return };
            told.tell(&[], certificates.days_left());
        });
    }

    /// How many days the certificate of the gateway is good for; negative when it has ended.
    pub(crate) fn days_left(&self) -> f64 {
        let left = self.current.load().ends - unix_micros(SystemTime::now()) / 1_000_000;
        left as f64 / 86_400.0
    }

    /// Follows the files, for ever.
    pub(crate) async fn follow(self: Arc<Self>, component: Component) {
        let mut looks = interval(LOOK);
        let mut told = false;
        loop {
            looks.tick().await;
            let certificates = self.clone();
            match spawn_blocking(move || certificates.look()).await {
                Ok(Ok(changed)) => {
                    if changed {
                        info!("certificates were read again");
                    }
                    component.ready();
                    told = false;
                }
                Ok(Err(error)) => {
                    if !told {
                        warn!(%error, "certificates cannot be read again; those of before stay in use");
                    }
                    component.degraded("the files of tls cannot be used; what they said before holds");
                    told = true;
                }
                // The process is ending.
                Err(_) => return,
            }
        }
    }
}
