//! What is looked for, as the hub is asked for it.

use std::io::BufRead as _;

use lgsp_core::Outcome;
use lgsp_proto::ledger::v1::{AuditFilter, SubjectKey};

use crate::cli::audit::{Filter, Subject};
use crate::client::Error;

/// What names standard input instead of a value.
const STDIN: &str = "-";

/// Reads the options of a search; what they leave to standard input comes from there.
///
/// # Errors
/// Standard input cannot be read.
pub(super) fn of(args: &Filter) -> Result<AuditFilter, Error> {
    let text = |given: &Option<String>| given.clone().unwrap_or_default();
    Ok(AuditFilter {
        since: args.period.since,
        until: args.period.until,
        application: text(&args.application),
        agency_code: text(&args.agency),
        service: text(&args.service),
        method: text(&args.method),
        outcome: args.outcome.map_or(Outcome::Unspecified, Outcome::from).into(),
        purpose: text(&args.purpose),
        procedure: text(&args.procedure),
        agreement: text(&args.agreement),
        officer: private(args.officer.as_deref())?,
        dossier: private(args.dossier.as_deref())?,
        request_id: text(&args.request_id),
        subject: subject(&args.subject)?,
        include_platform: args.platform,
        credential: args.credential.map(|digest| digest.to_vec().into()).unwrap_or_default(),
        without_dossier: args.without_dossier,
        environment: text(&args.environment),
        keyed_subject: args.keyed_subject.clone(),
    })
}

/// The subject that is named, if one is.
pub(super) fn subject(args: &Subject) -> Result<Option<SubjectKey>, Error> {
    let [person, parcel, enterprise] = [&args.person, &args.parcel, &args.enterprise];
    if [person, parcel, enterprise].iter().all(|given| given.is_none()) {
        return Ok(None);
    }
    Ok(Some(SubjectKey {
        person: private(person.as_deref())?,
        parcel: private(parcel.as_deref())?,
        enterprise: private(enterprise.as_deref())?,
    }))
}

/// A value that other users of the machine are not to see among its processes.
pub(super) fn private(given: Option<&str>) -> Result<String, Error> {
    match given {
        Some(STDIN) => {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            read.map_err(|source| Error::Input { from: STDIN.to_owned(), source })?;
            match line.trim() {
                "" => Err(Error::InputEmpty),
                value => Ok(value.to_owned()),
            }
        }
        Some(value) => Ok(value.to_owned()),
        None => Ok(String::new()),
    }
}
