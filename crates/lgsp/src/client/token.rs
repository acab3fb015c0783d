//! Tokens: an application signs its own, short-lived, with its own key.

use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lgsp_core::{ApplicationId, time::unix_micros};
use serde::Serialize;

use super::{Error, output};
use crate::cli;
use crate::layout::{self, Layout};

/// The audience of the hub's tokens.
const AUDIENCE: &str = "lgsp";

/// Lifetime of the tokens of a command's own calls.
const CALL_LIFETIME: Duration = Duration::from_secs(300);

/// Tokens begin a moment ago, so that a hub whose clock is a little behind takes them.
const SKEW_SECONDS: i64 = 1;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'static str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
}

/// The certificate whose connections a token is good on (RFC 8705).
#[derive(Serialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: String,
}

/// Signs the tokens of one application.
pub struct Signer {
    application: ApplicationId,
    key_id: String,
    key: EncodingKey,
    bound_to: Option<Confirmation>,
}

impl Signer {
    /// Reads the application's key: the named file, or the one in the data directory.
    ///
    /// # Errors
    /// The file is not there, cannot be read, or holds no key.
    pub fn open(application: &ApplicationId, key: &cli::client::Key) -> Result<Self, Error> {
        let (key_id, private) = signing_key(application, key)?;
        let private = private.to_pkcs8_der().map_err(|error| Error::Sign(error.to_string()))?;
        Ok(Self {
            application: application.clone(),
            key_id,
            key: EncodingKey::from_ed_der(private.as_bytes()),
            bound_to: None,
        })
    }

    /// The same, for tokens that are good on connections with one certificate (SHA-256 of its DER) alone.
    #[must_use]
    pub fn bound_to(self, certificate: [u8; 32]) -> Self {
        Self { bound_to: Some(Confirmation { certificate: URL_SAFE_NO_PAD.encode(certificate) }), ..self }
    }

    /// A token for a call that begins now.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn token(&self) -> Result<String, Error> {
        self.sign(now(), CALL_LIFETIME)
    }

    /// A token from `issued` (Unix seconds) on.
    fn sign(&self, issued: i64, lifetime: Duration) -> Result<String, Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key_id.clone());
        let application = self.application.as_str();
        let expires = issued.saturating_add(lifetime.as_secs().try_into().unwrap_or(i64::MAX));
        let claims = Claims {
            iss: application,
            sub: application,
            aud: AUDIENCE,
            iat: issued,
            exp: expires,
            cnf: self.bound_to.as_ref(),
        };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|error| Error::Sign(error.to_string()))
    }
}

/// The key of an application or a person, with its id: the named file, or the one in the data directory.
///
/// # Errors
/// The file is not there, cannot be read, or holds no key.
pub(crate) fn signing_key(
    application: &ApplicationId,
    key: &cli::client::Key,
) -> Result<(String, SigningKey), Error> {
    let usual_path = || Layout::new(&key.data).application_key(application.as_str());
    let path = key.key.clone().unwrap_or_else(usual_path);
    if !path.exists() {
        return Err(Error::KeyMissing { application: application.to_string(), path });
    }
    let key_id = key.key_id.clone().unwrap_or_else(|| key_id_of(application, &path));
    Ok((key_id, layout::read_signing_key(&path)?))
}

/// The key id of a file: its name if that begins as the ids of the application do (`hotich-2.pem`, as `lgsp credential issue` names
/// them), else that of the first key.
fn key_id_of(application: &ApplicationId, file: &Path) -> String {
    let first = format!("{application}-1");
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let is_numbered = name.strip_prefix(application.as_str()).is_some_and(|rest| rest.starts_with('-'));
    if is_numbered { name.to_owned() } else { first }
}

/// Runs `lgsp token`.
///
/// # Errors
/// The key cannot be read, or standard output is closed.
pub fn run(args: &cli::client::Token) -> Result<(), Error> {
    let signer = Signer::open(&args.caller.application, &args.caller.key)?;
    let lifetime = Duration::from_secs(args.lifetime.into());
    output::line(&signer.sign(now(), lifetime)?)
}

fn now() -> i64 {
    unix_micros(SystemTime::now()) / 1_000_000 - SKEW_SECONDS
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::{Value, json};

    use super::*;

    fn key(dir: &std::path::Path) -> cli::client::Key {
        cli::client::Key { data: dir.to_owned(), key: None, key_id: None }
    }

    #[test]
    fn a_token_says_who_signed_it_for_whom_and_until_when() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let public = Layout::new(dir.path()).make_application_key("tthc").expect("made");
        let application = ApplicationId::parse("tthc").expect("an id");
        let signer = Signer::open(&application, &key(dir.path())).expect("a key");
        let token = signer.sign(1_780_300_000, Duration::from_secs(300)).expect("signed");

        let header = jsonwebtoken::decode_header(&token).expect("a header");
        assert_eq!(
            serde_json::to_value(&header).expect("JSON"),
            json!({"typ": "JWT", "alg": "EdDSA", "kid": "tthc-1"})
        );
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.set_audience(&["lgsp"]);
        let decoded = jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_ed_der(&public), &validation);
        let claims = decoded.expect("signed by this key").claims;
        let expected = json!({
            "iss": "tthc", "sub": "tthc", "aud": "lgsp", "iat": 1_780_300_000, "exp": 1_780_300_300
        });
        assert_eq!(claims, expected);

        let bound = signer.bound_to([0; 32]).sign(1_780_300_000, Duration::from_secs(300)).expect("signed");
        let decoded = jsonwebtoken::decode::<Value>(&bound, &DecodingKey::from_ed_der(&public), &validation);
        let cnf = &decoded.expect("signed by this key").claims["cnf"];
        assert_eq!(*cnf, json!({ "x5t#S256": "A".repeat(43) }));
    }

    #[test]
    fn the_file_of_a_later_key_says_its_id() {
        let application = ApplicationId::parse("hotich").expect("an id");
        for (file, id) in [
            ("keys/hotich.pem", "hotich-1"),
            ("hotich-2.pem", "hotich-2"),
            ("keys/hotich-sandbox-1.pem", "hotich-sandbox-1"),
            ("hotich2.pem", "hotich-1"),
            ("tthc-3.pem", "hotich-1"),
        ] {
            assert_eq!(key_id_of(&application, Path::new(file)), id, "{file}");
        }
    }

    #[test]
    fn a_missing_key_is_told_with_its_path() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let application = ApplicationId::parse("tthc").expect("an id");
        let error = Signer::open(&application, &key(dir.path())).err().expect("no key there");
        assert!(error.to_string().ends_with("keys/applications/tthc.pem"), "{error}");
        assert_eq!(error.exit(), Some(super::super::Exit::Usage));
    }
}
