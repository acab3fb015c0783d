//! How far a person goes through school.

use lgsp_proto::education::v1::SchoolLevel;

use crate::circumstances::Person;
use crate::clock::THIS_YEAR;
use crate::dice::Dice;

/// The year in which the current school year began.
pub(super) const THIS_SCHOOL_YEAR: u16 = THIS_YEAR - 1;

/// A way through school.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// The year in which grade 1 begins.
    pub first_year: u16,
    /// The last grade, which is finished unless it is left before its end.
    pub last_grade: u8,
    /// The last grade is left before its end.
    pub breaks_off: bool,
    /// Grades 10 to 12 are those of continuing education.
    pub continues: bool,
    /// Whether the child goes to pre-school from three, four or five years on, in years.
    pub pre_school: u8,
    /// Which of several schools and classes.
    pub choice: u32,
}

impl Path {
    /// Draws the way of a person; that of the older generations was often shorter.
    pub(super) fn draw(dice: &mut Dice, person: Person<'_>) -> Self {
        let is_late = dice.chance(12);
        let (last_grade, breaks_off) = match person.birth_year() {
            ..1965 => dice.weighted(&[(150, (12, false)), (200, (9, false)), (650, (5, false))]),
            1965..1990 => dice.weighted(&[(420, (12, false)), (260, (9, false)), (320, (7, true))]),
            1990.. => dice.weighted(&[
                (850, (12, false)),
                (100, (9, false)),
                (10, (7, true)),
                (15, (8, true)),
                (25, (10, true)),
            ]),
        };
        Self {
            first_year: person.birth_year() + 6 + u16::from(is_late),
            last_grade,
            breaks_off,
            continues: dice.chance(90),
            pre_school: dice.weighted(&[(780, 3), (80, 2), (120, 1), (20, 0)]),
            choice: dice.below(60),
        }
    }

    /// The year in which a grade begins.
    pub(super) fn begins(self, grade: u8) -> u16 {
        self.first_year + u16::from(grade) - 1
    }

    /// Whether the grade has been finished by now.
    pub(super) fn has_finished(self, grade: u8) -> bool {
        let is_reached = grade < self.last_grade || (grade == self.last_grade && !self.breaks_off);
        is_reached && self.begins(grade) < THIS_SCHOOL_YEAR
    }

    /// The level of a grade, with the level's first and last grade.
    pub(super) fn level(self, grade: u8) -> (SchoolLevel, u8, u8) {
        match grade {
            0 => (SchoolLevel::PreSchool, 0, 0),
            1..=5 => (SchoolLevel::Primary, 1, 5),
            6..=9 => (SchoolLevel::LowerSecondary, 6, 9),
            10.. if self.continues => (SchoolLevel::Continuing, 10, 12),
            10.. => (SchoolLevel::UpperSecondary, 10, 12),
        }
    }
}
