//! Every credential says where it is good. Those of files say nothing: they are good in the environment of the registry that reads
//! them first. Those of histories from before there were two environments are good where gateways had them. A registry of the sandbox
//! may be updated before that of production, so that it takes only what it has published itself, and leaves the rest.

use std::collections::BTreeSet;

use lgsp_core::environment;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Credential, CredentialRecord, Edit, Environment, Person, Snapshot};

use crate::catalogue::{Catalogue, put};
use crate::credential::edit;
use crate::holders::{certificate_id, environment_of};

/// A snapshot of files, whose credentials are good where it is read.
pub(crate) fn settled(mut snapshot: Snapshot) -> Snapshot {
    let here = environment(&snapshot.environment);
    for application in &mut snapshot.applications {
        settle(&mut application.credentials, here);
        for certificate in &mut application.certificates {
            if certificate.environment() == Environment::Unspecified {
                certificate.set_environment(here);
            }
        }
    }
    for person in &mut snapshot.persons {
        settle(&mut person.credentials, here);
    }
    snapshot
}

/// Makes those keys good in an environment that say nothing.
pub(crate) fn settle(credentials: &mut [Credential], here: Environment) {
    for credential in credentials {
        if says_nothing(credential) {
            credential.set_environment(here);
        }
    }
}

/// What to change so that every credential of a history that gateways had from here says so; nothing, if they all do. `published` is
/// what was published from here last.
pub(crate) fn unsettled(catalogue: &Catalogue, here: Environment, published: Option<&Snapshot>) -> Vec<Edit> {
    let known: BTreeSet<String> = published.into_iter().flat_map(ids).collect();
    let is_ours = |id: &str| here == Environment::Production || known.contains(id);
    let silent = silent(catalogue).filter(|record| is_ours(&record.id));
    let of_applications = silent.map(|record| edit(Some(record), good_in(record.clone(), here)));
    let is_silent = |it: &Credential| says_nothing(it) && is_ours(&it.key_id);
    let silent = catalogue.persons().filter(|person| person.credentials.iter().any(is_silent));
    let of_persons = silent.map(|person| {
        let mut after: Person = person.clone();
        let ours = after.credentials.iter_mut().filter(|it| is_silent(it));
        ours.for_each(|it| it.set_environment(here));
        put(Some(Of::Person(person.clone())), Of::Person(after), person.id.clone())
    });
    of_applications.chain(of_persons).collect()
}

/// Whether something that is in force is left for another registry to say of: that of production has not been here yet.
pub(crate) fn waits_for_production(catalogue: &Catalogue) -> bool {
    let in_force = catalogue.persons().filter(|person| !person.left);
    silent(catalogue).any(|record| record.revoked.is_none())
        || in_force.flat_map(|person| &person.credentials).any(says_nothing)
}

fn silent(catalogue: &Catalogue) -> impl Iterator<Item = &CredentialRecord> {
    let credentials = catalogue.holders().credentials();
    credentials.filter(|record| environment_of(record) == Environment::Unspecified)
}

fn says_nothing(credential: &Credential) -> bool {
    credential.environment() == Environment::Unspecified
}

/// The credentials that gateways had.
fn ids(published: &Snapshot) -> impl Iterator<Item = String> {
    let keys = published.applications.iter().flat_map(|application| &application.credentials);
    let keys = keys.chain(published.persons.iter().flat_map(|person| &person.credentials));
    let certificates = published.applications.iter().flat_map(|application| &application.certificates);
    keys.map(|key| key.key_id.clone()).chain(certificates.map(certificate_id))
}

fn good_in(mut record: CredentialRecord, here: Environment) -> CredentialRecord {
    match &mut record.held {
        Some(Held::Credential(credential)) => credential.set_environment(here),
        Some(Held::Certificate(certificate)) => certificate.set_environment(here),
        None => {}
    }
    record
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::certificate::KnownBy;
    use lgsp_proto::registry::v1::{Application, ApplicationState, Certificate};

    use super::*;
    use crate::office::{Office, person};

    /// A history from before there were two environments.
    fn older() -> Office {
        let mut office = Office::new();
        let key = |id: &str| Credential { key_id: id.to_owned(), ..Credential::default() };
        let known_by = Some(KnownBy::Uri("urn:cu".to_owned()));
        let application = Application {
            id: "cu".to_owned(),
            state: ApplicationState::Connected.into(),
            credentials: vec![key("cu-1")],
            certificates: vec![Certificate { known_by, ..Certificate::default() }],
            ..Application::default()
        };
        office.take_in(vec![put(None, Of::Application(application), "cu".to_owned())]);
        office.put_person(Person {
            credentials: vec![key("cu.police-1")],
            ..person("cu.police", "G01.30.92", &[])
        });
        office
    }

    fn known_in(office: &Office, environment: &str) -> (usize, usize) {
        let snapshot = office.catalogue.snapshot(environment);
        let ours = snapshot.applications.iter().find(|application| application.id == "cu").unwrap();
        let keys = snapshot.persons.iter().map(|person| person.credentials.len()).sum();
        (ours.credentials.len() + ours.certificates.len(), keys)
    }

    #[test]
    fn what_an_older_history_holds_becomes_good_in_production_and_nowhere_else() {
        let mut office = older();
        for environment in ["production", "sandbox"] {
            assert_eq!(known_in(&office, environment), (0, 0), "nobody has said where it is good");
        }
        let edits = unsettled(&office.catalogue, Environment::Production, None);
        assert_eq!(edits.len(), 3);
        office.take_in(edits);
        assert_eq!(known_in(&office, "production"), (2, 1));
        assert_eq!(known_in(&office, "sandbox"), (0, 0));
        assert_eq!(unsettled(&office.catalogue, Environment::Sandbox, None), []);
        assert!(!waits_for_production(&office.catalogue));
    }

    #[test]
    fn a_sandbox_takes_what_it_has_published_itself_and_leaves_the_rest_to_production() {
        let mut office = older();
        assert_eq!(unsettled(&office.catalogue, Environment::Sandbox, None), []);
        let mut published = Snapshot::default();
        published.applications.push(Application {
            credentials: vec![Credential { key_id: "cu-1".to_owned(), ..Credential::default() }],
            ..Application::default()
        });
        office.take_in(unsettled(&office.catalogue, Environment::Sandbox, Some(&published)));
        assert_eq!((known_in(&office, "sandbox"), known_in(&office, "production")), ((1, 0), (0, 0)));
        assert!(waits_for_production(&office.catalogue));
        office.take_in(unsettled(&office.catalogue, Environment::Production, None));
        assert_eq!((known_in(&office, "sandbox"), known_in(&office, "production")), ((1, 0), (1, 1)));
        assert!(!waits_for_production(&office.catalogue));
    }
}
