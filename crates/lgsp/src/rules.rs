//! The rules of a fresh data directory: those that ship with the hub, with a key for each of their applications.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use serde::Deserialize;

use crate::layout::Layout;

/// The file of the applications, whose ids name the keys.
const APPLICATIONS: &str = "applications.toml";
/// The file of their public keys.
const CREDENTIALS: &str = "credentials.toml";

#[derive(Deserialize)]
struct Applications {
    application: Vec<Application>,
}

#[derive(Deserialize)]
struct Application {
    id: String,
}

/// Writes the shipped rules into a folder that has none, and makes a key for each application.
///
/// A folder with rules is left as it is: they belong to its operator.
///
/// # Errors
/// A file cannot be written, or a key that is there already cannot be read.
pub fn write_shipped(layout: &Layout, rules: &Path) -> anyhow::Result<()> {
    if rules.join(APPLICATIONS).exists() {
        return Ok(());
    }
    fs::create_dir_all(rules).with_context(|| format!("cannot make {}", rules.display()))?;
    let mut credentials = String::new();
    let mut last = None;
    for (name, text) in lgsp_registry::shipped() {
        match *name {
            CREDENTIALS => credentials.insert_str(0, text),
            APPLICATIONS => {
                credentials.push_str(&credentials_of(layout, text)?);
                last = Some((name, text));
            }
            _ => write(&rules.join(name), text)?,
        }
    }
    write(&rules.join(CREDENTIALS), &credentials)?;
    // The file that tells that the rules are there comes last.
    last.map_or(Ok(()), |(name, text)| write(&rules.join(name), text))
}

fn credentials_of(layout: &Layout, applications: &str) -> anyhow::Result<String> {
    let applications: Applications =
        toml::from_str(applications).context("the shipped applications do not parse")?;
    let mut text = String::from("\n# Made by `lgsp up`. The private halves lie in keys/applications.\n");
    for Application { id } in applications.application {
        let public =
            VerifyingKey::from_bytes(&layout.make_application_key(&id)?).context("a made key is no key")?;
        let pem = public.to_public_key_pem(LineEnding::LF).context("a public key cannot be encoded")?;
        write!(
            text,
            "\n[[credential]]\napplication = \"{id}\"\nkey-id = \"{id}-1\"\nnot-before = 2026-01-01\n\
             not-after = 2036-01-01\npublic-key = \"\"\"\n{pem}\"\"\"\n"
        )?;
    }
    Ok(text)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
