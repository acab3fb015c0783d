//! Bad records: unknown codes, what is no date, what is missing where an order is made.

use lgsp_proto::education::v1::{DiplomaKind, EnrolmentStatus, GetStudentRequest, SchoolLevel};
use lgsp_proto::record::v1::Sex;

use crate::register::{Form, GRADUATE, PUPIL, Register};

fn by_code(code: &str) -> GetStudentRequest {
    GetStudentRequest { student_code: code.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn unknown_codes_and_false_dates_are_passed_on_as_unknown_and_counted() {
    let odd = "
        UPDATE bang_hoc_sinh SET gioi_tinh = 'nu', ngay_sinh = '31/02/2012', khuyet_tat = '1', cap = '?', trang_thai = 'X',
                                 ngay_vao = '5/9/2025' WHERE dong = 3;
        DELETE FROM bang_hoc_sinh WHERE dong = 2;
        UPDATE so_van_bang SET loai = 'ĐH' WHERE stt = 1;";
    for mut register in Register::each_of(Form::Mapped, odd).await {
        let pupil = register.student(by_code(PUPIL)).await.unwrap();
        assert_eq!((pupil.sex(), pupil.date_of_birth, pupil.disabled), (Sex::Unknown, None, false));
        assert_eq!(pupil.level(), SchoolLevel::Unspecified);
        assert_eq!((pupil.status(), pupil.enrolled_on), (EnrolmentStatus::Unspecified, None));
        let graduate = register.student(by_code(GRADUATE)).await.unwrap();
        assert_eq!(graduate.diplomas[0].kind(), DiplomaKind::Unspecified);
        for (relation, column) in [
            ("student", "sex"),
            ("student", "date_of_birth"),
            ("student", "disabled"),
            ("enrolment", "level"),
            ("enrolment", "status"),
            ("enrolment", "enrolled_on"),
            ("diploma", "kind"),
        ] {
            assert_eq!(register.not_understood(relation, column), 1, "{relation}.{column}");
        }
    }
}

#[tokio::test]
async fn a_diploma_without_a_year_comes_last_on_every_database() {
    let more = "
        INSERT INTO diploma (diploma_id, student_id, serial_number, full_name, as_of_us)
        VALUES (0, 2, 'C1', 'Trần Văn An', 0);";
    for mut register in Register::each_of(Form::Native, more).await {
        let diplomas = register.student(by_code(GRADUATE)).await.unwrap().diplomas;
        let serials: Vec<&str> = diplomas.iter().map(|one| one.serial_number.as_str()).collect();
        assert_eq!(serials, ["B1234567", "C1"]);
    }
}
