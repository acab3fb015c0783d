//! The JSON face: whatever is called by it takes the path of gRPC, so that nothing comes round agreements, filters and entries.

use std::fs;
use std::io::Write as _;

use bytes::Bytes;
use http::{Request, StatusCode};
use lgsp_core::{ExchangeId, Outcome};
use lgsp_proto::ledger::v1::Exchange;
use lgsp_sample::persons::{ALL_FIELDS, MASKED, Record};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Value, json};

use crate::caller::{App, refusal};
use crate::dynamic::method;
use crate::fixture::{Hub, hub, within};
use crate::wire::{Answer, Wire, frame};

/// An application that no shipped agreement names.
const APPLICATION: &str = "qlvb";
const PURPOSE: &str = "prefill";

/// Every method of every data service, with a request that finds something.
fn requests() -> Vec<(MethodDescriptor, Value)> {
    let record: Record = ALL_FIELDS.record.expect("in every city");
    let person = json!({ "personalNumber": record.personal_number });
    [
        ("population.v1.PopulationService/GetCitizen", person.clone()),
        (
            "population.v1.PopulationService/VerifyCitizen",
            json!({ "personalNumber": record.personal_number, "fullName": record.full_name }),
        ),
        ("population.v1.PopulationService/GetHousehold", person.clone()),
        ("population.v1.PopulationService/ListResidents", json!({ "wardCode": record.ward_code })),
        ("land.v1.LandService/GetParcel", json!({ "parcelKey": "31318/1/1" })),
        ("land.v1.LandService/ListParcelsByOwner", person.clone()),
        ("land.v1.LandService/FindParcels", json!({ "point": { "latitude": 10.03, "longitude": 105.78 } })),
        ("land.v1.LandService/ListParcels", json!({ "wardCode": record.ward_code })),
        (
            "health.v1.HealthService/VerifyInsurance",
            json!({ "personalNumber": record.personal_number, "onDate": "2026-05-31" }),
        ),
        ("health.v1.HealthService/GetPatientSummary", person.clone()),
        ("health.v1.HealthService/ListImmunizations", person.clone()),
        ("education.v1.EducationService/GetStudent", person.clone()),
        (
            "education.v1.EducationService/VerifyEnrolment",
            json!({ "personalNumber": MASKED.personal_number, "schoolYear": "2006-2007" }),
        ),
        (
            "education.v1.EducationService/VerifyDiploma",
            json!({ "serialNumber": record.diploma_serial, "fullName": record.full_name }),
        ),
        ("business.v1.BusinessService/GetEnterprise", json!({ "enterpriseCode": record.enterprise_code })),
        (
            "business.v1.BusinessService/VerifyEnterprise",
            json!({ "enterpriseCode": record.enterprise_code, "name": "x" }),
        ),
        ("business.v1.BusinessService/ListEnterprisesByRepresentative", person),
    ]
    .map(|(name, request)| (method(&format!("lgsp.{name}")), request))
    .into()
}

/// Fields of an answer that are agreed on: of what it holds first, the first two that hold no message.
fn mask(answer: &MessageDescriptor) -> Vec<String> {
    let first = answer.fields().min_by_key(FieldDescriptor::number).expect("a field");
    let Kind::Message(held) = first.kind() else { return vec![first.name().to_owned()] };
    let plain = held.fields().filter(|field| !matches!(field.kind(), Kind::Message(_)));
    plain.take(2).map(|field| format!("{}.{}", first.name(), field.name())).collect()
}

/// Agreements that grant a part of every method.
fn agreements(methods: &[(MethodDescriptor, Value)]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for (method, _) in methods {
        let service = method.parent_service().full_name().to_owned();
        if service != last {
            let id = service.replace("lgsp.", "tt-faces-").split('.').next().unwrap_or_default().to_owned();
            text += &format!(
                "\n[[agreement]]\nid = \"{id}\"\nversion = 1\napplication = \"{APPLICATION}\"\nservice = \"{service}\"\n\
                 purposes = [\"{PURPOSE}\"]\nvalid-from = 2025-07-01\nvalid-to = 2031-01-01\n\
                 legal-basis = \"thoả thuận giả định\"\nstate = \"active\"\n"
            );
            last = service;
        }
        text += &format!(
            "\n[[agreement.grant]]\nmethod = \"{}\"\nfields = {:?}\n",
            method.name(),
            mask(&method.output())
        );
    }
    text
}

