//! `lgsp service register`.

use lgsp_proto::registry::v1::{ContractProblem, RegisterServiceRequest};

use super::{Compiled, DEADLINE, answered, client, compile, decide, open};
use crate::cli::service::Register;
use crate::client::{Error, Lang, output};

/// Runs `lgsp service register`.
pub(super) async fn run(args: &Register, lang: Lang) -> Result<(), Error> {
    let Compiled { service, descriptor_set } =
        compile(args.proto_dir.as_deref(), args.descriptor_set.as_deref(), args.service.as_deref())?;
    let session = open(&args.asker).await?;
    let request = RegisterServiceRequest {
        name: service.clone(),
        descriptor_set: descriptor_set.into(),
        domain: args.domain.clone(),
        reason: args.reason.clone(),
        ..RegisterServiceRequest::default()
    };
    let checking = session.request(request.clone(), Some(DEADLINE))?;
    let checked = answered(&session, client(&session).check_service(checking)).await?;
    let found = checked.problems.iter().chain(&checked.breaks);
    let problems: Vec<String> = found.map(sentence).collect();
    if !problems.is_empty() {
        let compared_with = (!checked.breaks.is_empty()).then_some(checked.compared_with);
        return Err(Error::Unfit { service, compared_with, problems });
    }
    if args.dry_run {
        return output::line(lang.pick("it can be registered", "có thể đăng ký"));
    }
    let request = session.request(request, Some(DEADLINE))?;
    decide::tell(&answered(&session, client(&session).register_service(request)).await?, lang)
}

fn sentence(problem: &ContractProblem) -> String {
    let ContractProblem { place, problem, accepted } = problem;
    if accepted.is_empty() {
        return format!("{place}: {problem}");
    }
    format!("{place}: {problem}; accepted: {accepted}")
}
