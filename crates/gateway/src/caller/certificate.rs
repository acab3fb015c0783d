use lgsp_core::entry::sha256;
use lgsp_core::{Bound, Caller, CertificateName, Fault, Reason};
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

/// Most names of one certificate. One with more is known by its fingerprint alone.
const MOST_NAMES: usize = 64;

/// A client certificate, as far as it tells who calls. Whether it is good was seen to before.
#[derive(Debug)]
pub struct ClientCertificate {
    /// SHA-256 of the certificate in DER.
    pub sha256: [u8; 32],
    /// All that the rules may know it by, the fingerprint first.
    pub names: Vec<CertificateName>,
}

impl ClientCertificate {
    /// Reads what a certificate (DER) is known by.
    pub fn read(certificate: &CertificateDer<'_>) -> Self {
        let sha256 = sha256(certificate);
        let mut names = vec![CertificateName::Sha256(sha256)];
        if let Ok(certificate) = EndEntityCert::try_from(certificate) {
            let dns = certificate.valid_dns_names().filter_map(CertificateName::dns);
            let uris = certificate.valid_uri_names().filter_map(CertificateName::uri);
            names.extend(dns.chain(uris).take(MOST_NAMES + 1));
        }
        if names.len() > MOST_NAMES + 1 {
            names.truncate(1);
        }
        Self { sha256, names }
    }

    /// Who calls, when nothing but the certificate says so, at a moment (Unix µs).
    pub(super) fn caller(&self, bound: Bound<'_>, now: i64) -> Result<Caller, Fault> {
        let invalid = |detail| Err(Fault::new(Reason::CertificateInvalid).saying(detail));
        match bound {
            Bound::ToNobody => Err(Fault::new(Reason::TokenMissing)
                .saying("and the client certificate is bound to no application")),
            Bound::ToSeveral => invalid("it is bound to several applications"),
            Bound::To(bound) if !bound.is_valid_at(now) => invalid("it is not bound to its application now"),
            Bound::To(bound) => Ok(Caller {
                application: bound.application.clone(),
                credential_sha256: self.sha256,
                person: None,
            }),
        }
    }
}

/// Refuses a caller by token who comes over a connection with another's certificate.
pub(super) fn refuse_anothers(caller: &Caller, bound: Bound<'_>) -> Result<(), Fault> {
    match bound {
        Bound::ToNobody => Ok(()),
        Bound::To(bound) if bound.application.id == caller.application.id => Ok(()),
        Bound::To(_) | Bound::ToSeveral => Err(Reason::CertificateMismatch.into()),
    }
}
