//! One request: an in-process call of the tonic service, until its answer is out or nobody waits any more.

use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, BufMut, Bytes};
use futures::FutureExt;
use http::uri::PathAndQuery;
use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Reason};
use lgsp_runtime::telemetry;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status, Streaming};
use tracing::{Instrument, Span, debug, error};

use super::answer::Answer;
use super::dead_letters::Cause;
use super::intake::TakenUp;
use super::{Inbound, Shared, spans};
use crate::{Error, RequestHead, headers};

/// No deadline is further away than this.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Works on a request. The permit is held until its answer is out.
pub(super) async fn run(shared: Arc<Shared>, mut request: TakenUp, _permit: OwnedSemaphorePermit) {
    let left = request.head.deadline_us.saturating_sub(unix_micros(SystemTime::now()));
    let left = Duration::from_micros(left.max(0) as u64).min(LONGEST);
    let begun = Instant::now();
    let until = begun + left;
    let exchange = request.head.exchange;
    let origin = std::mem::take(&mut request.origin);
    let span = spans::serve(&request.head, &origin);
    let (head, value) = (request.head.clone(), request.value.clone());
    let digestible = value.clone();
    let mut answer = Answer::new(shared.clone(), request);

    let served = serve(&shared, head, value, left, &mut answer).instrument(span.clone());
    let answered = AssertUnwindSafe(served).catch_unwind();
    let ended = timeout_at(until, answered).await;
    let measure = match &ended {
        Ok(Ok(Ok(()))) => &shared.meter.answered,
        Ok(Ok(Err(_)) | Err(_)) => &shared.meter.failed,
        Err(_) => &shared.meter.late,
    };
    measure.record_of(begun.elapsed(), telemetry::trace(&span));
    match ended {
        Ok(Ok(Ok(()))) => debug!(parent: &span, %exchange, "request answered"),
        Ok(Ok(Err(error))) => debug!(parent: &span, %exchange, %error, "answer could not be sent"),
        Ok(Err(_payload)) => {
            // The payload may hold a piece of the request: it is neither logged nor kept.
            error!(parent: &span, %exchange, domain = %shared.domain, "service panicked");
            spans::failed(&span, Reason::AdapterFailed);
            shared.bus.counters().panicked.add();
            shared.dead_letters.write(&origin, &digestible, Cause::Panicked);
            let fault = Fault::new(Reason::AdapterFailed);
            // Whether it could be sent has been counted.
            let _ = timeout_at(until, answer.fail(&fault).instrument(span.clone())).await;
        }
        Err(_) => {
            debug!(parent: &span, %exchange, "deadline passed while the service worked");
            spans::failed(&span, Reason::DeadlineExceeded);
        }
    }
}

async fn serve(
    shared: &Shared,
    head: RequestHead,
    value: Bytes,
    left: Duration,
    answer: &mut Answer,
) -> Result<(), Error> {
    let limits = Limits::of(shared, &head);
    let stream = match call(shared, head, value, left).await {
        Ok(stream) => stream,
        Err(status) => return answer.status(&status).await,
    };
    if limits.is_stream {
        relay_stream(stream, &limits, answer).await
    } else {
        relay_unary(stream, &limits, answer).await
    }
}

async fn call(
    shared: &Shared,
    head: RequestHead,
    value: Bytes,
    left: Duration,
) -> Result<Streaming<Bytes>, Status> {
    let path = PathAndQuery::from_str(&head.method).map_err(|_| Status::unimplemented(""))?;
    let mut request = Request::new(tokio_stream::once(value));
    request.set_timeout(left);
    let traceparent = telemetry::traceparent(&Span::current(), head.traceparent.as_deref());
    if let Some(value) = traceparent.and_then(|text| text.parse().ok()) {
        request.metadata_mut().insert(headers::TRACEPARENT, value);
    }
    request.extensions_mut().insert(Inbound { head });
    let mut grpc = Grpc::new(shared.routes.clone()).max_decoding_message_size(usize::MAX);
    Ok(grpc.streaming(request, path, BytesCodec).await?.into_inner())
}

/// The message waits for the trailers: a late error beats it.
async fn relay_unary(
    mut stream: Streaming<Bytes>,
    limits: &Limits,
    answer: &mut Answer,
) -> Result<(), Error> {
    let message = match stream.message().await {
        Ok(Some(message)) => message,
        Ok(None) => return answer.fail(&Fault::new(Reason::AdapterFailed)).await,
        Err(status) => return answer.status(&status).await,
    };
    match stream.message().await {
        Ok(None) if message.len() > limits.message => answer.fail(&Fault::new(Reason::AnswerTooLarge)).await,
        Ok(None) => answer.message_and_end(&message).await,
        Ok(Some(_)) => answer.fail(&Fault::new(Reason::AdapterFailed)).await,
        Err(status) => answer.status(&status).await,
    }
}

/// Kafka gives no backpressure from the caller, so the stream's own limits bound it, and overflow is an explicit error.
async fn relay_stream(
    mut stream: Streaming<Bytes>,
    limits: &Limits,
    answer: &mut Answer,
) -> Result<(), Error> {
    let (mut messages, mut bytes) = (0_u64, 0_u64);
    loop {
        let message = match stream.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return answer.end().await,
            Err(status) => return answer.status(&status).await,
        };
        messages += 1;
        bytes += message.len() as u64;
        if message.len() > limits.message {
            return answer.fail(&Fault::new(Reason::AnswerTooLarge)).await;
        }
        if messages > limits.messages || bytes > limits.bytes {
            return answer.fail(&Fault::new(Reason::StreamTooLong)).await;
        }
        answer.message(&message).await?;
    }
}

/// What one answer may be.
struct Limits {
    is_stream: bool,
    message: usize,
    messages: u64,
    bytes: u64,
}

impl Limits {
    /// The limits of the method's contract, where this build knows it.
    fn of(shared: &Shared, head: &RequestHead) -> Self {
        let rules = if head.server_streaming { rules_of(&head.method) } else { None }.unwrap_or_default();
        let or = |contract: u64, default: u64| if contract > 0 { contract } else { default };
        Self {
            is_stream: head.server_streaming,
            message: shared.largest_message,
            messages: or(u64::from(rules.max_stream_messages), shared.options.max_stream_messages),
            bytes: or(rules.max_stream_bytes, shared.options.max_stream_bytes as u64),
        }
    }
}

fn rules_of(path: &str) -> Option<lgsp_proto::options::MethodRules> {
    let (service, name) = path.strip_prefix('/')?.split_once('/')?;
    let service = lgsp_proto::pool().get_service_by_name(service)?;
    let method = service.methods().find(|method| method.name() == name)?;
    Some(lgsp_proto::options::method(&method))
}

/// Messages stay bytes: only the service knows their type.
#[derive(Clone, Copy)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
