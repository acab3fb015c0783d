//! What applications prove themselves with: their own keys, and their client certificates.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey;
use lgsp_core::CertificateName;
use lgsp_core::time::timestamp;
use lgsp_proto::registry::v1 as wire;
use lgsp_proto::registry::v1::certificate::KnownBy;

use super::Checker;
use crate::problem::one_of;
use crate::rules::entries;
use crate::rules::parse::{Document, Entry};

const FILE: &str = "credentials.toml";
const ONE_NAME: &str = "one of sha256, dns-name and uri";
const SHA256: &str =
    "64 hexadecimal digits, or what openssl x509 -noout -fingerprint -sha256 prints after the `=`";
const DNS_NAME: &str = "a subject alternative name such as tthc.example.vn, without wildcards";
const URI: &str = "a subject alternative name such as urn:lgsp:application:tthc";

impl Checker<'_> {
    pub(super) fn credentials(&mut self) {
        let keys = ["credential", "certificate"];
        let document = Document::read(self.folder, FILE, &keys, &mut self.problems);
        let Some(mut document) = document else { return };
        let credentials = document.take("credential", &mut self.problems);
        self.keys(credentials);
        let certificates = document.take("certificate", &mut self.problems);
        self.certificates(certificates);
    }

    fn keys(&mut self, credentials: Vec<Entry<entries::Credential>>) {
        let (mut seen, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for entry in credentials {
            let entries::Credential { application, key_id, public_key, not_before, not_after } = &entry.value;
            self.once(&mut seen, &entry, "key-id", key_id);
            self.named(&entry, "key-id", key_id);
            let period = self.period(&entry, ("not-before", not_before), ("not-after", not_after));
            let key = VerifyingKey::from_public_key_pem(public_key.trim()).ok().filter(|key| !key.is_weak());
            if let Some(key) = key {
                self.once(&mut keys, &entry, "public key", &hex::encode(key.as_bytes()));
            } else {
                let found = format!("credential `{key_id}`: its public key cannot be read");
                self.bad(&entry, found, "an Ed25519 public key in PEM: openssl pkey -in KEY -pubout");
            }
            let Some(owner) = self.owner(&entry, application) else { continue };
            let (Some((not_before, not_after)), Some(key)) = (period, key) else { continue };
            self.snapshot.applications[owner].credentials.push(wire::Credential {
                key_id: key_id.clone(),
                ed25519_public_key: key.as_bytes().to_vec().into(),
                not_before: Some(timestamp(not_before)),
                not_after: Some(timestamp(not_after)),
                ..wire::Credential::default()
            });
        }
    }

    fn certificates(&mut self, certificates: Vec<Entry<entries::Certificate>>) {
        let mut seen = BTreeMap::new();
        for entry in certificates {
            let entries::Certificate { application, not_before, not_after, .. } = &entry.value;
            let name = self.certificate_name(&entry);
            if let Some(name) = &name {
                self.once(&mut seen, &entry, "certificate", &name.to_string());
            }
            let period = self.period(&entry, ("not-before", not_before), ("not-after", not_after));
            let Some(owner) = self.owner(&entry, application) else { continue };
            let (Some((not_before, not_after)), Some(name)) = (period, name) else { continue };
            self.snapshot.applications[owner].certificates.push(wire::Certificate {
                known_by: Some(known_by(name)),
                not_before: Some(timestamp(not_before)),
                not_after: Some(timestamp(not_after)),
                ..wire::Certificate::default()
            });
        }
    }

    fn certificate_name(&mut self, entry: &Entry<entries::Certificate>) -> Option<CertificateName> {
        let entries::Certificate { application, sha256, dns_name, uri, .. } = &entry.value;
        let named = format!("a certificate of `{application}`");
        let (key, text, name, accepted) = match (sha256, dns_name, uri) {
            (Some(text), None, None) => ("sha256", text, CertificateName::sha256(text), SHA256),
            (None, Some(text), None) => ("dns-name", text, CertificateName::dns(text), DNS_NAME),
            (None, None, Some(text)) => ("uri", text, CertificateName::uri(text), URI),
            (None, None, None) => {
                self.bad(entry, format!("{named} is known by nothing"), ONE_NAME);
                return None;
            }
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                self.bad(entry, format!("{named} is known by more than one thing"), ONE_NAME);
                return None;
            }
        };
        if name.is_none() {
            self.bad(entry, format!("{named}: `{key}` = `{text}` is not well formed"), accepted);
        }
        name
    }

    /// The place of the application that an entry names.
    fn owner<T>(&mut self, entry: &Entry<T>, application: &str) -> Option<usize> {
        let place = self.snapshot.applications.iter().position(|known| known.id == application);
        if place.is_none() {
            let known = one_of(self.snapshot.applications.iter().map(|known| known.id.as_str()));
            self.unknown(entry, "application", application, &known);
        }
        place
    }
}

fn known_by(name: CertificateName) -> KnownBy {
    match name {
        CertificateName::Sha256(digest) => KnownBy::Sha256(digest.to_vec().into()),
        CertificateName::Dns(name) => KnownBy::DnsName(name.into()),
        CertificateName::Uri(uri) => KnownBy::Uri(uri.into()),
    }
}

/// What certificates are sorted by in the snapshot.
pub(super) fn name_of(certificate: &wire::Certificate) -> (u8, &[u8]) {
    match &certificate.known_by {
        None => (0, &[]),
        Some(KnownBy::Sha256(digest)) => (1, digest),
        Some(KnownBy::DnsName(name)) => (2, name.as_bytes()),
        Some(KnownBy::Uri(uri)) => (3, uri.as_bytes()),
    }
}
