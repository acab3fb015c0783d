//! `lgsp call`: any method, by the contract that the hub tells.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use lgsp_core::Reason;
use lgsp_proto::registry::v1::ListAllowedMethodsRequest;
use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::metadata::{AsciiMetadataKey, MetadataMap, MetadataValue};
use tonic::{Request, Status};

use super::bearer::Bearer;
use super::failure::EXCHANGE_ID;
use super::output::{self, JsonStyle, Surface};
use super::registry::{DEADLINE, answered};
use super::session::{GRACE, Session};
use super::trace::Trace;
use super::{Error, Lang, reflection};
use crate::cli;
use crate::cli::client::Method;

/// Largest request to read from a file or standard input. The hub takes less.
const LARGEST_INPUT: u64 = 16 << 20;

/// How long to wait for a method that tells no deadline of its own.
const USUAL_DEADLINE: Duration = Duration::from_secs(60);

/// The packages of the hub's own services.
const OWN: [&str; 2] = ["lgsp.registry.v1", "lgsp.ledger.v1"];

/// The header that names the trace of a call.
const TRACEPARENT: &str = "traceparent";

/// Longest value of the metadata that a caller sends.
const LONGEST_METADATA: usize = 128;

/// Runs `lgsp call`.
///
/// # Errors
/// Whatever kept the call from being served.
pub async fn run(args: &cli::client::Call, lang: Lang) -> Result<(), Error> {
    let json = read_request(&args.request)?;
    let metadata = metadata(args)?;
    let caller = &args.caller;
    let bearer = Bearer::open(caller.application.as_ref(), &caller.key, caller.token_file.as_deref())?;
    let session = Session::open(&args.gateway, bearer).await?;
    let method = reflection::method(&session, &args.method).await?;
    let message = message(&method, &json)?;

    let mut request = session.request(message, args.deadline)?;
    for (key, value) in metadata {
        request.metadata_mut().insert(key, value);
    }
    let trace = Trace::begin(&method);
    if let Some(header) = trace.header() {
        request.metadata_mut().insert(TRACEPARENT, header);
    }
    let began = Instant::now();
    let patience = args.deadline.unwrap_or_else(|| deadline_of(&method)) + GRACE;
    let style = Surface::of_stdout().json_style(args.output);
    let served = tokio::time::timeout(patience, serve(&session, &method, request, style)).await;
    let served = served.unwrap_or(Err(Error::NoAnswer { waited: patience }));
    let (took, trace_id) = (began.elapsed(), trace.id().to_owned());
    trace.end(served.is_ok()).await;
    if let Err(error) = &served
        && is_about_the_purpose(error)
    {
        tell_purposes(&session, &args.method, lang).await;
    }
    let exchange = served?;
    if args.verbose {
        tell(lang, exchange.as_deref(), took);
        output::note(&format!("trace {trace_id}"));
    }
    Ok(())
}

fn tell(lang: Lang, exchange: Option<&str>, took: Duration) {
    let word = lang.pick("exchange", "mã lượt trao đổi");
    output::note(&format!("{word} {}, {:.1} ms", exchange.unwrap_or("-"), took.as_secs_f64() * 1_000.0));
}

fn is_about_the_purpose(error: &Error) -> bool {
    let Error::Refused(failure) = error else { return false };
    matches!(
        failure.known_reason(),
        Some(Reason::PurposeUnknown | Reason::PurposeMissing | Reason::PurposeNotAgreed)
    )
}

/// Tells for which purposes the caller may call a method, where the hub tells that. Best effort: the refusal is told all the same.
async fn tell_purposes(session: &Session, method: &Method, lang: Lang) {
    let name = format!("{}/{}", method.service, method.method);
    let mut client = DecisionServiceClient::new(session.channel.clone());
    let Ok(request) = session.request(ListAllowedMethodsRequest {}, Some(DEADLINE)) else { return };
    let Ok(allowed) = answered(session, client.list_allowed_methods(request)).await else { return };
    let mine = allowed.methods.into_iter().filter(|allowed| allowed.method == name);
    let purposes: BTreeSet<String> = mine.flat_map(|allowed| allowed.purposes).collect();
    if !purposes.is_empty() {
        let agreed =
            lang.pick("note: agreed for this method", "lưu ý: mục đích đã thoả thuận cho phương thức này");
        let purposes: Vec<&str> = purposes.iter().map(String::as_str).collect();
        output::note(&format!("{agreed}: {}", purposes.join(", ")));
    }
}

