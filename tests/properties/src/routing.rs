use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use lgsp_core::time::micros;
use lgsp_core::{Caller, Method, Purpose, Reason, permit};
use lgsp_gateway::fuzzing;
use lgsp_proto::registry::v1::{AgreementState, ServiceState};

use crate::fixture::NOW;
use crate::rules::{RULES, SNAPSHOT};
use crate::{assert_names_nobody, choice};

const DAY: i64 = 24 * 3_600 * 1_000_000;
const ANSWERED_BY_THE_GATEWAY_ITSELF: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// What a caller may say, by names without their prefix.
const MAY_BE_SAID: [&str; 6] = ["purpose", "officer", "unit", "procedure", "dossier", "request-id"];

/// A call reaches a method by its exact name alone, and only if a rule opens it to the caller for the purpose at the moment;
/// nothing else that it says becomes the hub's own.
///
/// The first byte chooses the application and the moment; the first line is the path, every other a header, `name: value`.
pub fn routing(data: &[u8]) {
    let (chosen, rest) = choice(data);
    let mut lines = rest.split(|byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let method = reached(path);
    let headers = headers(lines);
    is_what_it_says(&headers);
    let purpose = says_no_more_than_it_may(&headers);
    if let Some(method) = method {
        let application = ["tthc", "khac"][chosen & 1];
        let now = [NOW, NOW - DAY, NOW + DAY, NOW + 3 * DAY][chosen >> 1 & 3];
        is_opened_by_a_rule(application, method, purpose.as_ref(), now);
    }
}

/// The method of a path, as HTTP/2 brings it: by itself, or with scheme and authority. What follows `?` or `#` is no path.
fn reached(path: &[u8]) -> Option<&'static Method> {
    let as_is = path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let exact = RULES.methods().find(|method| method.path.as_bytes() == as_is);
    let bytes = Bytes::copy_from_slice(path);
    let Ok(known) = PathAndQuery::from_maybe_shared(bytes.clone()) else {
        assert!(exact.is_none() || as_is != path, "an exact name is a path");
        return None;
    };
    let found = RULES.method(known.path()).map(|method| &**method);
    assert_eq!(found.map(|method| &*method.path), exact.map(|method| &*method.path));
    let answered = ANSWERED_BY_THE_GATEWAY_ITSELF.iter().any(|known| known.as_bytes() == as_is);
    assert_eq!(fuzzing::is_answered_by_the_gateway_itself(known.path()), answered);

    // The same in absolute form: what stands before the path is no part of the name.
    if let Ok(absolute) = Uri::from_maybe_shared(bytes)
        && let Some(found) = RULES.method(absolute.path())
    {
        let text = absolute.to_string();
        let authority = absolute.authority().map_or("", |authority| authority.as_str());
        let begin = text.find(authority).map_or(0, |at| at + authority.len());
        let rest = text[begin..].split(['?', '#']).next();
        assert_eq!(rest, Some(&*found.path), "{text}");
    }
    found
}

fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.take(64) {
        let Some(colon) = line.windows(2).position(|two| two == b": ") else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 2..])) {
            headers.append(name, value);
        }
    }
    headers
}

fn is_what_it_says(headers: &HeaderMap) {
    if let Some(value) = headers.get("content-type") {
        let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let essence = text.split(';').next().unwrap_or_default().trim_ascii().to_owned();
        let is_grpc = essence == "application/grpc" || essence == "application/grpc+proto";
        assert_eq!(fuzzing::is_grpc(value), is_grpc, "{text}");
    }
    if let Some(value) = headers.get("grpc-timeout") {
        assert_eq!(fuzzing::timeout(headers).ok(), timeout(value.as_bytes()).map(Some));
    }
    let tokens: Vec<&[u8]> = headers.get_all("authorization").iter().map(HeaderValue::as_bytes).collect();
    match (fuzzing::authorization(headers), &tokens[..]) {
        (Ok(None), []) => {}
        (Ok(Some(token)), [only]) => assert_eq!(token, *only),
        (Err(fault), [_, _, ..]) => assert_eq!(fault.reason(), Reason::TokenInvalid),
        (told, _) => panic!("{told:?} of {}", tokens.len()),
    }
}

