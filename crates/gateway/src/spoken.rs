//! The messages of callers who do not speak gRPC, on their way in and out. Those of gRPC pass untouched.

use bytes::Bytes;
use lgsp_core::{Fault, Reason};
use lgsp_face::Face;
use prost_reflect::MessageDescriptor;
use tokio::task::spawn_blocking;

/// From this size on, a message is turned into another encoding where no other exchange waits for it.
const BESIDE: usize = 64 * 1024;
/// An answer as JSON may be so many times as large as the largest one in Protobuf.
const GROWS: usize = 4;

/// A request's message in Protobuf, of at most `largest` bytes, whatever it was.
pub(crate) async fn taken(
    face: Face,
    input: &MessageDescriptor,
    message: Bytes,
    largest: usize,
) -> Result<Bytes, Fault> {
    if !face.is_connect() {
        return Ok(message);
    }
    let (input, size) = (input.clone(), message.len());
    let taken = beside(size, move || face.take(&input, message)).await?;
    if taken.len() > largest { Err(Reason::RequestTooLarge.into()) } else { Ok(taken) }
}

/// What of framed messages leaves; each of them is within `largest` bytes.
pub(crate) async fn given(
    face: Face,
    output: &MessageDescriptor,
    framed: Bytes,
    largest: usize,
) -> Result<Bytes, Fault> {
    if face == Face::Grpc {
        return Ok(framed);
    }
    let (output, size) = (output.clone(), framed.len());
    let given = beside(size, move || face.give(&output, framed)).await?;
    if given.len() > GROWS * largest { Err(Reason::AnswerTooLarge.into()) } else { Ok(given) }
}

async fn beside(
    size: usize,
    work: impl FnOnce() -> Result<Bytes, Fault> + Send + 'static,
) -> Result<Bytes, Fault> {
    if size < BESIDE {
        return work();
    }
    spawn_blocking(work).await.unwrap_or_else(|_panicked| Err(Reason::Internal.into()))
}
