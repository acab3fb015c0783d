//! Working days, in Asia/Ho_Chi_Minh.

use std::collections::BTreeSet;

use lgsp_core::time::day;
use time::format_description::BorrowedFormatItem;
use time::macros::{format_description, offset};
use time::{Date, Weekday};

const FORM: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// Most holidays that are known: those of some twenty years.
pub(crate) const MOST: usize = 400;

/// The public holidays. Saturdays and Sundays need not be named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holidays(BTreeSet<Date>);

impl Holidays {
    /// Of dates such as `2026-09-02`; what is no date is left out, for the options are checked before.
    pub fn of(dates: &[String]) -> Self {
        Self(dates.iter().filter_map(|text| date(text)).collect())
    }

    /// The moment (Unix µs) just before which something is due that may take so many working days: the day on which it was asked
    /// does not count, the last one counts as a whole.
    pub fn due(&self, asked: i64, working_days: u32) -> i64 {
        let Some(mut at) = date(&day(asked)) else { return i64::MAX };
        let mut left = working_days;
        while left > 0 {
            let Some(next) = at.next_day() else { return i64::MAX };
            at = next;
            left -= u32::from(self.is_working(at));
        }
        let Some(after) = at.next_day() else { return i64::MAX };
        let midnight = after.midnight().assume_offset(offset!(+7));
        midnight.unix_timestamp().saturating_mul(1_000_000)
    }

    fn is_working(&self, date: Date) -> bool {
        !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.0.contains(&date)
    }
}

/// The date of its written form.
pub(crate) fn date(text: &str) -> Option<Date> {
    Date::parse(text, FORM).ok()
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::{system_time, unix_micros};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn check(asked: &str, holidays: &[&str], expect: &str) {
        let asked = OffsetDateTime::parse(asked, &Rfc3339).unwrap();
        let holidays: Vec<String> = holidays.iter().map(|date| (*date).to_owned()).collect();
        let due = Holidays::of(&holidays).due(unix_micros(asked.into()), 2);
        let due = OffsetDateTime::from(system_time(due)).to_offset(offset!(+7));
        assert_eq!(due.format(&Rfc3339).unwrap(), expect, "{asked}");
    }

    #[test]
    fn the_day_of_asking_weekends_and_holidays_do_not_count() {
        // A Monday: Tuesday and Wednesday.
        check("2026-11-23T08:00:00+07:00", &[], "2026-11-26T00:00:00+07:00");
        // A Friday: Monday and Tuesday.
        check("2026-11-27T16:59:00+07:00", &[], "2026-12-02T00:00:00+07:00");
        // Still Friday in UTC, and Saturday here.
        check("2026-11-27T18:00:00Z", &[], "2026-12-02T00:00:00+07:00");
        // Before the 30th of April and the 1st of May of 2026, a Thursday and a Friday.
        check("2026-04-28T09:00:00+07:00", &["2026-04-30", "2026-05-01"], "2026-05-05T00:00:00+07:00");
    }
}
