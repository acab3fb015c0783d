use std::error::Error as _;
use std::time::Duration;

use http::uri::PathAndQuery;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming, TimeoutExpired};

use super::bearer::Bearer;
use super::certificate::Certificate;
use super::codec::DynamicCodec;
use super::connect::connect;
use super::heard::Heard;
use super::{Error, Failure};
use crate::cli::client::Gateway;

/// How long past the deadline a gateway may take to say so, before it is called silent.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Largest message to take. The hub's answers are smaller.
pub(crate) const LARGEST_MESSAGE: usize = 16 << 20;

/// A connection to a gateway, as one caller.
pub(crate) struct Session {
    pub(crate) channel: Channel,
    address: String,
    bearer: Bearer,
    heard: Heard,
}

impl Session {
    /// Connects. Tokens that are signed here are bound to the client certificate, if there is one.
    pub(crate) async fn open(gateway: &Gateway, bearer: Bearer) -> Result<Self, Error> {
        let certificate = Certificate::of(gateway)?;
        let bearer = match &certificate {
            Some(certificate) => bearer.bound_to(certificate.sha256()),
            None => bearer,
        };
        let heard = Heard::default();
        let channel = connect(gateway, certificate, &heard).await?;
        Ok(Self { channel, address: gateway.grpc.clone(), bearer, heard })
    }

    /// A request with a token, and with the time that it may take.
    pub(crate) fn request<T>(&self, message: T, deadline: Option<Duration>) -> Result<Request<T>, Error> {
        let mut request = Request::new(message);
        if let Some(token) = self.bearer.token()? {
            let bearer = format!("Bearer {token}");
            let bearer: MetadataValue<Ascii> =
                bearer.parse().map_err(|_| Error::Sign("it is no metadata value".to_owned()))?;
            request.metadata_mut().insert("authorization", bearer);
        }
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
            if let Some(problem) = self.heard.problem() {
                return Error::CertificateRefused {
                    address: self.address.clone(),
                    problem: problem.to_owned(),
                };
            }
            return Error::Connection { address: self.address.clone(), problem: innermost(status) };
        }
        Failure::new(status, exchange).into()
    }
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
