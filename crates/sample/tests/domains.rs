//! The domains of the synthetic city agree with each other.
#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use lgsp_identifiers::{EnterpriseCode, PartialDate};
use lgsp_proto::business::v1::{EnterpriseStatus, LegalForm};
use lgsp_proto::education::v1::{DiplomaKind, EnrolmentStatus, SchoolLevel};
use lgsp_proto::land::v1::OwnerKind;
use lgsp_proto::population::v1::LifeStatus;
use lgsp_sample::{
    Citizen, City, Config, Diploma, Enterprise, Home, InsuranceCard, Patient, Student, persons,
};

const CITIZENS: u32 = 20_000;

/// Made once for all tests that do not care for the seed.
static HOMES: LazyLock<Vec<Home>> = LazyLock::new(|| homes(1));

fn homes(seed: u64) -> Vec<Home> {
    City::new(Config { seed, citizens: CITIZENS }).expect("the size is accepted").collect()
}

fn citizens(homes: &[Home]) -> HashMap<&str, &Citizen> {
    let all = homes.iter().flat_map(|home| &home.citizens);
    all.map(|citizen| (citizen.personal_number.as_str(), citizen)).collect()
}

fn cards(homes: &[Home]) -> impl Iterator<Item = &InsuranceCard> {
    homes.iter().flat_map(|home| &home.cards)
}

fn patients(homes: &[Home]) -> impl Iterator<Item = &Patient> {
    homes.iter().flat_map(|home| &home.patients)
}

fn students(homes: &[Home]) -> impl Iterator<Item = &Student> {
    homes.iter().flat_map(|home| &home.students)
}

fn diplomas(homes: &[Home]) -> impl Iterator<Item = &Diploma> {
    homes.iter().flat_map(|home| &home.diplomas)
}

fn enterprises(homes: &[Home]) -> impl Iterator<Item = &Enterprise> {
    homes.iter().flat_map(|home| &home.enterprises)
}

fn day(text: &str) -> PartialDate {
    PartialDate::parse(text).unwrap()
}

/// How many of 1,000.
fn per_mille(some: usize, of: usize) -> usize {
    some * 1000 / of.max(1)
}

#[test]
fn whoever_a_domain_names_by_number_is_a_citizen_of_that_name() {
    let homes = &*HOMES;
    let citizens = citizens(homes);
    let check = |number: Option<&str>, name: &str| {
        let Some(number) = number else { return };
        assert_eq!(citizens[number].full_name, name);
    };
    for card in cards(homes) {
        check(card.personal_number.as_ref().map(|number| number.as_str()), &card.full_name);
    }
    for patient in patients(homes) {
        check(patient.personal_number.as_ref().map(|number| number.as_str()), &patient.full_name);
    }
    for student in students(homes) {
        check(Some(student.personal_number.as_str()), &student.full_name);
        for guardian in &student.guardians {
            check(guardian.personal_number.as_ref().map(|number| number.as_str()), &guardian.full_name);
        }
    }
    for diploma in diplomas(homes) {
        check(diploma.personal_number.as_ref().map(|number| number.as_str()), &diploma.full_name);
    }
    for enterprise in enterprises(homes) {
        for person in &enterprise.representatives {
            check(person.personal_number.as_ref().map(|number| number.as_str()), &person.full_name);
        }
        for member in &enterprise.members {
            check(member.personal_number.as_ref().map(|number| number.as_str()), &member.name);
        }
    }
}

#[test]
fn dates_of_birth_and_sexes_agree() {
    let homes = &*HOMES;
    let citizens = citizens(homes);
    for student in students(homes) {
        let citizen = citizens[student.personal_number.as_str()];
        assert_eq!((student.date_of_birth, student.sex), (citizen.date_of_birth, citizen.sex));
    }
    for patient in patients(homes) {
        let Some(number) = &patient.personal_number else { continue };
        let citizen = citizens[number.as_str()];
        assert_eq!((patient.date_of_birth, patient.sex), (citizen.date_of_birth, citizen.sex));
        assert_eq!(patient.blood_type, citizen.blood_type);
    }
}

#[test]
fn numbers_of_cards_students_diplomas_and_enterprises_are_unique() {
    let homes = &*HOMES;
    let mut codes = HashSet::new();
    for student in students(homes) {
        assert!(codes.insert(student.code.as_str().to_owned()));
    }
    for diploma in diplomas(homes) {
        assert!(codes.insert(diploma.serial.clone()), "{}", diploma.serial);
    }
    for enterprise in enterprises(homes) {
        assert!(codes.insert(format!("enterprise {}", enterprise.code.as_str())));
    }
    // A holder keeps the social-insurance number from card to card, and nobody else has it.
    let mut holders: HashMap<&str, &str> = HashMap::new();
    for card in cards(homes) {
        let holder = holders.entry(card.number.social_insurance_number()).or_insert(&card.full_name);
        assert_eq!(*holder, card.full_name);
        assert_eq!(card.benefit_code, &card.number.as_str()[2..3]);
    }
}

