//! Which pages of which origins may call from a browser: none, unless they are named.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that a page may send.
const PREFLIGHT_ALLOWED: &str = "authorization,connect-content-encoding,connect-protocol-version,connect-timeout-ms,content-encoding,\
     content-type,grpc-timeout,grpc-encoding,lgsp-dossier,lgsp-officer,lgsp-procedure,lgsp-purpose,lgsp-request-id,lgsp-unit,\
     traceparent,x-grpc-web,x-user-agent";
/// Headers that a page may read.
const EXPOSED: &str =
    "deprecation,grpc-message,grpc-status,grpc-status-details-bin,lgsp-exchange-id,retry-after,sunset";
/// How long a browser may remember the answer, in seconds.
const REMEMBERED: &str = "7200";

/// Exact origins, as browsers write them: `https://portal.example.vn`.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    /// Reads a list of origins.
    ///
    /// # Errors
    /// One that no browser would name so.
    pub fn parse(origins: &[String]) -> Result<Self, String> {
        origins
            .iter()
            .map(|origin| exact(origin).ok_or_else(|| origin.clone()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The origin of a request, if it is one of them.
    pub fn of(&self, request: &HeaderMap) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let origin = request.get(header::ORIGIN)?;
        self.0.iter().find(|known| *known == origin).cloned()
    }

    /// Lets a page of that origin read an answer.
    pub fn open(origin: HeaderValue, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }

    /// Lets a page of that origin call.
    pub fn open_preflight(origin: HeaderValue, headers: &mut HeaderMap) {
        Self::open(origin, headers);
        let said: [(HeaderName, &'static str); 3] = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, PREFLIGHT_ALLOWED),
            (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
        ];
        headers.extend(said.map(|(name, value)| (name, HeaderValue::from_static(value))));
    }
}

/// A scheme and a host in lower case, perhaps a port, and nothing else.
fn exact(origin: &str) -> Option<HeaderValue> {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(allowed)).then(|| HeaderValue::from_str(origin).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn only_an_origin_that_is_named_exactly_may_call() {
        let origins = Origins::parse(&["https://portal.example.vn".to_owned()]).unwrap();
        assert!(origins.of(&from("https://portal.example.vn")).is_some());
        for other in [
            "https://portal.example.vn:8443",
            "http://portal.example.vn",
            "https://x.portal.example.vn",
            "null",
        ] {
            assert!(origins.of(&from(other)).is_none(), "{other}");
        }
        assert!(Origins::default().of(&from("https://portal.example.vn")).is_none());
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for bad in [
            "*",
            "null",
            "https://",
            "https://portal.example.vn/",
            "portal.example.vn",
            "https://*.example.vn",
        ] {
            assert!(Origins::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