/// Calls a method by JSON.
async fn say(hub: &Hub, app: &App, purpose: &str, method: &MethodDescriptor, request: &Value) -> Answer {
    let text = request.to_string();
    let (content_type, body) = if method.is_server_streaming() {
        ("application/connect+json", frame(false, text.as_bytes()))
    } else {
        ("application/json", Bytes::from(text))
    };
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let head = Request::builder()
        .method("POST")
        .uri(format!("http://{}{path}", hub.grpc()))
        .header("content-type", content_type)
        .header("authorization", format!("Bearer {}", app.token()));
    let head = if purpose.is_empty() { head } else { head.header("lgsp-purpose", purpose) };
    Wire::connect(hub.grpc()).await.send(head.body(()).expect("a request"), body).await.expect("an answer")
}

/// The messages of an answer by JSON, or the reason of its error.
fn told(answer: &Answer, is_stream: bool) -> Result<Vec<Value>, String> {
    let parse = |bytes: &[u8]| {
        serde_json::from_slice::<Value>(bytes).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    };
    let failed = |error: &Value| {
        let details = error["details"].as_array().expect("details");
        let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").expect("a reason");
        Err(info["debug"]["reason"].as_str().expect("a reason").to_owned())
    };
    if !is_stream {
        let body = parse(&answer.body);
        return if answer.status == StatusCode::OK { Ok(vec![body]) } else { failed(&body) };
    }
    let (mut rest, mut messages) = (&answer.body[..], Vec::new());
    loop {
        let length = u32::from_be_bytes(rest[1..5].try_into().expect("four bytes")) as usize;
        let message = parse(&rest[5..5 + length]);
        if rest[0] == 2 {
            return message.get("error").map_or(Ok(messages), failed);
        }
        messages.push(message);
        rest = &rest[5 + length..];
    }
}

fn exchange_of(answer: &Answer) -> Option<ExchangeId> {
    ExchangeId::parse(answer.headers.get("lgsp-exchange-id")?.to_str().ok()?)
}

/// What two entries have in common if they tell of the same.
fn account(exchange: &Exchange) -> (Outcome, String, Vec<String>, u32, u64, String, String) {
    let sealed = exchange.sealed.clone().expect("shown");
    let asked = (
        sealed.record_count,
        sealed.answer_bytes,
        sealed.agreement,
        format!("{}/{}", sealed.service, sealed.method),
    );
    (exchange.outcome(), sealed.reason, sealed.fields_released, asked.0, asked.1, asked.2, asked.3)
}

/// The paths of all that an answer tells, in the contract's names.
fn paths(message: &MessageDescriptor, value: &Value, path: &str, found: &mut Vec<String>) {
    for (name, value) in value.as_object().expect("an object") {
        let field = message.get_field_by_json_name(name).unwrap_or_else(|| panic!("{name} is no field"));
        let path = if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
        match (field.kind(), value) {
            (Kind::Message(inner), Value::Object(_)) if !field.is_map() => paths(&inner, value, &path, found),
            (Kind::Message(inner), Value::Array(items)) => {
                items.iter().for_each(|item| paths(&inner, item, &path, found));
            }
            _ => found.push(path),
        }
    }
}

