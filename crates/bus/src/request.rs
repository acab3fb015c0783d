use std::str::FromStr;
use std::sync::Arc;

use http::uri::PathAndQuery;
use lgsp_core::{ApplicationId, ExchangeId, PersonId, Purpose};

use crate::headers::{self, HeaderList, Incoming, Malformed, ReplyTo};

/// Longest value of a header that names something, in bytes.
pub(crate) const LONGEST_NAME: usize = 512;

/// What travels with a request besides its message.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The exchange.
    pub exchange: ExchangeId,
    /// Full path of the method, with its leading slash.
    pub method: Arc<str>,
    /// The domain that serves it.
    pub domain: Arc<str>,
    /// Whether the answer is a stream.
    pub server_streaming: bool,
    /// When nobody waits any more, Unix µs.
    pub deadline_us: i64,
    /// Who calls.
    pub application: ApplicationId,
    /// The person who has signed in, through the hub's own tool.
    pub person: Option<PersonId>,
    /// What for; `None` for platform methods.
    pub purpose: Option<Purpose>,
    /// The officer, asserted by the application.
    pub officer: Option<String>,
    /// The officer's unit.
    pub unit: Option<String>,
    /// The administrative procedure.
    pub procedure: Option<String>,
    /// The dossier.
    pub dossier: Option<String>,
    /// The application's own id of the request.
    pub request_id: Option<String>,
    /// The field paths that may leave the gateway, so that a provider need not fetch others.
    pub fields: Arc<[String]>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl RequestHead {
    pub(crate) fn write<'a>(&'a self, reply_to: &'a ReplyTo) -> HeaderList<'a> {
        let mut list = HeaderList::new();
        list.text(headers::PROTOCOL, headers::PROTOCOL_VERSION);
        list.owned(headers::EXCHANGE_ID, self.exchange);
        list.text(headers::METHOD, &self.method);
        list.text(headers::STREAM, if self.server_streaming { "1" } else { "0" });
        list.text(headers::REPLY_TO, &reply_to.text);
        list.owned(headers::DEADLINE, self.deadline_us);
        list.text(headers::APPLICATION, self.application.as_str());
        if let Some(person) = &self.person {
            list.text(headers::PERSON, person.as_str());
        }
        if let Some(purpose) = &self.purpose {
            list.text(headers::PURPOSE, purpose.as_str());
        }
        let asserted = [
            (headers::OFFICER, &self.officer),
            (headers::UNIT, &self.unit),
            (headers::PROCEDURE, &self.procedure),
            (headers::DOSSIER, &self.dossier),
            (headers::REQUEST_ID, &self.request_id),
            (headers::TRACEPARENT, &self.traceparent),
        ];
        for (name, value) in asserted {
            if let Some(value) = value {
                list.text(name, value);
            }
        }
        if !self.fields.is_empty() {
            list.owned(headers::FIELDS, self.fields.join(","));
        }
        list
    }

    pub(crate) fn read(incoming: &Incoming<'_>, domain: &Arc<str>) -> Result<(Self, ReplyTo), Malformed> {
        if incoming.text(headers::PROTOCOL) != Some(headers::PROTOCOL_VERSION) {
            return Err(Malformed("the protocol is not ours"));
        }
        let reply_to = incoming.text(headers::REPLY_TO).and_then(ReplyTo::parse);
        let optional = |name: &str| match incoming.get(name) {
            None => Ok(None),
            Some(value) => match std::str::from_utf8(value) {
                Ok(text) if text.len() <= LONGEST_NAME => Ok(Some(text.to_owned())),
                Ok(_) | Err(_) => Err(Malformed("a header's value is not acceptable")),
            },
        };
        let purpose = match incoming.text(headers::PURPOSE) {
            None => None,
            Some(text) => Some(Purpose::parse(text).ok_or(Malformed("the purpose is not well formed"))?),
        };
        let person = match incoming.text(headers::PERSON) {
            None => None,
            Some(text) => Some(PersonId::parse(text).ok_or(Malformed("the person is not well formed"))?),
        };
        let fields = incoming.text(headers::FIELDS).unwrap_or_default();
        let head = Self {
            exchange: exchange(incoming)?,
            method: method(incoming)?,
            domain: domain.clone(),
            server_streaming: incoming.text(headers::STREAM) == Some("1"),
            deadline_us: incoming.number(headers::DEADLINE, "there is no deadline")?,
            application: incoming
                .text(headers::APPLICATION)
                .and_then(ApplicationId::parse)
                .ok_or(Malformed("there is no application"))?,
            person,
            purpose,
            officer: optional(headers::OFFICER)?,
            unit: optional(headers::UNIT)?,
            procedure: optional(headers::PROCEDURE)?,
            dossier: optional(headers::DOSSIER)?,
            request_id: optional(headers::REQUEST_ID)?,
            fields: fields.split(',').filter(|field| !field.is_empty()).map(str::to_owned).collect(),
            traceparent: optional(headers::TRACEPARENT)?,
        };
        Ok((head, reply_to.ok_or(Malformed("there is no reply address"))?))
    }
}

pub(crate) fn exchange(incoming: &Incoming<'_>) -> Result<ExchangeId, Malformed> {
    incoming
        .text(headers::EXCHANGE_ID)
        .and_then(ExchangeId::parse)
        .ok_or(Malformed("there is no exchange id"))
}

fn method(incoming: &Incoming<'_>) -> Result<Arc<str>, Malformed> {
    let method = incoming.required(headers::METHOD, "there is no method")?;
    let is_path =
        method.starts_with('/') && method.len() <= LONGEST_NAME && PathAndQuery::from_str(method).is_ok();
    if is_path { Ok(method.into()) } else { Err(Malformed("the method is not a path")) }
}
