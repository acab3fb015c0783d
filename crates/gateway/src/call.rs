use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header, request};
use hyper::body::Incoming;
use lgsp_bus::RequestHead;
use lgsp_core::{Caller, ExchangeId, Fault, Hop, Method, Reason, Rules};
use tokio::time::{Instant, timeout_at};

use crate::deadline::{Arrival, Deadline};
use crate::frame;
use crate::hub::Hub;
use crate::in_flight::{Admission, Connection, Slot};
use crate::leash::Leash;
use crate::metadata::Metadata;

/// Every step keeps the deadline itself, and knows better why it passed; this ends whatever does not.
pub(crate) const SLACK: Duration = Duration::from_millis(25);

/// A call that was let in, before anybody knows whose it is.
pub(crate) struct Call {
    pub(crate) exchange: ExchangeId,
    pub(crate) arrival: Arrival,
    pub(crate) head: request::Parts,
    pub(crate) body: Incoming,
    pub(crate) connection: Connection,
    pub(crate) leash: Leash,
    pub(crate) slot: Slot,
}

impl Call {
    /// The value of `authorization`; two of them are none.
    pub(crate) fn authorization(&self) -> Result<Option<&[u8]>, Fault> {
        let mut values = self.head.headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (only, None) => Ok(only.map(http::HeaderValue::as_bytes)),
            (_, Some(_)) => Err(Reason::TokenInvalid.into()),
        }
    }
}

/// An exchange whose caller and method are known, and how long it may last.
pub(crate) struct Admitted {
    pub(crate) exchange: ExchangeId,
    pub(crate) arrival: Arrival,
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

/// Reads the request. A caller that is slow to send it holds its place no longer than our patience.
pub(crate) async fn receive(hub: &Hub, admitted: &mut Admitted) -> Result<Bytes, Fault> {
    let until = admitted.deadline.at.min(Instant::now() + hub.bounds.request_patience);
    let read = frame::read(&mut admitted.body, &admitted.headers, hub.bounds.request);
    timeout_at(until, read)
        .await
        .unwrap_or_else(|_| Err(Fault::new(Reason::DeadlineExceeded).at(Hop::Client)))
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
        purpose: metadata.purpose.clone(),
        officer: metadata.officer.clone(),
        unit: metadata.unit.clone(),
        procedure: metadata.procedure.clone(),
        dossier: metadata.dossier.clone(),
        request_id: metadata.request_id.clone(),
        fields: fields.clone(),
        traceparent: metadata.traceparent.clone(),
    }
}
