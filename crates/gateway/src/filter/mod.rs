//! Lets only those fields of an answer pass that its [`Plan`] names, on the wire bytes.
//!
//! The walk copies runs of bytes that may leave and patches the lengths of the messages around them. It builds no
//! message, so that it costs a fraction of decoding, and it needs one output buffer, never larger than the answer.
//! The same walk collects the subjects whose data leaves. Fields that the contract does not know are dropped; bytes
//! that are no message are an error, and nothing of them leaves.

mod subjects;
#[cfg(test)]
mod tests;
mod wire;

use lgsp_core::{FieldPlan, Kind, Plan};

pub use subjects::{MOST_SUBJECTS, Subjects};
use wire::{Malformed, Wire};

/// Why an answer cannot be filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no protobuf message.
    #[error("the answer is not a protobuf message")]
    Malformed,
    /// One entry cannot name all whose data would leave.
    #[error("the answer is about more than {MOST_SUBJECTS} subjects")]
    TooManySubjects,
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Appends to `out` what of `message` may leave, and notes whose data it is.
///
/// # Errors
/// The message is malformed or about too many subjects; `out` is then worth nothing.
pub fn filter(plan: &Plan, message: &[u8], out: &mut Vec<u8>, subjects: &mut Subjects) -> Result<(), Error> {
    Walk { plan, out, subjects }.message(Plan::ROOT, message, 0)
}

struct Walk<'a> {
    plan: &'a Plan,
    out: &'a mut Vec<u8>,
    subjects: &'a mut Subjects,
}

/// What becomes of a field.
enum Verdict {
    Keep,
    Drop,
    /// A message that is walked by the node of this index.
    Enter(usize),
}

impl Walk<'_> {
    fn message(&mut self, node: usize, input: &[u8], depth: u32) -> Result<(), Error> {
        if depth > wire::MOST_DEPTH {
            return Err(Error::Malformed);
        }
        let node = self.plan.node(node);
        let mut at = 0;
        // Where the bytes begin that may leave and are not copied yet.
        let mut run = 0;
        while at < input.len() {
            let start = at;
            let (number, wire) = wire::tag(input, &mut at)?;
            let tag_end = at;
            let content = wire::value(input, &mut at, number, wire, depth)?;
            let verdict = match node.field(number) {
                Some(field) => self.judge(field, wire, content)?,
                None => Verdict::Drop,
            };
            match verdict {
                Verdict::Keep => continue,
                Verdict::Drop => self.out.extend_from_slice(&input[run..start]),
                Verdict::Enter(inner) => {
                    self.out.extend_from_slice(&input[run..tag_end]);
                    self.nested(inner, content, depth + 1)?;
                }
            }
            run = at;
        }
        self.out.extend_from_slice(&input[run..]);
        Ok(())
    }

    /// Writes the length of a message and what of it may leave. Nothing grows, so that the length's bytes suffice.
    fn nested(&mut self, node: usize, input: &[u8], depth: u32) -> Result<(), Error> {
        let reserved = wire::varint_width(input.len());
        let length_at = self.out.len();
        self.out.resize(length_at + reserved, 0);
        let content_at = self.out.len();
        self.message(node, input, depth)?;

        let length = self.out.len() - content_at;
        let needed = wire::varint_width(length);
        if needed < reserved {
            self.out.copy_within(content_at.., length_at + needed);
            self.out.truncate(length_at + needed + length);
        }
        wire::put_varint(&mut self.out[length_at..length_at + needed], length);
        Ok(())
    }

    /// A value of another wire type than the contract's is dropped like an unknown field.
    #[inline]
    fn judge(&mut self, field: &FieldPlan, wire: Wire, content: &[u8]) -> Result<Verdict, Error> {
        match (field.kind, wire) {
            (Kind::Message(node), Wire::Length) => return Ok(Verdict::Enter(node)),
            (Kind::Bytes, Wire::Length) => {
                if let Some(kind) = field.subject {
                    self.subjects.note(kind, content)?;
                }
            }
            (Kind::Varint { .. }, Wire::Varint)
            | (Kind::Fixed64 { .. }, Wire::Fixed64)
            | (Kind::Fixed32 { .. }, Wire::Fixed32) => {}
            (Kind::Varint { packable: true }, Wire::Length) => wire::packed_varints(content)?,
            (Kind::Fixed64 { packable: true }, Wire::Length) if !content.len().is_multiple_of(8) => {
                return Err(Error::Malformed);
            }
            (Kind::Fixed32 { packable: true }, Wire::Length) if !content.len().is_multiple_of(4) => {
                return Err(Error::Malformed);
            }
            (Kind::Fixed64 { packable: true } | Kind::Fixed32 { packable: true }, Wire::Length) => {}
            (
                Kind::Message(_)
                | Kind::Bytes
                | Kind::Varint { .. }
                | Kind::Fixed64 { .. }
                | Kind::Fixed32 { .. },
                Wire::Varint | Wire::Fixed64 | Wire::Length | Wire::Group | Wire::GroupEnd | Wire::Fixed32,
            ) => return Ok(Verdict::Drop),
        }
        Ok(Verdict::Keep)
    }
}
