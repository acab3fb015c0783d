//! Turns a [`Fault`] into what a gRPC caller sees. Every refusal and failure of the gateway passes here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use lgsp_core::{ExchangeId, Fault};
use prost::Message;

use crate::body::Body;

pub(crate) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Why a gateway cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Without a certificate, anyone on the way could read the answers.
    #[error("{address} is no loopback address: without tls the gateway serves loopback only")]
    NotLoopback {
        /// The address.
        address: std::net::SocketAddr,
    },
    /// The certificate or its key cannot be used.
    #[error("the certificate cannot be used: {problem}")]
    Certificate {
        /// What is wrong.
        problem: String,
    },
    /// A file that callers' certificates are checked with cannot be used.
    #[error("{}, which client certificates are checked with, cannot be used: {problem}", file.display())]
    ClientCertificates {
        /// The file.
        file: std::path::PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The file with the authorities that vouch for the issuer cannot be used.
    #[error("{}, which vouches for the issuer, cannot be used: {problem}", file.display())]
    IssuerAuthorities {
        /// The file.
        file: std::path::PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A page's origin that no browser would name so.
    #[error("`{origin}` is no origin of a page, such as https://portal.example.vn")]
    Origin {
        /// The origin.
        origin: String,
    },
    /// The spool cannot be opened.
    #[error("the spool {path} cannot be used: {source}")]
    Spool {
        /// The folder.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no key that a snapshot of the registry could be verified with.
    #[error("no public key of the registry is configured, so no rules could ever be verified")]
    NoSnapshotKey,
    /// The bus refused.
    #[error(transparent)]
    Bus(#[from] lgsp_bus::Error),
}

/// A gRPC response without a message: its status is in the headers.
pub(crate) fn response(fault: &Fault, exchange: ExchangeId) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = trailers(fault, exchange);
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}

/// The status of a failed exchange, as trailers.
pub(crate) fn trailers(fault: &Fault, exchange: ExchangeId) -> HeaderMap {
    let status = fault.to_rpc(Some(exchange));
    let mut trailers = HeaderMap::with_capacity(4);
    trailers.insert(GRPC_STATUS, HeaderValue::from(status.code));
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(&status.message)) {
        trailers.insert(GRPC_MESSAGE, message);
    }
    if let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(status.encode_to_vec())) {
        trailers.insert(GRPC_DETAILS, details);
    }
    trailers
}

/// The trailers of an exchange that was served.
pub(crate) fn ok() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}

/// Whether trailers say that an exchange was served.
pub(crate) fn is_ok(trailers: &HeaderMap) -> bool {
    trailers.get(GRPC_STATUS).is_some_and(|status| status == "0")
}

/// A refusal of what no face of the hub is: a status of HTTP and a sentence that a person can read.
pub(crate) fn plain(status: StatusCode, sentence: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::text(sentence));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// The encoding of `grpc-message`: printable ASCII as it is, but for the percent sign.
fn percent_encoded(message: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use lgsp_core::Reason;

    use super::*;

    #[test]
    fn every_reason_becomes_a_status_with_details_that_a_client_can_read() {
        let exchange = ExchangeId::new();
        for reason in Reason::ALL {
            let response = response(&Fault::new(*reason).saying("chỉ có 50%"), exchange);
            let status = tonic::Status::from_header_map(response.headers()).unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(status.code() as i32, reason.code() as i32);
            assert_eq!(status.message(), format!("{}: chỉ có 50%", reason.message()));
            let details = lgsp_proto::google::rpc::Status::decode(status.details()).unwrap();
            assert!(details.details.iter().any(|detail| detail.type_url.ends_with("google.rpc.ErrorInfo")));
            assert!(
                details.details.iter().any(|detail| detail.type_url.ends_with("google.rpc.LocalizedMessage"))
            );
        }
    }
}
