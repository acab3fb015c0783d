//! The faces, and what each makes of a message and of an end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lgsp_core::Fault;
use prost_reflect::MessageDescriptor;

use crate::{connect, frames, json, web};

/// How a caller speaks, as its content type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// gRPC itself: frames, and a status in the trailers.
    Grpc,
    /// gRPC-Web: the same frames, and the trailers in one more.
    Web,
    /// gRPC-Web whose body is Base64.
    WebText,
    /// The Connect protocol for a unary call: the message alone, and an HTTP status.
    Unary(Codec),
    /// The Connect protocol for a stream: enveloped messages, and the end in one more.
    Stream(Codec),
}

/// How a message of the Connect protocol is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Protobuf's JSON.
    Json,
    /// Protobuf.
    Proto,
}

const FACES: [(&str, Face); 10] = [
    ("application/grpc", Face::Grpc),
    ("application/grpc+proto", Face::Grpc),
    ("application/json", Face::Unary(Codec::Json)),
    ("application/proto", Face::Unary(Codec::Proto)),
    ("application/connect+json", Face::Stream(Codec::Json)),
    ("application/connect+proto", Face::Stream(Codec::Proto)),
    ("application/grpc-web", Face::Web),
    ("application/grpc-web+proto", Face::Web),
    ("application/grpc-web-text", Face::WebText),
    ("application/grpc-web-text+proto", Face::WebText),
];

impl Face {
    /// The face of a content type, whose parameters say nothing here.
    pub fn of(content_type: &[u8]) -> Option<Self> {
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let named = FACES.iter().find(|(name, _)| essence.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, face)| *face)
    }

    /// The content type of its answers.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Grpc => "application/grpc",
            Self::Web => "application/grpc-web+proto",
            Self::WebText => "application/grpc-web-text+proto",
            Self::Unary(Codec::Json) => "application/json",
            Self::Unary(Codec::Proto) => "application/proto",
            Self::Stream(Codec::Json) => "application/connect+json",
            Self::Stream(Codec::Proto) => "application/connect+proto",
        })
    }

    /// The header that says how the messages of a request are compressed.
    pub fn encoding(self) -> &'static str {
        match self {
            Self::Grpc | Self::Web | Self::WebText => "grpc-encoding",
            Self::Unary(_) => "content-encoding",
            Self::Stream(_) => "connect-content-encoding",
        }
    }

    /// The header that says in an answer how they may be compressed.
    pub fn accept_encoding(self) -> HeaderName {
        const GRPC: HeaderName = HeaderName::from_static("grpc-accept-encoding");
        const CONNECT: HeaderName = HeaderName::from_static("connect-accept-encoding");
        match self {
            Self::Grpc | Self::Web | Self::WebText => GRPC,
            Self::Unary(_) => header::ACCEPT_ENCODING,
            Self::Stream(_) => CONNECT,
        }
    }

    /// Whether a method whose answer is a stream, or is none, can be called by it: the Connect protocol has a content type for
    /// each.
    pub fn suits(self, server_streaming: bool) -> bool {
        match self {
            Self::Grpc | Self::Web | Self::WebText => true,
            Self::Unary(_) => !server_streaming,
            Self::Stream(_) => server_streaming,
        }
    }

    /// Whether it is one of the Connect protocol's.
    pub fn is_connect(self) -> bool {
        match self {
            Self::Grpc | Self::Web | Self::WebText => false,
            Self::Unary(_) | Self::Stream(_) => true,
        }
    }

    /// A request's message in Protobuf's encoding.
    ///
    /// # Errors
    /// It is no JSON, or no such message.
    pub fn take(self, input: &MessageDescriptor, message: Bytes) -> Result<Bytes, Fault> {
        match self {
            Self::Unary(Codec::Json) | Self::Stream(Codec::Json) => json::to_message(input, &message),
            Self::Grpc
            | Self::Web
            | Self::WebText
            | Self::Unary(Codec::Proto)
            | Self::Stream(Codec::Proto) => Ok(message),
        }
    }

    /// What of framed messages of an answer leaves.
    ///
    /// # Errors
    /// The provider's bytes are no such message.
    pub fn give(self, output: &MessageDescriptor, framed: Bytes) -> Result<Bytes, Fault> {
        match self {
            Self::Grpc | Self::Web | Self::Stream(Codec::Proto) => Ok(framed),
            Self::WebText => Ok(STANDARD.encode(&framed).into()),
            Self::Unary(Codec::Proto) => Ok(framed.slice(frames::PREFIX.min(framed.len())..)),
            Self::Unary(Codec::Json) => {
                let message = framed.get(frames::PREFIX..).unwrap_or_default();
                json::of_message(output, message).map(Bytes::from)
            }
            Self::Stream(Codec::Json) => {
                let mut out = Vec::with_capacity(framed.len() * 2);
                for message in frames::messages(&framed) {
                    frames::frame(0, &json::of_message(output, message)?, &mut out);
                }
                Ok(out.into())
            }
        }
    }

    /// Makes the head of a response its own. If the call has ended with it, as gRPC says in its headers, returns the whole body.
    pub fn head(self, status: &mut StatusCode, headers: &mut HeaderMap) -> Option<Vec<u8>> {
        headers.insert(header::CONTENT_TYPE, self.content_type());
        let body = match self {
            Self::Grpc | Self::Web | Self::WebText => return None,
            Self::Unary(_) => {
                let (http, own, error) = connect::error(headers)?;
                *status = http;
                headers.extend(own);
                error
            }
            Self::Stream(_) if headers.contains_key("grpc-status") => connect::end_of_stream(headers),
            Self::Stream(_) => return None,
        };
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            headers.remove(name);
        }
        Some(body)
    }

    /// What ends a body beside gRPC's own trailers. `None`: it just ends, or, if the status is not good, it must be cut off.
    pub fn end(self, trailers: &HeaderMap) -> Option<Bytes> {
        match self {
            Self::Grpc | Self::Unary(_) => None,
            Self::Web => Some(web::trailers(trailers).into()),
            Self::WebText => Some(STANDARD.encode(web::trailers(trailers)).into()),
            Self::Stream(_) => Some(connect::end_of_stream(trailers).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_content_type_has_its_face_and_others_have_none() {
        for (name, face) in FACES {
            assert_eq!(Face::of(name.as_bytes()), Some(face), "{name}");
            let shouted = format!("{}; charset=utf-8", name.to_ascii_uppercase());
            assert_eq!(Face::of(shouted.as_bytes()), Some(face), "{shouted}");
            assert_eq!(Face::of(face.content_type().as_bytes()), Some(face), "what it answers is the same");
        }
        for bad in
            ["", "text/plain", "application/grpc+json", "application/json-patch", "application/grpc-web+json"]
        {
            assert_eq!(Face::of(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn only_the_content_types_of_grpc_are_grpc() {
        let is_grpc = |content_type: &str| Face::of(content_type.as_bytes()) == Some(Face::Grpc);
        for good in ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=utf-8"] {
            assert!(is_grpc(good), "{good}");
        }
        for bad in
            ["application/grpc-web", "application/grpc+json", "application/json", "", "text/application/grpc"]
        {
            assert!(!is_grpc(bad), "{bad}");
        }
    }
}
