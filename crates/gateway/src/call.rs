use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, header, request};
use hyper::body::Incoming;
use lgsp_bus::RequestHead;
use lgsp_core::time::unix_micros;
use lgsp_core::{Caller, ExchangeId, Fault, Hop, Method, Reason, Rules, permit};
use lgsp_face::Face;
use tokio::time::{Instant, timeout_at};
use tracing::error;

use crate::deadline::{Arrival, Deadline};
use crate::frame;
use crate::hub::Hub;
use crate::in_flight::{Admission, Connection, Slot};
use crate::leash::Leash;
use crate::metadata::Metadata;
use crate::{spans, spoken};

/// Every step keeps the deadline itself, and knows better why it passed; this ends whatever does not.
pub(crate) const SLACK: Duration = Duration::from_millis(25);

/// A call that was let in, before anybody knows whose it is.
pub(crate) struct Call {
    pub(crate) exchange: ExchangeId,
    pub(crate) arrival: Arrival,
    /// How the caller speaks.
    pub(crate) face: Face,
    pub(crate) head: request::Parts,
    pub(crate) body: Incoming,
    pub(crate) connection: Connection,
    pub(crate) leash: Leash,
    pub(crate) slot: Slot,
}

impl Call {
    /// The value of `authorization`.
    pub(crate) fn authorization(&self) -> Result<Option<&[u8]>, Fault> {
        authorization(&self.head.headers)
    }
}

/// The value of `authorization`; two of them are none.
pub(crate) fn authorization(headers: &HeaderMap) -> Result<Option<&[u8]>, Fault> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (only, None) => Ok(only.map(http::HeaderValue::as_bytes)),
        (_, Some(_)) => Err(Reason::TokenInvalid.into()),
    }
}

/// An exchange whose caller and method are known, and how long it may last.
pub(crate) struct Admitted {
    pub(crate) exchange: ExchangeId,
    pub(crate) arrival: Arrival,
    pub(crate) face: Face,
    pub(crate) rules: Arc<Rules>,
    pub(crate) caller: Caller,
    pub(crate) method: Arc<Method>,
    pub(crate) metadata: Metadata,
    pub(crate) deadline: Deadline,
    pub(crate) admission: Admission,
    pub(crate) connection: Connection,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
}

/// Ends work that did not end by itself, and makes a panic of it a defect of ours with an entry like any other.
pub(crate) async fn to_its_end<W>(exchange: ExchangeId, end: Instant, work: W) -> Result<(), Fault>
where
    W: Future<Output = Result<(), Fault>>,
{
    match timeout_at(end, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(worked)) => worked,
        Ok(Err(_payload)) => Err(panicked(exchange)),
        Err(_elapsed) => Err(Reason::DeadlineExceeded.into()),
    }
}

/// Makes a panic of a step that does not wait a defect of ours, too.
pub(crate) fn unless_it_panics<T>(
    exchange: ExchangeId,
    step: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_payload| Err(panicked(exchange)))
}

/// The payload may hold a piece of the exchange: it is neither logged nor kept.
fn panicked(exchange: ExchangeId) -> Fault {
    error!(%exchange, "exchange panicked");
    Reason::Internal.into()
}

/// Reads the request. A caller that is slow to send it holds its place no longer than our patience.
pub(crate) async fn receive(hub: &Hub, admitted: &mut Admitted) -> Result<Bytes, Fault> {
    let until = admitted.deadline.at.min(Instant::now() + hub.bounds.request_patience);
    let (face, largest) = (admitted.face, hub.bounds.request);
    let read = frame::read(face, &mut admitted.body, &admitted.headers, largest);
    let late = |_| Err(Fault::new(Reason::DeadlineExceeded).at(Hop::Client));
    let message = timeout_at(until, read).await.unwrap_or_else(late)?;
    spoken::taken(face, &admitted.method.input, message, largest).await
}

/// Whether the rules in force, if they are others than those that admitted the exchange, would still let it through: what its
/// caller proved is still theirs, and what they ask for still open to them. Whoever waits for a caller, or for an answer, looks again.
pub(crate) fn still_permitted(hub: &Hub, admitted: &Admitted) -> Result<(), Fault> {
    let in_force = hub.rules.load();
    let Some(rules) = in_force.as_ref().filter(|rules| rules.revision() != admitted.rules.revision()) else {
        return Ok(());
    };
    let (arrival, now) = (admitted.arrival.unix_us, unix_micros(SystemTime::now()));
    let shown = (authorization(&admitted.headers)?, admitted.connection.certificate()?);
    let caller = hub.tokens.still(rules, shown, &admitted.caller, (arrival, now))?;
    let method = rules.method(&admitted.method.path).ok_or(Reason::ServiceNotInUse)?;
    permit(rules, &caller, method, admitted.metadata.purpose.as_ref(), now).map(drop)
}

/// What travels with the request. Nothing in it is the client's own but what the metadata's allow-list let through.
pub(crate) fn request_head(admitted: &Admitted, fields: &Arc<[String]>) -> RequestHead {
    let metadata = &admitted.metadata;
    RequestHead {
        exchange: admitted.exchange,
        method: admitted.method.path.clone(),
        domain: admitted.method.domain.clone(),
        server_streaming: admitted.method.server_streaming,
        deadline_us: admitted.deadline.unix_us,
        application: admitted.caller.application.id.clone(),
        person: admitted.caller.person.clone(),
        purpose: metadata.purpose.clone(),
        officer: metadata.officer.clone(),
        unit: metadata.unit.clone(),
        procedure: metadata.procedure.clone(),
        dossier: metadata.dossier.clone(),
        request_id: metadata.request_id.clone(),
        fields: fields.clone(),
        traceparent: spans::traceparent(&admitted.headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_and_a_passed_deadline_are_faults_like_any_other() {
        let soon = Instant::now() + Duration::from_millis(10);
        let panics = async { panic!("of a test") };
        let panicked = to_its_end(ExchangeId::new(), soon, panics).await.unwrap_err();
        assert_eq!(panicked.reason(), Reason::Internal);
        let panicked = unless_it_panics::<()>(ExchangeId::new(), || panic!("of a test")).unwrap_err();
        assert_eq!(panicked.reason(), Reason::Internal);
        let late = to_its_end(ExchangeId::new(), soon, std::future::pending()).await.unwrap_err();
        assert_eq!(late.reason(), Reason::DeadlineExceeded);
    }
}
