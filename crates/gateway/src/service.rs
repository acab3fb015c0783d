//! Sorts what comes in: calls become exchanges, whichever face they show; health, reflection and what describes the JSON face are
//! answered here, and all else is refused.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use lgsp_core::{ExchangeId, Fault, Reason};
use lgsp_face::{Codec, Face, Origins, openapi};
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
/// Longest call of health, reflection or a description, which need no credential.
const SURFACE_CALL: Duration = Duration::from_secs(300);

/// Answers one request of a connection. Every response names its exchange.
pub(crate) async fn answer(
    hub: Arc<Hub>,
    connection: Connection,
    request: Request<Incoming>,
) -> Response<Body> {
    let exchange = ExchangeId::new();
    let origin = hub.origins.of(request.headers());
    let mut response = sort(&hub, connection, request, exchange).await;
    if let Some(origin) = origin {
        Origins::open(origin, response.headers_mut());
    }
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
    // On the heap, because they are large and rare, and every call would be as large.
    if request.method() != Method::POST {
        return Box::pin(other_verb(hub, &connection, request, id)).await;
    }
    let face = match face_of(hub, &request) {
        Ok(face) => face,
        Err((status, sentence)) => {
            hub.count_attempt(Reason::NotGrpc, connection.peer, request.uri().path());
            return error::plain(status, sentence);
        }
    };
    let answered = if face == Face::Grpc && Surface::answers(request.uri().path()) {
        Box::pin(look(hub, &connection, request, id)).await
    } else {
        call(hub, connection, face, request, id).await
    };
    shown(face, answered.unwrap_or_else(|fault| error::response(&fault, id)))
}

/// How the caller speaks. What is no call gets an answer of plain HTTP: its status, and a sentence.
fn face_of(hub: &Hub, request: &Request<Incoming>) -> Result<Face, (StatusCode, &'static str)> {
    const NOT_SPOKEN: StatusCode = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let Some(face) = content_type.and_then(Face::of) else {
        let sentence = "the hub speaks gRPC and JSON: content-type application/grpc or application/json\n";
        return Err((NOT_SPOKEN, sentence));
    };
    if face == Face::Grpc {
        let is_carried = request.version() == Version::HTTP_2;
        return if is_carried {
            Ok(face)
        } else {
            Err((StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2\n"))
        };
    }
    let rules = hub.rules.load();
    let method = rules.as_ref().and_then(|rules| rules.method(request.uri().path()));
    match method.filter(|method| !face.suits(method.server_streaming)).map(|method| method.server_streaming) {
        None => Ok(face),
        Some(true) => Err((NOT_SPOKEN, "the answer is a stream: content-type application/connect+json\n")),
        Some(false) => Err((NOT_SPOKEN, "the answer is no stream: content-type application/json\n")),
    }
}

/// A response of gRPC as the caller's own face has it.
fn shown(face: Face, response: Response<Body>) -> Response<Body> {
    if face == Face::Grpc {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let ended = face.head(&mut head.status, &mut head.headers);
    let body = ended.map_or_else(|| body.ending_as(face), Body::text);
    Response::from_parts(head, body)
}

/// Answers what is no call: who asks what there is, and browsers that ask whether a page may call.
async fn other_verb(
    hub: &Hub,
    connection: &Connection,
    request: Request<Incoming>,
    id: ExchangeId,
) -> Response<Body> {
    let (verb, path) = (request.method(), request.uri().path());
    if path == openapi::PATH && matches!(*verb, Method::GET | Method::HEAD) {
        return describe(hub, connection, &request).await.unwrap_or_else(|fault| {
            hub.count_attempt(fault.reason(), connection.peer, path);
            // Nobody calls here, and whoever looks knows HTTP.
            let mut refusal = shown(Face::Unary(Codec::Json), error::response(&fault, id));
            if *verb == Method::HEAD {
                *refusal.body_mut() = Body::empty();
            }
            refusal
        });
    }
    if *verb == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && let Some(origin) = hub.origins.of(request.headers())
    {
        let mut preflight = Response::new(Body::empty());
        *preflight.status_mut() = StatusCode::NO_CONTENT;
        Origins::open_preflight(origin, preflight.headers_mut());
        return preflight;
    }
    hub.count_attempt(Reason::NotGrpc, connection.peer, path);
    // An answer to HEAD has no body, and hyper leaves that to us.
    let sentence = if *verb == Method::HEAD { "" } else { "the hub answers POST only\n" };
    let mut refusal = error::plain(StatusCode::METHOD_NOT_ALLOWED, sentence);
    let allowed = if path == openapi::PATH { "GET, HEAD" } else { "POST" };
    refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    refusal
}

/// Describes the JSON face: of all services, or of those that a credential opens.
async fn describe(
    hub: &Hub,
    connection: &Connection,
    request: &Request<Incoming>,
) -> Result<Response<Body>, Fault> {
    let looking = hub.surface.enter(connection)?;
    let services = services_open_by(hub, connection, request)?;
    Leash::of_this_call().until_leaving(Instant::now() + SURFACE_CALL, hub.leaving.clone());
    let (document, looking) = hub.surface.description(services, looking).await?;
    let length = document.len();
    let body =
        if *request.method() == Method::HEAD { Body::empty() } else { Body::described(document, looking) };
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
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
    if Surface::lists(request.uri().path()) { services_open_by(hub, connection, request) } else { Ok(None) }
}

fn services_open_by(
    hub: &Hub,
    connection: &Connection,
    request: &Request<Incoming>,
) -> Result<Option<Vec<String>>, Fault> {
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
    face: Face,
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
    let call = Call { exchange: id, arrival, face, head, body, connection, leash, slot };
    // Its end is awaited by the group, and not by a client that may leave.
    drop(hub.exchanges.spawn(exchange(hub.clone(), call, outlet)));
    // Without a response, the process was stopped in the middle.
    let mut response = response.await.map_err(|_| Fault::new(Reason::Leaving))?;
    response.headers_mut().insert(face.accept_encoding(), HeaderValue::from_static("identity,gzip"));
    Ok(response)
}
