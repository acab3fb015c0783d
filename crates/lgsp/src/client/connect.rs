//! The way to a gateway: on this machine in the clear, anywhere else encrypted and with a known authority.

use std::error::Error as StdError;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::{AlertDescription, CertificateError, ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt as _;

use super::Error;
use super::certificate::Certificate;
use super::heard::{Heard, Listened};
use crate::cli::client::Gateway;

/// How long to wait for a gateway to take the connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// A gateway that died without a word is noticed after the two together.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PATIENCE: Duration = Duration::from_secs(5);

/// Connects to a gateway. Later, too, it may say something against our certificate: it has not looked at it yet.
pub(super) async fn connect(
    gateway: &Gateway,
    certificate: Option<Certificate>,
    heard: &Heard,
) -> Result<Channel, Error> {
    let endpoint = endpoint(gateway)?;
    let connecting = async {
        match &gateway.ca {
            None => endpoint.connect().await,
            Some(ca) => {
                let heard = heard.clone();
                let listened = move |stream| Listened { stream, heard: heard.clone() };
                let connector = encrypted(ca, certificate)?.map_response(listened);
                endpoint.connect_with_connector(connector).await
            }
        }
        .map_err(|error| refusal(&gateway.grpc, &error))
    };
    let late = |_| Error::NotListening { address: gateway.grpc.clone() };
    tokio::time::timeout(CONNECT_PATIENCE, connecting).await.map_err(late)?
}

/// A way to a gateway that may not be there yet: it is connected when it is used, and again when it was lost.
pub(crate) fn lazily(gateway: &Gateway) -> Result<Channel, Error> {
    let endpoint = endpoint(gateway)?;
    Ok(match &gateway.ca {
        None => endpoint.connect_lazy(),
        Some(ca) => endpoint.connect_with_connector_lazy(encrypted(ca, None)?),
    })
}

/// Nobody listens; or somebody does, whom the authorities don't know, or who doesn't know us.
fn refusal(address: &str, error: &(dyn StdError + 'static)) -> Error {
    let address = address.to_owned();
    if let Some(problem) = certificate_refused(error) {
        return Error::CertificateRefused { address, problem };
    }
    match tls_error(error) {
        Some(tls) => Error::NotTrusted { address, problem: distrusted(tls) },
        None => Error::NotListening { address },
    }
}

/// Why the gateway's certificate is not good enough, in words.
fn distrusted(tls: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(problem) = tls else { return tls.to_string() };
    let told = match problem {
        CertificateError::UnknownIssuer => "no authority of --ca has signed its certificate",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host: call it by the name that the certificate has"
        }
        // The library has no word of its own for it: the certificate says CA:TRUE.
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority, and not of a gateway: give the gateway one that says CA:FALSE"
        }
        other => return format!("its certificate is not good: {other}"),
    };
    told.to_owned()
}

/// What the gateway says of our certificate, if that is why there is no connection.
pub(super) fn certificate_refused(error: &(dyn StdError + 'static)) -> Option<String> {
    let rustls::Error::AlertReceived(alert) = tls_error(error)? else { return None };
    let problem = match alert {
        AlertDescription::CertificateRequired => "it asks for a client certificate",
        AlertDescription::CertificateExpired => "the client certificate is expired or not valid yet",
        AlertDescription::CertificateRevoked => "the client certificate is revoked",
        AlertDescription::UnknownCA => "it does not know the authority of the client certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => "it does not accept the client certificate",
        _ => return None,
    };
    Some(problem.to_owned())
}

pub(super) fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // What an I/O error wraps is not its source, but it itself.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn endpoint(gateway: &Gateway) -> Result<Endpoint, Error> {
    let address = &gateway.grpc;
    let bad = || Error::Address { address: address.clone() };
    let (scheme, authority) = match (&gateway.ca, address.split_once("://")) {
        (None, None | Some(("http", _))) => ("http", address.trim_start_matches("http://")),
        (Some(_), None | Some(("https", _))) => ("https", address.trim_start_matches("https://")),
        (None, Some(("https", _))) => return Err(Error::NoAuthority { address: address.clone() }),
        (None | Some(_), Some(_)) => return Err(bad()),
    };
    let authority = authority.trim_end_matches('/');
    let (host, port) = authority.rsplit_once(':').ok_or_else(bad)?;
    if port.parse::<u16>().is_err() || authority.contains('/') {
        return Err(bad());
    }
    if gateway.ca.is_none() && !is_this_machine(host) {
        return Err(Error::InTheClear { address: address.clone() });
    }
    let endpoint = Endpoint::from_shared(format!("{scheme}://{authority}")).map_err(|_| bad())?;
    Ok(endpoint
        .connect_timeout(CONNECT_PATIENCE)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_PATIENCE))
}

