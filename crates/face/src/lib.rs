//! How callers without gRPC speak to a gateway: JSON by the [Connect protocol](https://connectrpc.com/docs/protocol), and
//! [gRPC-Web](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md).
//!
//! ```text
//!  content-type ──► Face ──► the request's message: json ──► Protobuf        ╮
//!                                                                            ├ the gateway's one path of an exchange
//!                   Face ◄── its answer: frames of gRPC ──► json, envelopes  ╯
//!                     └───── its end: status of gRPC ──► connect (HTTP status, error in JSON) or web (a frame of trailers)
//! ```
//!
//! A face is a thin layer around what gRPC carries: it turns one encoding of a message into another, and a status into another
//! form of the same status. [`openapi`] describes the JSON face of any contracts.
//!
//! Nothing here decides whether a call is served, opens a socket or knows a domain; and no text of a caller's or a parser's own
//! gets into an error.

mod browsers;
mod connect;
mod frames;
pub mod json;
pub mod openapi;
mod problems;
mod speech;
mod web;

pub use browsers::Origins;
pub use connect::{timeout, version_is_known};
pub use speech::{Codec, Face};
pub use web::of_text;
