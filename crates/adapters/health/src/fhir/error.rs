use lgsp_adapter::SourceError;

use super::resource::{OperationOutcome, Resource};

/// Why a FHIR server gave no answer. No text of the server is kept: it may repeat what was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the server did not answer in time")]
    TimedOut,
    #[error("the server cannot be reached, or broke the connection")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the connection broke in the middle of an answer")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server refuses our credentials, with status {0}")]
    Denied(u16),
    #[error("the server fails or is busy, with status {status} and issue {issue:?}")]
    Failing { status: u16, issue: Option<&'static str> },
    #[error("the server refuses the request, with status {status} and issue {issue:?}")]
    Refused { status: u16, issue: Option<&'static str> },
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the list has more than {0} pages")]
    TooManyPages(u32),
    #[error("the answer holds only a part of what must be known as a whole: {0}")]
    Incomplete(&'static str),
    #[error("the answer is no FHIR in JSON: {0}")]
    NotFhir(&'static str),
    #[error("the answer is malformed at line {line}, column {column}")]
    Malformed { line: usize, column: usize },
    #[error("the next page is not on this server")]
    ForeignLink,
    #[error("the URL of the next page repeats what was asked for")]
    RevealingLink,
    #[error("the server answered with a record that was not asked for: {0}")]
    NotAskedFor(&'static str),
    #[error("the server does not speak FHIR R4")]
    OtherVersion,
    #[error("several patients have the identifier")]
    SeveralPatients,
}

impl Error {
    /// The cause in one constant word, as [`SourceError::cause`] has it.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::Unreachable(_) | Self::Broken(_) | Self::Denied(_) | Self::Failing { .. } => "unavailable",
            Self::SeveralPatients => "contradictory",
            Self::Refused { .. }
            | Self::TooLarge(_)
            | Self::TooManyPages(_)
            | Self::Incomplete(_)
            | Self::NotFhir(_)
            | Self::Malformed { .. }
            | Self::ForeignLink
            | Self::RevealingLink
            | Self::NotAskedFor(_)
            | Self::OtherVersion => "unexpected",
        }
    }
}

impl From<Error> for SourceError {
    fn from(error: Error) -> Self {
        match error {
            Error::TimedOut => Self::TimedOut,
            Error::Unreachable(_) | Error::Broken(_) | Error::Denied(_) | Error::Failing { .. } => {
                Self::Unavailable(error.into())
            }
            Error::SeveralPatients => Self::Contradictory,
            Error::Refused { .. }
            | Error::TooLarge(_)
            | Error::TooManyPages(_)
            | Error::Incomplete(_)
            | Error::NotFhir(_)
            | Error::Malformed { .. }
            | Error::ForeignLink
            | Error::RevealingLink
            | Error::NotAskedFor(_)
            | Error::OtherVersion => Self::Unexpected(error.into()),
        }
    }
}

/// The position is all that is kept: serde's text repeats values.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }
}

impl Error {
    /// What a status other than success means, with the outcome that came along.
    pub(super) fn of_status(status: u16, outcome: Option<&OperationOutcome>) -> Self {
        let issue = outcome.and_then(issue);
        let is_passing =
            matches!(issue, Some("transient" | "lock-error" | "throttled" | "timeout" | "no-store"));
        match status {
            401 | 403 => Self::Denied(status),
            408 | 425 | 429 | 500..=599 => Self::Failing { status, issue },
            _ if is_passing => Self::Failing { status, issue },
            _ => Self::Refused { status, issue },
        }
    }

    /// What an outcome means that stands where a record or a bundle should.
    pub(super) fn of_outcome(resource: &Resource) -> Self {
        match resource {
            Resource::OperationOutcome(outcome) => Self::of_status(200, Some(outcome)),
            _ => Self::NotFhir("it is of another type"),
        }
    }
}

/// The code of the gravest issue, if it is one of R4's.
fn issue(outcome: &OperationOutcome) -> Option<&'static str> {
    const GRAVITY: [&str; 4] = ["information", "warning", "error", "fatal"];
    let gravity = |severity: &str| GRAVITY.iter().position(|known| *known == severity);
    let gravest = outcome.issue.iter().max_by_key(|issue| gravity(&issue.severity))?;
    ISSUES.iter().find(|known| **known == gravest.code).copied()
}

/// R4's value set `issue-type`.
const ISSUES: [&str; 31] = [
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(issues: &[(&str, &str)]) -> OperationOutcome {
        let issue = |(severity, code): &(&str, &str)| super::super::resource::OutcomeIssue {
            severity: (*severity).to_owned(),
            code: (*code).to_owned(),
        };
        OperationOutcome { issue: issues.iter().map(issue).collect() }
    }

    #[test]
    fn a_failure_that_passes_is_told_from_one_that_stays() {
        let cause = |status, issues: &[(&str, &str)]| {
            SourceError::from(Error::of_status(status, Some(&outcome(issues)))).cause()
        };
        assert_eq!(cause(503, &[]), "unavailable");
        assert_eq!(cause(429, &[("error", "throttled")]), "unavailable");
        assert_eq!(cause(401, &[("error", "login")]), "unavailable");
        assert_eq!(cause(409, &[("warning", "processing"), ("error", "lock-error")]), "unavailable");
        assert_eq!(cause(400, &[("error", "not-supported")]), "unexpected");
        assert_eq!(cause(404, &[]), "unexpected");
    }

    #[test]
    fn of_an_outcome_only_a_code_of_the_standard_is_kept() {
        let error = Error::of_status(400, Some(&outcome(&[("error", "no such person 092099000034")])));
        assert!(!format!("{error} {error:?}").contains("0920"));
        assert!(matches!(error, Error::Refused { issue: None, .. }));
        let error =
            Error::of_status(400, Some(&outcome(&[("information", "informational"), ("fatal", "value")])));
        assert!(matches!(error, Error::Refused { issue: Some("value"), .. }));
    }

    #[test]
    fn malformed_json_is_told_by_its_place_alone() {
        let text = r#"{"resourceType": "Patient", "birthDate": 19900101}"#;
        let error = Error::from(serde_json::from_str::<Resource>(text).unwrap_err());
        assert!(!format!("{error} {error:?}").contains("1990"));
    }
}
