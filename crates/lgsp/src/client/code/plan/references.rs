//! What decisions refer to: agencies, purposes and roles.

use lgsp_proto::registry::v1::{Agency, AgreementStage, Purpose, Role};
use lgsp_registry::rules::Checked;

use super::{Act, By, Difference, Step};
use crate::client::code::fields::{self, changed};
use crate::client::code::known::Known;

const ADMINISTRATOR: &str = "administrator";

pub(super) fn agencies(wanted: &Checked, known: &Known) -> Vec<Difference> {
    let (ours, theirs) = (&wanted.snapshot().agencies, &known.agencies);
    let step = |act| vec![Step::new(act, By::role(ADMINISTRATOR))];
    let mut differences = Vec::new();
    for agency in ours {
        let known = theirs.iter().find(|it| it.code == agency.code);
        // Files have no etags: what is put is what was read, changed.
        let agency = &Agency { etag: known.map_or(0, |it| it.etag), ..agency.clone() };
        let before = known.map(|it| fields::of("Agency", it)).unwrap_or_default();
        let fields = changed(&before, &fields::of("Agency", agency));
        let (id, steps) = (&agency.code, step(Act::PutAgency(agency.clone())));
        match known {
            Some(known) if known == agency => {}
            Some(_) => differences.push(Difference::changed("agency", id, fields, steps)),
            None => differences.push(Difference::added("agency", id, fields, steps)),
        }
    }
    for gone in theirs.iter().filter(|it| !ours.iter().any(|agency| agency.code == it.code)) {
        let removed =
            Difference::removed("agency", &gone.code, step(Act::RemoveAgency(gone.code.clone(), gone.etag)));
        differences.push(removed.waiting(names_agency(known, &gone.code), "what names it"));
    }
    differences
}

fn names_agency(known: &Known, code: &str) -> bool {
    let mut applications = known.connections.iter().filter_map(|it| it.application.as_ref());
    let mut services = known.services.iter().filter_map(|it| it.service.as_ref());
    applications.any(|it| it.agency_code == code)
        || services.any(|it| it.owner_agency_code == code)
        || known.persons.iter().any(|it| it.agency_code == code)
        || known.systems.iter().any(|it| it.agency_code == code)
}

pub(super) fn purposes(wanted: &Checked, known: &Known) -> Vec<Difference> {
    let (ours, theirs) = (&wanted.snapshot().purposes, &known.purposes);
    let step = |act| vec![Step::new(act, By::role(ADMINISTRATOR))];
    let mut differences = Vec::new();
    for purpose in ours {
        let known = theirs.iter().find(|it| it.code == purpose.code);
        let purpose = &Purpose { etag: known.map_or(0, |it| it.etag), ..purpose.clone() };
        let before = known.map(|it| fields::of("Purpose", it)).unwrap_or_default();
        let fields = changed(&before, &fields::of("Purpose", purpose));
        let (id, steps) = (&purpose.code, step(Act::PutPurpose(purpose.clone())));
        match known {
            Some(known) if known == purpose => {}
            Some(_) => differences.push(Difference::changed("purpose", id, fields, steps)),
            None => differences.push(Difference::added("purpose", id, fields, steps)),
        }
    }
    for gone in theirs.iter().filter(|it| !ours.iter().any(|purpose| purpose.code == it.code)) {
        let terms = known.agreements.iter().filter(|it| names_purpose(it.agreement.as_ref(), &gone.code));
        let ended = terms.clone().filter(|it| {
            matches!(
                it.stage(),
                AgreementStage::Refused | AgreementStage::Revoked | AgreementStage::Superseded
            )
        });
        let (named, ended) = (terms.count(), ended.count());
        if named > 0 && named == ended {
            // It stays for the sake of what was agreed once.
            continue;
        }
        let removed = Difference::removed(
            "purpose",
            &gone.code,
            step(Act::RemovePurpose(gone.code.clone(), gone.etag)),
        );
        differences.push(removed.waiting(named > 0, "agreements that name it"));
    }
    differences
}

fn names_purpose(terms: Option<&lgsp_proto::registry::v1::Agreement>, code: &str) -> bool {
    terms.is_some_and(|terms| terms.purposes.iter().any(|purpose| purpose == code))
}

/// What a role opens in addition, two administrators say.
pub(super) fn roles(wanted: &Checked, known: &Known) -> Vec<Difference> {
    let (ours, theirs) = (&wanted.snapshot().roles, &known.roles);
    let mut differences = Vec::new();
    for role in ours {
        let now = theirs.iter().find(|it| it.name == role.name);
        if now.is_some_and(|now| sorted(now) == sorted(role)) {
            continue;
        }
        let role = &Role { etag: now.map_or(0, |it| it.etag), ..role.clone() };
        let steps = steps(role, now, known);
        let before = now.map(|it| fields::of("Role", it)).unwrap_or_default();
        let fields = changed(&before, &fields::of("Role", role));
        differences.push(match now {
            Some(_) => Difference::changed("role", &role.name, fields, steps),
            None => Difference::added("role", &role.name, fields, steps),
        });
    }
    for gone in theirs.iter().filter(|it| !ours.iter().any(|role| role.name == it.name)) {
        let step = Step::new(Act::RemoveRole(gone.name.clone(), gone.etag), By::role(ADMINISTRATOR));
        let has = |roles: &[String]| roles.contains(&gone.name);
        let mut applications = known.connections.iter().filter_map(|it| it.application.as_ref());
        let named = applications.any(|it| has(&it.roles)) || known.persons.iter().any(|it| has(&it.roles));
        let removed = Difference::removed("role", &gone.name, vec![step]);
        differences.push(removed.waiting(named, "whoever has it"));
    }
    differences
}

fn steps(role: &Role, now: Option<&Role>, known: &Known) -> Vec<Step> {
    let opened: &[String] = now.map_or(&[], |now| &now.methods);
    let put = |by| Step::new(Act::PutRole(role.clone()), by);
    if role.methods.iter().all(|method| opened.contains(method)) && now.is_some() {
        return vec![put(By::role(ADMINISTRATOR))];
    }
    let is_it = |it: &&Role| it.name == role.name && sorted(it) == sorted(role);
    let mut proposals = known.role_proposals.iter();
    match proposals.find(|it| it.role.as_ref().filter(is_it).is_some()) {
        Some(waiting) => vec![put(By::role(ADMINISTRATOR).but(&[&waiting.proposed]))],
        None if role.methods.is_empty() => vec![put(By::role(ADMINISTRATOR))],
        None => {
            let propose = Step::new(Act::ProposeRole(role.clone()), By::role(ADMINISTRATOR));
            vec![propose, put(By::role(ADMINISTRATOR))]
        }
    }
}

fn sorted(role: &Role) -> Vec<&String> {
    let mut methods: Vec<&String> = role.methods.iter().collect();
    methods.sort_unstable();
    methods
}
