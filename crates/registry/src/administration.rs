//! What may be said of agencies, purposes and roles, by whom, and what comes of it. Pure, as [`decide`](crate::decide) is.
//!
//! Agencies and purposes open nothing: one administrator puts them. What a role opens in addition is proposed by one administrator
//! and put when another one says the same, so that nobody opens for themselves what was closed to them. What a role opens no more,
//! one administrator says. Each names what it changes by its etag: nobody undoes what they have not seen.

use std::collections::BTreeSet;

use lgsp_core::said::Rule;
use lgsp_core::{Fault, Purpose as PurposeCode, Reason, rule};
use lgsp_identifiers::AgencyCode;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Agency, Purpose, PutRoleRequest, Role, RoleProposal};

use crate::asked::invalid;
use crate::catalogue::{Catalogue, put, take_away};
use crate::occasion::{Draft, Occasion, is_as_seen, names_nobody, stated, step, violation};
use crate::person::{ADMINISTRATOR, confirms};

/// Without this an administrator is none.
const SAYS_WHO_IS_WHO: &str = "lgsp.registry.v1.DecisionService/PutPerson";
const LONGEST_ROLE: usize = 32;

/// Puts an agency, or takes one away that nothing names.
///
/// # Errors
/// Every field that breaks a rule is named; or it is not as the administrator has seen it.
pub(crate) fn put_agency(
    catalogue: &Catalogue,
    agency: Agency,
    gone: bool,
    reason: String,
) -> Result<Draft, Fault> {
    let code = AgencyCode::parse(&agency.code)
        .map_err(|_| invalid("agency.code", rule!("is no code of an agency")))?;
    let code = code.as_str().to_owned();
    let known = catalogue.agency(&code);
    is_as_seen("agency.etag", known.map_or(0, |known| known.etag), agency.etag)?;
    if gone {
        let known = known.ok_or(Reason::NotFound)?;
        if names_agency(catalogue, &code) {
            return Err(invalid("agency.code", rule!("is named by what the registry holds")));
        }
        let edits = vec![take_away(Of::Agency(known.clone()), code)];
        return Ok(Draft { action: "remove-agency", reason, legal_basis: String::new(), edits });
    }
    let names = [("agency.name_vi", &*agency.name_vi), ("agency.name_en", &*agency.name_en)];
    stated(&names)?;
    names_nobody(&names)?;
    let edits =
        vec![put(known.cloned().map(Of::Agency), Of::Agency(Agency { code: code.clone(), ..agency }), code)];
    Ok(Draft { action: "put-agency", reason, legal_basis: String::new(), edits })
}

/// Puts a purpose, or takes one away that no agreement names.
///
/// # Errors
/// As [`put_agency`].
pub(crate) fn put_purpose(
    catalogue: &Catalogue,
    purpose: Purpose,
    gone: bool,
    reason: String,
) -> Result<Draft, Fault> {
    let code = purpose.code.clone();
    if PurposeCode::parse(&code).is_none() {
        return Err(invalid("purpose.code", rule!("is not well formed")));
    }
    let known = catalogue.purpose(&code);
    is_as_seen("purpose.etag", known.map_or(0, |known| known.etag), purpose.etag)?;
    if gone {
        let known = known.ok_or(Reason::NotFound)?;
        let mut terms = catalogue.agreements().filter_map(|record| record.agreement.as_ref());
        if terms.any(|terms| terms.purposes.contains(&code)) {
            return Err(invalid("purpose.code", rule!("is named by an agreement")));
        }
        let edits = vec![take_away(Of::Purpose(known.clone()), code)];
        return Ok(Draft { action: "remove-purpose", reason, legal_basis: String::new(), edits });
    }
    let titles = [("purpose.title_vi", &*purpose.title_vi), ("purpose.title_en", &*purpose.title_en)];
    stated(&titles)?;
    names_nobody(&titles)?;
    let edits = vec![put(known.cloned().map(Of::Purpose), Of::Purpose(purpose), code)];
    Ok(Draft { action: "put-purpose", reason, legal_basis: String::new(), edits })
}

