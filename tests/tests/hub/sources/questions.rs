//! Every method of the data services, with what is asked about a home of the synthetic city.

use lgsp_identifiers::PartialDate;
use lgsp_sample::{Citizen, Home, Parcel};
use serde_json::{Value, json};

/// A day on which some cards are valid, some suspended and some expired.
const ON_DATE: &str = "2026-05-31";

/// A method, who calls it for what, and what they ask.
pub struct Question {
    /// `SERVICE/METHOD`.
    pub method: &'static str,
    /// An application whose agreement keeps back as little as any.
    pub application: &'static str,
    pub purpose: &'static str,
    /// The requests about a home.
    pub about: fn(&Home) -> Vec<Value>,
}

const fn question(
    method: &'static str,
    application: &'static str,
    purpose: &'static str,
    about: fn(&Home) -> Vec<Value>,
) -> Question {
    Question { method, application, purpose, about }
}

pub const QUESTIONS: [Question; 17] = [
    question("lgsp.population.v1.PopulationService/GetCitizen", "tthc", "prefill", |home| {
        persons(home).map(|number| json!({ "personalNumber": number })).collect()
    }),
    question("lgsp.population.v1.PopulationService/VerifyCitizen", "tthc", "verify", |home| {
        home.citizens.iter().map(claim).collect()
    }),
    question("lgsp.population.v1.PopulationService/GetHousehold", "tthc", "prefill", |home| {
        let by_member = persons(home).map(|number| json!({ "personalNumber": number }));
        by_member.chain([json!({ "householdNumber": home.household.number })]).collect()
    }),
    question("lgsp.population.v1.PopulationService/ListResidents", "tthc", "statistics", |home| {
        let ward = home.household.ward.as_str();
        vec![
            json!({ "wardCode": ward, "pageSize": 3 }),
            json!({ "wardCode": home.household.former_ward.map_or(ward.to_owned(), |ward| ward.to_string()) }),
        ]
    }),
    question("lgsp.land.v1.LandService/GetParcel", "tthc", "prefill", |home| {
        home.parcels.iter().flat_map(keys).collect()
    }),
    question("lgsp.land.v1.LandService/ListParcelsByOwner", "tthc", "land-transfer", |home| {
        let by_person = persons(home).map(|number| json!({ "personalNumber": number, "pageSize": 1 }));
        let by_enterprise = enterprises(home).map(|code| json!({ "enterpriseCode": code }));
        by_person.chain(by_enterprise).collect()
    }),
    question("lgsp.land.v1.LandService/FindParcels", "tthc", "prefill", |home| {
        home.parcels.iter().flat_map(places).collect()
    }),
    question("lgsp.land.v1.LandService/ListParcels", "spp", "planning", |home| {
        home.parcels.iter().map(|parcel| json!({ "wardCode": parcel.key.ward().as_str() })).collect()
    }),
    question("lgsp.health.v1.HealthService/VerifyInsurance", "yte", "health-care", |home| {
        let by_card = cards(home).map(|card| json!({ "cardNumber": card, "onDate": ON_DATE }));
        let by_person = home.citizens.iter().map(|citizen| {
            json!({
                "personalNumber": citizen.personal_number.as_str(),
                "onDate": ON_DATE,
                "fullName": citizen.full_name,
                "dateOfBirth": date(citizen.date_of_birth),
            })
        });
        by_card.chain(by_person).collect()
    }),
    question("lgsp.health.v1.HealthService/GetPatientSummary", "yte", "health-care", |home| {
        let by_card = cards(home).map(|card| json!({ "cardNumber": card }));
        persons(home).map(|number| json!({ "personalNumber": number })).chain(by_card).collect()
    }),
    question("lgsp.health.v1.HealthService/ListImmunizations", "yte", "health-care", |home| {
        persons(home).map(|number| json!({ "personalNumber": number, "pageSize": 3 })).collect()
    }),
    question("lgsp.education.v1.EducationService/GetStudent", "giaoduc", "school-enrolment", |home| {
        let by_code = home.students.iter().map(|student| json!({ "studentCode": student.code.as_str() }));
        persons(home).map(|number| json!({ "personalNumber": number })).chain(by_code).collect()
    }),
    question("lgsp.education.v1.EducationService/VerifyEnrolment", "giaoduc", "school-enrolment", |home| {
        let of_a_year = home.students.iter().flat_map(|student| {
            student.enrolments.iter().map(|enrolment| {
                json!({
                    "studentCode": student.code.as_str(),
                    "schoolYear": enrolment.school_year(),
                    "schoolCode": enrolment.school.code,
                    "grade": enrolment.grade,
                    "fullName": student.full_name,
                })
            })
        });
        let now = persons(home).map(|number| json!({ "personalNumber": number }));
        of_a_year.chain(now).collect()
    }),
    question("lgsp.education.v1.EducationService/VerifyDiploma", "giaoduc", "school-enrolment", |home| {
        let diplomas = home.diplomas.iter().map(|diploma| {
            json!({
                "serialNumber": diploma.serial,
                "registerNumber": diploma.register,
                "fullName": diploma.full_name,
                "dateOfBirth": date(diploma.date_of_birth),
                "graduationYear": diploma.graduation_year,
            })
        });
        diplomas.chain([json!({ "serialNumber": "Z99999999", "fullName": "Không Ai" })]).collect()
    }),
    question("lgsp.business.v1.BusinessService/GetEnterprise", "doanhnghiep", "business-licensing", |home| {
        enterprises(home).map(|code| json!({ "enterpriseCode": code })).collect()
    }),
    question(
        "lgsp.business.v1.BusinessService/VerifyEnterprise",
        "doanhnghiep",
        "business-licensing",
        |home| {
            let head = home.citizens[0].personal_number.as_str();
            let claims = home.enterprises.iter().map(|enterprise| {
                json!({
                    "enterpriseCode": enterprise.code.as_str(),
                    "name": enterprise.name,
                    "representativePersonalNumber": head,
                    "wardCode": home.household.ward.as_str(),
                    "status": "ENTERPRISE_STATUS_OPERATING",
                })
            });
            claims.collect()
        },
    ),
    question(
        "lgsp.business.v1.BusinessService/ListEnterprisesByRepresentative",
        "doanhnghiep",
        "business-licensing",
        |home| persons(home).map(|number| json!({ "personalNumber": number, "pageSize": 1 })).collect(),
    ),
];