/// Makes the call and writes every message. Returns the exchange id.
async fn serve(
    session: &Session,
    method: &MethodDescriptor,
    request: Request<DynamicMessage>,
    style: JsonStyle,
) -> Result<Option<String>, Error> {
    let began = Instant::now();
    let is_of_the_hub = OWN.iter().any(|own| method.parent_service().package_name() == *own);
    let told = |status: &Status, exchange: Option<&str>| {
        let error = session.error(status, exchange, began.elapsed());
        if is_of_the_hub { error.of_the_hub() } else { error }
    };

    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path = PathAndQuery::try_from(path).map_err(|error| Error::Contract {
        service: method.parent_service().full_name().to_owned(),
        problem: error.to_string(),
    })?;
    let answer = session.begin(path, method.output(), request).await.map_err(|status| told(&status, None))?;

    let exchange = exchange_id(answer.metadata());
    let mut messages = answer.into_inner();
    loop {
        match messages.message().await {
            Ok(Some(message)) => output::line(&output::json(&message, style)?)?,
            Ok(None) => return Ok(exchange),
            Err(status) => return Err(told(&status, exchange.as_deref())),
        }
    }
}

fn exchange_id(metadata: &MetadataMap) -> Option<String> {
    metadata.get(EXCHANGE_ID).and_then(|id| id.to_str().ok()).map(str::to_owned)
}

/// The method's own deadline, as its contract tells it.
pub(super) fn deadline_of(method: &MethodDescriptor) -> Duration {
    match lgsp_proto::options::method(method).deadline_ms {
        0 => USUAL_DEADLINE,
        millis => Duration::from_millis(millis.into()),
    }
}

fn metadata(
    args: &cli::client::Call,
) -> Result<Vec<(AsciiMetadataKey, MetadataValue<tonic::metadata::Ascii>)>, Error> {
    let options = [
        ("purpose", &args.purpose),
        ("dossier", &args.dossier),
        ("officer", &args.officer),
        ("unit", &args.unit),
        ("procedure", &args.procedure),
        ("request-id", &args.request_id),
    ];
    let mut metadata = Vec::new();
    for (option, value) in options {
        let Some(value) = value else { continue };
        let printable = value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if value.is_empty() || value.len() > LONGEST_METADATA || !printable {
            return Err(Error::Metadata { option });
        }
        let bad = Error::Metadata { option };
        let key = AsciiMetadataKey::from_bytes(format!("lgsp-{option}").as_bytes());
        let (Ok(key), Ok(value)) = (key, value.parse()) else { return Err(bad) };
        metadata.push((key, value));
    }
    Ok(metadata)
}

/// The request's JSON: as given, from standard input (`-`) or from a file (`@FILE`).
fn read_request(given: &str) -> Result<String, Error> {
    let unreadable = |source| Error::Input { from: given.to_owned(), source };
    let mut text = String::new();
    if given == "-" {
        std::io::stdin().lock().take(LARGEST_INPUT).read_to_string(&mut text).map_err(unreadable)?;
    } else if let Some(path) = given.strip_prefix('@') {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(LARGEST_INPUT).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        text.push_str(given);
    }
    Ok(text)
}

pub(super) fn message(method: &MethodDescriptor, json: &str) -> Result<DynamicMessage, Error> {
    let input = method.input();
    let refused = |error: serde_json::Error| Error::Json {
        message: input.full_name().to_owned(),
        problem: error.to_string(),
        fields: input.fields().map(|field| field.json_name().to_owned()).collect(),
    };
    let mut json = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(input.clone(), &mut json).map_err(refused)?;
    json.end().map_err(refused)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get_citizen() -> MethodDescriptor {
        let service = lgsp_proto::pool().get_service_by_name("lgsp.population.v1.PopulationService");
        let method = service.expect("a contract").methods().find(|method| method.name() == "GetCitizen");
        method.expect("a method")
    }

    #[test]
    fn json_that_is_not_the_request_is_refused_with_the_fields_that_there_are() {
        for json in [r#"{"personal":"1"}"#, "{", r#"{} {}"#, "[]"] {
            let error = message(&get_citizen(), json).expect_err(json);
            let told = error.report(Lang::En).render(str::to_owned);
            assert!(told.contains("lgsp.population.v1.GetCitizenRequest"), "{told}");
            assert!(told.contains("personalNumber"), "{told}");
        }
    }

    #[test]
    fn a_request_comes_from_a_file() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let path = dir.path().join("request.json");
        std::fs::write(&path, "{}").expect("written");
        assert_eq!(read_request(&format!("@{}", path.display())).expect("there"), "{}");
        assert!(read_request("@/nowhere/request.json").is_err());
    }

    #[test]
    fn the_methods_own_deadline_bounds_the_wait() {
        assert!(deadline_of(&get_citizen()) < USUAL_DEADLINE);
    }
}
