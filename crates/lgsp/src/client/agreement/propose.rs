//! `lgsp agreement propose` and `amend`: the terms come from options, from a file, or from a version that is there.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::{Agreement, AgreementRecord, Priority, ProposeAgreementRequest};
use lgsp_registry::rules;
use prost_reflect::MessageDescriptor;

use super::{DEADLINE, client, in_force, not_held, sheet, tell, terms, versions};
use crate::cli::agreement::{Amend, Proposal, Propose};
use crate::cli::client::Method;
use crate::client::registry::{answered_within, open};
use crate::client::session::Session;
use crate::client::sheet::headline;
use crate::client::{Error, Held, Lang, reflection};

const DAY_US: i64 = 86_400_000_000;
/// Viet Nam is ahead of UTC by so much all the year.
const AHEAD_US: i64 = 7 * 3_600_000_000;

/// Runs `lgsp agreement propose`.
pub(super) async fn run(args: &Propose, lang: Lang) -> Result<(), Error> {
    let proposal = &args.proposal;
    let wanted = match &proposal.terms.file {
        Some(file) => of_file(file, &proposal.id)?,
        None => {
            let bare = Agreement {
                id: proposal.id.clone(),
                application: args.application.as_ref().map(ToString::to_string).unwrap_or_default(),
                service: args.service.clone().unwrap_or_default(),
                valid_from: Some(timestamp(today(unix_micros(SystemTime::now())))),
                ..Agreement::default()
            };
            with(bare, proposal)
        }
    };
    let session = open(&proposal.operator).await?;
    send(&session, wanted, proposal, lang).await
}

/// Runs `lgsp agreement amend`.
pub(super) async fn amend(args: &Amend, lang: Lang) -> Result<(), Error> {
    let proposal = &args.proposal;
    let session = open(&proposal.operator).await?;
    let versions = versions(&session, &proposal.id, lang).await?;
    let before = amended(&versions).cloned().ok_or_else(|| not_held(&versions, &proposal.id))?;
    let wanted = match &proposal.terms.file {
        Some(file) => of_file(file, &proposal.id)?,
        None => with(before, proposal),
    };
    send(&session, wanted, proposal, lang).await
}

/// The terms that are amended: those in force, beside which the proposal is shown, and not those that only wait; with none in force
/// the last ones.
fn amended(versions: &[AgreementRecord]) -> Option<&Agreement> {
    in_force(versions).or(versions.last()).and_then(terms)
}

/// Refuses a method or a field that the contract does not have, by the name that was written. Of what the hub does not tell (a data
/// service that is no caller's yet) it says itself what does not fit.
async fn are_of_the_contract(session: &Session, wanted: &Agreement) -> Result<(), Error> {
    for grant in &wanted.grants {
        let named = Method { service: wanted.service.clone(), method: grant.method.clone() };
        let method = match reflection::method(session, &named).await {
            Ok(method) => method,
            Err(unknown @ Error::MethodUnknown { .. }) => return Err(unknown),
            Err(_) => return Ok(()),
        };
        for path in &grant.fields {
            if let Some(known) = instead_of(&method.output(), path) {
                let (method, path) = (grant.method.clone(), path.clone());
                return Err(Error::FieldUnknown { method, path, known });
            }
        }
    }
    Ok(())
}

/// The fields that there are where a path names one that is not; `None`: all of it is there.
fn instead_of(answer: &MessageDescriptor, path: &str) -> Option<Vec<String>> {
    let (mut message, mut before) = (Some(answer.clone()), String::new());
    for name in path.split('.') {
        let Some(of) = message else { return Some(vec![before.trim_end_matches('.').to_owned()]) };
        let Some(field) = of.get_field_by_name(name) else {
            return Some(of.fields().map(|field| format!("{before}{}", field.name())).collect());
        };
        message = field.kind().as_message().cloned();
        before = format!("{before}{name}.");
    }
    None
}

