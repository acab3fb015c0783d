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
use lgsp_face::Face;
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
    /// Who hears how it ends, and in which form.
    face: Face,
    _calling: Option<Calling>,
}

enum Kind {
    Empty,
    Text(Full<Bytes>),
    Described(Full<Bytes>, #[allow(dead_code, reason = "held to be dropped")] Looking),
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

    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Kind::Text(Full::new(text.into())).into()
    }

    /// What describes the JSON face, counted until it is gone.
    pub(crate) fn described(document: Bytes, looking: Looking) -> Self {
        Kind::Described(Full::new(document), looking).into()
    }

    /// The same body, whose trailers are told as a face has it.
    pub(crate) fn ending_as(self, face: Face) -> Self {
        Self { face, ..self }
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

impl Body {
    /// What a caller who hears no trailers gets instead of them. What was cut off within a message, and what failed where no failure
    /// can be told any more, ends as a connection does that breaks: nobody takes it for whole.
    fn told(&self, frame: Option<Result<Frame<Bytes>, Error>>) -> Option<Result<Frame<Bytes>, Error>> {
        let trailers = match frame?.map(Frame::into_trailers) {
            Ok(Ok(trailers)) => trailers,
            Ok(Err(data)) => return Some(Ok(data)),
            Err(error) => return Some(Err(error)),
        };
        if self.is_cut() {
            return Some(Err(Error));
        }
        match self.face.end(&trailers) {
            Some(end) => Some(Ok(Frame::data(end))),
            None => (!error::is_ok(&trailers)).then_some(Err(Error)),
        }
    }

    fn is_cut(&self) -> bool {
        match &self.kind {
            Kind::Empty | Kind::Text(_) | Kind::Described(..) | Kind::Foreign(_) => false,
            Kind::Whole(whole) => whole.cut,
            Kind::Parts(parts) => parts.cut,
        }
    }
}

impl From<Kind> for Body {
    fn from(kind: Kind) -> Self {
        Self { kind, face: Face::Grpc, _calling: None }
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
    /// A piece of it has left.
    begun: bool,
    /// It was cut off after that.
    cut: bool,
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
    /// A part was cut off after a piece of it had left.
    cut: bool,
    _admission: Admission,
}

impl Whole {
    pub(crate) fn new(message: Bytes, until: Until, unread: Unread, admission: Admission) -> Self {
        let (trailers, begun, cut) = (Some(error::ok()), false, false);
        Self { rest: message, trailers, until, begun, cut, _unread: unread, _admission: admission }
    }

    fn next(&mut self) -> Option<Frame<Bytes>> {
        if !self.rest.is_empty() && self.until.has_passed() {
            self.rest.clear();
            self.trailers = Some(self.until.trailers());
            self.cut = self.begun;
        }
        self.begun = true;
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
        let (rest, unread, done, cut) = (Bytes::new(), None, false, false);
        Self { parts, trailers, rest, unread, until, done, cut, _admission: admission }
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
        self.cut = !self.rest.is_empty();
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
        let body = self.get_mut();
        let frame = match &mut body.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Text(text) | Kind::Described(text, _) => Pin::new(text).poll_frame(cx).map_err(|_| Error),
            Kind::Whole(whole) => Poll::Ready(whole.next().map(Ok)),
            Kind::Parts(parts) => parts.poll_next(cx),
            Kind::Foreign(foreign) => foreign.poll_next(cx),
        };
        if body.face == Face::Grpc { frame } else { frame.map(|frame| body.told(frame)) }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Text(text) | Kind::Described(text, _) => text.is_end_stream(),
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
            Kind::Empty | Kind::Text(_) | Kind::Described(..) | Kind::Foreign(_) => {
                unreachable!("no exchange's answer")
            }
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
    /// Everything of a body that says how it ends in its data, or that it was cut off.
    fn read(body: &mut Body) -> (Vec<u8>, bool) {
        let mut data = Vec::new();
        loop {
            match std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).now_or_never().unwrap() {
                None => return (data, true),
                Some(Err(Error)) => return (data, false),
                Some(Ok(frame)) => data.extend_from_slice(&frame.into_data().expect("no trailers")),
            }
        }
    }

    #[tokio::test]
    async fn a_face_without_trailers_hears_in_the_body_how_an_answer_ends() {
        use lgsp_face::Codec;
        let unary = Face::Unary(Codec::Json);
        assert_eq!(read(&mut whole().ending_as(unary)), (LONG.to_vec(), true));
        for (face, end) in [(Face::Web, &b"grpc-status: 0\r\n"[..]), (Face::Stream(Codec::Json), b"{}")] {
            let (data, is_whole) = read(&mut parts().await.ending_as(face));
            assert!(is_whole && data.starts_with(&LONG) && data.ends_with(end), "{face:?}");
        }
    }

    #[tokio::test]
    async fn what_is_cut_at_its_deadline_is_never_taken_for_whole() {
        use lgsp_face::Codec;
        for face in [Face::Unary(Codec::Json), Face::Web, Face::Stream(Codec::Json)] {
            for mut body in [whole(), parts().await] {
                body = body.ending_as(face);
                assert_eq!(next(&mut body), Some(Ok(PIECE)), "{face:?}");
                pass_deadline(&mut body);
                assert_eq!(read(&mut body), (Vec::new(), false), "{face:?}");
            }
        }
        // Before the first piece there is room to say so, where a face has any.
        let mut late = parts().await.ending_as(Face::Stream(Codec::Json));
        pass_deadline(&mut late);
        let (said, is_whole) = read(&mut late);
        assert!(is_whole && String::from_utf8_lossy(&said).contains("deadline_exceeded"));
        let mut late = whole().ending_as(Face::Unary(Codec::Json));
        pass_deadline(&mut late);
        assert_eq!(read(&mut late), (Vec::new(), false));
    }
}
