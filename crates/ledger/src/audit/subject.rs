//! Subjects, by whose numbers auditors look: hashed under the key of each month, and then forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use lgsp_core::check::canonical;
use lgsp_core::entry::SubjectKeys;
use lgsp_core::time::month;
use lgsp_core::{Fault, Subject};
use lgsp_proto::ledger::v1::SubjectKey;
use lgsp_proto::options::v1::Format;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::seek::Seek;
use crate::service::invalid;

/// Most months without a key that are told, the latest.
const MOST_UNLINKED: usize = 240;

/// The keys of the months, as they are now. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    keys: Arc<RwLock<Arc<SubjectKeys>>>,
    /// Months whose key a decision has destroyed: one that is still there, or there again, is not used.
    destroyed: watch::Sender<BTreeSet<String>>,
}

/// A subject by its number. It is not kept, and has no `Debug`.
pub(super) struct Asked {
    kind: Subject,
    value: String,
}

/// Where a subject can be looked for in a period.
pub(super) struct Months {
    /// In each month that has a key, the earliest first.
    pub seeks: Vec<Seek>,
    /// The months that have none.
    pub unlinked: Vec<String>,
}

impl Subjects {
    pub fn new(destroyed: BTreeSet<String>) -> Self {
        let keys = Arc::new(SubjectKeys::new(Default::default()));
        Self { keys: Arc::new(RwLock::new(keys)), destroyed: watch::Sender::new(destroyed) }
    }

    pub fn replace(&self, keys: SubjectKeys) {
        let mut held = self.keys.write();
        *held = Arc::new(keys.without(&self.destroyed.borrow()));
    }

    /// Forgets the key of a month for good.
    pub fn destroy(&self, month: &str) {
        self.destroyed.send_if_modified(|destroyed| destroyed.insert(month.to_owned()));
        let mut held = self.keys.write();
        *held = Arc::new(SubjectKeys::clone(&held).without(&self.destroyed.borrow()));
    }

    /// The months whose key is destroyed.
    pub fn destroyed(&self) -> watch::Receiver<BTreeSet<String>> {
        self.destroyed.subscribe()
    }

    /// Whether the key of a month is here.
    pub(super) fn has(&self, month: &str) -> bool {
        self.keys.read().months().any(|known| known == month)
    }

    /// How a subject is found in a period (Unix µs; not its end).
    pub(super) fn look(&self, subject: &Asked, since_us: i64, until_us: i64) -> Months {
        let keys = self.keys.read().clone();
        let period = months(since_us, until_us);
        let within = |month: &&str| {
            period.first().is_some_and(|first| *month >= first.as_str())
                && period.last().is_some_and(|last| *month <= last.as_str())
        };
        let seeks = keys.months().filter(within).filter_map(|month| keys.seek(subject, month)).collect();
        let has_key = |month: &String| keys.months().any(|known| known == month);
        let mut unlinked: Vec<String> = period.iter().filter(|month| !has_key(month)).cloned().collect();
        unlinked.drain(..unlinked.len().saturating_sub(MOST_UNLINKED));
        Months { seeks, unlinked }
    }

    /// How a subject is found among the exchanges that were admitted at a moment.
    pub(super) fn seek(&self, subject: &Asked, at_us: i64) -> Option<Seek> {
        self.keys.read().seek(subject, &month(at_us))
    }
}

trait Looks {
    fn seek(&self, subject: &Asked, month: &str) -> Option<Seek>;
}

impl Looks for SubjectKeys {
    fn seek(&self, subject: &Asked, month: &str) -> Option<Seek> {
        Seek::subject(subject.kind, &self.lookup(subject.kind, &subject.value, month)?)
    }
}

/// Reads whom or what is asked about: one of the three, as gateways canonicalise it.
pub(super) fn read(key: &SubjectKey, field: &str) -> Result<Asked, Fault> {
    let all = [
        (Subject::Person, Format::PersonKey, &key.person),
        (Subject::Parcel, Format::ParcelKey, &key.parcel),
        (Subject::Enterprise, Format::EnterpriseCode, &key.enterprise),
    ];
    let mut set = all.into_iter().filter(|(_, _, value)| !value.is_empty());
    let (Some((kind, format, value)), None) = (set.next(), set.next()) else {
        return Err(invalid(field, "is not well formed"));
    };
    let value = canonical(format, value).ok_or_else(|| invalid(field, "is not well formed"))?;
    Ok(Asked { kind, value })
}

