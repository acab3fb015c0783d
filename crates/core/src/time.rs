//! Moments and days as the hub counts them: Unix microseconds, and the days of Asia/Ho_Chi_Minh.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime, UtcOffset};

/// Viet Nam has kept UTC+7 without daylight saving since 1975.
const HO_CHI_MINH_HOURS: i8 = 7;

/// Unix µs of a protobuf timestamp; saturates.
pub fn micros(timestamp: &prost_types::Timestamp) -> i64 {
    timestamp.seconds.saturating_mul(1_000_000).saturating_add(i64::from(timestamp.nanos / 1_000))
}

/// The protobuf timestamp of Unix µs.
pub fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = (micros.rem_euclid(1_000_000) * 1_000) as i32;
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Unix µs of a system time.
pub fn unix_micros(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    }
}

/// The system time of Unix µs.
pub fn system_time(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
}

/// The month of a moment in Asia/Ho_Chi_Minh, as `YYYY-MM`. Subject keys are named so.
pub fn month(micros: i64) -> String {
    let local = local(micros);
    format!("{:04}-{:02}", local.year(), u8::from(local.month()))
}

/// The day of a moment in Asia/Ho_Chi_Minh, as `YYYY-MM-DD`. Daily quotas are counted so.
pub fn day(micros: i64) -> String {
    let local = local(micros);
    format!("{:04}-{:02}-{:02}", local.year(), u8::from(local.month()), local.day())
}

/// The beginning of the day in Asia/Ho_Chi_Minh, so many months before that of a moment (Unix µs); of the month's last day where it has
/// no such day.
pub fn months_before(micros: i64, months: u32) -> i64 {
    let today = local(micros).date();
    let total = i64::from(today.year()) * 12 + i64::from(u8::from(today.month())) - 1 - i64::from(months);
    let year = i32::try_from(total.div_euclid(12)).unwrap_or(0);
    let month = u8::try_from(total.rem_euclid(12) + 1).ok().and_then(|month| Month::try_from(month).ok());
    let month = month.unwrap_or(Month::January);
    let day = today.day().min(month.length(year));
    let midnight = Date::from_calendar_date(year, month, day).map_or(OffsetDateTime::UNIX_EPOCH, |date| {
        date.midnight().assume_offset(UtcOffset::from_hms(HO_CHI_MINH_HOURS, 0, 0).unwrap_or(UtcOffset::UTC))
    });
    midnight.unix_timestamp().saturating_mul(1_000_000)
}

/// How long it is from a moment to the next midnight in Asia/Ho_Chi_Minh, in whole seconds: at least one.
pub fn until_tomorrow(micros: i64) -> Duration {
    const DAY: i64 = 86_400;
    let ahead = i64::from(HO_CHI_MINH_HOURS) * 3_600;
    let second_of_day = (micros.div_euclid(1_000_000) + ahead).rem_euclid(DAY);
    Duration::from_secs((DAY - second_of_day).unsigned_abs())
}

const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// A moment as HTTP writes it (RFC 9110): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(micros: i64) -> String {
    let utc = OffsetDateTime::from_unix_timestamp(micros.div_euclid(1_000_000));
    utc.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(HTTP_DATE).unwrap_or_default()
}

/// A moment as RFC 3339 writes it, in UTC and whole seconds: `2026-05-31T17:00:00Z`.
pub fn rfc3339(micros: i64) -> String {
    let utc = OffsetDateTime::from_unix_timestamp(micros.div_euclid(1_000_000));
    utc.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(&Rfc3339).unwrap_or_default()
}

fn local(micros: i64) -> OffsetDateTime {
    let offset = UtcOffset::from_hms(HO_CHI_MINH_HOURS, 0, 0).unwrap_or(UtcOffset::UTC);
    let utc = OffsetDateTime::from_unix_timestamp(micros.div_euclid(1_000_000)).ok();
    // The last hours of the year 9999 have no local date.
    let local = utc.and_then(|utc| utc.checked_to_offset(offset));
    local.unwrap_or(OffsetDateTime::UNIX_EPOCH.to_offset(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_in_ho_chi_minh_city() {
        let first_of_june_local = 1_780_246_800_000_000; // 2026-05-31T17:00:00Z
        assert_eq!(month(first_of_june_local), "2026-06");
        assert_eq!(month(first_of_june_local - 1), "2026-05");
        assert_eq!(day(first_of_june_local), "2026-06-01");
    }

    #[test]
    fn months_are_counted_back_to_the_same_day_or_the_last_of_its_month() {
        let midnight = 1_780_246_800_000_000; // 2026-06-01T00:00:00+07:00
        let day_before = |months| day(months_before(midnight, months));
        assert_eq!(months_before(midnight + 1, 0), midnight, "the beginning of the day");
        assert_eq!(
            [day_before(5), day_before(6), day_before(84)],
            ["2026-01-01", "2025-12-01", "2019-06-01"]
        );
        let last_of_may = midnight - 1;
        assert_eq!(day(months_before(last_of_may, 3)), "2026-02-28");
        assert_eq!(day(months_before(last_of_may, 27)), "2024-02-29");
    }

    #[test]
    fn a_day_ends_at_midnight_in_ho_chi_minh_city() {
        let noon = 1_780_290_000_000_000; // 2026-06-01T05:00:00Z
        assert_eq!(until_tomorrow(noon), Duration::from_secs(12 * 3_600));
        assert_eq!(until_tomorrow(noon + 12 * 3_600_000_000), Duration::from_secs(24 * 3_600));
        assert_eq!(until_tomorrow(noon + 12 * 3_600_000_000 - 1), Duration::from_secs(1));
    }

    #[test]
    fn a_date_of_http_is_that_of_its_specification() {
        assert_eq!(http_date(784_111_777_999_999), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_moment_without_a_date_has_that_of_the_epoch() {
        let end_of_9999 = 253_402_300_799_000_000;
        for at in [end_of_9999, i64::MAX, i64::MIN] {
            assert_eq!((day(at).as_str(), month(at).as_str()), ("1970-01-01", "1970-01"), "{at}");
        }
    }

    #[test]
    fn moments_survive_the_round_trip() {
        for at in [0, 1, -1, 1_780_246_800_123_456] {
            assert_eq!(micros(&timestamp(at)), at);
            assert_eq!(unix_micros(system_time(at)), at);
        }
    }
}
