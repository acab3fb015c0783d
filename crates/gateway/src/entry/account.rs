use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_bus::ReplyTrace;
use lgsp_core::entry::{Hasher, Salt, SubjectRef, salted};
use lgsp_core::{Caller, ExchangeId, Fault, Method, Outcome, Permit, Purpose};
use lgsp_proto::ledger::v1::{Decision, Erasable, Phase, Sealed};

use super::{Book, Numbered};
use crate::metadata::Metadata;
use crate::metrics::Times;

/// What is known of one exchange so far, for its entries.
///
/// Whatever step fails, the account has what was known until then.
pub struct Account {
    exchange: ExchangeId,
    /// What every entry of the exchange repeats.
    sealed: Sealed,
    metadata: Metadata,
    /// Who serves what is called, once that is known.
    domain: Option<Arc<str>>,
    asked: Vec<SubjectRef>,
    fields: Arc<[String]>,
    request_salt: Option<Salt>,
    final_number: Option<u64>,
    closed: bool,
    times: Times,
}

/// Counts and digests what is released: SHA-256(salt ‖ messages), without the prefixes between them.
pub struct Tally {
    salt: Salt,
    hasher: Hasher,
    messages: u32,
    bytes: u64,
}

impl Tally {
    /// Nothing yet, under a fresh salt.
    pub fn new() -> Self {
        let salt = Salt::random();
        Self { salt, hasher: salt.hasher(), messages: 0, bytes: 0 }
    }

    /// Adds a message that is about to be released.
    pub fn add(&mut self, message: &[u8]) {
        self.hasher.update(message);
        self.messages += 1;
        self.bytes += message.len() as u64;
    }

