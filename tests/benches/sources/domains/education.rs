use std::sync::Arc;

use anyhow::Result;
use lgsp_adapter::Options;
use lgsp_adapter_education::{DOMAIN, Education, Register};
use lgsp_proto::education::v1::education_service_server::EducationService as _;
use lgsp_proto::education::v1::{GetStudentRequest, VerifyDiplomaRequest, VerifyEnrolmentRequest};
use lgsp_proto::record::v1::Match;
use lgsp_sample::{Dice, Diploma, Home, Student};

use super::{OLD_CARD, Opened, PERSONAL_NUMBER};
use crate::case::Cases;
use crate::keys::{Sample, absent, claimed};

const STUDENT_CODE: &str = "student code";

#[derive(Default)]
pub struct Keys {
    codes: Sample<String>,
    numbers: Sample<String>,
    old_cards: Sample<String>,
    enrolments: Sample<VerifyEnrolmentRequest>,
    diplomas: Sample<VerifyDiplomaRequest>,
}

impl Keys {
    pub fn look_at(&mut self, dice: &mut Dice, home: &Home) {
        for student in &home.students {
            self.codes.offer(dice, || student.code.as_str().to_owned());
            self.numbers.offer(dice, || student.personal_number.as_str().to_owned());
            if let Some(card) = &student.old_identity {
                self.old_cards.offer(dice, || card.as_str().to_owned());
            }
            self.enrolments.offer(dice, || enrolment(student));
        }
        for diploma in &home.diplomas {
            self.diplomas.offer(dice, || printed(diploma));
        }
    }
}

/// What a parent claims of a child's last school year.
fn enrolment(student: &Student) -> VerifyEnrolmentRequest {
    let last = student.enrolments.last();
    VerifyEnrolmentRequest {
        student_code: student.code.as_str().to_owned(),
        school_year: last.map(|year| year.school_year()).unwrap_or_default(),
        school_code: last.map(|year| year.school.code.clone()).unwrap_or_default(),
        grade: last.map_or(0, |year| year.grade.into()),
        full_name: student.full_name.clone(),
        ..VerifyEnrolmentRequest::default()
    }
}

/// What is printed on a diploma.
fn printed(diploma: &Diploma) -> VerifyDiplomaRequest {
    let number = diploma.personal_number.as_ref();
    VerifyDiplomaRequest {
        serial_number: diploma.serial.clone(),
        register_number: diploma.register.clone(),
        full_name: diploma.full_name.clone(),
        personal_number: number.map(|number| number.as_str().to_owned()).unwrap_or_default(),
        date_of_birth: Some(claimed(diploma.date_of_birth)),
        kind: diploma.kind.into(),
        graduation_year: diploma.graduation_year.into(),
    }
}

pub async fn open(options: &Options, keys: &Keys, dice: &mut Dice) -> Result<Opened> {
    let register = Arc::new(Register::open(options).await?);
    let tables = register.tables().clone();
    let mut cases = Cases::of(DOMAIN, Education::new(register, options.query_timeout));
    students(&mut cases, keys, dice);
    enrolments(&mut cases, keys, dice);
    diplomas(&mut cases, keys, dice);
    Ok(Opened { domain: DOMAIN, tables, cases: cases.made() })
}

type Service = Education<Register>;

fn students(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let by_code = |student_code| GetStudentRequest { student_code, ..GetStudentRequest::default() };
    let by_person = |personal_number| GetStudentRequest { personal_number, ..GetStudentRequest::default() };
    let by = [
        (STUDENT_CODE, keys.codes.questions(dice, absent::student, by_code)),
        (PERSONAL_NUMBER, keys.numbers.questions(dice, absent::personal_number, by_person)),
        (OLD_CARD, keys.old_cards.questions(dice, absent::old_card, by_person)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("GetStudent", by),
            questions,
            |service, request| service.get_student(request),
            |answer| answer.student.is_some(),
        );
    }
}

fn enrolments(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let nobody = |dice: &mut Dice| VerifyEnrolmentRequest {
        student_code: absent::student(dice),
        ..VerifyEnrolmentRequest::default()
    };
    // An empty year is the present one, which the register is asked for besides.
    let now =
        |personal_number| VerifyEnrolmentRequest { personal_number, ..VerifyEnrolmentRequest::default() };
    let by = [
        ("student code, a year", keys.enrolments.questions(dice, nobody, |claims| claims)),
        ("personal number, now", keys.numbers.questions(dice, absent::personal_number, now)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("VerifyEnrolment", by),
            questions,
            |service, request| service.verify_enrolment(request),
            |answer| answer.provenance.is_some(),
        );
    }
}

fn diplomas(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let nobody = |dice: &mut Dice| VerifyDiplomaRequest {
        serial_number: absent::diploma(dice),
        full_name: "Nguyễn Văn Không".to_owned(),
        ..VerifyDiplomaRequest::default()
    };
    cases.unary(
        ("VerifyDiploma", "serial number"),
        keys.diplomas.questions(dice, nobody, |claims| claims),
        |service, request| service.verify_diploma(request),
        |answer| answer.serial_number() == Match::Yes,
    );
}