/// Shows what is proposed, and proposes it.
async fn send(session: &Session, wanted: Agreement, proposal: &Proposal, lang: Lang) -> Result<(), Error> {
    // The version is the registry's to give.
    let wanted = Agreement { version: 0, state: 0, ..wanted };
    let versions = versions(session, &wanted.id, lang).await?;
    let name = lang.pick("propose the agreement", "đề nghị thoả thuận");
    let headline = headline(name, proposal.dry_run, lang);
    are_of_the_contract(session, &wanted).await?;
    sheet::of_terms(&wanted, in_force(&versions), lang).note(&headline);
    if proposal.dry_run {
        return Ok(());
    }
    let request = ProposeAgreementRequest { agreement: Some(wanted), reason: proposal.reason.clone() };
    let request = session.request(request, Some(DEADLINE))?;
    let decision = answered_within(session, DEADLINE, client(session).propose_agreement(request)).await?;
    tell(decision, proposal.output, lang)
}

/// The agreement of this id in a file.
fn of_file(file: &Path, id: &str) -> Result<Agreement, Error> {
    let content =
        fs::read(file).map_err(|source| Error::Input { from: file.display().to_string(), source })?;
    let all = rules::agreements(content.into()).map_err(|problems| Error::Rules(Box::new(problems)))?;
    let known = all.iter().map(|terms| terms.id.clone()).collect();
    let found = all.into_iter().find(|terms| terms.id == id);
    found.ok_or_else(|| Error::NotHeld { kind: Held::AgreementInFile, id: id.to_owned(), known })
}

/// The terms with what the options say in their place.
fn with(terms: Agreement, proposal: &Proposal) -> Agreement {
    let said = &proposal.terms;
    let or = |said: Option<_>, terms| said.or(terms);
    let mut quota = terms.quota.unwrap_or_default();
    quota.per_second = said.per_second.unwrap_or(quota.per_second);
    quota.per_day = said.per_day.unwrap_or(quota.per_day);
    Agreement {
        purposes: if said.purposes.is_empty() { terms.purposes } else { said.purposes.clone() },
        grants: if said.grants.is_empty() { terms.grants } else { said.grants.clone() },
        valid_from: or(said.from, terms.valid_from),
        valid_to: or(said.to, terms.valid_to),
        legal_basis: said.legal_basis.clone().unwrap_or(terms.legal_basis),
        quota: Some(quota),
        priority: said.priority.map_or(terms.priority, |priority| Priority::from(priority).into()),
        ..terms
    }
}

/// When the day of a moment began in Viet Nam, Unix µs.
fn today(now: i64) -> i64 {
    (now + AHEAD_US).div_euclid(DAY_US) * DAY_US - AHEAD_US
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::AgreementStage as Stage;

    use super::*;

    #[test]
    fn the_terms_in_force_are_amended_and_without_any_the_last_ones() {
        let amended_of = |stages: &[Stage]| {
            let versions = stages.iter().zip(1..).map(|(stage, version)| AgreementRecord {
                agreement: Some(Agreement { version, ..Agreement::default() }),
                stage: (*stage).into(),
                ..AgreementRecord::default()
            });
            amended(&versions.collect::<Vec<_>>()).map(|terms| terms.version)
        };
        assert_eq!(amended_of(&[Stage::Superseded, Stage::Active, Stage::Approved]), Some(2));
        assert_eq!(amended_of(&[Stage::Suspended, Stage::Refused]), Some(1));
        assert_eq!(amended_of(&[Stage::Revoked, Stage::Refused]), Some(2));
        assert_eq!(amended_of(&[]), None);
    }

    #[test]
    fn a_mistyped_field_is_told_with_those_that_there_are() {
        let answer = lgsp_proto::pool().get_message_by_name("lgsp.population.v1.GetCitizenResponse");
        let answer = answer.expect("a contract");
        for good in ["citizen", "citizen.full_name", "citizen.permanent_address.ward"] {
            assert_eq!(instead_of(&answer, good), None, "{good}");
        }
        for bad in ["citizen.fullName", "citizen.full_nam"] {
            let known = instead_of(&answer, bad).expect(bad);
            assert!(known.iter().any(|path| path == "citizen.full_name"), "{known:?}");
        }
        assert_eq!(
            instead_of(&answer, "citizen.full_name.first"),
            Some(vec!["citizen.full_name".to_owned()])
        );
    }

    #[test]
    fn a_day_begins_at_midnight_in_viet_nam() {
        const JUNE: i64 = 1_780_246_800_000_000;
        for later in [0, 1, DAY_US - 1] {
            assert_eq!(today(JUNE + later), JUNE);
        }
        assert_eq!(today(JUNE - 1), JUNE - DAY_US);
    }
}
