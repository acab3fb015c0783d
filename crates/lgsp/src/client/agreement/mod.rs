//! `lgsp agreement`: sharing agreements.

mod check;
mod decide;
mod list;
mod propose;
mod sheet;

use std::time::Duration;

use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use lgsp_proto::registry::v1::{
    Agreement as Terms, AgreementDecision, AgreementRecord, AgreementStage as Stage, ListAgreementsRequest,
};
use tonic::transport::Channel;

use super::output::{self, Listing};
use super::registry::{answered_within, open};
use super::session::{LARGEST_MESSAGE, Session};
use super::sheet::aftermath;
use super::{Error, Held, Lang, pages, words};
use crate::cli::agreement::{Agreement, Show, Version};
use decide::Decision;

/// Time for one decision: it waits for the gateways to follow.
const DEADLINE: Duration = Duration::from_secs(10);
/// The largest page of the registry's.
const PAGE_SIZE: i32 = 200;

/// Runs `lgsp agreement`.
///
/// # Errors
/// Whatever kept it from being done; or, of `check`, that the application may not.
pub(crate) async fn run(command: &Agreement, lang: Lang) -> Result<(), Error> {
    match command {
        Agreement::Propose(args) => propose::run(args, lang).await,
        Agreement::Amend(args) => propose::amend(args, lang).await,
        Agreement::Approve(args) => decide::run(Decision::Approve, args, lang).await,
        Agreement::Refuse(args) => decide::run(Decision::Refuse, args, lang).await,
        Agreement::Activate(args) => decide::run(Decision::Activate, args, lang).await,
        Agreement::Suspend(args) => decide::run(Decision::Suspend, args, lang).await,
        Agreement::Resume(args) => decide::run(Decision::Resume, args, lang).await,
        Agreement::Revoke(args) => decide::run(Decision::Revoke, args, lang).await,
        Agreement::List(args) => list::run(args, lang).await,
        Agreement::Show(args) => show(args, lang).await,
        Agreement::Check(args) => check::run(args, lang).await,
    }
}

async fn show(args: &Show, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let versions = versions(&session, &args.version.id, lang).await?;
    let last = || versions.last();
    let record = args.version.number.map_or_else(last, |number| numbered(&versions, number));
    let record = record.ok_or_else(|| not_held(&versions, &args.version.id))?;
    if args.output == Some(Listing::Json) {
        return output::line(&output::json_line(record)?);
    }
    sheet::of(record, in_force(&versions), lang).write()
}

fn client(session: &Session) -> DecisionServiceClient<Channel> {
    DecisionServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE)
}

async fn every(
    session: &Session,
    wanted: ListAgreementsRequest,
    lang: Lang,
) -> Result<Vec<AgreementRecord>, Error> {
    let page = async |page_token| {
        let page = ListAgreementsRequest { page_size: PAGE_SIZE, page_token, ..wanted.clone() };
        let request = session.request(page, Some(DEADLINE))?;
        let page = answered_within(session, DEADLINE, client(session).list_agreements(request)).await?;
        Ok((page.agreements, page.next_page_token))
    };
    pages::all(lang, page).await
}

/// All versions of an agreement, the first one first.
async fn versions(session: &Session, id: &str, lang: Lang) -> Result<Vec<AgreementRecord>, Error> {
    let wanted = ListAgreementsRequest { id: id.to_owned(), ..ListAgreementsRequest::default() };
    let mut records = every(session, wanted, lang).await?;
    // An older registry tells them all.
    records.retain(|record| terms(record).is_some_and(|terms| terms.id == id));
    records.sort_by_key(|record| terms(record).map_or(0, |terms| terms.version));
    Ok(records)
}

/// The version that is meant: the one that is named, or the last one at the first of these stages at which there is any.
fn version<'a>(
    versions: &'a [AgreementRecord],
    wanted: &Version,
    at: &[Stage],
) -> Result<&'a AgreementRecord, Error> {
    let found = match wanted.number {
        Some(number) => numbered(versions, number),
        None => at.iter().find_map(|stage| versions.iter().rfind(|record| record.stage() == *stage)),
    };
    found.ok_or_else(|| not_held(versions, &wanted.id))
}

fn numbered(versions: &[AgreementRecord], number: u32) -> Option<&AgreementRecord> {
    versions.iter().find(|record| terms(record).is_some_and(|terms| terms.version == number))
}

fn not_held(versions: &[AgreementRecord], id: &str) -> Error {
    let known = versions.iter().map(|record| {
        let version = terms(record).map_or(0, |terms| terms.version);
        format!("{version} ({})", words::agreement_stage(record.stage(), Lang::En).text)
    });
    let known: Vec<String> = known.collect();
    let kind = if known.is_empty() { Held::Agreement } else { Held::VersionForThis };
    Error::NotHeld { kind, id: id.to_owned(), known }
}

/// The version that is in force, or was until it was suspended.
fn in_force(versions: &[AgreementRecord]) -> Option<&AgreementRecord> {
    versions.iter().rev().find(|record| matches!(record.stage(), Stage::Active | Stage::Suspended))
}

fn terms(record: &AgreementRecord) -> Option<&Terms> {
    record.agreement.as_ref()
}

fn tell(decision: AgreementDecision, form: Option<Listing>, lang: Lang) -> Result<(), Error> {
    aftermath(&decision.warnings, &decision.gateways_behind, lang);
    list::write(decision.agreement.as_slice(), form, lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(stages: &[Stage]) -> Vec<AgreementRecord> {
        let record = |(place, stage): (usize, &Stage)| AgreementRecord {
            agreement: Some(Terms { version: place as u32 + 1, ..Terms::default() }),
            stage: (*stage).into(),
            ..AgreementRecord::default()
        };
        stages.iter().enumerate().map(record).collect()
    }

    fn meant(versions: &[AgreementRecord], decision: Decision, number: Option<u32>) -> Option<u32> {
        let wanted = Version { id: "tt-x".to_owned(), number };
        version(versions, &wanted, decision.follows()).ok().and_then(terms).map(|terms| terms.version)
    }

    #[test]
    fn what_is_revoked_is_in_force_before_what_only_waits() {
        let known = versions(&[Stage::Superseded, Stage::Active, Stage::Approved]);
        assert_eq!(meant(&known, Decision::Revoke, None), Some(2));
        assert_eq!(meant(&known, Decision::Activate, None), Some(3));
        assert_eq!(meant(&known[..1], Decision::Revoke, None), None);
        assert_eq!(meant(&versions(&[Stage::Approved]), Decision::Revoke, None), Some(1));
    }

    #[test]
    fn a_version_that_is_named_is_decided_about_wherever_it_stands() {
        let known = versions(&[Stage::Revoked, Stage::Proposed]);
        assert_eq!(meant(&known, Decision::Activate, Some(1)), Some(1), "the hub says what is wrong");
        assert_eq!(meant(&known, Decision::Activate, Some(3)), None);
        let told = not_held(&known, "tt-x").report(Lang::En).render(str::to_owned);
        assert!(told.contains("There are: 1 (revoked), 2 (proposed)"), "{told}");
    }
}
