//! What all operations share: how callers prove themselves, what they may say beside the message, and the errors.

use lgsp_core::{Reason, code_name};
use serde_json::{Map, Value, json};

pub(super) const DESCRIPTION: &str = "\
Every method is called with POST and one JSON object, and answered with one, by the Connect protocol (https://connectrpc.com/docs/protocol); \
`application/proto` and gRPC are served on the same port. JSON is Protobuf's: names in camel case, 64-bit integers as texts, times in RFC 3339, \
bytes in Base64, fields with their default left out. A field that the contract does not have is refused by name. GET is not served. \
Every call, served or not, is one entry of the exchange log under the id in `lgsp-exchange-id`. Examples are made up.";

pub(super) fn components() -> Value {
    json!({
        "securitySchemes": {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "Signed by the application with its own Ed25519 key (EdDSA, `aud` of the hub, at most 5 minutes), or given by \
                                the issuer that signs persons in.",
            },
            "certificate": {
                "type": "mutualTLS",
                "description": "A client certificate that the rules bind to the application.",
            },
        },
        "parameters": parameters(),
        "headers": headers(),
        "responses": responses(),
    })
}

fn header(name: &str, required: bool, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "required": required, "description": description, "schema": schema })
}

fn parameters() -> Value {
    let said =
        || json!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]([ -~]*[!-~])?$" });
    json!({
        "Purpose": header("lgsp-purpose", true, "What for: a purpose of the agreement.",
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$", "examples": ["prefill"] })),
        "Officer": header("lgsp-officer", false, "The account of the officer who asks; never a person's number.", said()),
        "Unit": header("lgsp-unit", false, "The officer's unit.", said()),
        "Procedure": header("lgsp-procedure", false, "The administrative procedure, such as 1.004227.", said()),
        "Dossier": header("lgsp-dossier", false, "The dossier, such as H13.05-260601-0001.", said()),
        "RequestId": header("lgsp-request-id", false, "The caller's own id of its call.", said()),
        "Timeout": header("connect-timeout-ms", false, "How long the caller waits, in milliseconds.",
            json!({ "type": "integer", "minimum": 0, "maximum": 9_999_999_999_i64 })),
        "ProtocolVersion": header("connect-protocol-version", false, "The version of the Connect protocol.",
            json!({ "const": "1" })),
    })
}

fn headers() -> Value {
    let of = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    json!({
        "ExchangeId": of("The exchange, as the exchange log names it.", json!({ "type": "string", "format": "uuid" })),
        "Deprecation": of("When the data service was deprecated (RFC 9745), if it was.", json!({ "type": "string" })),
        "Sunset": of("From when on it may be retired (RFC 8594), if it was deprecated.", json!({ "type": "string" })),
        "RetryAfter": of("After how many seconds a repeat can help, if it can.", json!({ "type": "integer", "minimum": 0 })),
    })
}

/// By HTTP status, which is that of the code.
const ERRORS: [(&str, &str, &[i32]); 11] = [
    (
        "Invalid",
        "The request or what it says beside its message breaks a rule, or the state of things forbids it.",
        &[3, 9],
    ),
    ("Unauthenticated", "No good credential.", &[16]),
    ("Denied", "No rule opens the method to the caller for this purpose.", &[7]),
    ("NotFound", "What was asked for does not exist.", &[5]),
    ("Stale", "What the decision is about has changed since.", &[10]),
    ("TooMuch", "A quota or a bound is exceeded.", &[8]),
    ("Cancelled", "The caller has left.", &[1]),
    ("Failed", "A defect of the hub, or of the provider.", &[13]),
    ("Unavailable", "Something is away for now.", &[14]),
    ("Unknown", "There is no such method.", &[12]),
    ("Late", "It was not done in time.", &[4]),
];

fn responses() -> Value {
    let mut responses = Map::new();
    for (name, description, codes) in ERRORS {
        let reasons: Vec<&Reason> =
            Reason::ALL.iter().filter(|reason| codes.contains(&(reason.code() as i32))).collect();
        let names: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
        responses.insert(
            name.to_owned(),
            json!({
                "description": format!("{description} Reasons: {}.", names.join(", ")),
                "headers": {
                    "lgsp-exchange-id": { "$ref": "#/components/headers/ExchangeId" },
                    "retry-after": { "$ref": "#/components/headers/RetryAfter" },
                },
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/connect.error" },
                    "example": reasons.first().map(|reason| example(**reason)),
                } },
            }),
        );
    }
    responses.insert(
        "NotSpoken".to_owned(),
        json!({
            "description": "The content type is none of this method's.",
            "content": { "text/plain": { "schema": { "type": "string" } } },
        }),
    );
    responses.into()
}

fn example(reason: Reason) -> Value {
    json!({
        "code": connect_name(reason.code() as i32),
        "message": reason.message(),
        "details": [{
            "type": "google.rpc.ErrorInfo",
            "value": "",
            "debug": { "reason": reason.name(), "domain": "lgsp" },
        }],
    })
}

fn connect_name(code: i32) -> String {
    code_name(code).to_ascii_lowercase().replace("cancelled", "canceled")
}

/// The schemas that are of no contract.
pub(super) fn schemas() -> Map<String, Value> {
    let codes: Vec<String> = (1..=16).map(connect_name).collect();
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    Map::from_iter([(
        "connect.error".to_owned(),
        json!({
            "type": "object",
            "description": "Why a call was not served (Connect protocol).",
            "required": ["code"],
            "properties": {
                "code": { "type": "string", "enum": codes },
                "message": { "type": "string", "description": "For developers, in English." },
                "details": {
                    "type": "array",
                    "description": "`google.rpc.ErrorInfo` with reason and hop, `RequestInfo` with the exchange, `RetryInfo`, `BadRequest` with \
                                    every violated field, `LocalizedMessage` in Vietnamese.",
                    "items": {
                        "type": "object",
                        "required": ["type", "value"],
                        "properties": {
                            "type": { "type": "string" },
                            "value": { "type": "string", "contentEncoding": "base64", "description": "The detail, in Protobuf." },
                            "debug": {
                                "type": "object",
                                "description": "The same as JSON.",
                                "properties": { "reason": { "type": "string", "examples": reasons } },
                            },
                        },
                    },
                },
            },
        }),
    )])
}
