//! The schools of the city: in every ward those for the young, an upper-secondary school for every two wards, and three
//! centres of continuing education. The names are made up.

use std::sync::LazyLock;

use lgsp_identifiers::WardCode;
use lgsp_identifiers::units::{self, Ward};
use lgsp_proto::education::v1::SchoolLevel;

use crate::record::School;

/// Schools of a level in a ward, and of how many wards in a row the first has them.
struct Share {
    level: SchoolLevel,
    title_vi: &'static str,
    schools: usize,
    every: usize,
}

const SHARES: [Share; 5] = [
    Share { level: SchoolLevel::PreSchool, title_vi: "Trường Mầm non", schools: 2, every: 1 },
    Share { level: SchoolLevel::Primary, title_vi: "Trường Tiểu học", schools: 2, every: 1 },
    Share { level: SchoolLevel::LowerSecondary, title_vi: "Trường THCS", schools: 1, every: 1 },
    Share { level: SchoolLevel::UpperSecondary, title_vi: "Trường THPT", schools: 1, every: 2 },
    Share { level: SchoolLevel::Continuing, title_vi: "Trung tâm GDNN-GDTX", schools: 1, every: 35 },
];

/// Level by level, and in a level by the codes of the wards.
static SCHOOLS: LazyLock<Vec<School>> = LazyLock::new(|| {
    let mut schools = Vec::new();
    for share in &SHARES {
        for ward in units::wards().iter().step_by(share.every) {
            schools.extend((1..=share.schools).map(|number| school(share, ward, number)));
        }
    }
    schools
});

fn school(share: &Share, ward: &Ward, number: usize) -> School {
    let code = format!("{}{}{number:02}", ward.code, share.level as i32);
    let name = format!("{} {} {number} (mẫu)", share.title_vi, ward.short_name());
    School { code, name, ward: ward.code }
}

/// All schools of the city.
pub(crate) fn schools() -> &'static [School] {
    &SCHOOLS
}

/// The school of a level that a ward's children attend; `choice` is which, where there are several.
pub(super) fn school_of(level: SchoolLevel, ward: WardCode, choice: u32) -> &'static School {
    let position = units::wards().iter().position(|other| other.code == ward).unwrap_or_default();
    let mut first = 0;
    for share in &SHARES {
        if share.level == level {
            let number = choice as usize % share.schools;
            return &SCHOOLS[first + position / share.every * share.schools + number];
        }
        first += units::wards().len().div_ceil(share.every) * share.schools;
    }
    &SCHOOLS[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ward_has_a_school_of_every_level_and_near() {
        for ward in units::wards() {
            for share in &SHARES {
                for choice in 0..3 {
                    let school = school_of(share.level, ward.code, choice);
                    assert!(school.name.starts_with(share.title_vi) && school.name.ends_with("(mẫu)"));
                    assert_eq!(school.code.as_bytes()[5], b'0' + share.level as u8);
                    assert!(share.every > 1 || school.ward == ward.code);
                }
            }
        }
        let codes: std::collections::HashSet<_> = schools().iter().map(|school| &school.code).collect();
        assert_eq!(codes.len(), schools().len());
    }
}
