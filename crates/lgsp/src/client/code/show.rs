//! `lgsp registry show`: what the registry holds, or held.

use std::time::SystemTime;

use lgsp_core::time::{micros, unix_micros};
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::{CredentialRecord, CredentialState};

use super::known::Known;
use crate::cli::code::Show;
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::registry::open;
use crate::client::table::{Cell, Shrink, Table};
use crate::client::{Error, Lang, words};

/// Runs `lgsp registry show`.
///
/// # Errors
/// Whatever kept it from being told.
pub(crate) async fn run(args: &Show, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let known = Known::read(&session, args.as_of.moment()).await?;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return json(&known);
    }
    let at = args.as_of.at.as_ref().map_or_else(|| unix_micros(SystemTime::now()), micros);
    table(&known, at, lang).write(listing, &surface)?;
    let told = lang.pick("as of change", "tại thay đổi");
    let revision = lang.pick("revision", "phiên bản quy tắc");
    output::note(&format!("{told} {}, {revision} {}", known.sequence, known.revision));
    Ok(())
}

fn json(known: &Known) -> Result<(), Error> {
    fn lines<M: prost::Message + output::Listed>(records: &[M]) -> Result<(), Error> {
        records.iter().try_for_each(|record| output::line(&output::json_line(record)?))
    }
    lines(&known.agencies)?;
    lines(&known.purposes)?;
    lines(&known.roles)?;
    lines(&known.role_proposals)?;
    lines(&known.services)?;
    lines(&known.connections)?;
    lines(&known.credentials)?;
    lines(&known.systems)?;
    lines(&known.persons)?;
    lines(&known.person_proposals)?;
    lines(&known.agreements)
}

fn table(known: &Known, at: i64, lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["kind", "id", "agency", "state", "name"],
        Lang::Vi => ["loại", "mã", "cơ quan", "trạng thái", "tên"],
    };
    let [_, _, agency, _, name] = header;
    let mut table =
        Table::new(header.to_vec()).wrapping(vec![name]).shrinking([name, agency].map(Shrink::Drop).to_vec());
    let mut row = |kind: &str, id: &str, agency: &str, state: Cell, name: &str| {
        table.row(vec![kind.into(), id.into(), agency.into(), state, name.into()]);
    };
    let none = || Cell::from("");
    for it in &known.agencies {
        row("agency", &it.code, "", none(), lang.pick(&it.name_en, &it.name_vi));
    }
    for it in &known.purposes {
        row("purpose", &it.code, "", none(), lang.pick(&it.title_en, &it.title_vi));
    }
    for it in &known.roles {
        row("role", &it.name, "", none(), &it.methods.len().to_string());
    }
    for it in known.role_proposals.iter().filter_map(|it| it.role.as_ref()) {
        let state = Cell::new(lang.pick("proposed", "đề nghị"), Tone::Notice);
        row("role", &it.name, "", state, &it.methods.len().to_string());
    }
    for it in &known.services {
        let service = it.service.clone().unwrap_or_default();
        let id = format!("{}/{}", service.name, it.version);
        let name = lang.pick(&service.title_en, &service.title_vi);
        row("service", &id, &service.owner_agency_code, words::service_state(service.state(), lang), name);
    }
    for it in &known.connections {
        let application = it.application.clone().unwrap_or_default();
        let state = words::application_state(application.state(), lang);
        let name = lang.pick(&application.name_en, &application.name_vi);
        row("application", &application.id, &application.agency_code, state, name);
    }
    for it in &known.credentials {
        let id = format!("{}/{}", it.application, it.id);
        row("credential", &id, "", words::credential_state(state(it, at), lang), "");
    }
    for it in &known.systems {
        row("system", &it.id, &it.agency_code, none(), lang.pick(&it.name_en, &it.name_vi));
    }
    for it in &known.persons {
        let state = if it.left { Cell::new(lang.pick("left", "đã nghỉ"), Tone::Dim) } else { none() };
        row("person", &it.id, &it.agency_code, state, &it.roles.join(", "));
    }
    for it in known.person_proposals.iter().filter_map(|it| it.person.as_ref()) {
        let state = Cell::new(lang.pick("proposed", "đề nghị"), Tone::Notice);
        row("person", &it.id, &it.agency_code, state, &it.roles.join(", "));
    }
    for it in &known.agreements {
        let terms = it.agreement.clone().unwrap_or_default();
        let id = format!("{}/{}", terms.id, terms.version);
        let name = format!("{} → {}", terms.application, words::last_word(&terms.service));
        row("agreement", &id, "", words::agreement_stage(it.stage(), lang), &name);
    }
    table
}

/// Where a credential stood at a moment (Unix µs): its record does not say.
fn state(record: &CredentialRecord, at: i64) -> CredentialState {
    let (from, to) = match &record.held {
        Some(Held::Credential(it)) => (it.not_before, it.not_after),
        Some(Held::Certificate(it)) => (it.not_before, it.not_after),
        None => (None, None),
    };
    if record.revoked.is_some() {
        CredentialState::Revoked
    } else if to.is_some_and(|to| at >= micros(&to)) {
        CredentialState::Expired
    } else if from.is_some_and(|from| at < micros(&from)) {
        CredentialState::NotYetValid
    } else if record.rotated.is_some() {
        CredentialState::Rotated
    } else {
        CredentialState::Valid
    }
}