#[tokio::test]
async fn every_data_method_gives_by_json_what_it_gives_by_grpc_and_not_a_field_more() {
    let methods = requests();
    let known: Vec<String> = methods.iter().map(|(method, _)| method.full_name().to_owned()).collect();
    for service in lgsp_proto::pool().services() {
        if lgsp_proto::options::service(&service).platform {
            continue;
        }
        for method in service.methods() {
            assert!(known.iter().any(|known| known == method.full_name()), "{}", method.full_name());
        }
    }
    let hub = Hub::start(100).await;
    let file = hub.data().join("registry/agreements.toml");
    let mut file = fs::OpenOptions::new().append(true).open(file).expect("the rules");
    file.write_all(agreements(&methods).as_bytes()).expect("written");
    let app = hub.app(APPLICATION).purpose(PURPOSE);
    let (last, request) = methods.last().expect("a method");
    within("the agreements are in force", || async { app.ask(last, request).await.is_ok() }).await;

    let mut told_of = 0;
    for (method, request) in &methods {
        let name = method.full_name();
        // By gRPC, and by JSON.
        let begun = app.begin(method, request).await.unwrap_or_else(|status| panic!("{name}: {status}"));
        let by_grpc = (crate::caller::exchange_of(begun.metadata()), begun.into_inner());
        let (exchange, mut stream) = by_grpc;
        let mut expected = Vec::new();
        while let Some(message) = stream.message().await.expect("served to its end") {
            expected.push(serde_json::to_value(&message).expect("a message is JSON"));
        }
        let answer = say(&hub, &app, PURPOSE, method, request).await;
        let messages =
            told(&answer, method.is_server_streaming()).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert_eq!(messages, expected, "{name}");

        let granted = mask(&method.output());
        let mut found = Vec::new();
        messages.iter().for_each(|message| paths(&method.output(), message, "", &mut found));
        assert!(found.iter().all(|path| granted.contains(path)), "{name}: {found:?} of {granted:?}");
        told_of += usize::from(!found.is_empty());

        let entries = (hub.final_entry(exchange).await, hub.final_entry(exchange_of(&answer)).await);
        assert_eq!(account(&entries.1), account(&entries.0), "{name}");
        assert_eq!(entries.1.outcome(), Outcome::Served, "{name}");

        // What is refused is refused for the same reason, and entered.
        for (purpose, request, reason) in [
            ("verify", request, "PURPOSE_NOT_AGREED"),
            ("", request, "PURPOSE_MISSING"),
            (PURPOSE, &json!({}), "INVALID_FIELD"),
        ] {
            let app = if purpose.is_empty() {
                app.clone().without("lgsp-purpose")
            } else {
                app.clone().purpose(purpose)
            };
            let by_grpc = refusal(&app.ask(method, request).await.expect_err("refused"));
            assert_eq!(by_grpc.reason.map(|reason| reason.name()), Some(reason), "{name}");
            let answer = say(&hub, &app, purpose, method, request).await;
            assert_eq!(told(&answer, method.is_server_streaming()), Err(reason.to_owned()), "{name}");
            let entries =
                (hub.final_entry(by_grpc.exchange).await, hub.final_entry(exchange_of(&answer)).await);
            assert_eq!(account(&entries.1), account(&entries.0), "{name}: {reason}");
        }
    }
    assert!(told_of > methods.len() / 2, "{told_of} answers told something");
    hub.stop().await;
}

#[tokio::test]
async fn every_method_of_the_hub_itself_is_as_closed_by_json_as_by_grpc() {
    let hub = hub().await;
    let app = hub.app("tthc");
    for service in
        lgsp_proto::pool().services().filter(|service| lgsp_proto::options::service(service).platform)
    {
        for method in service.methods().filter(|method| !method.is_client_streaming()) {
            let name = method.full_name().to_owned();
            let by_grpc = app.ask(&method, &json!({})).await.map_err(|status| refusal(&status));
            let answer = say(hub, &app, "", &method, &json!({})).await;
            let by_json = told(&answer, method.is_server_streaming());
            let reason = by_grpc
                .as_ref()
                .err()
                .and_then(|refusal| refusal.reason)
                .map(|reason| reason.name().to_owned());
            assert_eq!(by_json.as_ref().err(), reason.as_ref(), "{name}");
            if let Err(refusal) = by_grpc {
                let entries =
                    (hub.final_entry(refusal.exchange).await, hub.final_entry(exchange_of(&answer)).await);
                assert_eq!(account(&entries.1), account(&entries.0), "{name}");
            }
        }
    }
}
