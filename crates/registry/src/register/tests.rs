use lgsp_proto::registry::v1::credential_record::Held as Key;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Application, Credential, CredentialRecord, Purpose};

use super::*;
use crate::catalogue::{import, put};
use crate::office::told;
use crate::rules::{Folder, check};

const DAY: i64 = 86_400_000_000;

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

async fn open(store: &StoreOptions, environment: &str) -> Register {
    let never = async || unreachable!("the store is not empty");
    Register::open(store, environment, None, never).await.unwrap()
}

/// A store where production has been served for long, and an agreement that ended half a year ago.
async fn long_served(folder: &std::path::Path) -> (StoreOptions, String) {
    let store = StoreOptions::of(format!("sqlite:{}", folder.join("registry.db").display()));
    let history = History::open(&store).await.unwrap();
    let mut shipped = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
    let at = Some(timestamp(unix_micros(SystemTime::now()) - 180 * DAY));
    shipped.snapshot.agreements[0].valid_to = at;
    history.keep(shipped.descriptors(), soon()).await.unwrap();
    let nothing = Catalogue::default();
    let edits = import(&shipped.snapshot, &Default::default());
    let first = Change { at, revision: 1, ..of_its_own(&nothing, "import", edits) };
    let serves = of_its_own(&nothing, sandbox::PRODUCTION, Vec::new());
    let second = Change { at, sequence: 2, revision: 1, ..serves };
    for change in [first, second] {
        assert!(history.append(&change, soon()).await.unwrap());
    }
    (store, shipped.snapshot.agreements[0].id.clone())
}

fn names(held: &Held, agreement: &str) -> bool {
    held.checked.snapshot.agreements.iter().any(|terms| terms.id == agreement)
}

#[tokio::test]
async fn what_ended_long_before_goes_with_the_next_revision_and_is_nobodys_decision() {
    let folder = tempfile::tempdir().unwrap();
    let (store, ended) = long_served(folder.path()).await;
    let sandbox = open(&store, "sandbox").await;
    let before = sandbox.now();
    assert!(names(&before, &ended), "nothing was decided since");

    let held = Some(Key::Credential(Credential {
        key_id: "hotich-9".to_owned(),
        ed25519_public_key: vec![9; 32].into(),
        environment: Environment::Sandbox.into(),
        ..Credential::default()
    }));
    let (application, id) = ("hotich".to_owned(), "hotich-9".to_owned());
    let record = CredentialRecord { application, id, held, ..CredentialRecord::default() };
    let draft = |_: &Held| {
        let edits = vec![put(None, Of::Credential(record.clone()), "hotich-9".to_owned())];
        let (reason, legal_basis) = (String::new(), String::new());
        Ok(Draft { action: "issue-credential", reason, legal_basis, edits })
    };
    let after = sandbox.decide(&BTreeMap::new(), By::default(), soon(), draft).await;
    let after = after.expect("what time makes of production is no decision about it");
    assert_eq!(after.catalogue.revision, before.catalogue.revision + 1);
    assert!(!names(&after, &ended));
    assert!(after.catalogue.versions(&ended).next().is_some(), "the history keeps it");
    for environment in crate::held::ENVIRONMENTS {
        let other = open(&store, environment).await.now();
        assert_eq!((&other.catalogue, other.content), (&after.catalogue, after.content), "{environment}");
    }
}

/// Of before there were two environments: nothing says for which the key is.
async fn older(folder: &std::path::Path) -> StoreOptions {
    let store = StoreOptions::of(format!("sqlite:{}", folder.join("registry.db").display()));
    let history = History::open(&store).await.unwrap();
    let shipped = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
    history.keep(shipped.descriptors(), soon()).await.unwrap();
    let mut edits = import(&shipped.snapshot, &Default::default());
    let held = Some(Key::Credential(Credential {
        key_id: "hotich-9".to_owned(),
        ed25519_public_key: vec![9; 32].into(),
        ..Credential::default()
    }));
    let (application, id) = ("hotich".to_owned(), "hotich-9".to_owned());
    let record = CredentialRecord { application, id, held, ..CredentialRecord::default() };
    edits.push(put(None, Of::Credential(record), "hotich-9".to_owned()));
    let first = Change { revision: 1, ..of_its_own(&Catalogue::default(), "import", edits) };
    assert!(history.append(&first, soon()).await.unwrap());
    store
}

fn knows_the_key(register: &Register) -> bool {
    register.now().rules.credential("hotich-9").is_some()
}

async fn put_purpose(register: &Register, code: &str) -> Result<Arc<Held>, Fault> {
    put_purpose_because(register, code, "", soon()).await
}

async fn put_purpose_because(
    register: &Register,
    code: &str,
    reason: &str,
    until: Instant,
) -> Result<Arc<Held>, Fault> {
    let purpose = Purpose { code: code.to_owned(), ..Purpose::default() };
    let draft = |_: &Held| {
        let edits = vec![put(None, Of::Purpose(purpose.clone()), code.to_owned())];
        let (reason, legal_basis) = (reason.to_owned(), String::new());
        Ok(Draft { action: "put-purpose", reason, legal_basis, edits })
    };
    register.decide(&BTreeMap::new(), By::default(), until, draft).await
}

