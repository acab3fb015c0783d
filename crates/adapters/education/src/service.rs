use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::parse::{
    OneOf, enumeration, given, maybe_person_key, one_of, partial_date, person_key, short,
};
use lgsp_adapter::{Deadline, Fault, Fields, invalid, records, status};
use lgsp_identifiers::StudentCode;
use lgsp_proto::education::v1::education_service_server::EducationService;
use lgsp_proto::education::v1::{
    DiplomaKind, GetStudentRequest, GetStudentResponse, VerifyDiplomaRequest, VerifyDiplomaResponse,
    VerifyEnrolmentRequest, VerifyEnrolmentResponse,
};
use tonic::{Request, Response, Status};

use crate::verify::{self, Claims, Enrolment};
use crate::{Parts, SchoolYear, Source, StudentKey, Year};

/// As the contract bounds them.
const NAME_LENGTH: usize = 100;
const SCHOOL_CODE_LENGTH: usize = 20;
const SERIAL_LENGTHS: RangeInclusive<usize> = 3..=30;
const REGISTER_NUMBER_LENGTH: usize = 30;
const GRADES: RangeInclusive<i32> = 0..=12;
const GRADUATION_YEARS: RangeInclusive<i32> = 0..=2200;

/// The education service over a source.
#[derive(Debug)]
pub struct Education<S> {
    source: Arc<S>,
    query_timeout: Duration,
}

impl<S: Source> Education<S> {
    /// Makes the service; a query of it takes `query_timeout` at most.
    pub fn new(source: Arc<S>, query_timeout: Duration) -> Self {
        Self { source, query_timeout }
    }

    async fn student(
        &self,
        asked: &GetStudentRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<GetStudentResponse, Fault> {
        let key = student_key(&asked.student_code, &asked.personal_number)?;
        let student = self.source.student(&key, Year::Last, parts, deadline.of_query()).await;
        Ok(GetStudentResponse { student: Some(deadline.found(student)?) })
    }

    async fn enrolment(
        &self,
        asked: &VerifyEnrolmentRequest,
        deadline: Deadline,
    ) -> Result<VerifyEnrolmentResponse, Fault> {
        let key = student_key(&asked.student_code, &asked.personal_number)?;
        let year = school_year(&asked.school_year)?;
        let claims = Enrolment {
            school_code: short("school_code", &asked.school_code, SCHOOL_CODE_LENGTH)?,
            grade: number("grade", asked.grade, GRADES)?,
            full_name: short("full_name", &asked.full_name, NAME_LENGTH)?,
        };
        let student = self.source.student(&key, year, Parts::NONE, deadline.of_query()).await;
        Ok(verify::enrolment(&claims, deadline.found(student)?))
    }

    async fn diploma(
        &self,
        asked: &VerifyDiplomaRequest,
        deadline: Deadline,
    ) -> Result<VerifyDiplomaResponse, Fault> {
        let serial_number = serial_number(&asked.serial_number)?;
        let claims = diploma_claims(asked)?;
        let registered = self.source.diplomas(&serial_number, deadline.of_query()).await;
        let registered = registered.map_err(|error| deadline.fault(error))?;
        Ok(verify::diploma(&claims, registered, self.source.origin()))
    }
}

#[tonic::async_trait]
impl<S: Source> EducationService for Education<S> {
    async fn get_student(
        &self,
        request: Request<GetStudentRequest>,
    ) -> Result<Response<GetStudentResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request));
        self.student(request.get_ref(), parts, deadline).await.map(Response::new).map_err(status)
    }

    async fn verify_enrolment(
        &self,
        request: Request<VerifyEnrolmentRequest>,
    ) -> Result<Response<VerifyEnrolmentResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.enrolment(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }

    async fn verify_diploma(
        &self,
        request: Request<VerifyDiplomaRequest>,
    ) -> Result<Response<VerifyDiplomaResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.diploma(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }
}

fn student_key(student_code: &str, personal_number: &str) -> Result<StudentKey, Fault> {
    match one_of(("student_code", student_code), ("personal_number", personal_number))? {
        OneOf::First(code) => {
            StudentCode::parse(code).map(StudentKey::Code).map_err(|error| invalid("student_code", error))
        }
        OneOf::Second(number) => person_key("personal_number", number).map(StudentKey::Person),
    }
}

/// The current school year, if none is given.
fn school_year(text: &str) -> Result<Year, Fault> {
    let Some(text) = given("school_year", text)? else {
        return Ok(Year::Current(SchoolYear::begun(records::today())));
    };
    let year = SchoolYear::parse(text).map(Year::In);
    year.ok_or_else(|| invalid("school_year", "is not a school year such as 2025-2026"))
}

/// As the register writes it: without spaces, in capitals.
fn serial_number(text: &str) -> Result<String, Fault> {
    let given = given("serial_number", text)?.unwrap_or_default();
    let serial: String = given.split_whitespace().collect::<String>().to_uppercase();
    if !SERIAL_LENGTHS.contains(&serial.chars().count()) {
        let (least, most) = SERIAL_LENGTHS.into_inner();
        return Err(invalid("serial_number", format!("is not {least} to {most} characters long")));
    }
    Ok(serial)
}

fn diploma_claims(asked: &VerifyDiplomaRequest) -> Result<Claims, Fault> {
    let full_name = short("full_name", &asked.full_name, NAME_LENGTH)?;
    let kind: DiplomaKind = enumeration("kind", asked.kind)?;
    Ok(Claims {
        register_number: short("register_number", &asked.register_number, REGISTER_NUMBER_LENGTH)?,
        full_name: full_name.ok_or_else(|| invalid("full_name", "is required"))?,
        person: maybe_person_key("personal_number", &asked.personal_number)?,
        date_of_birth: partial_date("date_of_birth", asked.date_of_birth.as_ref())?,
        kind: Some(kind).filter(|kind| *kind != DiplomaKind::Unspecified),
        graduation_year: number("graduation_year", asked.graduation_year, GRADUATION_YEARS)?,
    })
}

/// A number that may be left out, which is 0.
fn number(field: &str, number: i32, accepted: RangeInclusive<i32>) -> Result<Option<i32>, Fault> {
    if !accepted.contains(&number) {
        let (least, most) = accepted.into_inner();
        return Err(invalid(field, format!("is not between {least} and {most}")));
    }
    Ok(Some(number).filter(|number| *number != 0))
}