#[test]
fn cards_follow_each_other_and_some_are_expired_suspended_or_not_yet_valid() {
    let homes = &*HOMES;
    let today = day("2026-05-31");
    let mut last: HashMap<&str, &InsuranceCard> = HashMap::new();
    for card in cards(homes) {
        assert!(card.valid_from <= card.valid_to && card.date_of_birth.year() <= card.valid_from.year());
        let earlier = last.insert(card.number.social_insurance_number(), card);
        assert!(earlier.is_none_or(|earlier| earlier.valid_to <= card.valid_to));
    }
    let living = citizens(homes).values().filter(|citizen| citizen.life_status == LifeStatus::Alive).count();
    let count = |is: &dyn Fn(&InsuranceCard) -> bool| last.values().filter(|card| is(card)).count();
    let valid =
        count(&|card| card.valid_from <= today && today <= card.valid_to && card.suspended_from.is_none());
    assert!((880..=980).contains(&per_mille(valid, living)), "{valid} of {living}");
    assert!(count(&|card| card.valid_to < today) > 200);
    assert!(count(&|card| card.suspended_from.is_some()) > 50);
    assert!(count(&|card| card.valid_from > today) > 20);
    assert!(cards(homes).filter(|card| card.personal_number.is_none()).count() > 100);
}

#[test]
fn children_are_vaccinated_by_age_and_nobody_before_birth_or_after_today() {
    let homes = &*HOMES;
    let citizens = citizens(homes);
    let mut children = 0;
    for patient in patients(homes) {
        let mut series = HashSet::new();
        for dose in &patient.immunizations {
            assert!(dose.on >= patient.date_of_birth && dose.on <= day("2026-05-31"), "{}", dose.on);
            assert!(series.insert((dose.vaccine.id, dose.dose_number)));
        }
        let is_child = (2012..=2022).contains(&patient.date_of_birth.year());
        let citizen = patient.personal_number.as_ref().map(|number| citizens[number.as_str()]);
        if is_child && citizen.is_some_and(|citizen| citizen.life_status == LifeStatus::Alive) {
            children += 1;
            assert!(patient.immunizations.len() >= 9, "{}", patient.immunizations.len());
        }
        assert!(patient.immunizations.is_sorted_by_key(|dose| dose.on));
    }
    assert!(children > 1000);
}

#[test]
fn illness_comes_with_age_and_pregnancies_with_women_of_age() {
    let homes = &*HOMES;
    let has = |patient: &Patient, code| {
        patient.conditions.iter().any(|condition| condition.icd10_code == code && condition.until.is_none())
    };
    let of_age = |from: u16, to: u16| {
        let range = from..=to;
        patients(homes)
            .filter(move |patient| range.contains(&patient.date_of_birth.year()))
            .collect::<Vec<_>>()
    };
    let (old, young) = (of_age(1900, 1976), of_age(1995, 2026));
    let hypertension =
        |some: &[&Patient]| per_mille(some.iter().filter(|patient| has(patient, "I10")).count(), some.len());
    assert!((250..=500).contains(&hypertension(&old)) && hypertension(&young) < 60);
    for patient in patients(homes).filter(|patient| patient.pregnant) {
        assert_eq!(patient.sex, lgsp_proto::record::v1::Sex::Female);
        assert!((1984..=2008).contains(&patient.date_of_birth.year()));
    }
    assert!(patients(homes).filter(|patient| patient.pregnant).count() > 20);
    assert!(patients(homes).any(|patient| patient.conditions.iter().any(|one| one.until.is_some())));
    assert!(patients(homes).filter(|patient| !patient.allergies.is_empty()).count() > 300);
    for patient in patients(homes) {
        let dates = patient.encounters.iter().map(|encounter| encounter.on);
        assert!(dates.clone().is_sorted() && dates.into_iter().all(|on| on >= patient.date_of_birth));
    }
}

