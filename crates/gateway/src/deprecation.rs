//! What callers of a deprecated data service are told with every response: since when it is (`deprecation`, RFC 9745), and from
//! when on it may be gone (`sunset`, RFC 8594).

use http::{HeaderMap, HeaderName, HeaderValue};
use lgsp_core::Method;
use lgsp_core::time::http_date;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The metadata of a method's responses; none, unless its data service is deprecated.
pub(crate) fn notice(method: &Method) -> HeaderMap {
    let mut notice = HeaderMap::new();
    let mut put = |name: HeaderName, value: Option<String>| {
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        notice.extend(value.map(|value| (name, value)));
    };
    put(DEPRECATION, method.deprecated_at.map(|at| format!("@{}", at.div_euclid(1_000_000))));
    put(SUNSET, method.sunset_at.map(http_date));
    notice
}