/// Whether a text is a month as its key is named, `YYYY-MM`.
pub(crate) fn is_month(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(year, month)| {
        year.len() == 4
            && month.len() == 2
            && digits(year)
            && digits(month)
            && month.parse().is_ok_and(|month: u32| (1..=12).contains(&month))
    })
}

/// The months of a period, the earliest first.
fn months(since_us: i64, until_us: i64) -> Vec<String> {
    let last = month(until_us.saturating_sub(1).max(since_us));
    let mut months = vec![month(since_us)];
    while let Some(next) = months.last().filter(|month| **month < last).and_then(|month| after(month)) {
        months.push(next);
    }
    months
}

/// `2027-01` after `2026-12`.
fn after(month: &str) -> Option<String> {
    let (year, number) = month.split_once('-')?;
    let (year, number): (u32, u32) = (year.parse().ok()?, number.parse().ok()?);
    let (year, number) = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
    Some(format!("{year:04}-{number:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3_600 * 1_000_000;
    /// 2026-12-31T17:00:00Z, when 2027 begins in Ho Chi Minh City.
    const NEW_YEAR: i64 = 1_798_736_400_000_000;

    fn subjects(months: &[&str]) -> Subjects {
        let subjects = Subjects::new(BTreeSet::new());
        subjects
            .replace(SubjectKeys::new(months.iter().map(|month| ((*month).to_owned(), [7; 32])).collect()));
        subjects
    }

    fn person(number: &str) -> Result<Asked, Fault> {
        read(&SubjectKey { person: number.to_owned(), ..SubjectKey::default() }, "subject")
    }

    #[test]
    fn a_subject_is_looked_for_in_each_month_of_the_period_and_months_without_a_key_are_told() {
        let asked = person("092085000011").unwrap();
        let subjects = subjects(&["2026-11", "2027-01", "2027-03"]);
        let look = |since, until| {
            let months = subjects.look(&asked, since, until);
            (months.seeks.len(), months.unlinked)
        };
        assert_eq!(look(NEW_YEAR - 40 * DAY, NEW_YEAR + DAY), (2, vec!["2026-12".to_owned()]));
        assert_eq!(look(NEW_YEAR, NEW_YEAR + DAY), (1, vec![]));
        assert_eq!(look(NEW_YEAR - DAY, NEW_YEAR), (0, vec!["2026-12".to_owned()]), "the end is not in it");
        assert_eq!(
            look(NEW_YEAR + DAY, NEW_YEAR),
            (1, vec![]),
            "a period without a moment is that of its beginning"
        );
        assert_eq!(look(0, NEW_YEAR).1.len(), MOST_UNLINKED);
    }

    #[test]
    fn the_key_of_a_destroyed_month_is_not_used_wherever_it_comes_from() {
        let asked = person("092085000011").unwrap();
        let subjects = subjects(&["2026-11", "2026-12"]);
        subjects.destroy("2026-12");
        let look = || subjects.look(&asked, NEW_YEAR - 40 * DAY, NEW_YEAR).unlinked;
        assert_eq!(look(), ["2026-12"]);
        let back = ["2026-11", "2026-12"].map(|month| (month.to_owned(), [7; 32]));
        subjects.replace(SubjectKeys::new(back.into()));
        assert_eq!(look(), ["2026-12"]);
        assert!(subjects.has("2026-11") && !subjects.has("2026-12"));
    }

    #[test]
    fn a_month_is_told_from_what_is_none() {
        assert!(is_month("2026-12"));
        for other in ["", "2026", "2026-13", "2026-00", "26-12", "2026-1", "+026-12", "2026-+1", "../2026-1"]
        {
            assert!(!is_month(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_subject_or_more_than_one_is_refused_without_its_number() {
        let both = SubjectKey {
            person: "092085000011".to_owned(),
            parcel: "31135/12/345".to_owned(),
            ..SubjectKey::default()
        };
        for refused in [person("09208500001"), person(""), read(&both, "subject")] {
            let fault = refused.err().unwrap();
            assert_eq!(fault.violations()[0].field, "subject");
            assert!(!format!("{fault:?}").contains("0920850000"));
        }
    }
}
