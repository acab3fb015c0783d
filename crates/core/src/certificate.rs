//! What a client certificate is known by.

/// Longest name, in bytes: the longest of the DNS, and enough for a URI that names an application.
const LONGEST: usize = 253;

/// A name by which the rules know a client certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CertificateName {
    /// SHA-256 of the certificate in DER.
    Sha256([u8; 32]),
    /// A subject alternative name of the DNS, in lower case.
    Dns(Box<str>),
    /// A subject alternative name that is a URI, as the certificate has it.
    Uri(Box<str>),
}

impl CertificateName {
    /// The fingerprint of its written form: 64 hexadecimal digits, also with the colons of `openssl x509 -fingerprint`.
    pub fn sha256(text: &str) -> Option<Self> {
        let digits: String = match text.len() {
            64 => text.to_owned(),
            // Two digits and a colon, 32 times, but for the last colon.
            95 => {
                let pairs: Vec<&str> = text.split(':').collect();
                pairs.iter().all(|pair| pair.len() == 2).then(|| pairs.concat())?
            }
            _ => return None,
        };
        let mut digest = [0; 32];
        hex::decode_to_slice(digits, &mut digest).ok()?;
        Some(Self::Sha256(digest))
    }

    /// A name of the DNS. Case does not matter; a wildcard names nobody.
    pub fn dns(text: &str) -> Option<Self> {
        let name = text.to_ascii_lowercase();
        let labels_are_good = name.split('.').all(is_label);
        (name.len() <= LONGEST && labels_are_good).then(|| Self::Dns(name.into()))
    }

    /// A URI, which begins with its scheme.
    pub fn uri(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let printable = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_scheme(scheme) && !rest.is_empty() && printable).then(|| Self::Uri(text.into()))
    }
}

impl std::fmt::Display for CertificateName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sha256(digest) => f.write_str(&hex::encode(digest)),
            Self::Dns(name) | Self::Uri(name) => f.write_str(name),
        }
    }
}

fn is_label(label: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(good)
}

fn is_scheme(scheme: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_and_sha256sum_write_it() {
        let plain = "0a".repeat(32);
        let colons = ["0A"; 32].join(":");
        assert_eq!(CertificateName::sha256(&plain), Some(CertificateName::Sha256([10; 32])));
        assert_eq!(CertificateName::sha256(&colons), CertificateName::sha256(&plain));
        let broken = colons.replacen("0A:0A", "0A0:A", 1);
        for bad in ["", "0a", &plain.replace("0a", "0g"), &broken, &format!("{plain}00")] {
            assert_eq!(CertificateName::sha256(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_name_of_the_dns_has_no_case_and_no_wildcard() {
        assert_eq!(CertificateName::dns("TTHC.CanTho.gov.vn"), CertificateName::dns("tthc.cantho.gov.vn"));
        for bad in
            ["", "*.cantho.gov.vn", "tthc.cantho.gov.vn.", "a..b", "t thc", "cổng.vn", &"a.".repeat(200)]
        {
            assert_eq!(CertificateName::dns(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_uri_is_taken_exactly() {
        let uri = CertificateName::uri("urn:lgsp:application:tthc");
        assert!(uri.is_some() && uri != CertificateName::uri("urn:lgsp:application:TTHC"));
        for bad in ["", "tthc", ":tthc", "urn:", "1urn:x", "urn:a b", &format!("urn:{}", "x".repeat(300))] {
            assert_eq!(CertificateName::uri(bad), None, "{bad}");
        }
    }
}
