//! The source on a FHIR R4 server.
//!
//! ```text
//!  Source ──► Tokens (identifiers with their systems) ──► Client: POST Type/_search, a batch, further pages
//!  Source ◄── patient, coverage, clinical, immunization ◄── Reader ◄── resources (serde)
//! ```
//!
//! A question takes one or two round trips: cards one, a summary the patient and a batch of bounded searches, immunizations the
//! patient and theirs. Cards and immunizations that the server cuts into pages take one more for each, or fail: a part of them is
//! never told.
//!
//! Patients who have been switched off, or merged into another, are not there. If several others have one identifier, none is
//! told, since half a record could harm; only cards are told together, for each bears its holder. Every record must be of
//! whom it was searched for: a server that ignores what it is asked would tell of others.
//!
//! It must never put an identifier of a person in a URL, nor follow a link of the server that has one; send anything to another
//! server than the configured one; or pass on a text of the server's errors.

mod client;
mod clinical;
mod connect;
mod coverage;
mod credentials;
mod error;
mod immunization;
mod options;
mod patient;
mod read;
mod resource;
mod systems;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use lgsp_adapter::health::Probe;
use lgsp_adapter::metrics::Queries;
use lgsp_adapter::{Adapter, Counts, NotUnderstood, Origin, SourceError};
use lgsp_identifiers::PersonKey;
use lgsp_proto::health::v1::{Immunization, PatientSummary};
use tokio::time::Instant;
use tonic::service::Routes;
use tracing::warn;

use self::client::Client;
use self::error::Error;
use self::patient::Tokens;
use self::read::{Included, Reader};
use crate::{Card, DOMAIN, Parts, PatientKey, Source, service};

pub use options::Options;
pub use systems::Systems;

/// Opens the adapter on a FHIR server, which need not answer yet. Of the adapter's own options those of its queries count.
///
/// # Errors
/// The URL, a certificate or a file with a secret cannot be used.
pub fn open(adapter: &lgsp_adapter::Options, server: &Options) -> Result<Adapter, OpenError> {
    let source = Arc::new(Fhir::open(server)?);
    Ok(Adapter {
        domain: DOMAIN,
        routes: Routes::new(service(Arc::clone(&source), adapter.query_timeout)),
        source: source.name().into(),
        probe: source,
    })
}

/// Most patients that a search by an identifier is read for: one too many is enough to know.
const PATIENTS: &str = "10";
/// Records of a page of a list.
const PAGE: &str = "200";
/// The version that the adapter reads: 4.0.0 or 4.0.1.
const VERSION: &str = "4.0.";

/// A health source on a FHIR R4 server. Read only; a cheap handle.
#[derive(Clone)]
pub struct Fhir {
    client: Arc<Client>,
    origin: Arc<Origin>,
    systems: Arc<Systems>,
    counts: Counts,
    /// The server said that it speaks the version that is read here.
    version_is_known: Arc<AtomicBool>,
}

/// Why a source cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the FHIR server cannot be used: {key}: {found}")]
pub struct OpenError {
    key: &'static str,
    found: String,
}

impl OpenError {
    fn new(key: &'static str, found: impl ToString) -> Self {
        Self { key, found: found.to_string() }
    }
}

impl Fhir {
    /// Opens the source. Nothing is asked yet: a server that is down is a matter of its health.
    ///
    /// # Errors
    /// The URL, a certificate or a file with a secret cannot be used.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        Ok(Self {
            client: Arc::new(Client::new(options)?),
            origin: Arc::new(options.origin()),
            systems: Arc::new(options.systems.clone()),
            counts: Counts::default(),
            version_is_known: Arc::default(),
        })
    }

    /// The source as its owner names it.
    pub fn name(&self) -> &str {
        &self.origin.source
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            systems: &self.systems,
            counts: &self.counts,
            origin: &self.origin,
            base: self.client.base(),
        }
    }

    async fn check_version(&self, deadline: Instant) -> Result<(), Error> {
        if self.version_is_known.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !self.client.version(deadline).await?.starts_with(VERSION) {
            return Err(Error::OtherVersion);
        }
        self.version_is_known.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn read_credentials(&self) {
        let credentials = self.client.credentials.clone();
        let read = tokio::task::spawn_blocking(move || credentials.read()).await;
        if let Ok(Err(error)) = read {
            warn!(key = error.key, "credentials cannot be read again; those from before stay");
        }
    }
}

