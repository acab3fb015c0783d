//! One method as an operation.

use lgsp_proto::options::ServiceRules;
use prost_reflect::MethodDescriptor;
use serde_json::{Map, Value, json};

use super::example;
use super::schema::{Schemas, Side};

/// The HTTP statuses that a call may be refused or fail with, by the errors of `components/responses`.
const ERRORS: [(&str, &str); 10] = [
    ("400", "Invalid"),
    ("401", "Unauthenticated"),
    ("403", "Denied"),
    ("404", "NotFound"),
    ("409", "Stale"),
    ("415", "NotSpoken"),
    ("429", "TooMuch"),
    ("499", "Cancelled"),
    ("500", "Failed"),
    ("503", "Unavailable"),
];

pub(super) fn of(method: &MethodDescriptor, service: &ServiceRules, schemas: &mut Schemas) -> Value {
    let rules = lgsp_proto::options::method(method);
    let (input, output) = (method.input(), method.output());
    let asked = schemas.reference(&input, Side::Asked);
    let answered = schemas.reference(&output, Side::Answered);
    let media = if method.is_server_streaming() { "application/connect+json" } else { "application/json" };
    let mut operation = json!({
        "operationId": method.full_name(),
        "tags": [method.parent_service().full_name()],
        "summary": rules.title_en,
        "x-title-vi": rules.title_vi,
        "description": description(method, service, rules.deadline_ms),
        "x-deadline-ms": rules.deadline_ms,
        "parameters": parameters(service.platform),
        "requestBody": {
            "required": true,
            "content": { media: { "schema": asked, "example": example::of(&input) } },
        },
        "responses": responses(media, &answered, method.is_server_streaming()),
    });
    if method.is_server_streaming() {
        operation["x-max-stream-messages"] = rules.max_stream_messages.into();
        operation["x-max-stream-bytes"] = rules.max_stream_bytes.to_string().into();
    }
    operation
}

fn description(method: &MethodDescriptor, service: &ServiceRules, deadline_ms: u32) -> String {
    let opened = if service.platform {
        "Opened by a role of the hub."
    } else {
        "Opened by a sharing agreement for the purpose that `lgsp-purpose` names; fields outside of it are left out of the answer."
    };
    let streamed = if method.is_server_streaming() {
        " The answer is a stream. Request and answer are enveloped messages of the Connect protocol: a byte of flags (0), the length \
         in 4 bytes (big-endian), the JSON. An envelope with the flag 2 ends the stream, with `error` in its JSON if it failed."
    } else {
        ""
    };
    format!("{opened} It ends within {deadline_ms} ms, or as `connect-timeout-ms` says.{streamed}")
}

fn parameters(platform: bool) -> Value {
    let of_data: &[&str] = if platform { &[] } else { &["Purpose"] };
    let of_all = ["Officer", "Unit", "Procedure", "Dossier", "RequestId", "Timeout", "ProtocolVersion"];
    let named = of_data.iter().chain(&of_all);
    named.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })).collect()
}

fn responses(media: &str, answered: &Value, is_stream: bool) -> Value {
    let description = if is_stream {
        "A stream, however it ended: its last envelope says how. Each message before that is as described."
    } else {
        "The answer. Fields that are not set, or not agreed, are left out."
    };
    let mut responses = Map::from_iter([(
        "200".to_owned(),
        json!({
            "description": description,
            "headers": {
                "lgsp-exchange-id": { "$ref": "#/components/headers/ExchangeId" },
                "deprecation": { "$ref": "#/components/headers/Deprecation" },
                "sunset": { "$ref": "#/components/headers/Sunset" },
            },
            "content": { media: { "schema": answered } },
        }),
    )]);
    let further = [("501", "Unknown"), ("504", "Late")];
    for (status, name) in ERRORS.iter().chain(&further) {
        responses.insert((*status).to_owned(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    responses.into()
}
