//! Decisions about a version of an agreement: each shows what it is about, and decides it as it was shown.

use lgsp_proto::registry::v1::{AgreementStage as Stage, DecideAgreementRequest};

use super::{DEADLINE, client, in_force, sheet, tell, terms, version, versions};
use crate::cli::agreement::Version;
use crate::cli::decide::{Decide, Stated};
use crate::client::registry::{answered_within, open};
use crate::client::sheet::headline;
use crate::client::{Error, Lang};

/// What can be decided about a version that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approve,
    Refuse,
    Activate,
    Suspend,
    Resume,
    Revoke,
}

impl Decision {
    /// The stages that it can follow, the likeliest first.
    pub(super) fn follows(self) -> &'static [Stage] {
        match self {
            Self::Approve | Self::Refuse => &[Stage::Proposed],
            Self::Activate => &[Stage::Approved],
            Self::Suspend => &[Stage::Active],
            Self::Resume => &[Stage::Suspended],
            Self::Revoke => &[Stage::Active, Stage::Suspended, Stage::Approved],
        }
    }

    fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Approve => lang.pick("approve the agreement", "chấp thuận thoả thuận"),
            Self::Refuse => lang.pick("refuse the agreement", "từ chối thoả thuận"),
            Self::Activate => lang.pick("put the agreement in force", "đưa thoả thuận vào hiệu lực"),
            Self::Suspend => lang.pick("suspend the agreement", "tạm dừng thoả thuận"),
            Self::Resume => lang.pick("put the agreement in force again", "đưa thoả thuận trở lại hiệu lực"),
            Self::Revoke => lang.pick("revoke the agreement for good", "thu hồi thoả thuận"),
        }
    }
}

/// Runs a decision.
pub(super) async fn run<W: Stated + clap::Args>(
    decision: Decision,
    args: &Decide<Version, W>,
    lang: Lang,
) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let versions = versions(&session, &args.subject.id, lang).await?;
    let record = version(&versions, &args.subject, decision.follows())?;
    let headline = headline(decision.name(lang), args.dry_run, lang);
    sheet::of(record, in_force(&versions), lang).note(&headline);
    if args.dry_run {
        return Ok(());
    }
    let request = DecideAgreementRequest {
        id: args.subject.id.clone(),
        version: terms(record).map_or(0, |terms| terms.version),
        etag: args.etag.unwrap_or(record.etag),
        reason: args.why.reason().to_owned(),
        legal_basis: args.why.legal_basis().to_owned(),
    };
    let request = session.request(request, Some(DEADLINE))?;
    let mut client = client(&session);
    let answer = match decision {
        Decision::Approve => answered_within(&session, DEADLINE, client.approve_agreement(request)).await,
        Decision::Refuse => answered_within(&session, DEADLINE, client.refuse_agreement(request)).await,
        Decision::Activate | Decision::Resume => {
            answered_within(&session, DEADLINE, client.activate_agreement(request)).await
        }
        Decision::Suspend => answered_within(&session, DEADLINE, client.suspend_agreement(request)).await,
        Decision::Revoke => answered_within(&session, DEADLINE, client.revoke_agreement(request)).await,
    };
    tell(answer?, args.output, lang)
}
