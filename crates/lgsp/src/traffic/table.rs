//! The scenarios, as officers know them.
//!
//! Codes of procedures are written in the national form and are ASSUMED, as the applications and agreements are. Refusals
//! stand here because the shipped agreements hold one of each kind; a test holds every step against them.
//!
//! A round has the skew of a real platform, where one service made 94.9% of all requests, and population and social
//! insurance only thousandths: machines ask far more often than officers do. It is flatter here, so that every scenario is
//! seen within the hour.

use lgsp_core::Reason;

use super::scenario::Part::{
    Born, Card, Count, Diploma, Enterprise, EnterpriseName, Grade, Graduated, Name, Number, OldParcel,
    Parcel, School, Spot, Ward,
};
use super::scenario::Role::{
    Applicant, Child, Father, Graduate, Mother, Other, Owner, Patient, Representative,
};
use super::scenario::Setting::{Counter, Desk, Machine, Online};
use super::scenario::{Scenario, ask};

const GET_CITIZEN: &str = "lgsp.population.v1.PopulationService/GetCitizen";
const VERIFY_CITIZEN: &str = "lgsp.population.v1.PopulationService/VerifyCitizen";
const GET_HOUSEHOLD: &str = "lgsp.population.v1.PopulationService/GetHousehold";
const LIST_RESIDENTS: &str = "lgsp.population.v1.PopulationService/ListResidents";
const GET_PARCEL: &str = "lgsp.land.v1.LandService/GetParcel";
const LIST_PARCELS_BY_OWNER: &str = "lgsp.land.v1.LandService/ListParcelsByOwner";
const FIND_PARCELS: &str = "lgsp.land.v1.LandService/FindParcels";
const LIST_PARCELS: &str = "lgsp.land.v1.LandService/ListParcels";
const VERIFY_INSURANCE: &str = "lgsp.health.v1.HealthService/VerifyInsurance";
const GET_PATIENT_SUMMARY: &str = "lgsp.health.v1.HealthService/GetPatientSummary";
const LIST_IMMUNIZATIONS: &str = "lgsp.health.v1.HealthService/ListImmunizations";
const GET_STUDENT: &str = "lgsp.education.v1.EducationService/GetStudent";
const VERIFY_ENROLMENT: &str = "lgsp.education.v1.EducationService/VerifyEnrolment";
const VERIFY_DIPLOMA: &str = "lgsp.education.v1.EducationService/VerifyDiploma";
const GET_ENTERPRISE: &str = "lgsp.business.v1.BusinessService/GetEnterprise";
const VERIFY_ENTERPRISE: &str = "lgsp.business.v1.BusinessService/VerifyEnterprise";
const LIST_BY_REPRESENTATIVE: &str = "lgsp.business.v1.BusinessService/ListEnterprisesByRepresentative";

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    // Tra cứu thửa đất trên bản đồ quy hoạch
    Scenario {
        title: "Look at a parcel on the planning map",
        setting: Machine,
        cases: 1_500,
        steps: &[ask("spp", "planning", FIND_PARCELS, &[("point", Spot), ("page_size", Count(10))])],
    },
    // Tra cứu thông tin quy hoạch của thửa đất
    Scenario {
        title: "Tell what is planned for a parcel",
        setting: Machine,
        cases: 60,
        steps: &[
            ask("spp", "planning", FIND_PARCELS, &[("point", Spot), ("page_size", Count(10))]),
            ask("spp", "planning", GET_PARCEL, &[("parcel_key", Parcel)]),
        ],
    },
    // Rà soát hiện trạng sử dụng đất của phường, xã
    Scenario {
        title: "Survey the use of land of a ward",
        setting: Desk,
        cases: 1,
        steps: &[ask("spp", "planning", LIST_PARCELS, &[("ward_code", Ward), ("page_size", Count(100))])],
    },
    // Điền sẵn biểu mẫu trực tuyến
    Scenario {
        title: "Fill a form online",
        setting: Online { procedure: "1.001193" },
        cases: 24,
        steps: &[ask("dvctt", "prefill", GET_CITIZEN, &[("personal_number", Number(Applicant))])],
    },
    // Xác thực định danh khi đăng ký tài khoản
    Scenario {
        title: "Prove who opens an account",
        setting: Online { procedure: "2.002668" },
        cases: 14,
        steps: &[ask(
            "sso",
            "verify",
            VERIFY_CITIZEN,
            &[
                ("personal_number", Number(Applicant)),
                ("full_name", Name(Applicant)),
                ("date_of_birth", Born(Applicant)),
            ],
        )],
    },
    // Điền sẵn biểu mẫu của doanh nghiệp
    Scenario {
        title: "Fill the form of an enterprise online",
        setting: Online { procedure: "2.002009" },
        cases: 6,
        steps: &[ask(
            "dvctt",
            "prefill",
            LIST_BY_REPRESENTATIVE,
            &[("personal_number", Number(Representative))],
        )],
    },
    // Đăng ký khai sinh
    Scenario {
        title: "Register a birth",
        setting: Counter { agency: "H13.03", procedure: "1.001193" },
        cases: 5,
        steps: &[
            ask("hotich", "civil-status", GET_CITIZEN, &[("personal_number", Number(Mother))]),
            ask("hotich", "civil-status", GET_CITIZEN, &[("personal_number", Number(Father))]),
            ask("hotich", "civil-status", GET_HOUSEHOLD, &[("personal_number", Number(Mother))]),
        ],
    },
    // Đăng ký kết hôn
    Scenario {
        title: "Register a marriage",
        setting: Counter { agency: "H13.03", procedure: "1.000894" },
        cases: 4,
        steps: &[
            ask("hotich", "civil-status", GET_CITIZEN, &[("personal_number", Number(Applicant))]),
            ask("hotich", "civil-status", GET_CITIZEN, &[("personal_number", Number(Other))]),
        ],
    },
    // Thống kê hộ tịch của phường, xã
    Scenario {
        title: "Count the civil status of a ward",
        setting: Desk,
        cases: 1,
        steps: &[ask(
            "hotich",
            "statistics",
            LIST_RESIDENTS,
            &[("ward_code", Ward), ("page_size", Count(100))],
        )],
    },
    // Chuyển nhượng quyền sử dụng đất
    Scenario {
        title: "Transfer a right of land use",
        setting: Counter { agency: "H13.04", procedure: "1.012783" },
        cases: 4,
        steps: &[
            ask("tthc", "land-transfer", GET_PARCEL, &[("parcel_key", Parcel)]),
            ask("tthc", "land-transfer", LIST_PARCELS_BY_OWNER, &[("personal_number", Number(Owner))]),
            ask("datdai", "land-transfer", GET_CITIZEN, &[("personal_number", Number(Owner))]),
            ask(
                "datdai",
                "land-transfer",
                VERIFY_CITIZEN,
                &[("personal_number", Number(Other)), ("full_name", Name(Other)), ("ward_code", Ward)],
            ),
        ],
    },
    // Chuyển nhượng đất của doanh nghiệp
    Scenario {
        title: "Transfer land of an enterprise",
        setting: Counter { agency: "H13.04", procedure: "1.012783" },
        cases: 2,
        steps: &[
            ask("tthc", "land-transfer", LIST_PARCELS_BY_OWNER, &[("enterprise_code", Enterprise)]),
            ask(
                "datdai",
                "land-transfer",
                VERIFY_ENTERPRISE,
                &[
                    ("enterprise_code", Enterprise),
                    ("name", EnterpriseName),
                    ("representative_personal_number", Number(Representative)),
                ],
            ),
        ],
    },
    // Cấp đổi giấy chứng nhận mang địa danh cũ
    Scenario {
        title: "Renew a certificate that names a former ward",
        setting: Counter { agency: "H13.04", procedure: "1.012786" },
        cases: 2,
        steps: &[
            ask("tthc", "land-transfer", GET_PARCEL, &[("parcel_key", OldParcel)]),
            ask("datdai", "land-transfer", GET_CITIZEN, &[("personal_number", Number(Owner))]),
        ],
    },
    // Cấp giấy phép kinh doanh có điều kiện
    Scenario {
        title: "Issue a business licence",
        setting: Counter { agency: "H13.05", procedure: "2.000635" },
        cases: 3,
        steps: &[
            ask("tthc", "prefill", GET_ENTERPRISE, &[("enterprise_code", Enterprise)]),
            ask("doanhnghiep", "business-licensing", GET_ENTERPRISE, &[("enterprise_code", Enterprise)]),
            ask(
                "doanhnghiep",
                "business-licensing",
                LIST_PARCELS_BY_OWNER,
                &[("enterprise_code", Enterprise)],
            ),
            ask(
                "doanhnghiep",
                "business-licensing",
                VERIFY_CITIZEN,
                &[("personal_number", Number(Applicant)), ("full_name", Name(Applicant))],
            )
            .denied(Reason::AgreementMissing),
        ],
    },
    // Đăng ký thay đổi người đại diện theo pháp luật
    Scenario {
        title: "Change who represents an enterprise",
        setting: Counter { agency: "H13.05", procedure: "2.002008" },
        cases: 2,
        steps: &[
            ask(
                "doanhnghiep",
                "business-licensing",
                VERIFY_ENTERPRISE,
                &[
                    ("enterprise_code", Enterprise),
                    ("name", EnterpriseName),
                    ("representative_personal_number", Number(Representative)),
                ],
            ),
            ask(
                "doanhnghiep",
                "business-licensing",
                LIST_BY_REPRESENTATIVE,
                &[("personal_number", Number(Representative))],
            ),
        ],
    },
    // Tuyển sinh đầu cấp
    Scenario {
        title: "Enrol a pupil",
        setting: Counter { agency: "H13.07", procedure: "1.012969" },
        cases: 3,
        steps: &[
            ask("giaoduc", "school-enrolment", GET_CITIZEN, &[("personal_number", Number(Child))])
                .denied(Reason::AgreementNotYetValid),
            ask("tthc", "prefill", GET_CITIZEN, &[("personal_number", Number(Child))]),
            ask("tthc", "prefill", GET_HOUSEHOLD, &[("personal_number", Number(Mother))]),
            ask("giaoduc", "school-enrolment", GET_STUDENT, &[("personal_number", Number(Child))]),
            ask("giaoduc", "school-enrolment", LIST_IMMUNIZATIONS, &[("personal_number", Number(Child))]),
        ],
    },
    // Chuyển trường
    Scenario {
        title: "Change the school",
        setting: Counter { agency: "H13.07", procedure: "2.002481" },
        cases: 2,
        steps: &[ask(
            "giaoduc",
            "school-enrolment",
            VERIFY_ENROLMENT,
            &[
                ("personal_number", Number(Child)),
                ("full_name", Name(Child)),
                ("school_code", School),
                ("grade", Grade),
            ],
        )],
    },
    // Khám bệnh, chữa bệnh bảo hiểm y tế
    Scenario {
        title: "Examine an insured patient",
        setting: Counter { agency: "H13.06", procedure: "1.003034" },
        cases: 4,
        steps: &[
            ask(
                "yte",
                "health-care",
                VERIFY_INSURANCE,
                &[("card_number", Card), ("full_name", Name(Patient))],
            ),
            ask("yte", "health-care", GET_PATIENT_SUMMARY, &[("personal_number", Number(Patient))]),
            ask("yte", "health-care", LIST_IMMUNIZATIONS, &[("personal_number", Number(Patient))]),
        ],
    },
    // Tiêm chủng tại trường học
    Scenario {
        title: "Vaccinate at school",
        setting: Desk,
        cases: 2,
        steps: &[
            ask("yte", "health-care", GET_STUDENT, &[("personal_number", Number(Child))]),
            ask("yte", "health-care", LIST_IMMUNIZATIONS, &[("personal_number", Number(Child))]),
        ],
    },
    // Gia hạn thẻ bảo hiểm y tế
    Scenario {
        title: "Renew a health-insurance card",
        setting: Counter { agency: "H13.06", procedure: "1.003048" },
        cases: 3,
        steps: &[
            ask("yte", "health-care", GET_CITIZEN, &[("personal_number", Number(Patient))])
                .denied(Reason::AgreementSuspended),
            ask("tthc", "prefill", GET_CITIZEN, &[("personal_number", Number(Patient))]),
            ask("tthc", "prefill", VERIFY_INSURANCE, &[("personal_number", Number(Patient))]),
        ],
    },
    // Cấp bản sao kết quả đã số hoá
    Scenario {
        title: "Hand out a digitised result",
        setting: Counter { agency: "H13.01", procedure: "2.000815" },
        cases: 3,
        steps: &[
            ask("ketqua", "prefill", GET_CITIZEN, &[("personal_number", Number(Applicant))])
                .denied(Reason::AgreementExpired),
            ask("tthc", "prefill", GET_CITIZEN, &[("personal_number", Number(Applicant))]),
        ],
    },
    // Xác minh văn bằng của người dự tuyển
    Scenario {
        title: "Verify the diploma of a candidate",
        setting: Counter { agency: "H13.01", procedure: "1.005092" },
        cases: 2,
        steps: &[ask(
            "tthc",
            "verify",
            VERIFY_DIPLOMA,
            &[("serial_number", Diploma), ("full_name", Name(Graduate)), ("graduation_year", Graduated)],
        )],
    },
    // Xác minh người ký đơn thư gửi đến
    Scenario {
        title: "Verify who wrote a petition",
        setting: Desk,
        cases: 2,
        steps: &[ask(
            "qlvb",
            "verify",
            VERIFY_CITIZEN,
            &[("personal_number", Number(Applicant)), ("full_name", Name(Applicant))],
        )
        .denied(Reason::AgreementMissing)],
    },
    // Báo cáo dân cư của phường, xã
    Scenario {
        title: "Report on the residents of a ward",
        setting: Desk,
        cases: 2,
        steps: &[
            ask("tthc", "statistics", LIST_RESIDENTS, &[("ward_code", Ward), ("page_size", Count(100))]),
            // One number of the list looks wrong; the agreement for reports opens no single record.
            ask("tthc", "statistics", GET_CITIZEN, &[("personal_number", Number(Applicant))])
                .denied(Reason::PurposeNotAgreed),
        ],
    },
];
