//! What the schools know of the people of a home: enrolments by age, and diplomas by generation.

mod diplomas;
mod enrolments;
mod named;
mod path;
pub(crate) mod schools;
mod student;

use crate::circumstances::Family;
use crate::dice::Dice;
use crate::record::{Diploma, Student};

use self::path::Path;

/// Numbers the students.
#[derive(Default)]
pub(crate) struct Register {
    students: i64,
}

impl Register {
    /// The student records and diplomas of a family.
    pub(crate) fn records(&mut self, dice: &mut Dice, family: Family<'_>) -> (Vec<Student>, Vec<Diploma>) {
        let (mut students, mut all_diplomas) = (Vec::new(), Vec::new());
        for person in family.members().filter(|person| person.is_alive()) {
            let path = Path::draw(dice, person);
            let enrolments = match person.named() {
                Some(named) => named::enrolments(named),
                None => enrolments::enrolments(dice, person, path),
            };
            let mut record = None;
            if !enrolments.is_empty() {
                self.students += 1;
                record = Some(self.students);
                let mut student = student::student(dice, person, self.students, enrolments);
                if let Some(named) = person.named() {
                    named::complete(&mut student, named);
                }
                students.push(student);
            }
            let mut diplomas = diplomas::diplomas(dice, person, path, record);
            if let Some(named) = person.named() {
                diplomas = named::diplomas(dice, person, named, record);
            }
            all_diplomas.append(&mut diplomas);
        }
        (students, all_diplomas)
    }
}
