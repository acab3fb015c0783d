//! Decisions about a version of a data service.

use std::time::SystemTime;

use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::{
    DecideServiceRequest, DeprecateServiceRequest, ServiceDecision, ServiceState,
};

use super::{DEADLINE, answered, client, open, state, version};
use crate::cli::service::{Decide, Service};
use crate::client::output::{line, note};
use crate::client::{Error, Lang, words};

/// Runs a decision.
pub(super) async fn run(command: &Service, lang: Lang) -> Result<(), Error> {
    use ServiceState::{Deprecated, Draft, InUse, Sandbox};
    let (args, stages): (&Decide, &[ServiceState]) = match command {
        Service::Offer(args) => (args, &[Draft]),
        Service::Use(args) => (args, &[Sandbox]),
        Service::Refuse(args) | Service::Withdraw(args) => (args, &[Draft, Sandbox]),
        Service::Deprecate(args) => (&args.decide, &[InUse, Deprecated]),
        Service::Retire(args) => (args, &[Deprecated]),
        Service::Register(_) | Service::Check(_) | Service::Openapi(_) | Service::List(_) => return Ok(()),
    };
    let session = open(&args.asker).await?;
    let record = version(&session, &args.version, stages).await?;
    let (name, version) = (args.version.name.clone(), record.version);
    let (etag, reason) = (args.version.etag.unwrap_or(record.etag), args.reason.clone());
    let mut client = client(&session);
    let request = || {
        let (name, reason) = (name.clone(), reason.clone());
        session.request(DecideServiceRequest { name, version, etag, reason }, Some(DEADLINE))
    };
    let decision = match command {
        Service::Offer(_) => answered(&session, client.offer_in_sandbox(request()?)).await?,
        Service::Use(_) => answered(&session, client.put_in_use(request()?)).await?,
        Service::Refuse(_) => answered(&session, client.refuse_service(request()?)).await?,
        Service::Withdraw(_) => answered(&session, client.withdraw_service(request()?)).await?,
        Service::Retire(_) => answered(&session, client.retire_service(request()?)).await?,
        Service::Deprecate(args) => {
            let after = i64::try_from(args.retire_after.as_micros()).unwrap_or(i64::MAX);
            let retire_from = Some(timestamp(unix_micros(SystemTime::now()).saturating_add(after)));
            let request = DeprecateServiceRequest { name: name.clone(), version, etag, reason, retire_from };
            let request = session.request(request, Some(DEADLINE))?;
            answered(&session, client.deprecate_service(request)).await?
        }
        Service::Register(_) | Service::Check(_) | Service::Openapi(_) | Service::List(_) => return Ok(()),
    };
    tell(&decision, lang)
}

/// Tells what came of a decision.
pub(super) fn tell(decision: &ServiceDecision, lang: Lang) -> Result<(), Error> {
    let record = decision.service.clone().unwrap_or_default();
    let name = record.service.as_ref().map(|service| service.name.clone()).unwrap_or_default();
    let stage = words::service_state(state(&record), lang).text;
    let (version, etag) = (lang.pick("version", "phiên bản"), record.etag);
    line(&format!("{name} {version} {}: {stage} (etag {etag})", record.version))?;
    for agreement in &decision.agreements {
        note(&format!("{} {agreement}", lang.pick("used under", "đang dùng theo thoả thuận")));
    }
    for gateway in &decision.gateways_behind {
        note(&format!("{} {gateway}", lang.pick("not yet followed by", "chưa được cập nhật tại")));
    }
    Ok(())
}
