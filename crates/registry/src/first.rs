//! What an empty store begins with: the rules of the files or those of the hub alone, and two administrators.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes};
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::{Credential, Person};
use tracing::warn;

use crate::held::key_of;
use crate::options::BeginWith;
use crate::person::ADMINISTRATOR;
use crate::publisher::{on_disk, read};
use crate::rules::{Checked, check};
use crate::{Error, Options};

/// Two, so that one can be replaced by the other.
const ADMINISTRATORS: [&str; 2] = ["admin-1", "admin-2"];
/// The data service whose owner operates the hub: the administrators are of that agency.
pub(crate) const REGISTRY: &str = "lgsp.registry.v1.RegistryService";
/// How long the first keys are good. Whoever has signed in with one makes a longer-lived one.
const VALID_US: i64 = 90 * 86_400 * 1_000_000;

/// Reads the rules of the files, and makes the administrators with their keys.
///
/// # Errors
/// The rules cannot be read or do not hold together, or a key cannot be kept.
pub(crate) async fn first(options: &Options) -> Result<Checked, Error> {
    let mut checked = check(&read(options.rules.clone()).await?, &options.environment)?;
    if options.begin_with == BeginWith::Hub {
        of_the_hub_alone(&mut checked);
    }
    if !checked.snapshot.roles.iter().any(|role| role.name == ADMINISTRATOR) {
        warn!("the rules have no role `administrator`: nobody can be made one");
        return Ok(checked);
    }
    let registry = checked.snapshot.services.iter().find(|service| service.name == REGISTRY);
    let agency = registry.map(|service| service.owner_agency_code.clone()).unwrap_or_default();
    let folder = options.administrators.clone();
    let persons = on_disk(move || administrators(&folder, &agency)).await?;
    for person in &persons {
        let file = key_file(&options.administrators, &person.id);
        warn!(person = %person.id, key = %file.display(), "the registry begins with this administrator");
    }
    checked.snapshot.persons.extend(persons);
    checked.snapshot.persons.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(checked)
}

/// Leaves what persons need to decide about all else: whom and what decisions name, and the hub's own services and tool.
fn of_the_hub_alone(checked: &mut Checked) {
    let snapshot = &mut checked.snapshot;
    snapshot.services.retain(|service| service.platform);
    snapshot.applications.retain(|application| application.platform);
    snapshot.agreements.clear();
    checked.inventory.clear();
    let needed: BTreeSet<String> = snapshot.services.iter().map(key_of).collect();
    checked.descriptors.retain(|key, _| needed.contains(key));
}

fn administrators(folder: &Path, agency: &str) -> Result<Vec<Person>, Error> {
    let failed = |source| Error::Administrators { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let now = unix_micros(SystemTime::now());
    let make = |id: &&str| {
        let key = SigningKey::from_bytes(&rand::random());
        keep(&key_file(folder, id), &key)?;
        Ok(Person {
            id: (*id).to_owned(),
            agency_code: agency.to_owned(),
            roles: vec![ADMINISTRATOR.to_owned()],
            credentials: vec![Credential {
                key_id: format!("{id}-1"),
                ed25519_public_key: key.verifying_key().as_bytes().to_vec().into(),
                not_before: Some(timestamp(now)),
                not_after: Some(timestamp(now + VALID_US)),
                ..Credential::default()
            }],
            ..Person::default()
        })
    };
    ADMINISTRATORS.iter().map(make).collect::<io::Result<_>>().map_err(failed)
}

fn key_file(folder: &Path, person: &str) -> PathBuf {
    folder.join(format!("{person}.pem"))
}

/// Writes a key that only we can read. One that is there already may be somebody's: it is not written over.
pub(crate) fn keep(path: &Path, key: &SigningKey) -> io::Result<()> {
    // Without the public half, which openssl 3.0 does not read.
    let pem = KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_pem(LineEnding::LF);
    let pem = pem.map_err(io::Error::other)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Folder;

    #[test]
    fn the_hub_alone_has_its_own_services_and_tool_and_all_that_decisions_name() {
        let mut checked = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
        let whole = checked.snapshot.clone();
        of_the_hub_alone(&mut checked);
        let snapshot = &checked.snapshot;
        assert_eq!(snapshot.applications.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["dieu-hanh"]);
        assert!(snapshot.agreements.is_empty() && snapshot.services.iter().all(|it| it.platform));
        assert!(snapshot.services.iter().any(|it| it.name == REGISTRY));
        assert_eq!((&snapshot.agencies, &snapshot.purposes), (&whole.agencies, &whole.purposes));
        assert_eq!(snapshot.roles, whole.roles);
        lgsp_core::Rules::compile(snapshot, &checked.descriptors).expect("it holds together");
    }
}
