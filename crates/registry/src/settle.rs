//! Every credential says where it is good. Those of files, and of histories from before there were two environments, say nothing:
//! they are good in the environment of the registry that reads them first, and in no other.

use lgsp_core::environment;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Credential, CredentialRecord, Edit, Environment, Person, Snapshot};

use crate::catalogue::{Catalogue, put};
use crate::credential::edit;
use crate::holders::environment_of;

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
        if credential.environment() == Environment::Unspecified {
            credential.set_environment(here);
        }
    }
}

/// What to change so that every credential of a history says where it is good; nothing, if they all do.
pub(crate) fn unsettled(catalogue: &Catalogue, here: Environment) -> Vec<Edit> {
    let credentials = catalogue.holders().credentials();
    let silent = credentials.filter(|record| environment_of(record) == Environment::Unspecified);
    let of_applications = silent.map(|record| edit(Some(record), good_in(record.clone(), here)));
    let says_nothing = |credential: &Credential| credential.environment() == Environment::Unspecified;
    let silent = catalogue.persons().filter(|person| person.credentials.iter().any(says_nothing));
    let of_persons = silent.map(|person| {
        let mut after: Person = person.clone();
        settle(&mut after.credentials, here);
        put(Some(Of::Person(person.clone())), Of::Person(after), person.id.clone())
    });
    of_applications.chain(of_persons).collect()
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
    fn what_an_older_history_holds_becomes_good_where_it_is_read_and_nowhere_else() {
        let mut office = older();
        for environment in ["production", "sandbox"] {
            assert_eq!(known_in(&office, environment), (0, 0), "nobody has said where it is good");
        }
        let edits = unsettled(&office.catalogue, Environment::Production);
        assert_eq!(edits.len(), 3);
        office.take_in(edits);
        assert_eq!(known_in(&office, "production"), (2, 1));
        assert_eq!(known_in(&office, "sandbox"), (0, 0));
        assert_eq!(unsettled(&office.catalogue, Environment::Sandbox), []);
    }
}
