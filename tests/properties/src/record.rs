use std::sync::Arc;

use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_bus::fuzzing::{Headers, is_signed_reply, is_signed_request, request, signed};

/// A record's headers say the same however often they are written and read, and its MAC holds for that record alone.
///
/// Every line up to an empty one is a header, `name: value`; the rest is the value of the record.
pub fn record(data: &[u8]) {
    let key = MacKey::new([42; 32]);
    let (headers, value) = parse(data);
    if is_signed_request(&headers, value, &key) {
        holds_for_this_one_alone(&headers, value, &key);
    }
    let domain: Arc<str> = "population".into();
    let Ok((head, reply_to)) = request(&headers, &domain) else { return };

    let written = signed(&head, &reply_to, value, &key).expect("what was read as an address is one");
    let (again, reply_to_again) = request(&written, &domain).expect("what was written can be read");
    assert_eq!((format!("{head:?}"), &reply_to), (format!("{again:?}"), &reply_to_again));
    assert!(head.method.starts_with('/') && head.method.len() <= 512);
    let named = [&head.officer, &head.unit, &head.procedure, &head.dossier, &head.request_id];
    assert!(named.into_iter().flatten().all(|text| text.len() <= 512));

    assert!(is_signed_request(&written, value, &key));
    holds_for_this_one_alone(&written, value, &key);
}

fn parse(data: &[u8]) -> (Headers, &[u8]) {
    let (mut headers, mut rest) = (Headers::new(), data);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n').filter(|_| headers.len() < 64) {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let Some(colon) = line.windows(2).position(|two| two == b": ") else { break };
        let (name, value) = (&line[..colon], &line[colon + 2..]);
        headers.push((String::from_utf8_lossy(name).into_owned(), Bytes::copy_from_slice(value)));
    }
    (headers, rest)
}

fn holds_for_this_one_alone(headers: &Headers, value: &[u8], key: &MacKey) {
    assert!(!is_signed_request(headers, value, &MacKey::new([43; 32])), "another key");
    assert!(!is_signed_reply(headers, value, key), "another kind");
    assert!(!is_signed_request(headers, &[value, b"x"].concat(), key), "another value");
    let is_covered = |name: &str| name.starts_with("lgsp-") || name.starts_with("grpc-");
    let first_mac = headers.iter().position(|(name, _)| name == "lgsp-mac");
    for index in 0..headers.len() {
        let name = &headers[index].0;
        let mut without = headers.clone();
        without.remove(index);
        let is_needed = if name == "lgsp-mac" { first_mac == Some(index) } else { is_covered(name) };
        if is_needed {
            assert!(!is_signed_request(&without, value, key), "without {name}");
        }
        if is_covered(name) && name != "lgsp-mac" {
            let mut other = headers.clone();
            other[index].1 = [&other[index].1[..], b"x"].concat().into();
            assert!(!is_signed_request(&other, value, key), "another {name}");
        }
    }
}
