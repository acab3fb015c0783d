//! Gives each role its rights on Kafka, and compares those that are there.

use std::collections::BTreeSet;
use std::sync::Arc;

use rdkafka::admin::AdminClient;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::task::spawn_blocking;

use super::admin::until_answered;
use super::native;
use super::rights::{Acl, AclDifferences};
use crate::clients::{self, Quiet};
use crate::{Bus, Error};

/// What ACLs are about, in an error.
const CLUSTER: &str = "the cluster's ACLs";

/// Whether the cluster keeps ACLs at all: whether it has an authorizer. The embedded broker has none.
///
/// # Errors
/// The cluster does not answer, or does not let us see its ACLs.
pub async fn keeps_acls(bus: &Bus) -> Result<bool, Error> {
    if bus.is_embedded() {
        return Ok(false);
    }
    match found(bus).await {
        Ok(_) => Ok(true),
        Err(Error::NoAuthorizer) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives each role's principal the rights that it lacks, and tells them. Takes nothing away: [`compare_acls`] tells what is
/// superfluous.
///
/// # Errors
/// The cluster does not answer, has no authorizer, or does not let us change its ACLs.
pub async fn grant(bus: &Bus) -> Result<Vec<Acl>, Error> {
    let missing = compare_acls(bus).await?.missing;
    let (client, granted) = (open(bus)?, missing.clone());
    let asked = spawn_blocking(move || native::create(client.inner(), &granted));
    asked.await.map_err(|_| Error::Closed)?.map_err(|source| failed("grant rights", "alter", source))?;
    Ok(missing)
}

/// Compares the cluster's ACLs with those that the hub needs.
///
/// # Errors
/// The cluster does not answer, has no authorizer, or does not let us see its ACLs.
pub async fn compare_acls(bus: &Bus) -> Result<AclDifferences, Error> {
    Ok(AclDifferences::between(bus.options(), &found(bus).await?))
}

async fn found(bus: &Bus) -> Result<BTreeSet<Acl>, Error> {
    // Who is not let in is told why, instead of that nothing came.
    until_answered(bus).await?;
    let client = open(bus)?;
    let asked = spawn_blocking(move || native::describe(client.inner()));
    asked.await.map_err(|_| Error::Closed)?.map_err(|source| failed("tell its ACLs", "describe", source))
}

fn open(bus: &Bus) -> Result<Arc<AdminClient<Quiet>>, Error> {
    let client = clients::admin(bus.cluster()).create_with_context(bus.cluster().quiet());
    client.map(Arc::new).map_err(|source| Error::client("ACLs", &source))
}

fn failed(what: &'static str, right: &'static str, source: KafkaError) -> Error {
    match source {
        KafkaError::AdminOp(RDKafkaErrorCode::SecurityDisabled) => Error::NoAuthorizer,
        source => Error::of(what, right, CLUSTER, source),
    }
}
