//! How persons are named by an OpenID Connect issuer.

use uuid::{Uuid, Variant};

/// Longest issuer and longest subject, in bytes (OpenID Connect Core, 2, has the second).
const LONGEST: usize = 255;
/// A run of so many digits may be the number of a person, which has no place in rules, an entry, a header or an error.
const DIGITS_OF_A_PERSON: usize = 9;
/// A word of so many hexadecimal digits is an id that a machine made, whatever runs of digits it has.
const SHORTEST_HEX_ID: usize = 24;

/// Whether a text may be the `iss` of an issuer: an https URL without a query, a fragment or a user. http is for loopback
/// addresses, where nobody is on the way.
pub fn is_issuer(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'\\' | b'"');
    if text.len() > LONGEST || !text.bytes().all(good) {
        return false;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    match scheme {
        "https" => !host.is_empty(),
        "http" => is_loopback(host),
        _ => false,
    }
}

/// Whether a host, with a port or without, is this machine by its name or address.
pub fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a text may be the `sub` of a person: printable ASCII, and nothing that may be the number of one. A UUID and a long
/// hexadecimal id may have nine digits in a row by chance; one that has digits alone is somebody's number, filled up.
pub fn is_subject(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && (is_uuid(text) || text.split(|c: char| !c.is_ascii_alphanumeric()).all(is_opaque))
}

/// Whether a text is a UUID of RFC 9562 with its hyphens, made by a machine: of a known version, and not of digits alone.
fn is_uuid(text: &str) -> bool {
    const HYPHENATED: usize = 36;
    let made =
        |uuid: Uuid| (1..=8).contains(&uuid.get_version_num()) && uuid.get_variant() == Variant::RFC4122;
    text.len() == HYPHENATED
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && Uuid::try_parse(text).is_ok_and(made)
}

fn is_opaque(word: &str) -> bool {
    let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_letters = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    !may_hold_a_person(word) || (word.len() >= SHORTEST_HEX_ID && is_hex && has_letters)
}

/// Whether a text has a run of digits that may be the number of a person.
pub fn may_hold_a_person(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= DIGITS_OF_A_PERSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_https_url_or_one_of_this_machine() {
        for good in [
            "https://sso.example.vn",
            "https://sso.example.vn:8443/realms/can-tho",
            "https://sso.example.vn/",
            "http://127.0.0.1:8080/realms/x",
            "http://[::1]:8080",
            "http://localhost",
        ] {
            assert!(is_issuer(good), "{good}");
        }
        let long = format!("https://sso.example.vn/{}", "x".repeat(255));
        for bad in [
            "",
            "sso.example.vn",
            "https://",
            "https:///realms",
            "http://sso.example.vn",
            "http://127.0.0.1.example.vn",
            "http://127.0.0.1@sso.example.vn",
            "https://user@sso.example.vn",
            "https://sso.example.vn?x=1",
            "https://sso.example.vn#x",
            "https://sso.example.vn/a b",
            "ftp://sso.example.vn",
            &long,
        ] {
            assert!(!is_issuer(bad), "{bad}");
        }
    }

    #[test]
    fn a_subject_that_may_be_a_persons_number_is_refused_and_ids_of_machines_are_not() {
        for good in [
            "an.tuphap",
            "f47ac10b-58cc-4372-a567-012345678901",
            "auth0|5f7c8ec7c33c6c004bbafe82",
            "auth0|5f7c123456789c004bbafe82",
            "user-31117",
        ] {
            assert!(is_subject(good), "{good}");
        }
        let long = "x".repeat(256);
        for bad in [
            "",
            "092085000001",
            "361234567",
            "cb-092085000001",
            "a092085000001",
            "092085000001@example.vn",
            "000000000000092085000001",
            "00000000-0000-4000-8000-092085000001",
            "00000000-0000-0000-0000-092085000001",
            "a0000000-0000-0000-8000-092085000001",
            "a0000000-0000-4000-0000-092085000001",
            "a0000000-0000-9000-8000-092085000001",
            "{a0000000-0000-4000-8000-092085000001}",
            "urn:uuid:a0000000-0000-4000-8000-092085000001",
            "has space",
            "nguyễn",
            &long,
        ] {
            assert!(!is_subject(bad), "{bad}");
        }
    }
}
