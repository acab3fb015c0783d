//! What the gateway sends: one answer, or the parts of a stream, and the trailers.
//!
//! An answer leaves in pieces, so that a caller who does not read holds no more than its stream's small buffer beyond
//! what is counted as unread. Nothing of it leaves after the deadline.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::Full;
use lgsp_core::{ExchangeId, Fault, Hop, Reason};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::activity::Calling;
use crate::error;
use crate::in_flight::{Admission, Unread};
use crate::surface::Looking;

/// Largest piece that is handed to a connection at a time.
const PIECE: usize = 16 * 1024;

/// The body of a response.
pub(crate) struct Body {
    kind: Kind,
    _calling: Option<Calling>,
}

enum Kind {
    Empty,
    Text(Full<Bytes>),
    Whole(Whole),
    Parts(Parts),
    Foreign(Foreign),
}

/// What health or reflection answers.
struct Foreign {
    body: tonic::body::Body,
    farewell: Farewell,
    done: bool,
    _looking: Looking,
}

impl Foreign {
    /// What is there is said before the farewell: that the gateway serves no more, for one.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = http_body::Body::poll_frame(Pin::new(&mut self.body), cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(|_| Error)));
        }
        ready!(self.farewell.leaving.as_mut().poll(cx));
        self.done = true;
        let trailers = error::trailers(&Reason::Leaving.into(), self.farewell.exchange);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

/// What ends a call of health or reflection when the gateway leaves.
pub(crate) struct Farewell {
    leaving: Pin<Box<WaitForCancellationFutureOwned>>,
    exchange: ExchangeId,
}

impl Farewell {
    pub(crate) fn new(leaving: CancellationToken, exchange: ExchangeId) -> Self {
        Self { leaving: Box::pin(leaving.cancelled_owned()), exchange }
    }
}

impl Body {
    pub(crate) fn empty() -> Self {
        Kind::Empty.into()
    }

    pub(crate) fn text(text: &'static str) -> Self {
        Kind::Text(Full::from(text)).into()
    }

    /// What health or reflection answers, until the gateway leaves, and counted until it is gone.
    pub(crate) fn foreign(body: tonic::body::Body, farewell: Farewell, looking: Looking) -> Self {
        Kind::Foreign(Foreign { body, farewell, done: false, _looking: looking }).into()
    }

    /// Counts the call on its connection until the body is gone.
    pub(crate) fn counted_by(self, calling: Calling) -> Self {
        Self { _calling: Some(calling), ..self }
    }
}

impl From<Kind> for Body {
    fn from(kind: Kind) -> Self {
        Self { kind, _calling: None }
    }
}

impl From<Whole> for Body {
    fn from(whole: Whole) -> Self {
        Kind::Whole(whole).into()
    }
}

impl From<Parts> for Body {
    fn from(parts: Parts) -> Self {
        Kind::Parts(parts).into()
    }
}

/// Until when an exchange may release, and which one it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    pub(crate) deadline: Instant,
    pub(crate) exchange: ExchangeId,
}

impl Until {
    fn has_passed(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// What a caller gets who has not read its answer in time.
    fn trailers(&self) -> HeaderMap {
        error::trailers(&Fault::new(Reason::DeadlineExceeded).at(Hop::Client), self.exchange)
    }
}

/// One answer. It counts as unread, and its exchange as in flight, until it was sent or the caller has left.
pub(crate) struct Whole {
    rest: Bytes,
    trailers: Option<HeaderMap>,
    until: Until,
    _unread: Unread,
    _admission: Admission,
}

/// The parts of a stream, each counted as unread, and their exchange as in flight, until they were sent or the caller has
/// left.
pub(crate) struct Parts {
    parts: mpsc::Receiver<(Bytes, Unread)>,
    /// What ends the stream once all parts were sent; without it, it was cut off.
    trailers: Arc<OnceLock<HeaderMap>>,
    rest: Bytes,
    unread: Option<Unread>,
    until: Until,
    done: bool,
    _admission: Admission,
}

impl Whole {
    pub(crate) fn new(message: Bytes, until: Until, unread: Unread, admission: Admission) -> Self {
        Self { rest: message, trailers: Some(error::ok()), until, _unread: unread, _admission: admission }
    }

    fn next(&mut self) -> Option<Frame<Bytes>> {
        if !self.rest.is_empty() && self.until.has_passed() {
            self.rest.clear();
            self.trailers = Some(self.until.trailers());
        }
        piece_of(&mut self.rest).or_else(|| self.trailers.take().map(Frame::trailers))
    }
}

impl Parts {
    pub(crate) fn new(
        parts: mpsc::Receiver<(Bytes, Unread)>,
        trailers: Arc<OnceLock<HeaderMap>>,
        until: Until,
        admission: Admission,
    ) -> Self {
        Self { parts, trailers, rest: Bytes::new(), unread: None, until, done: false, _admission: admission }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if self.until.has_passed() && (!self.rest.is_empty() || !self.parts.is_empty()) {
            return Poll::Ready(Some(Ok(self.late())));
        }
        if let Some(piece) = piece_of(&mut self.rest) {
            return Poll::Ready(Some(Ok(piece)));
        }
        self.unread = None;
        let Poll::Ready(part) = self.parts.poll_recv(cx) else { return Poll::Pending };
        let Some((messages, unread)) = part else { return Poll::Ready(Some(self.end())) };
        self.unread = Some(unread);
        self.rest = messages;
        // A part is never empty.
        Poll::Ready(piece_of(&mut self.rest).map(Ok))
    }

