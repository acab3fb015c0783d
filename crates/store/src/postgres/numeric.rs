use crate::row::Cell;

const NEGATIVE: u16 = 0x4000;

/// Reads `NUMERIC`, which PostgreSQL makes of sums of `BIGINT` too: digits to the base of 10,000, the first with the
/// given weight. What is whole and not too great is an integer; all else is real, to the nearest.
pub(super) fn read(raw: &[u8]) -> Option<Cell<'static>> {
    let mut words = raw.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    let count = usize::from(words.next()?);
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let _decimals = words.next()?;
    let digits: Vec<u16> = words.collect();
    let finite = sign == 0 || sign == NEGATIVE;
    if !finite || digits.len() != count || digits.iter().any(|digit| *digit >= 10_000) {
        return None;
    }
    whole(&digits, weight, sign).map(Cell::Integer).or_else(|| nearest(&digits, weight, sign))
}

/// The value, if it is whole and an `i64`.
fn whole(digits: &[u16], weight: i32, sign: u16) -> Option<i64> {
    let before_the_point = usize::try_from(weight + 1).unwrap_or(0);
    if digits.iter().skip(before_the_point).any(|digit| *digit != 0) {
        return None;
    }
    (0..before_the_point).try_fold(0_i64, |sum, position| {
        let digit = i64::from(digits.get(position).copied().unwrap_or(0));
        let signed = if sign == NEGATIVE { -digit } else { digit };
        sum.checked_mul(10_000)?.checked_add(signed)
    })
}

/// Through text, since the parser rounds once where a sum would round for each digit.
fn nearest(digits: &[u16], weight: i32, sign: u16) -> Option<Cell<'static>> {
    let mut text = String::from(if sign == NEGATIVE { "-0" } else { "0" });
    for digit in digits {
        text.push_str(&format!("{digit:04}"));
    }
    let after_the_last = 4 * (weight + 1 - i32::try_from(digits.len()).unwrap_or(i32::MAX / 8));
    text.push_str(&format!("e{after_the_last}"));
    text.parse().ok().map(Cell::Real)
}
