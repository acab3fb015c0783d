//! Whose a client certificate is.

use std::sync::Arc;

use lgsp_proto::registry::v1::{self as wire, certificate::KnownBy};

use super::{Application, Rules, RulesError};
use crate::CertificateName;
use crate::environment::belongs;
use crate::time::micros;

/// Client certificates that speak for an application.
#[derive(Clone, Debug)]
pub struct BoundCertificate {
    /// Speaks for it from, Unix µs.
    pub not_before: i64,
    /// Speaks for it until just before, Unix µs.
    pub not_after: i64,
    /// Whom it speaks for.
    pub application: Arc<Application>,
}

/// Whose a certificate is, by all of its names.
#[derive(Clone, Copy, Debug)]
pub enum Bound<'a> {
    /// No rule names it.
    ToNobody,
    /// Every rule that names it names one application.
    To(&'a BoundCertificate),
    /// Its names are those of several applications: it speaks for none.
    ToSeveral,
}

impl BoundCertificate {
    /// Whether it speaks for its application at a moment (Unix µs).
    pub fn is_valid_at(&self, now: i64) -> bool {
        (self.not_before..self.not_after).contains(&now)
    }
}

impl Rules {
    /// Whose a certificate with these names is at a moment (Unix µs). Of several rules, one that is valid then is told.
    pub fn certificate(&self, names: &[CertificateName], now: i64) -> Bound<'_> {
        let mut found: Option<&BoundCertificate> = None;
        for bound in names.iter().filter_map(|name| self.certificates.get(name)) {
            match found {
                Some(known) if known.application.id != bound.application.id => return Bound::ToSeveral,
                Some(known) if known.is_valid_at(now) => {}
                Some(_) | None => found = Some(bound),
            }
        }
        found.map_or(Bound::ToNobody, Bound::To)
    }

    pub(super) fn add_certificate(
        &mut self,
        certificate: &wire::Certificate,
        application: &Arc<Application>,
    ) -> Result<(), RulesError> {
        let bad = |name: String, problem: &str| RulesError::Invalid {
            what: "certificate",
            name,
            problem: problem.to_owned(),
        };
        let owner = || format!("of {}", application.id.as_str());
        let name = match &certificate.known_by {
            Some(KnownBy::Sha256(digest)) => digest.as_ref().try_into().ok().map(CertificateName::Sha256),
            Some(KnownBy::DnsName(name)) => CertificateName::dns(name),
            Some(KnownBy::Uri(uri)) => CertificateName::uri(uri),
            None => None,
        };
        let name = name.ok_or_else(|| bad(owner(), "it is known by no fingerprint, name or URI"))?;
        if !belongs(certificate.environment(), &self.environment) {
            return Err(bad(name.to_string(), "is of another environment"));
        }
        let bound = BoundCertificate {
            not_before: certificate.not_before.as_ref().map_or(0, micros),
            not_after: certificate.not_after.as_ref().map_or(i64::MAX, micros),
            application: application.clone(),
        };
        match self.certificates.insert(name.clone(), bound) {
            Some(_) => Err(bad(name.to_string(), "is there twice")),
            None => Ok(()),
        }
    }
}
