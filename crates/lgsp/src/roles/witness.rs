//! The witness: cosigns the checkpoints of logs that others run. It needs neither Kafka nor the hub.

use anyhow::Context as _;
use lgsp_runtime::config::{self, Problem};
use lgsp_runtime::{Shutdown, State};
use lgsp_tlog::{Kind, SignerKey};
use lgsp_witness::Options;
use zeroize::Zeroizing;

use super::Role;
use crate::config::Config;
use crate::layout::read_signing_key;

/// Starts the witness.
///
/// # Errors
/// Its configuration lacks a key that has no default, its key cannot be read, or its folder cannot be used.
pub async fn start(config: &Config, state: &State) -> anyhow::Result<Role> {
    let options = config.witness.clone();
    let key = key(&options)?;
    if options.logs.is_empty() {
        return Err(missing("witness.logs", "a list of { origin, vkeys }").into());
    }
    let shutdown = Shutdown::new(state.clone(), config.shutdown.clone());
    let listener = lgsp_witness::bind(&options).await?;
    lgsp_witness::start(options, key, listener, state, &shutdown).await?;
    Ok(Role { name: "witness", shutdown })
}

/// The key of the witness, under its name.
///
/// # Errors
/// It has no name, or its key cannot be read.
pub fn key(options: &Options) -> anyhow::Result<SignerKey> {
    let Some(name) = &options.name else {
        return Err(missing("witness.name", "an URL without its scheme").into());
    };
    let seed = Zeroizing::new(read_signing_key(&options.key)?.to_bytes());
    SignerKey::from_seed(name, Kind::Witness, &seed).context("witness.name cannot name a key")
}

fn missing(key: &str, accepts: &str) -> config::Error {
    let problem = Problem {
        key: key.to_owned(),
        found: "is not set".to_owned(),
        accepts: Some(accepts.to_owned()),
        origin: None,
    };
    config::Error { problems: vec![problem] }
}
