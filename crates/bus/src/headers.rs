//! The headers of records: written in one order, covered by the MAC, and read under limits.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders};

use crate::mac::{Kind, MacKey, Tag};

/// Version of the protocol that these headers speak.
pub(crate) const PROTOCOL_VERSION: &str = "1";

pub(crate) const PROTOCOL: &str = "lgsp-protocol";
pub(crate) const EXCHANGE_ID: &str = "lgsp-exchange-id";
pub(crate) const METHOD: &str = "lgsp-method";
pub(crate) const STREAM: &str = "lgsp-stream";
pub(crate) const REPLY_TO: &str = "lgsp-reply-to";
pub(crate) const DEADLINE: &str = "lgsp-deadline";
pub(crate) const APPLICATION: &str = "lgsp-application";
pub(crate) const PERSON: &str = "lgsp-person";
pub(crate) const PURPOSE: &str = "lgsp-purpose";
pub(crate) const OFFICER: &str = "lgsp-officer";
pub(crate) const UNIT: &str = "lgsp-unit";
pub(crate) const PROCEDURE: &str = "lgsp-procedure";
pub(crate) const DOSSIER: &str = "lgsp-dossier";
pub(crate) const REQUEST_ID: &str = "lgsp-request-id";
pub(crate) const FIELDS: &str = "lgsp-fields";
pub(crate) const MAC: &str = "lgsp-mac";
pub(crate) const TRACEPARENT: &str = "traceparent";

pub(crate) const SEQUENCE: &str = "lgsp-sequence";
/// What the value is: `message` (or its last piece), `piece` (more of the message follows) or `none`.
pub(crate) const VALUE: &str = "lgsp-value";
pub(crate) const END: &str = "lgsp-end";
pub(crate) const ADAPTER: &str = "lgsp-adapter";
pub(crate) const VERSION: &str = "lgsp-version";
pub(crate) const TAKEN_UP: &str = "lgsp-taken-up";
pub(crate) const ANSWERED: &str = "lgsp-answered";
pub(crate) const GRPC_STATUS: &str = "grpc-status";
pub(crate) const GRPC_DETAILS: &str = "grpc-status-details-bin";

pub(crate) const TOPIC: &str = "lgsp-topic";
pub(crate) const PARTITION: &str = "lgsp-partition";
pub(crate) const OFFSET: &str = "lgsp-offset";
pub(crate) const CAUSE: &str = "lgsp-cause";
pub(crate) const DIGEST: &str = "lgsp-digest";
pub(crate) const SIZE: &str = "lgsp-size";

/// Most headers of one record.
pub(crate) const MOST: usize = 64;
/// Most bytes of all headers of one record, names included.
pub(crate) const MOST_BYTES: usize = 48 * 1024;

/// Headers that are being written.
#[derive(Default)]
pub(crate) struct HeaderList<'a> {
    items: Vec<(&'a str, Cow<'a, [u8]>)>,
}

impl<'a> HeaderList<'a> {
    pub(crate) fn new() -> Self {
        Self { items: Vec::with_capacity(20) }
    }

    pub(crate) fn of(headers: &[(&'a str, &'a [u8])]) -> Self {
        Self { items: headers.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect() }
    }

    pub(crate) fn text(&mut self, name: &'a str, value: &'a str) {
        self.items.push((name, Cow::Borrowed(value.as_bytes())));
    }

    pub(crate) fn owned(&mut self, name: &'a str, value: impl ToString) {
        self.items.push((name, Cow::Owned(value.to_string().into_bytes())));
    }

    pub(crate) fn bytes(&mut self, name: &'a str, value: &'a [u8]) {
        self.items.push((name, Cow::Borrowed(value)));
    }

    pub(crate) fn size(&self) -> usize {
        self.items.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> + '_ {
        self.items.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    /// Adds the MAC over everything so far and the value.
    pub(crate) fn sign(&mut self, key: &MacKey, kind: Kind, value: &[u8]) {
        let tag = tag(key, kind, self.items.iter().map(|(name, value)| (*name, value.as_ref())), value);
        self.owned(MAC, tag.to_hex());
    }

    pub(crate) fn to_native(&self) -> OwnedHeaders {
        let mut native = OwnedHeaders::new_with_capacity(self.items.len());
        for (key, value) in &self.items {
            native = native.insert(Header { key, value: Some(value.as_ref()) });
        }
        native
    }
}

/// Headers that cannot be read, with the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The headers of a record that came in.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    items: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Incoming<'a> {
    /// Reads a record's headers.
    pub(crate) fn read(message: &'a BorrowedMessage<'_>) -> Result<Self, Malformed> {
        // rdkafka panics at a name that is not UTF-8, which anybody who may write the topic can send.
        let read = AssertUnwindSafe(|| Self::read_native(message));
        catch_unwind(read).unwrap_or(Err(Malformed("a header's name is not text")))
    }

