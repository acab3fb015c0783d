use std::sync::Arc;
use std::time::Instant;

use lgsp_core::{Fault, Reason};
use parking_lot::Mutex;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::{Certificates, Current, LOOK};
use crate::caller::ClientCertificate;

/// The certificate that the other side of a connection has shown, and proved to hold.
pub(crate) struct Shown {
    certificate: ClientCertificate,
    /// The certificate, and what chains it to its authority.
    chain: Vec<CertificateDer<'static>>,
    certificates: Arc<Certificates>,
    held: Mutex<Held>,
}

/// What was found when it was last held against authorities and revocations.
struct Held {
    generation: u64,
    at: Instant,
    good: bool,
}

impl Shown {
    /// The certificate of a connection that has just begun, if its other side has shown one.
    pub(crate) fn on(
        connection: &rustls::ServerConnection,
        certificates: Arc<Certificates>,
        current: &Current,
    ) -> Option<Self> {
        let chain = connection.peer_certificates()?;
        let certificate = ClientCertificate::read(chain.first()?);
        let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let held = Held { generation: current.generation, at: Instant::now(), good: true };
        Some(Self { certificate, chain, certificates, held: Mutex::new(held) })
    }

    /// The certificate, as long as it is good. A connection may outlive what it began with: the certificate is looked at again
    /// when the files have changed, and from time to time, because it expires.
    pub(crate) fn certificate(&self) -> Result<&ClientCertificate, Fault> {
        let current = self.certificates.current.load();
        let mut held = self.held.lock();
        if held.generation != current.generation || held.at.elapsed() >= LOOK {
            *held = Held {
                generation: current.generation,
                at: Instant::now(),
                good: self.is_good(&current, UnixTime::now()),
            };
        }
        if held.good { Ok(&self.certificate) } else { Err(Reason::CertificateInvalid.into()) }
    }

    fn is_good(&self, current: &Current, now: UnixTime) -> bool {
        let (Some(clients), Some((own, others))) = (&current.clients, self.chain.split_first()) else {
            return false;
        };
        clients.verify_client_cert(own, others, now).is_ok()
    }
}
