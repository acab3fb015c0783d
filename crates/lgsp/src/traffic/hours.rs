//! When the city is at work: office hours in Asia/Ho_Chi_Minh (assumed), as they are, compressed, or ignored.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use time::macros::offset;
use time::{OffsetDateTime, UtcOffset, Weekday};

/// Viet Nam has kept UTC+7 without daylight saving since 1975.
const HO_CHI_MINH: UtcOffset = offset!(+7);

const MINUTES_OF_DAY: u16 = 24 * 60;

/// When counters are open on a working day, in minutes from midnight.
const OPEN: [Range<u16>; 2] = [7 * 60..11 * 60 + 30, 13 * 60..17 * 60];

/// When people are awake.
const AWAKE: Range<u16> = 6 * 60..22 * 60;

/// Of 1,000 exchanges of office hours: in the evening, at noon and at the weekend; and at night.
const LEISURE: u32 = 250;
const NIGHT: u32 = 30;

/// By which clock the city works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// By the clock of Viet Nam.
    Office,
    /// Day and night alike.
    Always,
    /// A day lasts so long and begins at seven; every day is a working day.
    Day(Duration),
}

/// How busy the city is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busyness {
    /// Of 1,000 exchanges at the busiest time.
    pub per_mille: u32,
    /// Officers are at work.
    pub counters_open: bool,
}

impl Hours {
    /// A compressed day is no shorter, so that its hours can be told apart.
    pub const SHORTEST_DAY: Duration = Duration::from_secs(60);

    /// How busy the city is now, so long after the traffic began.
    pub fn at(self, now: SystemTime, since_start: Duration) -> Busyness {
        match self {
            Self::Always => Busyness { per_mille: 1_000, counters_open: true },
            Self::Office => {
                let local = OffsetDateTime::from(now).to_offset(HO_CHI_MINH);
                let minute = u16::from(local.hour()) * 60 + u16::from(local.minute());
                busyness(is_working_day(local.weekday()), minute)
            }
            Self::Day(length) => busyness(true, compressed_minute(length, since_start)),
        }
    }
}

/// The minute of a compressed day, whose first begins when the counters open.
fn compressed_minute(length: Duration, since_start: Duration) -> u16 {
    let minutes = since_start.as_millis() * u128::from(MINUTES_OF_DAY) / length.as_millis().max(1);
    let minute = (minutes + u128::from(OPEN[0].start)) % u128::from(MINUTES_OF_DAY);
    // Less than a day of minutes, so it fits.
    minute as u16
}

fn is_working_day(day: Weekday) -> bool {
    match day {
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => true,
        Weekday::Saturday | Weekday::Sunday => false,
    }
}

fn busyness(working_day: bool, minute: u16) -> Busyness {
    let counters_open = working_day && OPEN.iter().any(|hours| hours.contains(&minute));
    let per_mille = match (counters_open, AWAKE.contains(&minute)) {
        (true, _) => 1_000,
        (false, true) => LEISURE,
        (false, false) => NIGHT,
    };
    Busyness { per_mille, counters_open }
}

impl fmt::Display for Hours {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Office => out.write_str("in office hours, fewer at other times"),
            Self::Always => out.write_str("day and night"),
            Self::Day(length) => write!(out, "in office hours of a day of {} s", length.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::system_time;

    use super::*;

    /// 2026-06-01, a Monday, at midnight in Viet Nam, in Unix seconds.
    const MONDAY: i64 = 1_780_246_800;

    fn check(day: i64, hour: i64, minute: i64, per_mille: u32, counters_open: bool) {
        let now = system_time((MONDAY + day * 86_400 + hour * 3_600 + minute * 60) * 1_000_000);
        let expected = Busyness { per_mille, counters_open };
        assert_eq!(Hours::Office.at(now, Duration::ZERO), expected, "day {day}, {hour}:{minute}");
    }

    #[test]
    fn counters_open_on_working_days_and_close_for_lunch() {
        check(0, 6, 59, LEISURE, false);
        check(0, 7, 0, 1_000, true);
        check(0, 11, 30, LEISURE, false);
        check(4, 13, 0, 1_000, true);
        check(4, 17, 0, LEISURE, false);
        check(4, 22, 0, NIGHT, false);
        check(5, 9, 0, LEISURE, false);
        check(6, 3, 0, NIGHT, false);
    }

    #[test]
    fn a_compressed_day_begins_at_seven_and_has_all_hours() {
        let day = Hours::Day(Duration::from_secs(1_440));
        let open_at = |seconds| day.at(SystemTime::UNIX_EPOCH, Duration::from_secs(seconds)).counters_open;
        assert!(open_at(0), "seven o'clock");
        assert!(!open_at(5 * 60), "noon");
        assert!(open_at(6 * 60) && !open_at(10 * 60), "the afternoon, and its end");
        assert!(open_at(24 * 60 + 1), "the next day");
    }
}