    fn end(&mut self) -> Result<Frame<Bytes>, Error> {
        self.done = true;
        self.trailers.get().map(|trailers| Frame::trailers(trailers.clone())).ok_or(Error)
    }

    /// Nothing is released after the deadline, even if its entry came.
    fn late(&mut self) -> Frame<Bytes> {
        self.done = true;
        self.rest.clear();
        self.unread = None;
        self.parts.close();
        Frame::trailers(self.until.trailers())
    }
}

fn piece_of(rest: &mut Bytes) -> Option<Frame<Bytes>> {
    (!rest.is_empty()).then(|| Frame::data(rest.split_to(rest.len().min(PIECE))))
}

/// The exchange ended without its trailers: the stream is reset, so that nobody takes the answer for whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut off")]
pub(crate) struct Error;

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.get_mut().kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Text(text) => Pin::new(text).poll_frame(cx).map_err(|_| Error),
            Kind::Whole(whole) => Poll::Ready(whole.next().map(Ok)),
            Kind::Parts(parts) => parts.poll_next(cx),
            Kind::Foreign(foreign) => foreign.poll_next(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Text(text) => text.is_end_stream(),
            Kind::Whole(whole) => whole.rest.is_empty() && whole.trailers.is_none(),
            Kind::Parts(parts) => parts.done,
            Kind::Foreign(foreign) => foreign.done || foreign.body.is_end_stream(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;
    use http_body::Body as _;

    use super::*;
    use crate::in_flight::{Connection, InFlight, tests::application};
    use crate::options::Exchanges;

    static LONG: [u8; 2 * PIECE] = [7; 2 * PIECE];

    fn counted() -> (Unread, Admission) {
        let in_flight = InFlight::new(&Exchanges::default());
        let admission = in_flight.admit(in_flight.enter().unwrap(), &application("tthc", None)).unwrap();
        let connection = Connection::new([127, 0, 0, 1].into(), usize::MAX);
        (in_flight.release(&admission, &connection, LONG.len()).unwrap(), admission)
    }

    fn until() -> Until {
        Until { deadline: Instant::now() + Duration::from_secs(60), exchange: ExchangeId::new() }
    }

    fn whole() -> Body {
        let (unread, admission) = counted();
        Whole::new(Bytes::from_static(&LONG), until(), unread, admission).into()
    }

    /// A stream that has ended well, with one part that nobody has taken yet.
    async fn parts() -> Body {
        let (unread, admission) = counted();
        let (parts, sent) = mpsc::channel(1);
        parts.send((Bytes::from_static(&LONG), unread)).await.unwrap();
        Parts::new(sent, Arc::new(OnceLock::from(error::ok())), until(), admission).into()
    }

    fn pass_deadline(body: &mut Body) {
        let until = match &mut body.kind {
            Kind::Whole(whole) => &mut whole.until,
            Kind::Parts(parts) => &mut parts.until,
            Kind::Empty | Kind::Text(_) | Kind::Foreign(_) => unreachable!("no exchange's answer"),
        };
        until.deadline = Instant::now();
    }

    /// The next frame, which is there already: its data's length, or the status of its trailers.
    fn next(body: &mut Body) -> Option<Result<usize, String>> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).now_or_never().unwrap()?;
        Some(match frame.unwrap().into_data() {
            Ok(data) => Ok(data.len()),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap();
                Err(trailers[error::GRPC_STATUS].to_str().unwrap().to_owned())
            }
        })
    }

    fn status(code: lgsp_core::Code) -> Option<Result<usize, String>> {
        Some(Err((code as i32).to_string()))
    }

    #[tokio::test]
    async fn an_answer_that_is_read_in_time_leaves_whole() {
        for mut body in [whole(), parts().await] {
            assert_eq!(next(&mut body), Some(Ok(PIECE)));
            assert_eq!(next(&mut body), Some(Ok(PIECE)));
            assert_eq!(next(&mut body), Some(Err("0".to_owned())));
            assert_eq!(next(&mut body), None);
        }
    }

    #[tokio::test]
    async fn nothing_of_an_answer_leaves_after_its_deadline() {
        for mut body in [whole(), parts().await] {
            pass_deadline(&mut body);
            assert_eq!(next(&mut body), status(lgsp_core::Code::DeadlineExceeded));
            assert_eq!(next(&mut body), None);
            assert!(body.is_end_stream());
        }
    }

    #[tokio::test]
    async fn what_is_left_of_an_answer_at_its_deadline_stays_here() {
        for mut body in [whole(), parts().await] {
            assert_eq!(next(&mut body), Some(Ok(PIECE)));
            pass_deadline(&mut body);
            assert_eq!(next(&mut body), status(lgsp_core::Code::DeadlineExceeded));
            assert_eq!(next(&mut body), None);
        }
    }
}
