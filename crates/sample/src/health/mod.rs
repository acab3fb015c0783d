//! What the health sector knows of the people of a home: cards, patient records, doses of vaccines.

mod cards;
pub(crate) mod facilities;
mod illness;
mod immunizations;
mod named;
mod patient;
pub(crate) mod vaccines;

use crate::circumstances::Family;
use crate::dice::Dice;
use crate::record::{InsuranceCard, Patient};

/// Numbers the patients.
#[derive(Default)]
pub(crate) struct Clinics {
    patients: i64,
}

impl Clinics {
    /// The cards and patient records of a family.
    pub(crate) fn records(
        &mut self,
        dice: &mut Dice,
        family: Family<'_>,
    ) -> (Vec<InsuranceCard>, Vec<Patient>) {
        let mut all_cards = Vec::new();
        let mut patients = Vec::with_capacity(family.citizens.len());
        for person in family.members() {
            let mut cards = match person.named() {
                Some(named) => named::cards(dice, person.citizen.id, named),
                None => cards::cards(dice, person),
            };
            if patient::is_known(dice, person) {
                self.patients += 1;
                let shown = cards.last().map(|card| card.number.clone());
                let mut patient = patient::patient(dice, person, self.patients, shown);
                if let Some(named) = person.named() {
                    named::complete(dice, &mut patient, person, named.case);
                }
                patients.push(patient);
            }
            all_cards.append(&mut cards);
        }
        (all_cards, patients)
    }
}