#[test]
fn pupils_are_in_the_grade_of_their_age_in_a_school_of_their_ward_and_level() {
    let homes = &*HOMES;
    let mut now = 0;
    for home in homes {
        for student in &home.students {
            for year in &student.enrolments {
                let age = year.begins - student.date_of_birth.year();
                let expected = match year.level {
                    SchoolLevel::PreSchool => 3..=7,
                    SchoolLevel::Primary => 6..=12,
                    SchoolLevel::LowerSecondary => 11..=16,
                    SchoolLevel::UpperSecondary | SchoolLevel::Continuing => 15..=19,
                    SchoolLevel::Unspecified => panic!("a level is drawn for everybody"),
                };
                assert!(expected.contains(&age), "{age} in {:?}", year.level);
                let of_age = u16::from(year.grade) + 5;
                assert!(year.grade == 0 || (of_age..=of_age + 1).contains(&age));
                assert!(year.school.code.as_bytes()[5] == b'0' + year.level as u8);
                assert!(year.enrolled_on.year() <= year.begins + 1 && year.school.name.ends_with("(mẫu)"));
                now += usize::from(year.begins == 2025);
            }
            let mut years: HashMap<u16, usize> = HashMap::new();
            for year in student.enrolments.iter().filter(|year| year.left_on.is_none()) {
                *years.entry(year.begins).or_default() += 1;
            }
            assert!(years.values().all(|schools| *schools == 1), "nobody attends two schools at once");
            assert!(student.enrolments.is_sorted_by_key(|year| year.begins));
        }
    }
    let of_school_age = citizens(homes)
        .values()
        .filter(|citizen| {
            citizen.life_status == LifeStatus::Alive && (2008..=2019).contains(&citizen.date_of_birth.year())
        })
        .count();
    assert!(now > of_school_age, "and those in pre-school: {now} {of_school_age}");
    let transferred = |student: &&Student| {
        student.enrolments.iter().any(|year| year.status == EnrolmentStatus::Transferred)
    };
    assert!(students(homes).filter(transferred).count() > 10);
}

#[test]
fn diplomas_come_after_school_and_few_are_revoked() {
    let homes = &*HOMES;
    let by_id: HashMap<i64, &Student> = students(homes).map(|student| (student.id, student)).collect();
    for diploma in diplomas(homes) {
        let age = diploma.graduation_year - diploma.date_of_birth.year();
        let expected = if diploma.kind == DiplomaKind::UpperSecondary { 18..=19 } else { 15..=16 };
        assert!(expected.contains(&age), "{age}");
        assert!(diploma.graduation_year <= 2025);
        if let Some(id) = diploma.student {
            assert_eq!(by_id[&id].full_name, diploma.full_name);
        }
    }
    let count = |is: fn(&&Diploma) -> bool| diplomas(homes).filter(is).count();
    assert!(count(|diploma| diploma.revoked) > 3 && count(|diploma| diploma.revoked) < 60);
    assert!(count(|diploma| diploma.student.is_none()) > 3000);
    assert!(count(|diploma| diploma.personal_number.is_none()) > 1000);
}

#[test]
fn every_enterprise_that_owns_land_is_registered_before_it_did() {
    let homes = &*HOMES;
    let by_code: HashMap<&EnterpriseCode, &Enterprise> =
        enterprises(homes).map(|enterprise| (&enterprise.code, enterprise)).collect();
    let mut owners = 0;
    for owner in homes.iter().flat_map(|home| &home.parcels).flat_map(|parcel| &parcel.owners) {
        if owner.kind != OwnerKind::Enterprise {
            continue;
        }
        owners += 1;
        let enterprise = by_code[owner.enterprise_code.as_ref().unwrap()];
        assert_eq!(enterprise.name, owner.name);
        assert_eq!(enterprise.status, EnterpriseStatus::Operating);
        assert!(enterprise.registered_on < owner.since);
    }
    assert!(owners > 100);
}

#[test]
fn enterprises_have_a_living_representative_of_age_and_shares_that_add_up() {
    let homes = &*HOMES;
    let citizens = citizens(homes);
    let codes: HashSet<&EnterpriseCode> = enterprises(homes).map(|enterprise| &enterprise.code).collect();
    for enterprise in enterprises(homes) {
        let now: Vec<_> = enterprise.representatives.iter().filter(|person| person.until.is_none()).collect();
        assert_eq!(now.len(), 1);
        assert!(now[0].personal_number.is_some() || now[0].old_identity.is_some());
        let Some(number) = &now[0].personal_number else { continue };
        let citizen = citizens[number.as_str()];
        assert_eq!(citizen.life_status, LifeStatus::Alive);
        assert!(citizen.date_of_birth.year() + 18 <= now[0].since.year(), "{}", enterprise.name);
        assert!(enterprise.registered_on <= now[0].since);
        if !enterprise.members.is_empty() {
            let percent: f64 = enterprise.members.iter().map(|member| member.contribution_percent).sum();
            assert!((percent - 100.0).abs() < 1e-9);
            let sum: i64 = enterprise.members.iter().map(|member| member.contribution_vnd).sum();
            assert_eq!(Some(sum), enterprise.charter_capital_vnd);
        }
        for code in enterprise.members.iter().filter_map(|member| member.enterprise.as_ref()) {
            assert!(codes.contains(code));
        }
        assert!(enterprise.business_lines[0].main);
        assert_eq!(enterprise.dissolved_on.is_some(), is_over(enterprise.status));
    }
}

fn is_over(status: EnterpriseStatus) -> bool {
    matches!(status, EnterpriseStatus::Dissolved | EnterpriseStatus::Bankrupt)
}

