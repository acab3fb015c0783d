//! The Connect protocol's errors, as its specification has them: a code by name, a message, and details each with its type, its
//! bytes and, for people, its JSON.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode};
use lgsp_proto::google::rpc;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Map, Value, json};

use crate::frames;

/// The flag of the envelope that ends a stream.
const END: u8 = 0x02;
/// What no status says.
const UNKNOWN: i32 = 2;

static DETAILS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(lgsp_proto::ERROR_DETAILS)
        .expect("the build script compiled this very descriptor set")
});

/// By gRPC's number: the name and the HTTP status that the specification gives each.
const CODES: [(i32, &str, u16); 16] = [
    (1, "canceled", 499),
    (2, "unknown", 500),
    (3, "invalid_argument", 400),
    (4, "deadline_exceeded", 504),
    (5, "not_found", 404),
    (6, "already_exists", 409),
    (7, "permission_denied", 403),
    (8, "resource_exhausted", 429),
    (9, "failed_precondition", 400),
    (10, "aborted", 409),
    (11, "out_of_range", 400),
    (12, "unimplemented", 501),
    (13, "internal", 500),
    (14, "unavailable", 503),
    (15, "data_loss", 500),
    (16, "unauthenticated", 401),
];

/// The name and the HTTP status of a code.
pub(crate) fn code(number: i32) -> (&'static str, StatusCode) {
    let known = CODES.iter().find(|(known, ..)| *known == number);
    let (_, name, status) = known.unwrap_or(&CODES[1]);
    (name, StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

/// What gRPC's headers or trailers say of a call that was not served; `None`: it was.
fn status(said: &HeaderMap) -> Option<rpc::Status> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let number = said.get("grpc-status")?.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(UNKNOWN);
    if number == 0 {
        return None;
    }
    let details = said.get("grpc-status-details-bin").and_then(|details| {
        let bytes =
            GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT).decode(details.as_bytes()).ok()?;
        rpc::Status::decode(bytes.as_slice()).ok()
    });
    Some(rpc::Status { code: number, ..details.unwrap_or_default() })
}

/// The error of a unary call whose response, by gRPC, is a status in the headers: its HTTP status, headers of its own, and its
/// body. `None`: the response is another.
pub(crate) fn error(headers: &HeaderMap) -> Option<(StatusCode, HeaderMap, Vec<u8>)> {
    let status = status(headers)?;
    let (_, http) = code(status.code);
    let mut own = HeaderMap::new();
    own.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if http == StatusCode::UNAUTHORIZED {
        own.insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = wait(&status) {
        own.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Some((http, own, json_of(&status).to_string().into_bytes()))
}

/// The envelope that ends a stream.
pub(crate) fn end_of_stream(trailers: &HeaderMap) -> Vec<u8> {
    let ends = match status(trailers) {
        Some(status) => json!({ "error": json_of(&status) }),
        None => json!({}),
    };
    let mut framed = Vec::new();
    frames::frame(END, ends.to_string().as_bytes(), &mut framed);
    framed
}

fn json_of(status: &rpc::Status) -> Value {
    let (name, _) = code(status.code);
    let mut error = Map::from_iter([
        ("code".to_owned(), name.into()),
        ("message".to_owned(), status.message.as_str().into()),
    ]);
    if !status.details.is_empty() {
        let details = status.details.iter().map(|any| {
            let name = any.type_url.rsplit('/').next().unwrap_or_default();
            let mut detail = json!({ "type": name, "value": STANDARD_NO_PAD.encode(&any.value) });
            if let Some(debug) = debug(name, &any.value) {
                detail["debug"] = debug;
            }
            detail
        });
        error.insert("details".to_owned(), details.collect());
    }
    error.into()
}

fn debug(name: &str, bytes: &[u8]) -> Option<Value> {
    let message = DETAILS.get_message_by_name(name)?;
    serde_json::to_value(DynamicMessage::decode(message, bytes).ok()?).ok()
}

/// The wait of `RetryInfo`, in whole seconds, because HTTP has no shorter ones.
fn wait(status: &rpc::Status) -> Option<u64> {
    let info = status.details.iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = rpc::RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    let seconds = u64::try_from(delay.seconds).ok()?;
    Some(seconds + u64::from(delay.nanos > 0))
}

/// How long the caller waits, if it says so.
///
/// # Errors
/// What it says is not what the protocol has.
pub fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, &'static str> {
    let Some(value) = headers.get("connect-timeout-ms") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if !(1..=10).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("connect-timeout-ms is not 1 to 10 digits");
    }
    Ok(text.parse().ok().map(Duration::from_millis))
}

/// Whether the version of the protocol, if the caller names one, is the one that there is.
pub fn version_is_known(headers: &HeaderMap) -> bool {
    headers.get("connect-protocol-version").is_none_or(|version| version == "1")
}

#[cfg(test)]
mod tests {
    use lgsp_core::{ExchangeId, Fault, Reason, code_name};

    use super::*;

    /// What the gateway says of a fault, by gRPC.
    fn headers(fault: &Fault) -> HeaderMap {
        let status = fault.to_rpc(Some(ExchangeId::new()));
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from(status.code));
        let details = STANDARD_NO_PAD.encode(status.encode_to_vec());
        headers.insert("grpc-status-details-bin", details.parse().unwrap());
        headers
    }

    #[test]
    fn every_reason_is_the_same_error_with_the_same_details() {
        for reason in Reason::ALL {
            let fault = Fault::new(*reason);
            let (http, own, body) = error(&headers(&fault)).expect("an error");
            assert!(http.is_client_error() || http.is_server_error(), "{reason:?}: {http}");
            let error: Value = serde_json::from_slice(&body).unwrap();
            let name = code_name(reason.code() as i32).to_ascii_lowercase();
            assert_eq!(error["code"], name.replace("cancelled", "canceled"), "{reason:?}");
            assert_eq!(error["message"], fault.message());
            let details = error["details"].as_array().unwrap();
            let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").unwrap();
            assert_eq!(info["debug"]["reason"], reason.name());
            let bytes = STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
            assert_eq!(rpc::ErrorInfo::decode(bytes.as_slice()).unwrap().reason, reason.name());
            assert_eq!(own.contains_key("retry-after"), reason.retry().is_some(), "{reason:?}");
            assert_eq!(own.contains_key("www-authenticate"), http == StatusCode::UNAUTHORIZED);
        }
    }

    #[test]
    fn a_stream_ends_with_an_envelope_that_says_how() {
        let ok = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]);
        assert_eq!(end_of_stream(&ok), b"\x02\0\0\0\x02{}");
        assert!(error(&ok).is_none());
        let failed = end_of_stream(&headers(&Reason::StreamTooLong.into()));
        let end: Value = serde_json::from_slice(&failed[frames::PREFIX..]).unwrap();
        assert_eq!((failed[0], &end["error"]["code"]), (2, &json!("resource_exhausted")));
    }

    #[test]
    fn time_outs_are_milliseconds_and_nothing_else() {
        let read = |text: &str| {
            timeout(&HeaderMap::from_iter([("connect-timeout-ms".parse().unwrap(), text.parse().unwrap())]))
        };
        assert_eq!(read("1500"), Ok(Some(Duration::from_millis(1_500))));
        assert_eq!(timeout(&HeaderMap::new()), Ok(None));
        for bad in ["", "-1", "1s", "12345678901", "1.5"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
