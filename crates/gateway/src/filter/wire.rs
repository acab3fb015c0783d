//! Reads the protobuf wire format without knowing a message.

/// The bytes are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a protobuf message")]
pub struct Malformed;

/// Deepest nesting of messages and groups; protobuf's own decoders stop there too.
pub(super) const MOST_DEPTH: u32 = 100;

const LARGEST_FIELD_NUMBER: u64 = (1 << 29) - 1;

/// How a field's value lies on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Varint,
    Fixed64,
    Length,
    Group,
    GroupEnd,
    Fixed32,
}

/// Reads a varint at `at` and moves behind it.
#[inline]
pub(super) fn varint(input: &[u8], at: &mut usize) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for shift in 0..10 {
        let byte = *input.get(*at).ok_or(Malformed)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << (shift * 7);
        if byte < 0x80 {
            // The tenth byte has room for one bit.
            return if shift == 9 && byte > 1 { Err(Malformed) } else { Ok(value) };
        }
    }
    Err(Malformed)
}

/// Reads a field's number and wire type at `at` and moves behind them.
#[inline]
pub(super) fn tag(input: &[u8], at: &mut usize) -> Result<(u32, Wire), Malformed> {
    let tag = varint(input, at)?;
    let number = tag >> 3;
    if number == 0 || number > LARGEST_FIELD_NUMBER {
        return Err(Malformed);
    }
    let wire = match tag & 7 {
        0 => Wire::Varint,
        1 => Wire::Fixed64,
        2 => Wire::Length,
        3 => Wire::Group,
        4 => Wire::GroupEnd,
        5 => Wire::Fixed32,
        _ => return Err(Malformed),
    };
    Ok((number as u32, wire))
}

/// Moves `at` behind the value of a field and returns the content of a length-delimited one.
#[inline]
pub(super) fn value<'a>(
    input: &'a [u8],
    at: &mut usize,
    number: u32,
    wire: Wire,
    depth: u32,
) -> Result<&'a [u8], Malformed> {
    match wire {
        Wire::Varint => varint(input, at).map(|_| Default::default()),
        Wire::Fixed64 => take(input, at, 8),
        Wire::Fixed32 => take(input, at, 4),
        Wire::Length => {
            let length = usize::try_from(varint(input, at)?).map_err(|_| Malformed)?;
            take(input, at, length)
        }
        Wire::Group => group(input, at, number, depth + 1).map(|()| Default::default()),
        Wire::GroupEnd => Err(Malformed),
    }
}

/// Checks the content of a packed field of varints.
pub(super) fn packed_varints(content: &[u8]) -> Result<(), Malformed> {
    let mut at = 0;
    while at < content.len() {
        varint(content, &mut at)?;
    }
    Ok(())
}

/// Bytes that a varint takes.
#[inline]
pub(super) fn varint_width(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Writes a varint into exactly as many bytes as [`varint_width`] tells.
#[inline]
pub(super) fn put_varint(out: &mut [u8], mut value: usize) {
    let last = out.len() - 1;
    for byte in &mut out[..last] {
        *byte = (value & 0x7f) as u8 | 0x80;
        value >>= 7;
    }
    out[last] = value as u8;
}

#[inline]
fn take<'a>(input: &'a [u8], at: &mut usize, length: usize) -> Result<&'a [u8], Malformed> {
    let end = at.checked_add(length).ok_or(Malformed)?;
    let taken = input.get(*at..end).ok_or(Malformed)?;
    *at = end;
    Ok(taken)
}

/// Moves behind the end of a group whose start was read.
fn group(input: &[u8], at: &mut usize, number: u32, depth: u32) -> Result<(), Malformed> {
    if depth > MOST_DEPTH {
        return Err(Malformed);
    }
    loop {
        let (inner, wire) = tag(input, at)?;
        if wire == Wire::GroupEnd {
            return if inner == number { Ok(()) } else { Err(Malformed) };
        }
        value(input, at, inner, wire, depth)?;
    }
}
