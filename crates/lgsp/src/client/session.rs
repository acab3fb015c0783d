use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use http::uri::PathAndQuery;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming, TimeoutExpired};

use super::codec::DynamicCodec;
use super::token::Signer;
use super::{Error, Failure};

/// How long to wait for a gateway to take the connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long past the deadline a gateway may take to say so, before it is called silent.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// A gateway that died without a word is noticed after the two together.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PATIENCE: Duration = Duration::from_secs(5);

/// Largest message to take. The hub's answers are smaller.
pub(crate) const LARGEST_MESSAGE: usize = 16 << 20;

/// A connection to a gateway, as one application.
pub(crate) struct Session {
    pub(crate) channel: Channel,
    address: String,
    signer: Signer,
}

impl Session {
    /// Connects.
    pub(crate) async fn open(address: &str, signer: Signer) -> Result<Self, Error> {
        let endpoint = endpoint(address)?;
        let connected = tokio::time::timeout(CONNECT_PATIENCE, endpoint.connect()).await;
        let channel = connected.ok().and_then(Result::ok);
        let channel = channel.ok_or_else(|| Error::NotListening { address: address.to_owned() })?;
        Ok(Self { channel, address: address.to_owned(), signer })
    }

    /// A request with a fresh token, and with the time that it may take.
    pub(crate) fn request<T>(&self, message: T, deadline: Option<Duration>) -> Result<Request<T>, Error> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.signer.token()?);
        let bearer: MetadataValue<Ascii> =
            bearer.parse().map_err(|_| Error::Sign("it is no metadata value".to_owned()))?;
        request.metadata_mut().insert("authorization", bearer);
        if let Some(deadline) = deadline {
            request.set_timeout(deadline);
        }
        Ok(request)
    }

    /// Begins a call. A unary answer is a stream of one message, so one way of calling serves both.
    pub(crate) async fn begin(
        &self,
        path: PathAndQuery,
        answer: MessageDescriptor,
        request: Request<DynamicMessage>,
    ) -> Result<Response<Streaming<DynamicMessage>>, Status> {
        let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        client.ready().await.map_err(|error| Status::from_error(error.into()))?;
        client.server_streaming(request, path, DynamicCodec { answer }).await
    }

    /// What a status means: the hub's refusal, or a connection that broke before the hub could say anything.
    pub(crate) fn error(&self, status: &Status, exchange: Option<&str>, waited: Duration) -> Error {
        if caused_by::<TimeoutExpired>(status) {
            return Error::NoAnswer { waited };
        }
        // What the hub says has no cause in this process.
        if status.source().is_some() {
            return Error::Connection { address: self.address.clone(), problem: innermost(status) };
        }
        Failure::new(status, exchange).into()
    }
}

fn endpoint(address: &str) -> Result<Endpoint, Error> {
    let bad = || Error::Address { address: address.to_owned() };
    let authority = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
    let (host, port) = authority.rsplit_once(':').ok_or_else(bad)?;
    if port.parse::<u16>().is_err() || authority.contains('/') {
        return Err(bad());
    }
    if !is_this_machine(host) {
        return Err(Error::InTheClear { address: address.to_owned() });
    }
    let endpoint = Endpoint::from_shared(format!("http://{authority}")).map_err(|_| bad())?;
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

fn caused_by<E: std::error::Error + 'static>(status: &Status) -> bool {
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<E>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The text of the cause that knows best.
fn innermost(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = status.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_without_tls() {
        for good in ["127.0.0.1:50051", "http://localhost:443/", "[::1]:50051"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in ["", "localhost", "https://hub.example:443", "hub.example:443", "127.0.0.1:70000", "a:1/b"]
        {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }
}