impl fmt::Debug for Fhir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fhir").field("name", &self.name()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Probe for Fhir {
    fn queries(&self) -> Option<&Queries> {
        Some(&self.client.queries)
    }

    /// Searches a patient who does not exist: that reaches the server's database, and reads nobody.
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError> {
        self.read_credentials().await;
        self.check_version(deadline).await?;
        self.client.search("Patient", &[("_id", "lgsp-probe"), ("_count", "1")], deadline).await?;
        Ok(())
    }

    fn not_understood(&self) -> Vec<NotUnderstood> {
        self.counts.all()
    }
}

#[async_trait]
impl Source for Fhir {
    async fn cards(&self, holder: &PatientKey, deadline: Instant) -> Result<Vec<Card>, SourceError> {
        let tokens = Tokens::of(holder, &self.systems);
        let identifier = tokens.parameter();
        let by_identifier = ("identifier", identifier.as_str());
        let cards = match holder {
            PatientKey::Person(_) => {
                let search = [by_identifier, ("_revinclude", "Coverage:beneficiary"), ("_count", PATIENTS)];
                let bundle = self.client.search_all("Patient", &search, deadline).await?;
                coverage::by_person(&self.reader(), &bundle, &tokens)?
            }
            PatientKey::Card(_) => {
                let search = [by_identifier, ("_include", "Coverage:beneficiary"), ("_count", PAGE)];
                let bundle = self.client.search_all("Coverage", &search, deadline).await?;
                coverage::by_card(&self.reader(), &bundle, &tokens)?
            }
        };
        Ok(cards)
    }

    async fn summary(
        &self,
        patient: &PatientKey,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<PatientSummary>, SourceError> {
        let tokens = Tokens::of(patient, &self.systems);
        let identifier = tokens.parameter();
        let search =
            [("identifier", &*identifier), ("_include", "Patient:organization"), ("_count", PATIENTS)];
        let bundle = self.client.search("Patient", &search, deadline).await?;
        let Some(patient) = patient::only(&bundle, &tokens)? else { return Ok(None) };

        let reader = self.reader();
        let mut summary = patient::summary(&reader, patient, &Included::of(&bundle));
        let patient = format!("Patient/{}", patient.id);
        let parts = clinical::parts(parts);
        let searches: Vec<_> = parts.iter().map(|part| part.search(&patient)).collect();
        let found = self.client.batch(&searches, deadline).await?;
        for (part, bundle) in parts.into_iter().zip(&found) {
            part.put(&reader, bundle, &patient, &mut summary)?;
        }
        Ok(Some(summary))
    }

    async fn immunizations(
        &self,
        person: &PersonKey,
        after: i64,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(i64, Immunization)>, SourceError> {
        let tokens = Tokens::of_person(person, &self.systems);
        let search = [("identifier", &*tokens.parameter()), ("_count", PATIENTS)];
        let bundle = self.client.search("Patient", &search, deadline).await?;
        let Some(patient) = patient::only(&bundle, &tokens)? else { return Ok(Vec::new()) };

        let reader = self.reader();
        let personal_number = reader.personal_number(&patient.identifier);
        let patient = format!("Patient/{}", patient.id);
        let search = [
            ("patient", &*patient),
            ("_sort", "-date"),
            ("_include", "Immunization:performer"),
            ("_include", "Immunization:manufacturer"),
            ("_include", "Immunization:reaction"),
            ("_count", PAGE),
        ];
        let bundle = self.client.search_all("Immunization", &search, deadline).await?;
        let doses = immunization::list(&reader, &bundle, &patient, &personal_number)?;
        Ok(immunization::after(doses, after, limit))
    }
}