/// Every number by which somebody of a home is known.
fn persons(home: &Home) -> impl Iterator<Item = &str> {
    home.citizens.iter().flat_map(|citizen| {
        let old = citizen.old_identity.as_ref().map(|old| old.as_str());
        [citizen.personal_number.as_str()].into_iter().chain(old)
    })
}

fn claim(citizen: &Citizen) -> Value {
    json!({
        "personalNumber": citizen.personal_number.as_str(),
        "fullName": citizen.full_name.to_uppercase(),
        "dateOfBirth": date(citizen.date_of_birth),
        "sex": "SEX_FEMALE",
        "wardCode": "31120",
    })
}

/// A parcel by everything that it was ever called.
fn keys(parcel: &Parcel) -> Vec<Value> {
    let former = parcel.former_keys.iter().map(|former| json!({ "parcelKey": former.key.as_str() }));
    let now = [json!({ "parcelId": parcel.uuid.to_string() }), json!({ "parcelKey": parcel.key.as_str() })];
    now.into_iter().chain(former).collect()
}

/// A point in a parcel, and the box around it.
fn places(parcel: &Parcel) -> [Value; 2] {
    let (centre, bounds) = (parcel.centre, parcel.bounds);
    let around =
        json!({ "south": bounds.south, "west": bounds.west, "north": bounds.north, "east": bounds.east });
    [
        json!({ "point": { "latitude": centre.latitude, "longitude": centre.longitude } }),
        json!({ "box": around, "pageSize": 1 }),
    ]
}

fn cards(home: &Home) -> impl Iterator<Item = &str> {
    home.cards.iter().map(|card| card.number.as_str())
}

fn enterprises(home: &Home) -> impl Iterator<Item = &str> {
    home.enterprises.iter().map(|enterprise| enterprise.code.as_str())
}

fn date(date: PartialDate) -> Value {
    json!({ "year": date.year(), "month": date.month(), "day": date.day() })
}