/// Puts a role, or takes one away that nobody has. `known_methods` are those of the hub's own services.
///
/// # Errors
/// As [`put_agency`]; or the person has proposed the same, or is who proposed it by their word.
pub(crate) fn put_role(
    catalogue: &Catalogue,
    request: PutRoleRequest,
    known_methods: &BTreeSet<&str>,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    let PutRoleRequest { role, gone, reason } = request;
    let mut role = role.unwrap_or_default();
    role.methods.sort_unstable();
    role.methods.dedup();
    is_as_seen("role.etag", catalogue.role(&role.name).map_or(0, |known| known.etag), role.etag)?;
    if gone {
        return remove_role(catalogue, &role.name, reason);
    }
    check_role(&role, known_methods)?;
    let name = role.name.clone();
    let known = catalogue.role(&name);
    let opened: &[String] = known.map_or(&[], |known| &known.methods);
    let opens_more = role.methods.iter().any(|method| !opened.contains(method));
    let waiting = catalogue.role_proposal(&name);
    let says_the_same = waiting.is_some_and(|waiting| waiting.role.as_ref() == Some(&role));
    let drop_proposal = waiting.map(|waiting| take_away(Of::RoleProposal(waiting.clone()), name.clone()));

    let legal_basis = String::new();
    if opens_more && !says_the_same {
        let proposal = RoleProposal { role: Some(role), proposed: Some(step(occasion, &reason, "")) };
        let before = waiting.cloned().map(Of::RoleProposal);
        let edits = vec![put(before, Of::RoleProposal(proposal), name)];
        return Ok(Draft { action: "propose-role", reason, legal_basis, edits });
    }
    if let Some(waiting) = waiting.filter(|_| opens_more) {
        confirms(catalogue, occasion.person, &waiting.proposed)?;
    }
    // What was proposed before was about the role as it was.
    let mut edits = vec![put(known.cloned().map(Of::Role), Of::Role(role), name)];
    edits.extend(drop_proposal);
    Ok(Draft { action: "put-role", reason, legal_basis, edits })
}

fn remove_role(catalogue: &Catalogue, name: &str, reason: String) -> Result<Draft, Fault> {
    let known = catalogue.role(name).ok_or(Reason::NotFound)?;
    let has = |roles: &[String]| roles.iter().any(|role| role == name);
    let mut applications = catalogue.holders().connections().filter_map(|record| record.application.as_ref());
    if applications.any(|it| has(&it.roles)) || catalogue.persons().any(|it| has(&it.roles)) {
        return Err(invalid("role.name", rule!("is a role that somebody has")));
    }
    let mut edits = vec![take_away(Of::Role(known.clone()), name.to_owned())];
    let waiting = catalogue.role_proposal(name);
    edits.extend(waiting.map(|waiting| take_away(Of::RoleProposal(waiting.clone()), name.to_owned())));
    Ok(Draft { action: "remove-role", reason, legal_basis: String::new(), edits })
}

fn check_role(role: &Role, known_methods: &BTreeSet<&str>) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut note = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    let is_name = |name: &str| {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=LONGEST_ROLE).contains(&name.len()) && name.bytes().all(good)
    };
    note(!is_name(&role.name), "role.name", rule!("is not well formed"));
    let unknown = role.methods.iter().any(|method| !known_methods.contains(method.as_str()));
    note(unknown, "role.methods", rule!("names no method of the hub's own services"));
    let is_none = role.name == ADMINISTRATOR && !role.methods.iter().any(|it| it == SAYS_WHO_IS_WHO);
    note(is_none, "role.methods", rule!("would leave the hub without an administrator"));
    if violations.is_empty() { Ok(()) } else { Err(Fault::invalid(violations)) }
}