/// One to eight digits and a unit.
fn timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number: u64, digit| number * 10 + u64::from(digit - b'0'));
    let nanos: u64 = match unit {
        b'H' => 3_600_000_000_000,
        b'M' => 60_000_000_000,
        b'S' => 1_000_000_000,
        b'm' => 1_000_000,
        b'u' => 1_000,
        b'n' => 1,
        _ => return None,
    };
    let nanos = u128::from(number) * u128::from(nanos);
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    Some(Duration::new(seconds as u64, rest as u32))
}

fn says_no_more_than_it_may(headers: &HeaderMap) -> Option<Purpose> {
    let ours: Vec<&str> = headers.keys().filter_map(|name| name.as_str().strip_prefix("lgsp-")).collect();
    let said = match fuzzing::metadata(headers) {
        Ok(said) => said,
        Err(fault) => {
            assert!(!ours.is_empty());
            assert!([Reason::InvalidMetadata, Reason::PurposeUnknown].contains(&fault.reason()));
            assert_names_nobody(&fault);
            return None;
        }
    };
    assert!(ours.iter().all(|name| MAY_BE_SAID.contains(name)), "{ours:?}");
    let mut purpose = None;
    for (name, value) in said {
        let sent: Vec<&HeaderValue> = headers.get_all(format!("lgsp-{name}")).iter().collect();
        assert_eq!(value.is_some() as usize, sent.len(), "{name}");
        let Some(value) = value else { continue };
        assert!((1..=128).contains(&value.len()) && value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        match name {
            "officer" | "unit" | "procedure" => assert_eq!(crate::numbers_of_persons(&value).next(), None),
            "purpose" => purpose = Purpose::parse(&value),
            _ => {}
        }
        if name != "dossier" {
            assert_eq!(sent[0].to_str().unwrap().trim(), value, "what is said is what was sent");
        }
    }
    purpose
}

/// Looks through the snapshot itself, rule by rule.
fn is_opened_by_a_rule(application: &str, method: &'static Method, purpose: Option<&Purpose>, now: i64) {
    let known = RULES.application(application).expect("it is connected").clone();
    let caller = Caller { application: known, credential_sha256: [0; 32], person: None };
    let decided = permit(&RULES, &caller, method, purpose, now);

    let service = SNAPSHOT.services.iter().find(|service| *service.name == *method.service).unwrap();
    let in_use = matches!(service.state(), ServiceState::InUse | ServiceState::Deprecated);
    let by_role = SNAPSHOT.roles.iter().any(|role| {
        let plays = SNAPSHOT
            .applications
            .iter()
            .any(|known| known.id == application && known.roles.contains(&role.name));
        plays && role.methods.iter().any(|opened| format!("/{opened}") == *method.path)
    });
    let known = |purpose: &Purpose| SNAPSHOT.purposes.iter().any(|known| known.code == purpose.as_str());
    let by_agreement = purpose.filter(|purpose| known(purpose)).and_then(|purpose| {
        SNAPSHOT.agreements.iter().find(|agreement| {
            let in_force = agreement.valid_from.as_ref().is_none_or(|from| micros(from) <= now)
                && agreement.valid_to.as_ref().is_none_or(|to| now < micros(to));
            agreement.application == application
                && *agreement.service == *method.service
                && agreement.grants.iter().any(|grant| *grant.method == *method.name)
                && agreement.purposes.iter().any(|agreed| agreed == purpose.as_str())
                && agreement.state() == AgreementState::Active
                && in_force
        })
    });
    match decided {
        Ok(permit) => {
            assert!(in_use);
            let agreement = permit.grant.as_ref().map(|grant| &*grant.agreement);
            assert_eq!(agreement, by_agreement.filter(|_| !service.platform).map(|found| &*found.id));
            assert!(agreement.is_some() || (service.platform && by_role), "no rule opens it");
        }
        Err(fault) => {
            assert_names_nobody(&fault);
            let opened = if service.platform { by_role } else { by_agreement.is_some() };
            assert!(!(in_use && opened), "a rule opens it, and it is refused: {:?}", fault.reason());
        }
    }
}