    /// Messages so far.
    pub fn messages(&self) -> u64 {
        u64::from(self.messages)
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Account {
    /// Opens the account of an exchange that was admitted at a moment (Unix µs).
    pub fn open(
        exchange: ExchangeId,
        admitted_us: i64,
        caller: &Caller,
        environment: &str,
        revision: u64,
    ) -> Self {
        let sealed = Sealed {
            exchange_id: Bytes::copy_from_slice(exchange.as_bytes()),
            application: caller.application.id.as_str().to_owned(),
            agency_code: caller.application.agency.to_string(),
            environment: environment.to_owned(),
            credential_sha256: Bytes::copy_from_slice(&caller.credential_sha256),
            registry_revision: revision,
            decision: Decision::Refused.into(),
            admitted_us,
            ..Sealed::default()
        };
        Self {
            exchange,
            sealed,
            metadata: Metadata::default(),
            domain: None,
            asked: Vec::new(),
            fields: Arc::default(),
            request_salt: None,
            final_number: None,
            closed: false,
            times: Times { admitted_us, ..Times::default() },
        }
    }

    /// Notes the method. A path that names none is not noted: its text is the caller's.
    pub fn calls(&mut self, method: &Method) {
        self.domain = Some(method.domain.clone());
        self.sealed.service = method.service.to_string();
        self.sealed.method = method.name.to_string();
        self.sealed.contract_sha256 = Bytes::copy_from_slice(&method.contract_sha256);
        self.sealed.platform = method.platform;
    }

    /// Notes what the caller said beside its message, and a purpose that the hub knows.
    pub(crate) fn says(&mut self, metadata: &Metadata, known_purpose: Option<&Purpose>) {
        self.sealed.purpose = known_purpose.map(ToString::to_string).unwrap_or_default();
        self.sealed.procedure = metadata.procedure.clone().unwrap_or_default();
        self.metadata = metadata.clone();
    }

    /// Who serves what is called, once that is known.
    pub(crate) fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Who calls.
    pub(crate) fn application(&self) -> &str {
        &self.sealed.application
    }

    /// How long it has taken until a moment, unless it is one of the hub's own: some of these are followed for hours.
    pub(crate) fn took_us(&self, now_us: i64) -> Option<i64> {
        (!self.sealed.platform).then(|| now_us - self.times.admitted_us)
    }

    /// Notes until when the exchange may last (Unix µs).
    pub fn ends_by(&mut self, deadline_us: i64) {
        self.sealed.deadline_us = deadline_us;
    }

    /// Notes the decision to let the exchange through.
    pub fn permitted(&mut self, permit: &Permit) {
        self.sealed.decision = Decision::Granted.into();
        self.sealed.registry_revision = permit.revision;
        if let Some(grant) = &permit.grant {
            self.sealed.agreement = grant.agreement.to_string();
            self.sealed.agreement_version = grant.version;
            self.sealed.legal_basis = grant.legal_basis.to_string();
        }
        self.fields =
            permit.grant.as_ref().map_or_else(|| permit.fields().into(), |grant| grant.fields.clone());
    }

    /// The field paths that may leave.
    pub fn fields(&self) -> &Arc<[String]> {
        &self.fields
    }

    /// Notes the request as received.
    pub fn received(&mut self, request: &[u8]) {
        let salt = Salt::random();
        self.sealed.request_bytes = request.len() as u64;
        self.sealed.request_sha256 = salt.digest(request);
        self.request_salt = Some(salt);
    }

    /// Notes whom the request asks about.
    pub fn asks_about(&mut self, subjects: Vec<SubjectRef>) {
        self.asked = subjects;
    }

    /// Whom the request asks about.
    pub fn asked(&self) -> &[SubjectRef] {
        &self.asked
    }

    /// Notes the way over Kafka so far.
    pub fn travelled(&mut self, trace: ReplyTrace) {
        self.sealed.request_position = trace.request_position;
        self.sealed.reply_position = trace.reply_position;
        self.sealed.adapter = trace.adapter;
        self.sealed.adapter_version = trace.version;
        self.sealed.sent_us = trace.sent_us;
        self.sealed.taken_up_us = trace.taken_up_us;
        self.sealed.answered_us = trace.answered_us;
        if trace.answered_us != 0 {
            self.times.heard();
        }
    }

    /// Notes how long it took until the final entry was durable.
    pub(crate) fn entered_after(&mut self, took: Duration) {
        self.times.entered = Some(took);
    }

    /// When the exchange was where, as far as it came.
    pub(crate) fn times(&self) -> Times {
        let Sealed { sent_us, taken_up_us, answered_us, .. } = self.sealed;
        Times { sent_us, taken_up_us, answered_us, ..self.times }
    }

    /// The entry that opens a stream.
    pub fn opening(&self, book: &Book) -> Numbered {
        let mut sealed = self.sealed.clone();
        sealed.phase = Phase::Opening.into();
        sealed.fields_released = self.fields.to_vec();
        book.seal(self.exchange, book.number(), sealed, self.erasable(), &self.asked)
    }

    /// The entry of a part of a stream, by its number from 1. `subjects` are those whose data is in it.
    pub fn part(&self, book: &Book, part: u32, released: &Tally, subjects: &[SubjectRef]) -> Numbered {
        let mut sealed = self.sealed.clone();
        sealed.phase = Phase::Part.into();
        sealed.part = part;
        let mut erasable = Erasable::default();
        self.release(&mut sealed, &mut erasable, released);
        book.seal(self.exchange, book.number(), sealed, erasable, subjects)
    }

    /// The final entry of an exchange that is served. `subjects` are those whose data leaves and whom it asked about.
    pub fn served(&mut self, book: &Book, released: &Tally, subjects: &[SubjectRef]) -> Numbered {
        let mut sealed = self.sealed.clone();
        sealed.outcome = Outcome::Served.into();
        let mut erasable = self.erasable();
        self.release(&mut sealed, &mut erasable, released);
        self.conclude(book, sealed, erasable, subjects)
    }

    /// The final entry of an exchange that failed; a stream may have released something before.
    pub fn failed(&mut self, book: &Book, fault: &Fault, released: &Tally) -> Numbered {
        let mut sealed = self.sealed.clone();
        sealed.outcome = fault.outcome().into();
        sealed.code = fault.code() as i32;
        sealed.failed_hop = fault.hop().into();
        sealed.reason = fault.reason().name().to_owned();
        let mut erasable = self.erasable();
        if released.messages > 0 {
            self.release(&mut sealed, &mut erasable, released);
        }
        let asked = self.asked.clone();
        self.conclude(book, sealed, erasable, &asked)
    }

    /// Notes that the final entry is durable, or left to be made so. There is no second one.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Whether there is a final entry.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// A final entry that takes the place of one that may not have become durable has its number, so that the
    /// sequence has no gap; should both be there, the ledger takes the first.
    fn conclude(
        &mut self,
        book: &Book,
        mut sealed: Sealed,
        erasable: Erasable,
        subjects: &[SubjectRef],
    ) -> Numbered {
        sealed.phase = Phase::Final.into();
        let number = *self.final_number.get_or_insert_with(|| book.number());
        book.seal(self.exchange, number, sealed, erasable, subjects)
    }

    fn release(&self, sealed: &mut Sealed, erasable: &mut Erasable, released: &Tally) {
        sealed.fields_released = self.fields.to_vec();
        sealed.record_count = released.messages;
        sealed.answer_bytes = released.bytes;
        sealed.answer_sha256 = released.hasher.clone().finish();
        erasable.answer_salt = released.salt.bytes();
    }

    fn erasable(&self) -> Erasable {
        let salted_value = |value: &Option<String>| value.as_deref().and_then(salted);
        Erasable {
            officer: salted_value(&self.metadata.officer),
            unit: salted_value(&self.metadata.unit),
            dossier: salted_value(&self.metadata.dossier),
            request_id: salted_value(&self.metadata.request_id),
            request_salt: self.request_salt.map(Salt::bytes).unwrap_or_default(),
            ..Erasable::default()
        }
    }
}
