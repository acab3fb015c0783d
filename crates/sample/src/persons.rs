//! Five persons with fixed numbers, in every synthetic city, whatever its seed. Each shows what a caller may meet.
//!
//! Their serials are below 001000, which the generator gives to nobody else.
//!
//! | | [`ALL_FIELDS`] | [`MASKED`] | [`NOT_FOUND`] | [`MOVED_WARD`] | [`REFUSED_PURPOSE`] |
//! |---|---|---|---|---|---|
//! | population | all fields | all fields | nobody | an old ward code, a year of birth alone | |
//! | land | two parcels | two parcels | none | under old keys | two parcels |
//! | health: card | valid, five years reached | valid | none | valid; the one before expired and has no personal number | suspended since 2026-03-01 |
//! | health: summary | all fields | all fields, a pregnancy too | none | written under an old ward code | |
//! | education | left school in 2003 with two diplomas | left school in 2008 with two diplomas | none | a diploma of 1970 without a personal number | a revoked diploma |
//! | business | a joint-stock company with branches, a former name and address | a company of one member | none | a cooperative that moved from an old ward | a company that suspended its business |

use lgsp_identifiers::{
    EnterpriseCode, HealthInsuranceCard, OldIdentityCard, PartialDate, PersonalNumber, StudentCode, WardCode,
};

/// A named sample person.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// What a call for this person shows.
    pub story: &'static str,
    /// What to ask for.
    pub personal_number: &'static str,
    /// What the register holds; `None` if it holds nothing.
    pub record: Option<Record>,
}

/// The fixed part of a named person's record.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// 12 digits.
    pub personal_number: &'static str,
    /// 9 digits.
    pub old_identity_number: &'static str,
    /// Says that the person is made up.
    pub full_name: &'static str,
    /// `YYYY` or `YYYY-MM-DD`.
    pub date_of_birth: &'static str,
    /// The ward in use.
    pub ward_code: &'static str,
    /// The former ward of the address.
    pub former_ward_code: &'static str,
    /// Whether the record still names the former ward.
    pub is_written_formerly: bool,
    /// The health-insurance card in use: 15 characters.
    pub card_number: &'static str,
    /// The student code of a record in the schools, if there is one: 10 digits.
    pub student_code: Option<&'static str>,
    /// Serial number of the diploma of upper-secondary education.
    pub diploma_serial: &'static str,
    /// The enterprise that the person represents.
    pub enterprise_code: &'static str,
    /// What the domains show of this person.
    pub(crate) case: Case,
}

/// What the domains show of a named person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    AllFields,
    Masked,
    MovedWard,
    RefusedPurpose,
}

/// Every field of the contract is filled.
pub const ALL_FIELDS: Person = of(
    "all fields",
    Record {
        personal_number: "092085000011",
        old_identity_number: "360000011",
        full_name: "Nguyễn Văn Mẫu",
        date_of_birth: "1985-04-30",
        ward_code: "31135",
        former_ward_code: "31123",
        is_written_formerly: false,
        card_number: "DN4929200000011",
        student_code: Some("9200000011"),
        diploma_serial: "B00000011",
        enterprise_code: "1898900118",
        case: Case::AllFields,
    },
);

/// As full as [`ALL_FIELDS`]; for an application whose agreement grants few fields.
pub const MASKED: Person = of(
    "masked fields",
    Record {
        personal_number: "092190000022",
        old_identity_number: "360000022",
        full_name: "Trần Thị Thử Nghiệm",
        date_of_birth: "1990-09-02",
        ward_code: "31120",
        former_ward_code: "31117",
        is_written_formerly: false,
        card_number: "GD4929200000022",
        student_code: Some("9200000022"),
        diploma_serial: "B00000022",
        enterprise_code: "1898900220",
        case: Case::Masked,
    },
);

/// A number that no synthetic city gives to anybody.
pub const NOT_FOUND: Person = Person { story: "not found", personal_number: "092199000404", record: None };

