//! `lgsp agreement check`: whether an application may call, by which rule, and who decides.

use lgsp_proto::registry::v1::{CheckPermissionRequest, CheckPermissionResponse};

use super::{DEADLINE, client};
use crate::cli::agreement::Check;
use crate::client::output::{self, Listing, Tone};
use crate::client::registry::{answered_within, open};
use crate::client::sheet::Sheet;
use crate::client::{Error, Lang};

/// Runs `lgsp agreement check`.
pub(super) async fn run(args: &Check, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let request = CheckPermissionRequest {
        application: args.application.to_string(),
        method: args.method.trim_start_matches('/').to_owned(),
        purpose: args.purpose.clone(),
        at: args.at,
    };
    let request = session.request(request, Some(DEADLINE))?;
    let answer = answered_within(&session, DEADLINE, client(&session).check_permission(request)).await?;
    if args.output == Some(Listing::Json) {
        output::line(&output::json_line(&answer)?)?;
    } else {
        sheet(&answer, lang).write()?;
    }
    if answer.granted { Ok(()) } else { Err(Error::NotPermitted { reason: answer.rule }) }
}

fn sheet(answer: &CheckPermissionResponse, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    let (granted, tone) = match answer.granted {
        true => (lang.pick("yes", "có"), Tone::Good),
        false => (lang.pick("no", "không"), Tone::Bad),
    };
    sheet.toned(lang.pick("permitted", "được phép"), granted, tone);
    sheet.line(lang.pick("by", "theo"), &*answer.rule);
    sheet.line(lang.pick("fields", "trường"), answer.fields.join(", "));
    sheet.line(lang.pick("legal basis", "căn cứ"), &*answer.legal_basis);
    let office = [&*answer.decided_by_agency_name, &*answer.decided_by_agency_code];
    sheet.line(lang.pick("who decides", "thẩm quyền"), office.join(" ").trim());
    sheet
}
