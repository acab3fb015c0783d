//! The forms of an agency's dates, and the SQL that brings them to ours.

use super::{NO_DATE, quote};

/// A form of dates: where year, month and day stand, and what stands between them. Forms are told apart by their length and
/// what stands between the digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    length: usize,
    year: usize,
    month: Option<usize>,
    day: Option<usize>,
    /// Positions from 1, as SQL counts.
    between: Vec<(usize, char)>,
}

/// What a mapping may write as a form.
pub(crate) const ACCEPTED: &str = "yyyy, mm and dd, each once, with any marks between, such as dd/mm/yyyy";

impl Form {
    /// Reads a form such as `dd/mm/yyyy`, `yyyymmdd`, `mm-yyyy` or `yyyy`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut year, mut month, mut day, mut between) = (None, None, None, Vec::new());
        let mut rest = text;
        let mut position = 1;
        while let Some(mark) = rest.chars().next() {
            let (part, length) = match mark {
                'y' => (&mut year, 4),
                'm' => (&mut month, 2),
                'd' => (&mut day, 2),
                _ if mark.is_alphanumeric() || mark.is_control() => return None,
                _ => {
                    between.push((position, mark));
                    rest = &rest[mark.len_utf8()..];
                    position += 1;
                    continue;
                }
            };
            let run = rest.len() - rest.trim_start_matches(mark).len();
            if run != length || part.replace(position).is_some() {
                return None;
            }
            rest = &rest[length..];
            position += length;
        }
        let day_has_a_month = day.is_none() || month.is_some();
        day_has_a_month.then_some(Self { length: position - 1, year: year?, month, day, between })
    }

    /// Whether no text tells them apart.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.length == other.length && self.between == other.between
    }

    fn condition(&self, sql: &str) -> String {
        let length = format!("length({sql}) = {}", self.length);
        let between = self.between.iter().map(|(position, mark)| {
            format!("substr({sql}, {position}, 1) = {}", quote::text(&mark.to_string()))
        });
        std::iter::once(length).chain(between).collect::<Vec<_>>().join(" AND ")
    }

    fn ours(&self, sql: &str) -> String {
        let part = |position: usize, length: usize| format!("substr({sql}, {position}, {length})");
        let smaller = [self.month, self.day].into_iter().flatten().map(|position| part(position, 2));
        std::iter::once(part(self.year, 4)).chain(smaller).collect::<Vec<_>>().join(" || '-' || ")
    }
}

/// The expression of a text that is in our form already; a blank one is not known.
pub(crate) fn known(sql: &str) -> String {
    format!("NULLIF(TRIM({sql}), '')")
}

/// The expression that brings a text in one of the forms to ours; a blank one is not known, any other is no date.
pub(crate) fn expression(sql: &str, forms: &[Form]) -> String {
    let mut arms = format!("WHEN TRIM({sql}) = '' THEN NULL");
    for form in forms {
        arms.push_str(&format!(" WHEN {} THEN {}", form.condition(sql), form.ours(sql)));
    }
    format!("CASE WHEN {sql} IS NULL THEN NULL {arms} ELSE {} END", quote::text(NO_DATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_where_its_parts_stand() {
        let form = Form::parse("dd/mm/yyyy").expect("a form");
        assert_eq!(form.condition("d"), "length(d) = 10 AND substr(d, 3, 1) = '/' AND substr(d, 6, 1) = '/'");
        assert_eq!(form.ours("d"), "substr(d, 7, 4) || '-' || substr(d, 4, 2) || '-' || substr(d, 1, 2)");
        assert_eq!(Form::parse("yyyymmdd").map(|form| form.length), Some(8));
        assert_eq!(Form::parse("yyyy").map(|form| form.ours("d")), Some("substr(d, 1, 4)".to_owned()));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for text in [
            "",
            "dd/mm",
            "dd/yyyy",
            "yy-mm-dd",
            "yyyy-mm-mm",
            "d/m/yyyy",
            "yyyyy",
            "dd MMM yyyy",
            "yyyy-mm-ddTHH",
        ] {
            assert_eq!(Form::parse(text), None, "{text}");
        }
    }

    #[test]
    fn forms_of_one_shape_are_not_told_apart() {
        let form = |text| Form::parse(text).expect("a form");
        assert!(form("dd/mm/yyyy").is_as(&form("mm/dd/yyyy")));
        assert!(form("ddmmyyyy").is_as(&form("yyyymmdd")));
        assert!(!form("dd/mm/yyyy").is_as(&form("dd-mm-yyyy")));
        assert!(!form("mm/yyyy").is_as(&form("yyyy")));
    }
}