/// The address is recorded under a code that is not in use any more, and of the birth only the year is known.
pub const MOVED_WARD: Person = of(
    "a moved ward (old code)",
    Record {
        personal_number: "093152000033",
        old_identity_number: "360000033",
        full_name: "Lê Thị Ví Dụ",
        date_of_birth: "1952",
        ward_code: "31321",
        former_ward_code: "31318",
        is_written_formerly: true,
        card_number: "HT3929200000033",
        student_code: None,
        diploma_serial: "B00000033",
        enterprise_code: "1898900333",
        case: Case::MovedWard,
    },
);

/// To be asked for with a purpose that no agreement allows.
pub const REFUSED_PURPOSE: Person = of(
    "a refused purpose",
    Record {
        personal_number: "094078000044",
        old_identity_number: "360000044",
        full_name: "Phạm Văn Kiểm Thử",
        date_of_birth: "1978-12-19",
        ward_code: "31528",
        former_ward_code: "31528",
        is_written_formerly: false,
        card_number: "DN4929200000044",
        student_code: None,
        diploma_serial: "B00000044",
        enterprise_code: "1898900446",
        case: Case::RefusedPurpose,
    },
);

/// The five, in the order of their stories.
pub const ALL: [Person; 5] = [ALL_FIELDS, MASKED, NOT_FOUND, MOVED_WARD, REFUSED_PURPOSE];

/// The records that exist: heads of the first four households, in this order.
pub(crate) static RECORDS: [Record; 4] =
    [expect(ALL_FIELDS), expect(MASKED), expect(MOVED_WARD), expect(REFUSED_PURPOSE)];

const fn of(story: &'static str, record: Record) -> Person {
    Person { story, personal_number: record.personal_number, record: Some(record) }
}

const fn expect(person: Person) -> Record {
    person.record.expect("checked when compiled: this person has a record")
}

const VALID: &str = "a test parses every value of the named persons";

impl Record {
    /// The personal number, parsed.
    pub fn personal_number(&self) -> PersonalNumber {
        PersonalNumber::parse(self.personal_number).expect(VALID)
    }

    /// The old identity card, parsed.
    pub fn old_identity(&self) -> OldIdentityCard {
        OldIdentityCard::parse(self.old_identity_number).expect(VALID)
    }

    /// The date of birth, parsed.
    pub fn date_of_birth(&self) -> PartialDate {
        PartialDate::parse(self.date_of_birth).expect(VALID)
    }

    /// The ward in use, parsed.
    pub fn ward(&self) -> WardCode {
        WardCode::parse(self.ward_code).expect(VALID)
    }

    /// The health-insurance card, parsed.
    pub fn card(&self) -> HealthInsuranceCard {
        HealthInsuranceCard::parse(self.card_number).expect(VALID)
    }

    /// The student code, parsed.
    pub fn student(&self) -> Option<StudentCode> {
        self.student_code.map(|code| StudentCode::parse(code).expect(VALID))
    }

    /// The code of the enterprise, parsed.
    pub fn enterprise(&self) -> EnterpriseCode {
        EnterpriseCode::parse(self.enterprise_code).expect(VALID)
    }

    /// The former ward, parsed.
    pub fn former_ward(&self) -> WardCode {
        WardCode::parse(self.former_ward_code).expect(VALID)
    }
}

#[cfg(test)]
mod tests {
    use lgsp_identifiers::{names, units};

    use super::*;

    #[test]
    fn the_named_persons_are_consistent_in_themselves() {
        for record in &RECORDS {
            let number = record.personal_number();
            assert_eq!(number.birth_year(), record.date_of_birth().year());
            assert!(number.serial() < "001000");
            assert!(record.old_identity().as_str() < "360001000");
            assert!(record.card().social_insurance_number() < "9200001000");
            assert!(record.student().is_none_or(|code| code.as_str() < "9200001000"));
            assert!(record.enterprise().as_str() < "18990");
            assert_eq!(names::normalise(record.full_name), record.full_name);
            let former =
                units::predecessors(record.ward()).iter().any(|from| from.former == record.former_ward());
            assert!(former, "{} was part of {}", record.former_ward_code, record.ward_code);
        }
        assert!(
            PersonalNumber::parse(NOT_FOUND.personal_number).is_ok_and(|number| number.serial() < "001000")
        );
        assert!(!MOVED_WARD.record.unwrap().former_ward().is_current());
    }
}
