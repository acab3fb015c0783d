//! Sorts what comes in: calls of gRPC become exchanges, health and reflection are answered here, and all else is refused.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use lgsp_core::{ExchangeId, Fault, Reason};
use tokio::time::Instant;

use crate::body::{Body, Farewell, Until};
use crate::call::{Call, authorization};
use crate::deadline::Arrival;
use crate::error;
use crate::exchange::exchange;
use crate::hub::Hub;
use crate::in_flight::Connection;
use crate::leash::Leash;
use crate::outlet::Outlet;
use crate::surface::{Surface, services_open_to};

const EXCHANGE_ID: HeaderName = HeaderName::from_static("lgsp-exchange-id");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// Longest call of health or reflection, which need no credential.
const SURFACE_CALL: Duration = Duration::from_secs(300);

/// Answers one request of a connection. Every response names its exchange.
pub(crate) async fn answer(
    hub: Arc<Hub>,
    connection: Connection,
    request: Request<Incoming>,
) -> Response<Body> {
    let exchange = ExchangeId::new();
    let mut response = sort(&hub, connection, request, exchange).await;
    if let Ok(id) = HeaderValue::from_str(&exchange.to_string()) {
        response.headers_mut().insert(EXCHANGE_ID, id);
    }
    response
}

async fn sort(
    hub: &Arc<Hub>,
    connection: Connection,
    request: Request<Incoming>,
    id: ExchangeId,
) -> Response<Body> {
    if let Some(refusal) = refuse_http(&request) {
        hub.count_attempt(Reason::NotGrpc, connection.peer, request.uri().path());
        return refusal;
    }
    let answered = if Surface::answers(request.uri().path()) {
        // On the heap, because it is large and rare, and every call would be as large.
        Box::pin(look(hub, &connection, request, id)).await
    } else {
        call(hub, connection, request, id).await
    };
    answered.unwrap_or_else(|fault| error::response(&fault, id))
}

/// What is no gRPC call gets an answer of plain HTTP.
fn refuse_http(request: &Request<Incoming>) -> Option<Response<Body>> {
    if request.method() != Method::POST {
        // An answer to HEAD has no body, and hyper leaves that to us.
        let sentence = if request.method() == Method::HEAD { "" } else { "the hub answers POST only\n" };
        let mut refusal = error::plain(StatusCode::METHOD_NOT_ALLOWED, sentence);
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Some(refusal);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !content_type.is_some_and(is_grpc) {
        let sentence = "the hub speaks gRPC: content-type application/grpc\n";
        return Some(error::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    if request.version() != Version::HTTP_2 {
        return Some(error::plain(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2\n"));
    }
    None
}

/// `application/grpc`, or the same with `+proto`. gRPC-Web and JSON are other protocols.
pub(crate) fn is_grpc(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/grpc")
        || essence.eq_ignore_ascii_case(b"application/grpc+proto")
}

/// Answers a call of health or reflection here.
async fn look(
    hub: &Hub,
    connection: &Connection,
    request: Request<Incoming>,
    id: ExchangeId,
) -> Result<Response<Body>, Fault> {
    let looking = hub.surface.enter(connection).inspect_err(|fault| {
        hub.count_attempt(fault.reason(), connection.peer, request.uri().path());
    })?;
    let services = services_shown(hub, connection, &request).inspect_err(|fault| {
        hub.count_attempt(fault.reason(), connection.peer, request.uri().path());
    })?;
    // A health that is watched never ends by itself.
    Leash::of_this_call().until_leaving(Instant::now() + SURFACE_CALL, hub.leaving.clone());
    let farewell = Farewell::new(hub.leaving.clone(), id);
    hub.surface.answer(request, looking, farewell, services).await
}

/// What reflection lists for whoever shows a credential; `None`: all there is. A token that is not good is refused, so that nobody
/// takes a list for their own that is not.
fn services_shown(
    hub: &Hub,
    connection: &Connection,
    request: &Request<Incoming>,
) -> Result<Option<Vec<String>>, Fault> {
    if !Surface::lists(request.uri().path()) {
        return Ok(None);
    }
    let token = authorization(request.headers())?;
    let Some(rules) = hub.rules.load_full() else { return Ok(None) };
    let now = Arrival::now().unix_us;
    match hub.tokens.caller(&rules, token, connection.certificate()?, now) {
        Ok(caller) => Ok(Some(services_open_to(&rules, &caller, now))),
        // A certificate that speaks for nobody is no credential.
        Err(_) if token.is_none() => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Makes the call an exchange of its own task, and waits for its response.
async fn call(
    hub: &Arc<Hub>,
    connection: Connection,
    request: Request<Incoming>,
    id: ExchangeId,
) -> Result<Response<Body>, Fault> {
    let arrival = Arrival::now();
    let entered =
        if hub.leaving.is_cancelled() { Err(Reason::Leaving.into()) } else { hub.in_flight.enter() };
    let slot = entered.inspect_err(|fault: &Fault| {
        hub.count_attempt(fault.reason(), connection.peer, request.uri().path());
    })?;
    let (head, body) = request.into_parts();
    let leash = Leash::of_this_call();
    let (outlet, response) = Outlet::new(Until { deadline: arrival.at, exchange: id });
    let call = Call { exchange: id, arrival, head, body, connection, leash, slot };
    // Its end is awaited by the group, and not by a client that may leave.
    drop(hub.exchanges.spawn(exchange(hub.clone(), call, outlet)));
    // Without a response, the process was stopped in the middle.
    let mut response = response.await.map_err(|_| Fault::new(Reason::Leaving))?;
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_content_types_of_grpc_are_grpc() {
        for good in ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=utf-8"] {
            assert!(is_grpc(good.as_bytes()), "{good}");
        }
        for bad in
            ["application/grpc-web", "application/grpc+json", "application/json", "", "text/application/grpc"]
        {
            assert!(!is_grpc(bad.as_bytes()), "{bad}");
        }
    }
}
