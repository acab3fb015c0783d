//! `lgsp service openapi`: what describes the JSON face, as the gateway tells it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{Request, header};
use http_body_util::{BodyExt, Limited};
use lgsp_proto::google::rpc;
use prost::Message as _;
use prost_reflect::prost_types::Any;
use serde::Deserialize;
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use super::DEADLINE;
use crate::cli::service::Openapi;
use crate::client::bearer::Bearer;
use crate::client::session::{LARGEST_MESSAGE, Session};
use crate::client::{Error, output};

/// What a refusal says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    r#type: String,
    value: String,
}

/// Runs `lgsp service openapi`.
pub(super) async fn run(args: &Openapi) -> Result<(), Error> {
    let bearer = Bearer::open(args.application.as_ref(), &args.key, args.token_file.as_deref())?;
    let session = Session::open(&args.gateway, bearer).await?;
    let asked = tokio::time::timeout(DEADLINE, ask(&session)).await;
    let document = asked.unwrap_or(Err(Error::NoAnswer { waited: DEADLINE }))?;
    output::line(document.trim_end())
}

async fn ask(session: &Session) -> Result<String, Error> {
    let mut request = Request::get(lgsp_face::openapi::PATH);
    let signed = session.request((), None)?;
    if let Some(token) = signed.metadata().get("authorization") {
        request = request.header(header::AUTHORIZATION, token.as_encoded_bytes());
    }
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        session.error(&Status::from_error(error), None, Duration::ZERO)
    };
    let request = request.body(Body::empty()).map_err(|error| failed(error.into()))?;
    let mut channel = session.channel.clone();
    let channel = channel.ready().await.map_err(|error| failed(error.into()))?;
    let response = channel.call(request).await.map_err(|error| failed(error.into()))?;
    let is_served = response.status().is_success();
    let body = Limited::new(response.into_body(), LARGEST_MESSAGE).collect().await.map_err(failed)?;
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    if is_served { Ok(text) } else { Err(session.error(&status(&text), None, Duration::ZERO)) }
}

/// The same refusal as gRPC says it.
fn status(text: &str) -> Status {
    let refusal: Refusal = serde_json::from_str(text).unwrap_or_default();
    let any = |detail: Detail| Any {
        type_url: format!("type.googleapis.com/{}", detail.r#type),
        value: STANDARD_NO_PAD.decode(detail.value).unwrap_or_default(),
    };
    let details: Vec<Any> = refusal.details.into_iter().map(any).collect();
    let code = code_of(&details);
    let details = rpc::Status { code: code as i32, message: refusal.message.clone(), details };
    Status::with_details(code, refusal.message, details.encode_to_vec().into())
}

fn code_of(details: &[Any]) -> tonic::Code {
    let info = details.iter().find(|any| any.type_url.ends_with("/google.rpc.ErrorInfo"));
    let info = info.and_then(|any| rpc::ErrorInfo::decode(any.value.as_slice()).ok());
    let reason = info.and_then(|info| lgsp_core::Reason::from_name(&info.reason));
    reason.map_or(tonic::Code::Unknown, |reason| tonic::Code::from(reason.code() as i32))
}