#[tokio::test]
async fn a_reason_with_the_number_of_a_person_never_comes_into_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = long_served(folder.path()).await;
    let register = open(&store, "production").await;
    let before = register.now().catalogue.sequence;
    let refused = put_purpose_because(&register, "first", "asked by 092085000011", soon()).await.unwrap_err();
    assert_eq!(told(&refused), ["reason: may hold the number of a person"]);
    assert_eq!(register.now().catalogue.sequence, before);
    put_purpose_because(&register, "first", "Nghị định 278/2025/NĐ-CP", soon()).await.unwrap();
}

#[tokio::test]
async fn a_contract_is_linked_once_and_for_both_environments_however_often_rules_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = long_served(folder.path()).await;
    let register = open(&store, "production").await;
    let answer = |held: &Held| {
        let method = held.rules.method("/lgsp.population.v1.PopulationService/GetCitizen").unwrap();
        method.output.clone()
    };
    let before = answer(&register.now());
    put_purpose(&register, "first").await.unwrap();
    // Messages are the same if they are of the same linked contract.
    assert_eq!(answer(&register.now()), before);
    assert_ne!(answer(&open(&store, "production").await.now()), before);
}

#[tokio::test]
async fn a_busy_registry_does_not_say_that_its_store_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = long_served(folder.path()).await;
    let register = Arc::new(open(&store, "production").await);
    let busy = register.deciding.lock().await;
    let late = put_purpose_because(&register, "first", "", Instant::now()).await.unwrap_err();
    assert_eq!(late.reason(), Reason::AdapterOverloaded);
    let within = Duration::from_secs(2);
    let following = tokio::spawn({
        let register = register.clone();
        async move { register.follow(within).await }
    });
    // For longer than the store may take.
    tokio::time::sleep(within + Duration::from_millis(100)).await;
    drop(busy);
    following.await.unwrap().expect("the store was never asked for so long");
}

#[tokio::test]
async fn a_sandbox_updated_before_production_takes_none_of_its_keys_and_decides_nothing_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = older(folder.path()).await;
    let sandbox = open(&store, "sandbox").await;
    assert!(!knows_the_key(&sandbox));
    let refused = put_purpose(&sandbox, "first").await.unwrap_err();
    assert_eq!(refused.reason(), Reason::ProductionDecides);

    let production = open(&store, "production").await;
    assert!(knows_the_key(&production), "gateways of production had it");
    put_purpose(&production, "first").await.unwrap();
    sandbox.follow(PATIENCE).await.unwrap();
    assert!(!knows_the_key(&sandbox));
    assert_eq!(put_purpose(&sandbox, "second").await.unwrap_err().reason(), Reason::ProductionDecides);
}

#[tokio::test]
async fn a_sandbox_that_published_an_older_history_itself_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = older(folder.path()).await;
    let key = Credential { key_id: "hotich-9".to_owned(), ..Credential::default() };
    let application = Application { credentials: vec![key], ..Application::default() };
    let published = Snapshot { applications: vec![application], ..Snapshot::default() };
    let never = async || unreachable!("the store is not empty");
    let sandbox = Register::open(&store, "sandbox", Some(&published), never).await.unwrap();
    assert!(knows_the_key(&sandbox));
    put_purpose(&sandbox, "first").await.unwrap();
}

#[tokio::test]
async fn an_older_program_leaves_the_services_that_a_newer_one_has_put_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = long_served(folder.path()).await;
    let newest = open(&store, "production").await.now();
    // The newest program has one service fewer: an older one would bring it back.
    let name = "lgsp.registry.v1.CatalogueService";
    let gone = newest.catalogue.service(name).unwrap().clone();
    let edits = vec![crate::catalogue::take_away(Of::Service(gone), name.to_owned())];
    let change = of_its_own(&newest.catalogue, "bring-own-services", edits);
    let revision = change.revision + 1;
    let change = Change { revision, own_services: own::NUMBER + 1, ..change };
    let history = History::open(&store).await.unwrap();
    assert!(history.append(&change, soon()).await.unwrap());
    let older = open(&store, "production").await.now();
    assert_eq!(older.catalogue.sequence, change.sequence, "it has changed nothing");
    assert!(older.catalogue.service(name).is_none());
    assert!(own::are_of_a_newer_program(&older.catalogue));
}

#[test]
fn what_does_not_hold_is_named_by_what_was_decided_about() {
    let twin = |what: &'static str| RulesError::Invalid {
        what,
        name: "hotich-1".to_owned(),
        problem: "is there twice".to_owned(),
    };
    for (kind, error, field) in [
        ("service", twin("service"), "version"),
        ("credential", twin("credential"), "credential"),
        ("person", twin("credential"), "person.credentials"),
        ("person-proposal", twin("person"), "person"),
        ("agreement", twin("agreement"), "agreement.grants.method"),
    ] {
        let edit = Edit { kind: kind.to_owned(), ..Edit::default() };
        let change = Change { edits: vec![edit], ..Change::default() };
        assert_eq!(does_not_hold(&change, &error).violations()[0].field, field, "{kind}");
    }
}
