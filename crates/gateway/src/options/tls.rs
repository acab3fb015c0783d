use std::path::{Path, PathBuf};

use lgsp_runtime::config::{Problems, SecretFile};
use serde::{Deserialize, Serialize};

/// What the row of the reference says of the whole table.
pub(super) const DOC: &str = "\
The gateway's certificate. Without it, only a loopback address may be listened on.
certificate and key are PEM files; a key is readable by its owner alone.
client-certificates is \"off\", \"optional\" or \"required\": whether callers show certificates of their own. The registry's
rules say whose they are; one that is shown must be good, also where none needs to be.
client-ca lists PEM files with the authorities that vouch for callers' certificates.
client-crl lists the authorities' lists of revoked certificates, PEM or DER. Once one is named, every authority of a chain
needs its own, and a list past its next update lets nobody in.
Files that change are read again within seconds, without a restart.";

/// The gateway's certificate, and those that it asks of its callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tls {
    /// The certificate and what chains it to its authority, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: SecretFile,
    /// Whether callers show certificates of their own.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    /// Files with the authorities that vouch for callers, in PEM.
    #[serde(default)]
    pub client_ca: Vec<PathBuf>,
    /// Files with the certificates that these authorities have revoked, in PEM or DER.
    #[serde(default)]
    pub client_crl: Vec<PathBuf>,
}

/// Whether callers show certificates of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// They are not asked to.
    #[default]
    Off,
    /// They may. A certificate that is shown must be good.
    Optional,
    /// Without one there is no connection.
    Required,
}

impl Tls {
    /// A certificate and its key. Callers show none.
    pub fn of(certificate: impl Into<PathBuf>, key: SecretFile) -> Self {
        Self {
            certificate: certificate.into(),
            key,
            client_certificates: ClientCertificates::Off,
            client_ca: Vec::new(),
            client_crl: Vec::new(),
        }
    }

    /// Makes relative paths relative to a folder.
    pub fn resolve(&mut self, folder: &Path) {
        self.key = SecretFile::new(folder.join(self.key.path()));
        let files = self.client_ca.iter_mut().chain(&mut self.client_crl).chain([&mut self.certificate]);
        for file in files {
            *file = folder.join(&*file);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        match self.client_certificates {
            ClientCertificates::Off if self.client_ca.is_empty() && self.client_crl.is_empty() => {}
            ClientCertificates::Off => problems.add(
                "client-certificates",
                "is off, and there is a client-ca or client-crl: say optional or required",
            ),
            ClientCertificates::Optional | ClientCertificates::Required if self.client_ca.is_empty() => {
                problems.add("client-ca", "is empty, so nobody could vouch for a client certificate");
            }
            ClientCertificates::Optional | ClientCertificates::Required => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(client_certificates: ClientCertificates, ca: &[&str], crl: &[&str]) -> usize {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
        let tls = Tls {
            client_certificates,
            client_ca: paths(ca),
            client_crl: paths(crl),
            ..Tls::of("hub.pem", SecretFile::new("hub.key"))
        };
        let mut problems = Problems::default();
        tls.check(&mut problems);
        usize::from(format!("{problems:?}").contains("client-"))
    }

    #[test]
    fn client_certificates_and_their_authorities_are_named_together() {
        use ClientCertificates::{Off, Optional, Required};
        assert_eq!(problems(Off, &[], &[]), 0);
        assert_eq!(problems(Off, &["ca.pem"], &[]), 1);
        assert_eq!(problems(Off, &[], &["ca.crl"]), 1);
        for asked in [Optional, Required] {
            assert_eq!(problems(asked, &["ca.pem"], &["ca.crl"]), 0);
            assert_eq!(problems(asked, &[], &["ca.crl"]), 1);
        }
    }

    #[test]
    fn relative_paths_are_those_of_the_folder() {
        let mut tls = Tls {
            client_ca: vec!["ca.pem".into(), "/etc/ca.pem".into()],
            ..Tls::of("hub.pem", SecretFile::new("hub.key"))
        };
        tls.resolve(Path::new("/srv"));
        assert_eq!(tls.certificate, Path::new("/srv/hub.pem"));
        assert_eq!(tls.key.path(), Path::new("/srv/hub.key"));
        assert_eq!(tls.client_ca, [Path::new("/srv/ca.pem"), Path::new("/etc/ca.pem")]);
    }
}