fn names_agency(catalogue: &Catalogue, code: &str) -> bool {
    let mut applications = catalogue.holders().connections().filter_map(|record| record.application.as_ref());
    let mut services = catalogue.services().all().filter_map(|record| record.service.as_ref());
    applications.any(|it| it.agency_code == code)
        || services.any(|it| it.owner_agency_code == code)
        || catalogue.persons().any(|it| it.agency_code == code)
        || catalogue.systems().any(|it| it.agency_code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::{NOW, Office, fields, person};

    const LIST: &str = "lgsp.registry.v1.DecisionService/ListPersons";

    fn office() -> Office {
        let mut office = Office::new();
        for id in ["admin-1", "admin-2"] {
            office.put_person(person(id, "H13.02", &["administrator"]));
        }
        office
    }

    fn role(name: &str, methods: &[&str]) -> PutRoleRequest {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        PutRoleRequest {
            role: Some(Role { name: name.to_owned(), methods, etag: 0 }),
            ..PutRoleRequest::default()
        }
    }

    fn say(office: &mut Office, by: &str, request: &PutRoleRequest) -> Result<(), Fault> {
        let known = BTreeSet::from([LIST, SAYS_WHO_IS_WHO]);
        office.take(by, NOW, |catalogue, occasion| put_role(catalogue, request.clone(), &known, occasion))
    }

    fn as_seen(office: &Office, mut request: PutRoleRequest) -> PutRoleRequest {
        let role = request.role.as_mut().unwrap();
        role.etag = office.catalogue.role(&role.name).map_or(0, |known| known.etag);
        request
    }

    fn opens(office: &Office, name: &str) -> usize {
        office.catalogue.role(name).map_or(0, |role| role.methods.len())
    }

    #[test]
    fn what_a_role_opens_in_addition_two_administrators_say() {
        let mut office = office();
        let wider = role("clerk", &[LIST]);
        say(&mut office, "admin-1", &wider).unwrap();
        assert_eq!(opens(&office, "clerk"), 0, "nothing is open yet");
        assert_eq!(say(&mut office, "admin-1", &wider).unwrap_err().reason(), Reason::SamePerson);
        // Another administrator who says something else proposes that.
        say(&mut office, "admin-2", &role("clerk", &[LIST, SAYS_WHO_IS_WHO])).unwrap();
        assert_eq!(opens(&office, "clerk"), 0);
        say(&mut office, "admin-1", &role("clerk", &[SAYS_WHO_IS_WHO, LIST, LIST])).unwrap();
        assert_eq!(opens(&office, "clerk"), 2);
        assert!(office.catalogue.role_proposal("clerk").is_none());
    }

    #[test]
    fn what_a_role_opens_no_more_one_administrator_says_and_what_was_proposed_before_falls() {
        let mut office = office();
        for by in ["admin-1", "admin-2"] {
            say(&mut office, by, &role("clerk", &[LIST])).unwrap();
        }
        let wider = as_seen(&office, role("clerk", &[LIST, SAYS_WHO_IS_WHO]));
        say(&mut office, "admin-1", &wider).unwrap();
        let narrower = as_seen(&office, role("clerk", &[]));
        say(&mut office, "admin-1", &narrower).unwrap();
        assert_eq!(opens(&office, "clerk"), 0);
        assert!(office.catalogue.role_proposal("clerk").is_none());
    }

    #[test]
    fn nobody_changes_from_an_old_copy_what_another_administrator_has_put() {
        let mut office = office();
        for by in ["admin-1", "admin-2"] {
            say(&mut office, by, &role("clerk", &[LIST])).unwrap();
        }
        let old_copy = as_seen(&office, role("clerk", &[LIST]));
        let narrower = as_seen(&office, role("clerk", &[]));
        say(&mut office, "admin-1", &narrower).unwrap();
        assert_eq!(say(&mut office, "admin-2", &old_copy).unwrap_err().reason(), Reason::Stale);
        for unseen in [role("clerk", &[]), PutRoleRequest { gone: true, ..role("clerk", &[]) }] {
            assert_eq!(fields(&say(&mut office, "admin-2", &unseen).unwrap_err()), ["role.etag"]);
        }
        let purpose = Purpose {
            title_vi: "Mới".to_owned(),
            title_en: "New".to_owned(),
            code: "new".to_owned(),
            etag: 0,
        };
        let draft = put_purpose(&office.catalogue, purpose.clone(), false, String::new()).unwrap();
        office.take_in(draft.edits);
        for gone in [false, true] {
            let fault = put_purpose(&office.catalogue, purpose.clone(), gone, String::new()).unwrap_err();
            assert_eq!(fields(&fault), ["purpose.etag"], "nobody has looked at it");
        }
        let seen = office.catalogue.purpose("new").unwrap().clone();
        put_purpose(&office.catalogue, seen, true, String::new()).unwrap();
    }

    #[test]
    fn an_administrator_stays_one_and_a_role_names_what_is_there() {
        let mut office = office();
        let fault = say(&mut office, "admin-1", &role("administrator", &[LIST])).unwrap_err();
        assert_eq!(fields(&fault), ["role.methods"]);
        let fault = say(&mut office, "admin-1", &role("Clerk", &["a.B/C"])).unwrap_err();
        assert_eq!(fields(&fault), ["role.name", "role.methods"]);
    }

    #[test]
    fn what_is_named_is_not_taken_away() {
        let mut office = office();
        let gone = |name: &str| PutRoleRequest { gone: true, ..role(name, &[]) };
        assert_eq!(fields(&say(&mut office, "admin-1", &gone("operator")).unwrap_err()), ["role.name"]);
        assert_eq!(say(&mut office, "admin-1", &gone("clerk")).unwrap_err().reason(), Reason::NotFound);
        let catalogue = &office.catalogue;
        let agency = |code: &str| Agency { code: code.to_owned(), ..Agency::default() };
        let named = put_agency(catalogue, agency("000.00.01.H13"), true, String::new()).unwrap_err();
        assert_eq!(fields(&named), ["agency.code"]);
        let purpose = Purpose { code: "prefill".to_owned(), ..Purpose::default() };
        let named = put_purpose(catalogue, purpose, true, String::new()).unwrap_err();
        assert_eq!(fields(&named), ["purpose.code"]);
        let free = put_agency(catalogue, agency("H13"), true, String::new()).unwrap();
        assert!(free.edits[0].after.is_none());
    }

    #[test]
    fn an_agency_is_put_under_its_code_in_the_newer_form_with_both_names() {
        let office = office();
        let agency =
            Agency { code: "000.00.15.H13".to_owned(), name_vi: "Sở X".to_owned(), ..Agency::default() };
        let fault = put_agency(&office.catalogue, agency.clone(), false, String::new()).unwrap_err();
        assert_eq!(fields(&fault), ["agency.name_en"]);
        let agency = Agency { name_en: "Department of X".to_owned(), ..agency };
        let draft = put_agency(&office.catalogue, agency, false, String::new()).unwrap();
        assert_eq!(draft.edits[0].id, "H13.15");
    }
}
