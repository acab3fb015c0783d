//! Calls below tonic: HTTP/2 by hand, for what no honest client would send.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::net::TcpStream;

/// An HTTP/2 connection whose client does exactly what it is told.
pub struct Wire {
    pub sender: h2::client::SendRequest<Bytes>,
}

/// All of a response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

impl Wire {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, h2::client::Builder::new()).await
    }

    pub async fn connect_with(addr: SocketAddr, builder: h2::client::Builder) -> Self {
        let socket = TcpStream::connect(addr).await.expect("the hub listens");
        socket.set_nodelay(true).expect("a socket option");
        let (sender, connection) = builder.handshake(socket).await.expect("the hub speaks HTTP/2");
        tokio::spawn(async move {
            // The hub may end the connection; what matters is what the streams saw.
            let _ = connection.await;
        });
        Self { sender }
    }

    /// Sends one request whole and reads its answer to the end.
    pub async fn send(&self, request: Request<()>, body: Bytes) -> Result<Answer, h2::Error> {
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut stream) = sender.send_request(request, body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        let (head, mut incoming) = response.await?.into_parts();
        let mut whole = BytesMut::new();
        while let Some(piece) = incoming.data().await {
            let piece = piece?;
            incoming.flow_control().release_capacity(piece.len())?;
            whole.extend_from_slice(&piece);
        }
        let trailers = incoming.trailers().await?.unwrap_or_default();
        Ok(Answer { status: head.status, headers: head.headers, body: whole.freeze(), trailers })
    }
}

impl Answer {
    /// The gRPC status, from the trailers or from a response without a body.
    pub fn grpc(&self) -> tonic::Status {
        let source = if self.trailers.contains_key("grpc-status") { &self.trailers } else { &self.headers };
        let mut status = tonic::Status::from_header_map(source).expect("a gRPC status");
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (
                tonic::metadata::AsciiMetadataKey::from_bytes(name.as_str().as_bytes()),
                tonic::metadata::MetadataValue::try_from(value.as_bytes()),
            ) {
                status.metadata_mut().insert(name, value);
            }
        }
        status
    }
}

/// A gRPC request's head.
pub fn grpc_request(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://{addr}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request")
}

/// A gRPC frame.
pub fn frame(compressed: bool, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(u8::from(compressed));
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}
