//! A slow filter: it takes a message apart, asks the mask about every field by its name, and puts the message together again.

use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::contracts::Granted;

/// Deepest nesting, as decoders have it.
const MOST_DEPTH: u32 = 100;

/// A field as it lies on the wire.
struct Field<'a> {
    number: u32,
    wire: u8,
    tag: &'a [u8],
    /// Its value, with the length of one that has a length.
    value: &'a [u8],
    /// Its value without the length.
    content: &'a [u8],
}

/// What leaves of a message, and the subjects in it; `None` if it is malformed.
pub(super) fn filtered(
    message: &MessageDescriptor,
    granted: &Granted<'_>,
    input: &[u8],
) -> Option<(Vec<u8>, BTreeSet<String>)> {
    let mut subjects = BTreeSet::new();
    let out = part(message, granted, input, 0, &mut subjects)?;
    Some((out, subjects))
}

fn part(
    message: &MessageDescriptor,
    granted: &Granted<'_>,
    input: &[u8],
    depth: u32,
    subjects: &mut BTreeSet<String>,
) -> Option<Vec<u8>> {
    if depth > MOST_DEPTH {
        return None;
    }
    let mut out = Vec::new();
    for field in fields(input, depth)? {
        let Some(known) = message.get_field(field.number) else { continue };
        // A map's key goes with whatever of its value is granted.
        let is_key = message.is_map_entry() && known.number() == 1;
        let granted =
            if is_key || message.is_map_entry() { Some(granted.clone()) } else { granted.of(known.name()) };
        let Some(granted) = granted else { continue };
        if !fits(&known, &field)? {
            continue;
        }
        out.extend_from_slice(field.tag);
        match known.kind() {
            Kind::Message(inner) => {
                let kept = part(&inner, &granted, field.content, depth + 1, subjects)?;
                prost::encoding::encode_varint(kept.len() as u64, &mut out);
                out.extend(kept);
            }
            _ => out.extend_from_slice(field.value),
        }
        if lgsp_proto::options::field(&known).subject != 0 && field.wire == 2 {
            subjects.insert(String::from_utf8(field.content.to_vec()).ok()?);
        }
    }
    subjects.remove("");
    Some(out)
}

/// Whether every field lies as the contract says, and once if it is no list. Whoever writes one twice, or two members of a oneof,
/// sends more than what is left of it when it is decoded; and prost-reflect takes anything for the entry of a map.
pub(super) fn is_plain(message: &MessageDescriptor, input: &[u8]) -> bool {
    let mut seen = BTreeSet::new();
    fields(input, 0).into_iter().flatten().all(|field| {
        let Some(known) = message.get_field(field.number) else { return true };
        let place =
            known.containing_oneof().and_then(|oneof| oneof.fields().map(|field| field.number()).min());
        let inner_is_plain = known.kind().as_message().is_none_or(|inner| is_plain(inner, field.content));
        inner_is_plain
            && fits(&known, &field) == Some(true)
            && (known.is_list() || seen.insert(place.unwrap_or(field.number)))
    })
}

/// Whether the value lies as the contract says; `None` if it does not hold together.
fn fits(known: &FieldDescriptor, field: &Field<'_>) -> Option<bool> {
    let (own, width) = match known.kind() {
        Kind::Message(_) | Kind::String | Kind::Bytes => return Some(field.wire == 2),
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => (1, 8),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => (5, 4),
        _ => (0, 0),
    };
    if field.wire != 2 || !known.is_list() {
        return Some(field.wire == own);
    }
    let mut rest = field.content;
    while !rest.is_empty() {
        match width {
            0 => drop(varint(&mut rest)?),
            width => drop(take(&mut rest, width)?),
        }
    }
    Some(true)
}

fn fields(mut input: &[u8], depth: u32) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !input.is_empty() {
        fields.push(next(&mut input, depth)?);
    }
    // A group may only end inside itself.
    fields.iter().all(|field| field.wire != 4).then_some(fields)
}

fn next<'a>(input: &mut &'a [u8], depth: u32) -> Option<Field<'a>> {
    let begin = *input;
    let key = varint(input)?;
    let (number, wire) = (key >> 3, (key & 7) as u8);
    if !(1..=0x1fff_ffff).contains(&number) {
        return None;
    }
    let (number, tag) = (number as u32, &begin[..begin.len() - input.len()]);
    let value = *input;
    let content = match wire {
        0 => varint(input).map(|_| &[][..])?,
        1 => take(input, 8)?,
        2 => {
            let length = usize::try_from(varint(input)?).ok()?;
            take(input, length)?
        }
        3 => group(input, number, depth + 1).map(|()| &[][..])?,
        4 => &[],
        5 => take(input, 4)?,
        _ => return None,
    };
    Some(Field { number, wire, tag, value: &value[..value.len() - input.len()], content })
}

fn group(input: &mut &[u8], number: u32, depth: u32) -> Option<()> {
    if depth > MOST_DEPTH {
        return None;
    }
    loop {
        let inner = next(input, depth)?;
        if inner.wire == 4 {
            return (inner.number == number).then_some(());
        }
    }
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

fn varint(input: &mut &[u8]) -> Option<u64> {
    let mut value: u128 = 0;
    for index in 0..10 {
        let byte = take(input, 1)?[0];
        value |= u128::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return u64::try_from(value).ok();
        }
    }
    None
}
