//! The words in which [`super::table`] tells its scenarios.

use lgsp_core::Reason;

/// A case that the city handles again and again.
#[derive(Debug)]
pub struct Scenario {
    /// What it is, for documents and the log. What officers call it stands above it in the table.
    pub title: &'static str,
    /// Who handles it, and when.
    pub setting: Setting,
    /// How many of a round's cases are of this kind.
    pub cases: u32,
    /// The exchanges of a case, one after the other.
    pub steps: &'static [Step],
}

/// Who handles a case, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// An officer at a counter, in office hours: with a dossier.
    Counter {
        /// The agency whose dossier it is.
        agency: &'static str,
        /// Code of the procedure.
        procedure: &'static str,
    },
    /// An officer at a desk, in office hours: without a dossier.
    Desk,
    /// A citizen at home, at any hour: before there is a dossier.
    Online {
        /// Code of the procedure.
        procedure: &'static str,
    },
    /// One system asks the other, at any hour.
    Machine,
}

/// One exchange of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Who calls.
    pub application: &'static str,
    /// For which purpose.
    pub purpose: &'static str,
    /// Full name of the service, `/`, name of the method.
    pub method: &'static str,
    /// Fields of the request, each with the part of the case that it asks for.
    pub asked: &'static [(&'static str, Part)],
    /// How it should end.
    pub expect: Expect,
}

/// How an exchange should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// With an answer; that there is no such record is one.
    Answer,
    /// Refused: the shipped agreements do not open it.
    Denied(Reason),
    /// Refused: the request breaks a rule of the contract.
    Invalid,
}

/// A part of a case that a request can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A person's personal number.
    Number(Role),
    /// A person's full name, as declared.
    Name(Role),
    /// A person's date of birth, as declared.
    Born(Role),
    /// The parcel's key in use now.
    Parcel,
    /// The parcel's key from before 1 July 2025, as older papers have it.
    OldParcel,
    /// A point in the parcel.
    Spot,
    /// The patient's health-insurance card.
    Card,
    /// Code of the child's school.
    School,
    /// The child's grade.
    Grade,
    /// Serial number of the graduate's diploma.
    Diploma,
    /// Year of the graduate's diploma.
    Graduated,
    /// The enterprise's code.
    Enterprise,
    /// The enterprise's name, as declared.
    EnterpriseName,
    /// The applicant's ward.
    Ward,
    /// The same number in every case, such as the size of a page.
    Count(i32),
}

/// What somebody is to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whose case it is: an adult.
    Applicant,
    /// A second adult: the other spouse to be, the buyer.
    Other,
    /// A pupil.
    Child,
    /// The child's mother.
    Mother,
    /// The child's father.
    Father,
    /// Who holds the parcel.
    Owner,
    /// Who holds the health-insurance card.
    Patient,
    /// Who represents the enterprise.
    Representative,
    /// Who holds the diploma.
    Graduate,
}

/// A step that the shipped agreements open.
pub const fn ask(
    application: &'static str,
    purpose: &'static str,
    method: &'static str,
    asked: &'static [(&'static str, Part)],
) -> Step {
    Step { application, purpose, method, asked, expect: Expect::Answer }
}

impl Scenario {
    /// Whether it waits for the counters to open.
    pub fn keeps_office_hours(&self) -> bool {
        match self.setting {
            Setting::Counter { .. } | Setting::Desk => true,
            Setting::Online { .. } | Setting::Machine => false,
        }
    }

    /// Whether somebody types the numbers, and may mistype them.
    pub fn is_typed(&self) -> bool {
        self.setting != Setting::Machine
    }
}

impl Step {
    /// The same step, which the shipped agreements refuse.
    pub const fn denied(self, reason: Reason) -> Self {
        Self { expect: Expect::Denied(reason), ..self }
    }

    /// Full name of the service.
    pub fn service(&self) -> &'static str {
        self.method.split_once('/').map_or(self.method, |(service, _)| service)
    }

    /// Name of the method.
    pub fn method_name(&self) -> &'static str {
        self.method.split_once('/').map_or("", |(_, method)| method)
    }
}