/// A token sent in the clear to another machine is anybody's for five minutes.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Begins TLS with whom the authorities of a file vouch for; without a file, with nobody.
pub(crate) fn trusting(ca: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    let unusable = |problem: &str| Error::Ca {
        file: ca.unwrap_or(Path::new("")).to_owned(),
        problem: problem.to_owned(),
    };
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        let certificates = CertificateDer::pem_file_iter(ca).map_err(|error| unusable(&error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(&error.to_string()))?;
            roots.add(certificate).map_err(|_| unusable("holds a certificate of no authority"))?;
        }
        if roots.is_empty() {
            return Err(unusable("holds no certificate"));
        }
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error.to_string()))?
        .with_root_certificates(roots))
}

fn encrypted(ca: &Path, certificate: Option<Certificate>) -> Result<HttpsConnector<HttpConnector>, Error> {
    let tls = trusting(Some(ca))?;
    let tls = match certificate {
        None => tls.with_no_client_auth(),
        Some(Certificate { chain, key, .. }) => tls
            .with_client_auth_cert(chain, key)
            .map_err(|error| Error::CertificateUnusable { problem: error.to_string() })?,
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    Ok(HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http2().wrap_connector(tcp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(address: &str, ca: Option<&str>) -> Gateway {
        Gateway { grpc: address.to_owned(), ca: ca.map(Into::into), cert: None, cert_key: None }
    }

    #[test]
    fn a_certificate_that_is_not_good_is_told_in_words() {
        let told = |problem| distrusted(&rustls::Error::InvalidCertificate(problem));
        assert!(told(CertificateError::UnknownIssuer).contains("--ca"));
        // As the library has it: a word of another crate's, that only its text tells.
        let other = rustls::OtherError(Arc::new(io::Error::other("CaUsedAsEndEntity")));
        assert!(told(CertificateError::Other(other)).contains("CA:FALSE"));
    }

    #[test]
    fn an_address_is_a_host_and_a_port_and_another_machine_needs_an_authority() {
        for good in ["127.0.0.1:50051", "http://localhost:443/", "[::1]:50051"] {
            assert!(endpoint(&gateway(good, None)).is_ok(), "{good}");
        }
        for good in ["hub.example:443", "https://hub.example:443/", "127.0.0.1:50051"] {
            assert!(endpoint(&gateway(good, Some("ca.pem"))).is_ok(), "{good}");
        }
        for bad in ["", "localhost", "127.0.0.1:70000", "a:1/b", "ftp://localhost:1"] {
            assert!(matches!(endpoint(&gateway(bad, None)), Err(Error::Address { .. })), "{bad}");
        }
        let clear = endpoint(&gateway("hub.example:443", None));
        assert!(matches!(clear, Err(Error::InTheClear { .. })));
        let nobody_vouches = endpoint(&gateway("https://127.0.0.1:443", None));
        assert!(matches!(nobody_vouches, Err(Error::NoAuthority { .. })));
        let mixed = endpoint(&gateway("http://hub.example:443", Some("ca.pem")));
        assert!(matches!(mixed, Err(Error::Address { .. })));
    }
}
