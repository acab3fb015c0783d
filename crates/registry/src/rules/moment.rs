//! The moments of agreements and keys.

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};
use toml::value::{Datetime, Offset};

/// What a moment accepts.
pub(crate) const ACCEPTED: &str = "a date such as 2026-01-31, which begins at midnight in Asia/Ho_Chi_Minh, or a date and time with its offset";

/// Viet Nam has kept UTC+7 without daylight saving since 1975.
const HO_CHI_MINH_MINUTES: i16 = 7 * 60;

/// Unix µs of a moment; `None` for a time without its date or offset.
pub(crate) fn micros(moment: &Datetime) -> Option<i64> {
    let date = moment.date?;
    let date =
        Date::from_calendar_date(i32::from(date.year), Month::try_from(date.month).ok()?, date.day).ok()?;
    let (time, minutes) = match (moment.time, moment.offset) {
        (None, _) => (Time::MIDNIGHT, HO_CHI_MINH_MINUTES),
        (Some(time), Some(offset)) => {
            let second = time.second.unwrap_or(0);
            let time =
                Time::from_hms_nano(time.hour, time.minute, second, time.nanosecond.unwrap_or(0)).ok()?;
            (time, minutes_of(offset))
        }
        (Some(_), None) => return None,
    };
    let offset = UtcOffset::from_whole_seconds(i32::from(minutes) * 60).ok()?;
    let at = OffsetDateTime::new_in_offset(date, time, offset);
    i64::try_from(at.unix_timestamp_nanos() / 1_000).ok()
}

/// A moment as it is written: the day that begins then in Asia/Ho_Chi_Minh, or with its time there. `None`: before or after any date.
pub(crate) fn text(micros: i64) -> Option<String> {
    let offset = UtcOffset::from_whole_seconds(i32::from(HO_CHI_MINH_MINUTES) * 60).ok()?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()?.to_offset(offset);
    if at.time() == Time::MIDNIGHT {
        return Some(at.date().to_string());
    }
    at.format(&Rfc3339).ok()
}

fn minutes_of(offset: Offset) -> i16 {
    match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => minutes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<i64>) {
        let moment: Datetime = text.parse().unwrap();
        assert_eq!(micros(&moment), expect, "{text}");
    }

    #[test]
    fn a_day_begins_at_midnight_in_ho_chi_minh_city() {
        check("2026-06-01", Some(1_780_246_800_000_000));
        check("2026-05-31T17:00:00Z", Some(1_780_246_800_000_000));
        check("2026-06-01T00:00:00+07:00", Some(1_780_246_800_000_000));
    }

    #[test]
    fn a_time_without_its_offset_or_date_is_no_moment() {
        check("2026-06-01T00:00:00", None);
        check("00:00:00", None);
    }

    #[test]
    fn what_is_written_is_read_as_the_same_moment() {
        assert_eq!(text(1_780_246_800_000_000).as_deref(), Some("2026-06-01"));
        assert_eq!(text(1_780_246_801_000_000).as_deref(), Some("2026-06-01T00:00:01+07:00"));
        for at in [0, 1, 1_780_246_799_999_999, 1_780_246_800_000_001] {
            check(&text(at).unwrap(), Some(at));
        }
    }
}
