//! Why a caller's certificate was refused, for the log: one line a second at most, whoever comes how often.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::{CertificateError, Error};
use tracing::warn;

use crate::entry::attempts::network_of;

/// Lines of the log are at least so far apart.
const PAUSE: Duration = Duration::from_secs(1);

/// What was refused and not told yet.
#[derive(Default)]
pub(crate) struct Refusals {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    at: Option<Instant>,
    untold: u64,
}

impl Refusals {
    /// Tells that a certificate was refused, or counts it for the next line.
    pub(crate) fn tell(&self, cause: &'static str, peer: IpAddr) {
        let Some(untold) = self.told.lock().next(Instant::now()) else { return };
        warn!(cause, network = network_of(peer).text(), untold, "client certificate refused");
    }
}

impl Told {
    /// How many were not told before this one; `None` if it is not told either.
    fn next(&mut self, now: Instant) -> Option<u64> {
        if self.at.is_some_and(|at| now.duration_since(at) < PAUSE) {
            self.untold += 1;
            return None;
        }
        self.at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

/// What was wrong with the certificate, if that is why there is no connection.
pub(crate) fn cause(error: &std::io::Error) -> Option<&'static str> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::NoCertificatesPresented => Some("none was shown"),
        Error::InvalidCertificate(error) => Some(cause_of(error)),
        _ => None,
    }
}

/// The library's own text may hold the names in the certificate.
pub(super) fn cause_of(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::Revoked => "it is revoked",
        CertificateError::UnknownIssuer => "no authority of client-ca vouches for it",
        CertificateError::UnknownRevocationStatus => "client-crl has no list of its authority",
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            "its authority's list in client-crl is past its next update"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for clients"
        }
        _ => "it is not well formed or not well signed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_one_line_a_second_with_their_number() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert_eq!(told.next(now), Some(0));
        for _ in 0..1_000 {
            assert_eq!(told.next(now + PAUSE / 2), None);
        }
        assert_eq!(told.next(now + PAUSE), Some(1_000));
        assert_eq!(told.next(now + PAUSE * 2), Some(0));
    }

    #[test]
    fn only_a_refused_certificate_has_a_cause() {
        let io = |error: Error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        assert_eq!(cause(&io(Error::NoCertificatesPresented)), Some("none was shown"));
        let revoked = Error::InvalidCertificate(CertificateError::Revoked);
        assert_eq!(cause(&io(revoked)), Some("it is revoked"));
        assert_eq!(cause(&io(Error::DecryptError)), None);
        assert_eq!(cause(&std::io::ErrorKind::ConnectionReset.into()), None);
    }
}