#[test]
fn branches_belong_to_an_enterprise_and_households_to_their_owner() {
    let homes = &*HOMES;
    let codes: HashSet<&str> = enterprises(homes).map(|enterprise| enterprise.code.as_str()).collect();
    let mut forms: HashMap<LegalForm, usize> = HashMap::new();
    for enterprise in enterprises(homes) {
        *forms.entry(enterprise.legal_form).or_default() += 1;
        assert_eq!(enterprise.parent.is_some(), enterprise.legal_form == LegalForm::Branch);
        assert_eq!(enterprise.parent.is_some(), enterprise.code.branch().is_some());
        if let Some(parent) = &enterprise.parent {
            assert!(codes.contains(parent.as_str()));
            assert_eq!(parent.as_str(), enterprise.code.main());
        }
        if enterprise.legal_form == LegalForm::BusinessHousehold {
            let owner = enterprise.representatives[0].personal_number.as_ref();
            assert!(owner.is_none_or(|owner| owner.as_str() == enterprise.code.as_str()));
        }
    }
    assert!(forms[&LegalForm::BusinessHousehold] > 400 && forms[&LegalForm::LimitedOneMember] > 20);
    assert!(forms[&LegalForm::Branch] > 20 && forms[&LegalForm::JointStock] > 5, "{forms:?}");
}

#[test]
fn the_named_persons_show_something_in_every_domain() {
    for seed in [1, 92] {
        let homes = homes(seed);
        for (home, person) in homes.iter().zip(persons::ALL.iter().filter_map(|person| person.record)) {
            let number = person.personal_number();
            let card = home.cards.iter().rfind(|card| card.full_name == person.full_name).unwrap();
            assert_eq!(card.number, person.card());
            let patient = &home.patients[0];
            assert_eq!(patient.personal_number.as_ref(), Some(&number));
            assert_eq!(patient.card.as_ref(), Some(&person.card()));
            let student = home.students.iter().find(|student| student.personal_number == number);
            assert_eq!(student.map(|student| &student.code), person.student().as_ref());
            let serials: Vec<&str> = home.diplomas.iter().map(|diploma| diploma.serial.as_str()).collect();
            assert!(serials.contains(&person.diploma_serial));
            let enterprise = &home.enterprises[0];
            assert_eq!(enterprise.code, person.enterprise());
            assert!(
                enterprise.representatives.iter().any(|one| one.personal_number.as_ref() == Some(&number))
            );
        }
        assert!(citizens(&homes).keys().all(|number| *number != persons::NOT_FOUND.personal_number));
    }
}

#[test]
fn the_named_persons_differ_as_their_stories_say() {
    let homes = homes(92);
    let [full, masked, moved, refused] = [0, 1, 2, 3].map(|position: usize| &homes[position]);
    for home in [full, masked] {
        let patient = &home.patients[0];
        assert!(
            patient.phone_number.is_some() && patient.blood_type.is_some() && patient.disability.is_some()
        );
        assert!(patient.contact.as_ref().is_some_and(|contact| contact.phone_number.is_some()));
        assert!(patient.height_cm.is_some() && patient.weight_kg.is_some());
        assert!(!patient.allergies.is_empty() && !patient.conditions.is_empty());
        assert!(!patient.medications.is_empty() && !patient.encounters.is_empty());
        assert!(patient.immunizations.iter().any(|dose| dose.adverse_reaction.is_some()));
        assert!(patient.immunizations.iter().any(|dose| dose.next_due_on.is_some()));
        assert_eq!(home.students[0].guardians.len(), 2);
    }
    assert!(masked.patients[0].pregnant && !full.patients[0].pregnant);
    let enterprise = &full.enterprises[0];
    assert!(
        enterprise.foreign_name.is_some() && enterprise.website.is_some() && enterprise.members.len() > 1
    );
    assert!(!enterprise.former_names.is_empty() && !enterprise.former_addresses.is_empty());
    assert!(full.enterprises[1..3].iter().all(|branch| branch.parent.as_ref() == Some(&enterprise.code)));

    assert!(moved.patients[0].address.former_ward.is_some());
    assert!(moved.cards[..2].iter().all(|card| card.personal_number.is_none()));
    let former_office = &moved.enterprises[0].former_addresses[0].address;
    assert_eq!(former_office.former_ward.unwrap().as_str(), "31318");
    assert!(moved.enterprises[0].address.former_ward.is_none());
    assert!(moved.diplomas[0].personal_number.is_none() && moved.diplomas[0].old_identity.is_some());

    assert!(refused.cards.iter().any(|card| card.suspended_from.is_some()));
    assert!(refused.diplomas[0].revoked);
    assert_eq!(refused.enterprises[0].status, EnterpriseStatus::Suspended);
}
