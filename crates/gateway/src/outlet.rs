//! Where the answer of an exchange leaves: a response that nobody has seen yet, or a stream that has begun.
//!
//! Nothing here knows whether the caller is still there, but for streams, which end when it is not.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use lgsp_core::{Fault, Reason};
use tokio::sync::{mpsc, oneshot};

use crate::body::{Body, Parts, Until, Whole};
use crate::error;
use crate::in_flight::{Admission, Unread};

/// The way out of one exchange.
pub(crate) struct Outlet {
    until: Until,
    /// What goes with the response beside its status.
    announced: HeaderMap,
    state: State,
}

enum State {
    /// No response was made yet.
    Waiting(oneshot::Sender<Response<Body>>),
    /// The response is a stream.
    Streaming(mpsc::Sender<(Bytes, Unread)>, Arc<OnceLock<HeaderMap>>),
    Ended,
}

impl Outlet {
    /// An outlet, and where its response comes out.
    pub(crate) fn new(until: Until) -> (Self, oneshot::Receiver<Response<Body>>) {
        let (response, responded) = oneshot::channel();
        (Self { until, announced: HeaderMap::new(), state: State::Waiting(response) }, responded)
    }

    /// Releases nothing after this deadline.
    pub(crate) fn until(&mut self, deadline: tokio::time::Instant) {
        self.until.deadline = deadline;
    }

    /// Tells so with the response, whatever it will be.
    pub(crate) fn announce(&mut self, metadata: HeaderMap) {
        self.announced = metadata;
    }

    /// Answers with one framed message.
    pub(crate) fn whole(&mut self, message: Bytes, unread: Unread, admission: Admission) {
        if let State::Waiting(response) = std::mem::replace(&mut self.state, State::Ended) {
            let body = Whole::new(message, self.until, unread, admission);
            // A caller that has left gets nothing; its exchange was entered all the same.
            let _ = response.send(self.announced(grpc(body.into())));
        }
    }

    /// Begins a stream.
    pub(crate) fn stream(&mut self, admission: Admission) {
        if let State::Waiting(response) = std::mem::replace(&mut self.state, State::Ended) {
            // One part waits while another is sent: the next is not even gathered.
            let (parts, sent) = mpsc::channel(1);
            let trailers = Arc::new(OnceLock::new());
            let body = Parts::new(sent, trailers.clone(), self.until, admission);
            let _ = response.send(self.announced(grpc(body.into())));
            self.state = State::Streaming(parts, trailers);
        }
    }

    /// Adds a part to the stream, once the one before was taken.
    pub(crate) async fn part(&mut self, messages: Bytes, unread: Unread) -> Result<(), Fault> {
        let State::Streaming(parts, _) = &self.state else { return Err(Reason::Internal.into()) };
        parts.send((messages, unread)).await.map_err(|_| Reason::Cancelled.into())
    }

    /// Waits until the caller has left.
    pub(crate) async fn left(&mut self) {
        match &mut self.state {
            State::Waiting(response) => response.closed().await,
            State::Streaming(parts, _) => parts.closed().await,
            State::Ended => {}
        }
    }

    /// Ends the stream well.
    pub(crate) fn end(&mut self) {
        self.close(error::ok());
    }

    /// Says why the exchange was not served, or not to its end.
    pub(crate) fn refuse(&mut self, fault: &Fault) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Waiting(response) => {
                let _ = response.send(self.announced(error::response(fault, self.until.exchange)));
            }
            streaming @ (State::Streaming(..) | State::Ended) => {
                self.state = streaming;
                self.close(error::trailers(fault, self.until.exchange));
            }
        }
    }

    fn announced(&mut self, mut response: Response<Body>) -> Response<Body> {
        response.headers_mut().extend(std::mem::take(&mut self.announced));
        response
    }

    /// The trailers go beside the parts, so that ending never waits for a caller who does not read.
    fn close(&mut self, with: HeaderMap) {
        if let State::Streaming(_, trailers) = std::mem::replace(&mut self.state, State::Ended) {
            let _ = trailers.set(with);
        }
    }
}

fn grpc(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, error::GRPC);
    response
}
