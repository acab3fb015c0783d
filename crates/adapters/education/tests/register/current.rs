//! Whether somebody goes to school now: schools hand in the new year one after the other.

use lgsp_adapter::records::today;
use lgsp_adapter_education::SchoolYear;
use lgsp_proto::education::v1::VerifyEnrolmentRequest;
use lgsp_proto::record::v1::Match;

use crate::enrolment::in_year;
use crate::register::{Form, GRADUATE, GRADUATES_OLD_CARD, PUPIL, Register, TODDLER};

/// The pupil's school year, the toddler's, who goes to another school, and that of the other one.
async fn each_with(pupil: &str, toddler: &str, other: &str) -> Vec<Register> {
    let native = format!(
        "UPDATE enrolment SET school_year = '{pupil}' WHERE enrolment_id = 2;
         UPDATE enrolment SET school_year = '{toddler}' WHERE enrolment_id = 5;
         UPDATE enrolment SET school_year = '{other}', school_code = '92THCS02', status = 1 WHERE enrolment_id = 4;"
    );
    let mapped = format!(
        "UPDATE bang_hoc_sinh SET nam_hoc = '{pupil}' WHERE dong = 2;
         UPDATE bang_hoc_sinh SET nam_hoc = '{toddler}' WHERE dong = 5;
         UPDATE bang_hoc_sinh SET nam_hoc = '{other}', ma_truong = '92THCS02', trang_thai = 'Đang học' WHERE dong = 4;"
    );
    let mut each = Register::each_of(Form::Native, &native).await;
    each.extend(Register::each_of(Form::Mapped, &mapped).await);
    each
}

async fn is_enrolled(register: &mut Register, student_code: &str) -> Match {
    register.enrolment(in_year(student_code, "")).await.unwrap().enrolled()
}

#[tokio::test]
async fn of_a_school_that_is_behind_the_year_before_counts_and_of_one_that_is_not_it_does_not() {
    let now = SchoolYear::begun(today());
    let (now, before) = (now.to_string(), now.previous().to_string());
    for mut register in each_with(&now, &before, &before).await {
        assert_eq!(is_enrolled(&mut register, PUPIL).await, Match::Yes);
        assert_eq!(is_enrolled(&mut register, TODDLER).await, Match::Yes, "the school is behind");
        assert_eq!(is_enrolled(&mut register, GRADUATE).await, Match::No, "the school has handed in others");
    }
}

#[tokio::test]
async fn who_finished_or_left_the_year_before_is_not_enrolled_though_the_school_is_behind() {
    let before = SchoolYear::begun(today()).previous().to_string();
    for (status, of_agency, expected) in [
        (0, "không rõ", Match::Unknown),
        (1, "Đang học", Match::Yes),
        (3, "Chuyển đi", Match::No),
        (4, "Thôi học", Match::No),
        (5, "Tốt nghiệp", Match::No),
    ] {
        let native = format!(
            "UPDATE enrolment SET school_year = '{before}', status = {status} WHERE enrolment_id = 4"
        );
        let mapped = format!(
            "UPDATE bang_hoc_sinh SET nam_hoc = '{before}', trang_thai = '{of_agency}' WHERE dong = 4"
        );
        let mut each = Register::each_of(Form::Native, &native).await;
        each.extend(Register::each_of(Form::Mapped, &mapped).await);
        for mut register in each {
            let claim =
                VerifyEnrolmentRequest { school_code: "92THPT01".to_owned(), ..in_year(GRADUATE, "") };
            let answer = register.enrolment(claim).await.unwrap();
            assert_eq!(answer.enrolled(), expected, "{of_agency}");
            let school = if expected == Match::No { Match::Unknown } else { Match::Yes };
            assert_eq!(answer.school_code(), school, "{of_agency}");
        }
    }
}

#[tokio::test]
async fn who_has_no_year_of_late_is_not_enrolled() {
    let long_ago = "2001-2002";
    for mut register in each_with(long_ago, long_ago, long_ago).await {
        let by_old_card = VerifyEnrolmentRequest {
            personal_number: GRADUATES_OLD_CARD.to_owned(),
            ..VerifyEnrolmentRequest::default()
        };
        assert_eq!(register.enrolment(by_old_card).await.unwrap().enrolled(), Match::No);
        assert_eq!(is_enrolled(&mut register, TODDLER).await, Match::No);
    }
}

#[tokio::test]
async fn a_year_that_is_none_is_counted_and_keeps_nobody_from_school() {
    let now = SchoolYear::begun(today()).to_string();
    let next = format!("{}-{}", today().year() + 1, today().year() + 2);
    let odd = format!(
        "UPDATE bang_hoc_sinh SET nam_hoc = '{now}' WHERE dong = 5;
         INSERT INTO bang_hoc_sinh (dong, ma_hs, ho_ten, nam_hoc, ma_truong, ten_truong) VALUES
             (0, '{TODDLER}', 'Lê Thị Bé', '2999', '92MN01', 'x'),
             (-1, '{TODDLER}', 'Lê Thị Bé', '{next}', '92MN01', 'x'),
             (-2, '9200000009', 'Ai Đó', '2999-3000', '92MN01', 'x');"
    );
    for mut register in Register::each_of(Form::Mapped, &odd).await {
        assert_eq!(is_enrolled(&mut register, TODDLER).await, Match::Yes);
        assert_eq!(register.not_understood("enrolment", "school_year"), 1);
    }
}
