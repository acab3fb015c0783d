//! The enterprises that the people of a home represent: every one that owns a parcel, and others as people found them.

mod draft;
mod named;
mod parts;
pub(crate) mod trades;

use std::collections::{HashSet, VecDeque};

use lgsp_identifiers::{EnterpriseCode, PersonalNumber};
use lgsp_proto::land::v1::OwnerKind;

use self::draft::Draft;
use crate::circumstances::{Family, Person};
use crate::clock::THIS_YEAR;
use crate::dice::Dice;
use crate::record::{Enterprise, Owner, Parcel};

/// Serials of the enterprises that are founded; those below belong to the ones that own land.
const FIRST_SERIAL: u32 = 189_902_000;

/// So many representatives of other enterprises are remembered as members to be.
const REMEMBERED: usize = 16;

/// Somebody of an earlier home with an enterprise of theirs.
#[derive(Clone)]
struct Founder {
    personal_number: PersonalNumber,
    full_name: String,
    code: EnterpriseCode,
    enterprise: String,
}

/// Numbers the enterprises, and gives out their codes.
pub(crate) struct Register {
    enterprises: i64,
    next_serial: u32,
    /// Owners of land that have a record already: at most as many as own land.
    landholders: HashSet<EnterpriseCode>,
    founders: VecDeque<Founder>,
}

impl Register {
    pub(crate) fn new() -> Self {
        Self {
            enterprises: 0,
            next_serial: FIRST_SERIAL,
            landholders: HashSet::new(),
            founders: VecDeque::new(),
        }
    }

    /// The enterprises that a family represents, each followed by its branches.
    pub(crate) fn records(
        &mut self,
        dice: &mut Dice,
        family: Family<'_>,
        parcels: &[Parcel],
    ) -> Vec<Enterprise> {
        let mut enterprises = Vec::new();
        let founders: Vec<Person<'_>> = family.members().filter(may_found).collect();
        let Some(head) = family.members().next() else { return enterprises };
        let founder = founders.first().copied().unwrap_or(head);
        if let Some(named) = head.named() {
            self.add(dice, &mut enterprises, named::draft(head, named));
        }
        for owner in enterprise_owners(parcels) {
            let Some(code) = &owner.enterprise_code else { continue };
            if self.landholders.insert(code.clone()) {
                let draft = Draft::landholder(dice, founder, code.clone(), &owner.name);
                self.add(dice, &mut enterprises, draft);
            }
        }
        if dice.chance(24) {
            for _ in 0..dice.weighted(&[(85, 1), (15, 2)]) {
                let code = self.next_code();
                let draft = Draft::company(dice, founder, code);
                self.add(dice, &mut enterprises, draft);
            }
        }
        if dice.chance(150) && !founders.is_empty() {
            let owner = founders[dice.below(founders.len() as u32) as usize];
            let draft = Draft::household(dice, owner);
            self.add(dice, &mut enterprises, draft);
        }
        enterprises
    }

    fn next_code(&mut self) -> EnterpriseCode {
        // One serial in eleven has no check digit: the next one has.
        loop {
            self.next_serial += 1;
            if let Some(code) = EnterpriseCode::from_serial(self.next_serial) {
                return code;
            }
        }
    }

    fn add(&mut self, dice: &mut Dice, enterprises: &mut Vec<Enterprise>, draft: Draft<'_>) {
        self.enterprises += 1;
        let earlier = self.founders.make_contiguous();
        let enterprise = draft.enterprise(dice, self.enterprises, earlier);
        let branches = draft.branches(dice, &enterprise);
        self.remember(&draft, &enterprise);
        enterprises.push(enterprise);
        for branch in branches {
            self.enterprises += 1;
            enterprises.push(Enterprise { id: self.enterprises, ..branch });
        }
    }

    fn remember(&mut self, draft: &Draft<'_>, enterprise: &Enterprise) {
        if !draft.may_be_member() {
            return;
        }
        if self.founders.len() == REMEMBERED {
            self.founders.pop_front();
        }
        let citizen = draft.founder.citizen;
        self.founders.push_back(Founder {
            personal_number: citizen.personal_number.clone(),
            full_name: citizen.full_name.clone(),
            code: enterprise.code.clone(),
            enterprise: enterprise.name.clone(),
        });
    }
}

fn may_found(person: &Person<'_>) -> bool {
    let age = THIS_YEAR - person.birth_year();
    person.is_alive() && (24..75).contains(&age)
}

fn enterprise_owners(parcels: &[Parcel]) -> impl Iterator<Item = &Owner> {
    let owners = parcels.iter().flat_map(|parcel| &parcel.owners);
    owners.filter(|owner| owner.kind == OwnerKind::Enterprise)
}
