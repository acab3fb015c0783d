//! `lgsp registry export`: the registry as files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use lgsp_proto::registry::v1::catalogue_service_client::CatalogueServiceClient;
use lgsp_proto::registry::v1::history_service_client::HistoryServiceClient;
use lgsp_proto::registry::v1::moment::Moment as Of;
use lgsp_proto::registry::v1::{DataService, GetContractRequest, GetSnapshotRequest, Moment, Snapshot};
use lgsp_registry::rules::{has_own_contract, write, write_inventory};

use super::DEADLINE;
use super::known::Known;
use crate::cli::code::Export;
use crate::client::registry::{answered_within, open};
use crate::client::session::{LARGEST_MESSAGE, Session};
use crate::client::{Error, Lang, output};

/// Runs `lgsp registry export`.
///
/// # Errors
/// The folder is not empty, or whatever kept the registry from being told or written.
pub(crate) async fn run(args: &Export, lang: Lang) -> Result<(), Error> {
    let dir = args.dir.as_path();
    let unusable = |source| Error::Folder { path: dir.to_owned(), source };
    if !args.force && dir.exists() && fs::read_dir(dir).map_err(unusable)?.next().is_some() {
        return Err(Error::NotEmpty { path: dir.to_owned() });
    }
    let session = open(&args.operator).await?;
    let known = Known::read(&session, args.as_of.moment()).await?;
    let files = files(&session, &known).await?;
    // Not before there is something to put into it: a refusal leaves nothing behind.
    fs::create_dir_all(dir).map_err(unusable)?;
    for (name, content) in &files {
        replace(&dir.join(name), content).map_err(unusable)?;
    }
    let told = lang.pick("files, as of change", "tệp, tại thay đổi");
    output::note(&format!("{}: {} {told} {}", dir.display(), files.len(), known.sequence));
    Ok(())
}

/// The files of what is known, whose moment is that of a change.
async fn files(session: &Session, known: &Known) -> Result<BTreeMap<String, Bytes>, Error> {
    let mut client =
        HistoryServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE);
    let as_of = Some(Moment { moment: Some(Of::Sequence(known.sequence)) });
    let request = session.request(GetSnapshotRequest { as_of, environment: 0 }, Some(DEADLINE))?;
    let answer = answered_within(session, DEADLINE, client.get_snapshot(request)).await?;
    let snapshot = answer.snapshot.unwrap_or_default();
    let contacts = known.connections.iter().filter(|record| !record.contacts.is_empty());
    let contacts = contacts.filter_map(|record| {
        let application = record.application.as_ref()?;
        Some((application.id.clone(), record.contacts.clone()))
    });
    let contracts = contracts(session, known, &snapshot).await?;
    let mut files = write(&snapshot, &contacts.collect(), &contracts);
    let (name, inventory) = write_inventory(&known.systems, &known.national_services);
    files.insert(name.to_owned(), inventory);
    Ok(files)
}

async fn contracts(
    session: &Session,
    known: &Known,
    snapshot: &Snapshot,
) -> Result<BTreeMap<String, Bytes>, Error> {
    let mut client =
        CatalogueServiceClient::new(session.channel.clone()).max_decoding_message_size(LARGEST_MESSAGE);
    let mut contracts = BTreeMap::new();
    for service in snapshot.services.iter().filter(|service| has_own_contract(service)) {
        let Some(version) = version_of(known, service) else { continue };
        let request = GetContractRequest { name: service.name.clone(), version };
        let request = session.request(request, Some(DEADLINE))?;
        let contract = answered_within(session, DEADLINE, client.get_contract(request)).await?;
        contracts.insert(service.name.clone(), contract.descriptor_set);
    }
    Ok(contracts)
}

fn version_of(known: &Known, service: &DataService) -> Option<u32> {
    let is_it =
        |it: &&DataService| it.name == service.name && it.descriptor_sha256 == service.descriptor_sha256;
    let mut versions = known.services.iter().rev();
    versions.find(|record| record.service.as_ref().filter(is_it).is_some()).map(|record| record.version)
}

/// A reader sees the old file or the new one.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let new = path.with_file_name(format!(".{name}.new"));
    fs::write(&new, content)?;
    fs::rename(&new, path)
}