    fn read_native(message: &'a BorrowedMessage<'_>) -> Result<Self, Malformed> {
        let Some(headers) = message.headers() else { return Ok(Self { items: Vec::new() }) };
        let count = headers.count();
        if count > MOST {
            return Err(Malformed("there are too many headers"));
        }
        let mut items = Vec::with_capacity(count);
        let mut size = 0;
        for header in headers.iter() {
            let value = header.value.unwrap_or_default();
            size += header.key.len() + value.len();
            items.push((header.key, value));
        }
        if size > MOST_BYTES {
            return Err(Malformed("the headers are too large"));
        }
        Self { items }.without_repeats()
    }

    /// Headers that were read before and kept.
    pub(crate) fn kept(headers: &'a [(String, Bytes)]) -> Self {
        Self { items: headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect() }
    }

    /// Of two headers with one name, a reader could believe one and the MAC's check the other.
    pub(crate) fn without_repeats(self) -> Result<Self, Malformed> {
        for (index, (name, _)) in self.items.iter().enumerate() {
            if covered(name) && self.items[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Malformed("a header is there twice"));
            }
        }
        Ok(self)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + '_ {
        self.items.iter().copied()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.items.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    pub(crate) fn required(&self, name: &str, problem: &'static str) -> Result<&'a str, Malformed> {
        self.text(name).ok_or(Malformed(problem))
    }

    pub(crate) fn number<T: std::str::FromStr>(
        &self,
        name: &str,
        problem: &'static str,
    ) -> Result<T, Malformed> {
        self.text(name).and_then(|text| text.parse().ok()).ok_or(Malformed(problem))
    }

    /// Whether the record carries the MAC of its headers and value under the key.
    pub(crate) fn is_signed(&self, key: &MacKey, kind: Kind, value: &[u8]) -> bool {
        let Some(claimed) = self.get(MAC) else { return false };
        tag(key, kind, self.iter(), value).is(claimed)
    }
}

/// Names that the MAC covers. Others, such as `traceparent`, may be added by what stands between.
fn covered(name: &str) -> bool {
    (name.starts_with("lgsp-") || name.starts_with("grpc-")) && name != MAC
}

fn tag<'a>(
    key: &MacKey,
    kind: Kind,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    value: &[u8],
) -> Tag {
    let mut tag = key.begin(kind);
    for (name, value) in headers.filter(|(name, _)| covered(name)) {
        tag.field(name.as_bytes());
        tag.field(value);
    }
    tag.field(value);
    tag
}

/// Where a reply goes: the gateway's partition, and the random id of its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplyTo {
    pub(crate) partition: i32,
    pub(crate) text: String,
}

impl ReplyTo {
    /// A new epoch on a partition.
    pub(crate) fn new(partition: i32) -> Self {
        Self { partition, text: format!("{partition}/{:032x}", rand::random::<u128>()) }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (partition, epoch) = text.split_once('/')?;
        let is_epoch = epoch.len() == 32 && epoch.bytes().all(|b| b.is_ascii_hexdigit());
        let partition: i32 = partition.parse().ok().filter(|partition| *partition >= 0)?;
        is_epoch.then(|| Self { partition, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_address_survives_the_round_trip_and_nothing_else_is_one() {
        let address = ReplyTo::new(3);
        assert_eq!(ReplyTo::parse(&address.text), Some(address));
        for bad in [
            "",
            "3",
            "3/",
            "-1/0123456789abcdef0123456789abcdef",
            "3/xyz",
            "a/0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(ReplyTo::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_header_that_is_there_twice_is_refused() {
        let twice: Incoming<'_> = Incoming { items: vec![(METHOD, b"a"), (METHOD, b"b")] };
        assert!(twice.without_repeats().is_err());
        let tracing: Incoming<'_> = Incoming { items: vec![(TRACEPARENT, b"a"), (TRACEPARENT, b"b")] };
        assert!(tracing.without_repeats().is_ok());
    }

    #[test]
    fn the_mac_covers_our_headers_and_the_value() {
        let key = MacKey::new([7; 32]);
        let mut written = HeaderList::of(&[(METHOD, b"/a/b"), (TRACEPARENT, b"x")]);
        written.sign(&key, Kind::Request, b"value");
        let read = |items: Vec<(&'static str, &'static [u8])>| {
            let mac = written.items.last().map(|(_, mac)| mac.to_vec()).unwrap();
            let mut items: Vec<(&str, &[u8])> = items;
            items.push((MAC, mac.leak()));
            Incoming { items }
        };
        assert!(read(vec![(METHOD, b"/a/b")]).is_signed(&key, Kind::Request, b"value"), "traceparent may go");
        assert!(!read(vec![(METHOD, b"/a/c")]).is_signed(&key, Kind::Request, b"value"));
        assert!(!read(vec![(METHOD, b"/a/b"), (OFFICER, b"x")]).is_signed(&key, Kind::Request, b"value"));
        assert!(!read(vec![(METHOD, b"/a/b")]).is_signed(&key, Kind::Request, b"other"));
    }
}
