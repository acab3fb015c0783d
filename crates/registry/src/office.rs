//! The shipped rules with somebody of each office, and their history so far: what the tests of decisions decide about.

use lgsp_core::Fault;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{AgreementRecord, Change, Edit, Person};
use prost::Message as _;

use crate::catalogue::{Catalogue, import, put, stamped};
use crate::occasion::{Draft, Occasion};
use crate::rules::{Folder, check};

pub(crate) const NOW: i64 = 1_790_000_000_000_000;
pub(crate) const YEAR: i64 = 365 * 86_400 * 1_000_000;

pub(crate) struct Office {
    pub catalogue: Catalogue,
}

pub(crate) fn person(id: &str, agency: &str, roles: &[&str]) -> Person {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Person { id: id.to_owned(), agency_code: agency.to_owned(), roles, ..Person::default() }
}

impl Office {
    pub fn new() -> Self {
        let shipped = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
        let edits = import(shipped.snapshot(), &AgreementRecord::default());
        let mut office = Self { catalogue: Catalogue::default() };
        office.take_in(edits);
        for person in [
            person("an.justice", "H13.03", &["developer"]),
            person("ba.justice", "H13.03", &["approver"]),
            person("chi.police", "G01.30.92", &["approver"]),
            person("dung.hub", "H13.02", &["operator"]),
        ] {
            office.put_person(person);
        }
        office
    }

    pub fn put_person(&mut self, person: Person) {
        let id = person.id.clone();
        self.take_in(vec![put(None, Of::Person(person), id)]);
    }

    pub fn take_in(&mut self, edits: Vec<Edit>) {
        let sequence = self.catalogue.sequence + 1;
        let edits = stamped(edits, sequence);
        self.catalogue.apply(&Change { sequence, edits, ..Change::default() }).unwrap();
    }

    /// Takes what somebody decides at a moment (Unix µs).
    pub fn take(
        &mut self,
        by: &str,
        now: i64,
        draft: impl FnOnce(&Catalogue, Occasion<'_>) -> Result<Draft, Fault>,
    ) -> Result<(), Fault> {
        let person = self.catalogue.person(by).unwrap().clone();
        let occasion = Occasion { person: &person, now, exchange: "an-exchange" };
        let draft = draft(&self.catalogue, occasion);
        if let Err(fault) = &draft {
            let unsaid = told(fault).into_iter().find(|told| told.contains("provider"));
            assert_eq!(unsaid, None, "each rule reaches its reader");
        }
        let draft = draft?;
        self.take_in(draft.edits);
        Ok(())
    }
}

/// What of a refusal reaches the caller: fields, each with the rule that it breaks.
pub(crate) fn told(fault: &Fault) -> Vec<String> {
    let said = fault.to_rpc(None).encode_to_vec();
    let told = Fault::of_provider(fault.code() as i32, Some(&said));
    assert_eq!(told.reason(), fault.reason());
    told.violations().iter().map(|it| format!("{}: {}", it.field, it.rule)).collect()
}

/// The fields that a fault names.
pub(crate) fn fields(fault: &Fault) -> Vec<&str> {
    fault.violations().iter().map(|violation| violation.field.as_str()).collect()
}
