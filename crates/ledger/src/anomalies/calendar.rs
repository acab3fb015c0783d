//! When offices work: hours, days of the week, and public holidays, in Asia/Ho_Chi_Minh.

use std::fmt;
use std::ops::Range;

use lgsp_core::indicators::{day_begin_us, day_of};
use lgsp_runtime::config::{self, Problems, Row, row};
use serde::{Deserialize, Serialize};

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;
/// Two years of them, and the days in lieu.
const MOST_HOLIDAYS: usize = 200;

/// When offices work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calendar {
    /// From when on a working day.
    pub opens: Time,
    /// Until when.
    pub closes: Time,
    /// The working days of a week.
    pub days: Vec<Weekday>,
    /// Days on which nobody works.
    pub holidays: Vec<Holiday>,
}

/// A time of the day, in minutes from midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(u16);

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A holiday: `MM-DD` of every year, or `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Holiday(String);

/// Those of a fixed date (Bộ luật Lao động 2019, Article 112).
const EVERY_YEAR: [&str; 4] = ["01-01", "04-30", "05-01", "09-02"];
/// Those of the lunar calendar: Tết from its eve to the fourth day, and the day of the Hùng kings.
const LUNAR: [&str; 12] = [
    "2026-02-16",
    "2026-02-17",
    "2026-02-18",
    "2026-02-19",
    "2026-02-20",
    "2026-04-26",
    "2027-02-05",
    "2027-02-06",
    "2027-02-07",
    "2027-02-08",
    "2027-02-09",
    "2027-04-16",
];

impl Default for Calendar {
    fn default() -> Self {
        use Weekday::{Fri, Mon, Thu, Tue, Wed};
        Self {
            opens: Time(7 * 60),
            closes: Time(17 * 60 + 30),
            days: vec![Mon, Tue, Wed, Thu, Fri],
            holidays: EVERY_YEAR.iter().chain(&LUNAR).map(|day| Holiday((*day).to_owned())).collect(),
        }
    }
}

impl Calendar {
    /// Whether a day, by its number, is a holiday.
    pub(crate) fn is_holiday(&self, day: i64) -> bool {
        let date = day_of(day);
        self.holidays
            .iter()
            .any(|holiday| date == holiday.0 || date.get(5..).is_some_and(|date| date == holiday.0))
    }

    /// When nobody works on a day, by its number (Unix µs).
    pub(crate) fn closed(&self, day: i64) -> Vec<Range<i64>> {
        let whole = day_begin_us(day)..day_begin_us(day + 1);
        if !self.days.contains(&weekday(day)) || self.is_holiday(day) {
            return vec![whole];
        }
        let at = |time: Time| whole.start + i64::from(time.0) * MINUTE;
        let stretches = [whole.start..at(self.opens), at(self.closes)..whole.end];
        stretches.into_iter().filter(|stretch| !stretch.is_empty()).collect()
    }
}

fn weekday(day: i64) -> Weekday {
    // Day 0 was a Thursday.
    match (day + 3).rem_euclid(7) {
        0 => Weekday::Mon,
        1 => Weekday::Tue,
        2 => Weekday::Wed,
        3 => Weekday::Thu,
        4 => Weekday::Fri,
        5 => Weekday::Sat,
        _ => Weekday::Sun,
    }
}

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = || {
            let (hours, minutes) = text.split_once(':').filter(|_| text.len() == 5)?;
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            let time = hours * 60 + minutes;
            (hours <= 24 && minutes < 60 && time <= 24 * 60).then_some(Self(time))
        };
        read().ok_or_else(|| format!("\"{text}\" is no time such as 07:00"))
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl TryFrom<String> for Holiday {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let of_digits =
            |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month, day) = match parts[..] {
            // Of a leap year, so that every date is one.
            [month, day] => ("2024", month, day),
            [year, month, day] => (year, month, day),
            _ => ("", "", ""),
        };
        let is_date = of_digits(year, 4)
            && of_digits(month, 2)
            && of_digits(day, 2)
            && format!("{year}-{month}-{day}").parse::<lgsp_core::indicators::Period>().is_ok();
        if is_date {
            Ok(Self(text))
        } else {
            Err(format!("\"{text}\" is no day such as 09-02 or 2027-02-06"))
        }
    }
}

impl From<Holiday> for String {
    fn from(holiday: Holiday) -> Self {
        holiday.0
    }
}

impl config::Options for Calendar {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "opens",
                "a time such as 07:00",
                "From when on offices work on a working day, in Asia/Ho_Chi_Minh.",
            ),
            row("closes", "a time such as 17:30", "Until when they do."),
            row("days", "a list of mon, tue, wed, thu, fri, sat, sun", "The working days of a week."),
            row(
                "holidays",
                "a list of days, MM-DD of every year or YYYY-MM-DD",
                "Public holidays: on them all hours are outside of working hours. Those of the lunar calendar are of 2026 and 2027 here. Each year\nadd its own, and the days in lieu, as they are announced.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        if self.opens >= self.closes {
            problems.add("closes", format!("{} is not after opens", self.closes));
        }
        if self.holidays.len() > MOST_HOLIDAYS {
            problems.add("holidays", format!("are more than {MOST_HOLIDAYS}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::indicators::day_number;

    use super::*;

    /// 2026-06-01, a Monday, at midnight in Viet Nam.
    const MONDAY: i64 = 1_780_246_800_000_000;

    fn closed(day: i64) -> Vec<(i64, i64)> {
        let begin = day_begin_us(day);
        let hours = |range: Range<i64>| ((range.start - begin) / MINUTE, (range.end - begin) / MINUTE);
        Calendar::default().closed(day).into_iter().map(hours).collect()
    }

    #[test]
    fn offices_are_closed_outside_of_their_hours_at_weekends_and_on_holidays() {
        let monday = day_number(MONDAY);
        assert_eq!((day_begin_us(monday), weekday(monday)), (MONDAY, Weekday::Mon));
        assert_eq!(closed(monday), [(0, 7 * 60), (17 * 60 + 30, 24 * 60)]);
        assert_eq!(closed(monday + 4).len(), 2, "Friday");
        for day in [monday + 5, monday + 6] {
            assert_eq!(closed(day), [(0, 24 * 60)], "the weekend");
        }
        let is_holiday = |date: &str| {
            let day = (20_000..21_500).find(|day| day_of(*day) == date).unwrap();
            Calendar::default().is_holiday(day)
        };
        for holiday in ["2025-09-02", "2026-09-02", "2026-02-17", "2027-02-06", "2027-04-16"] {
            assert!(is_holiday(holiday), "{holiday}");
        }
        for other in ["2025-02-17", "2026-02-15", "2026-02-21", "2026-09-01"] {
            assert!(!is_holiday(other), "{other}");
        }
    }

    #[test]
    fn a_time_and_a_holiday_are_read_as_they_are_written_and_nothing_else_is_one() {
        for good in ["00:00", "07:30", "24:00"] {
            assert_eq!(String::from(Time::try_from(good.to_owned()).unwrap()), good);
        }
        for bad in ["7:00", "24:01", "12:60", "1200", "", "ab:cd"] {
            assert!(Time::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        for good in ["02-29", "09-02", "2027-02-06"] {
            assert_eq!(String::from(Holiday::try_from(good.to_owned()).unwrap()), good);
        }
        for bad in ["2027-02-29", "13-01", "9-2", "2027-2-6", "", "02"] {
            assert!(Holiday::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
