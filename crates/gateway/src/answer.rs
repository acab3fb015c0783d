//! The answer of a provider, and what of it may leave.

use bytes::Bytes;
use lgsp_bus::{Reply, ReplyPart};
use lgsp_core::entry::SubjectRef;
use lgsp_core::{Fault, Plan, Reason};

use crate::entry::Tally;
use crate::filter::{self, Subjects};
use crate::frame;

/// What of an answer may leave, framed, and what its entry says of it.
pub(crate) struct Filtered {
    pub(crate) framed: Bytes,
    pub(crate) tally: Tally,
    pub(crate) subjects: Vec<SubjectRef>,
}

/// Waits for the only message of an answer. A status that comes after it beats it.
pub(crate) async fn only(reply: &mut Reply, largest: usize) -> Result<Bytes, Fault> {
    let message = match reply.next().await {
        ReplyPart::Message(message) => within(message, largest)?,
        ReplyPart::End => return Err(Fault::new(Reason::AdapterFailed).because("the answer has no message")),
        ReplyPart::Failed(fault) => return Err(fault),
    };
    match reply.next().await {
        ReplyPart::End => Ok(message),
        ReplyPart::Message(_) => {
            Err(Fault::new(Reason::AdapterFailed).because("the answer has two messages"))
        }
        ReplyPart::Failed(fault) => Err(fault),
    }
}

/// Holds a message against the bound.
pub(crate) fn within(message: Bytes, largest: usize) -> Result<Bytes, Fault> {
    if message.len() > largest { Err(Reason::AnswerTooLarge.into()) } else { Ok(message) }
}

/// Filters an answer of one message.
pub(crate) fn filtered(plan: &Plan, message: &[u8], asked: &[SubjectRef]) -> Result<Filtered, Fault> {
    let mut subjects = Subjects::asked(asked.to_vec());
    let mut framed = Vec::with_capacity(message.len() + frame::PREFIX);
    let at = append(plan, message, &mut framed, &mut subjects)?;
    if framed.len() < framed.capacity() / 2 {
        // What waits to be read is counted by its length, and must not hold the memory of what was dropped.
        framed.shrink_to_fit();
    }
    let mut tally = Tally::new();
    tally.add(&framed[at..]);
    Ok(Filtered { framed: framed.into(), tally, subjects: subjects.to_refs() })
}

/// Appends what of a message may leave, framed; returns where its own bytes begin.
pub(crate) fn append(
    plan: &Plan,
    message: &[u8],
    out: &mut Vec<u8>,
    subjects: &mut Subjects,
) -> Result<usize, Fault> {
    let at = frame::begin(out);
    filter::filter(plan, message, out, subjects).map_err(|error| match error {
        filter::Error::Malformed => Fault::new(Reason::AdapterFailed).because(error),
        filter::Error::TooManySubjects => Fault::new(Reason::AnswerTooLarge).because(error),
    })?;
    frame::end(out, at);
    Ok(at + frame::PREFIX)
}
