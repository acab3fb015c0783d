//! Sign-in at an OpenID Connect issuer: the authorization code flow with PKCE (RFC 7636), state and nonce.
//!
//! The console believes no token: it hands what the issuer gave to the gateway with each call, and the gateway verifies it. What is held
//! against here is what concerns the browser: that this sign-in was begun by it, and that the answer is for this sign-in. The ID token
//! comes from the issuer itself over TLS, which stands for its signature (OpenID Connect Core, 3.1.3.7, 6).

mod ask;

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lgsp_runtime::config::SecretFile;
use parking_lot::Mutex;
use rustls::ClientConfig;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::options::Oidc;
use crate::session::secret;
use ask::Client;

/// How long a sign-in may take.
pub(crate) const BEGUN_FOR: Duration = Duration::from_secs(10 * 60);
/// Most sign-ins that are under way; beyond that the oldest is forgotten.
const MOST_BEGUN: usize = 1_000;
/// How long what the issuer says of itself is believed.
const FOUND_FOR: Duration = Duration::from_secs(15 * 60);
/// How far the issuer's clock may be behind.
const TOLERANCE: u64 = 5;
/// Longest name that is shown.
const LONGEST_NAME: usize = 64;

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the issuer cannot be reached")]
    Unreached,
    #[error("the issuer's answer is not understood")]
    NotUnderstood,
    #[error("the issuer names another issuer")]
    OtherIssuer,
    #[error("an end point of the issuer is not encrypted")]
    InTheClear,
    #[error("the issuer refuses")]
    Refused,
    #[error("no sign-in was begun by this browser, or it took too long")]
    State,
    #[error("the token is not for this sign-in")]
    NotOurs,
}

/// Somebody whom the issuer has signed in.
pub(crate) struct SignedIn {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) good_for: Duration,
    /// Where they were on their way to.
    pub(crate) back: String,
}

struct Begun {
    at: Instant,
    nonce: String,
    verifier: String,
    address: String,
    back: String,
}

#[derive(Clone, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    id_token: String,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: u64,
    nonce: Option<String>,
    sub: String,
    preferred_username: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The issuer.
pub(crate) struct Issuer {
    options: Oidc,
    secret: Option<String>,
    client: Client,
    found: Mutex<Option<(Instant, Discovery)>>,
    begun: Mutex<HashMap<String, Begun>>,
}

impl Issuer {
    /// # Errors
    /// The secret cannot be read.
    pub(crate) fn new(options: Oidc, tls: ClientConfig) -> io::Result<Self> {
        let secret = match &options.client_secret_file {
            Some(file) => {
                let secret = SecretFile::new(file).read().map_err(io::Error::other)?;
                let text = secret.text().ok_or_else(|| io::Error::other("the client's secret is no text"))?;
                Some(text.trim().to_owned())
            }
            None => None,
        };
        Ok(Self {
            client: Client::new(tls),
            options,
            secret,
            found: Mutex::default(),
            begun: Mutex::default(),
        })
    }

    /// Begins a sign-in: where the browser goes, and the state that it comes back with.
    pub(crate) async fn begin(&self, address: &str, back: &str) -> Result<(String, String), Error> {
        let discovery = self.discover().await?;
        let (state, nonce, verifier) = (secret(), secret(), secret());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.options.client_id)
            .append_pair("redirect_uri", address)
            .append_pair("scope", &self.options.scope)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let (address, back, at) = (address.to_owned(), back.to_owned(), Instant::now());
        let mut begun = self.begun.lock();
        begun.retain(|_, begun| begun.at.elapsed() < BEGUN_FOR);
        if begun.len() >= MOST_BEGUN
            && let Some(oldest) =
                begun.iter().min_by_key(|(_, begun)| begun.at).map(|(state, _)| state.clone())
        {
            begun.remove(&oldest);
        }
        begun.insert(state.clone(), Begun { at, nonce, verifier, address, back });
        let endpoint = &discovery.authorization_endpoint;
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        Ok((format!("{endpoint}{separator}{query}"), state))
    }

    /// Ends a sign-in with the code that the browser brought.
    pub(crate) async fn finish(&self, state: &str, code: &str, iss: &str) -> Result<SignedIn, Error> {
        let begun = self.begun.lock().remove(state).filter(|begun| begun.at.elapsed() < BEGUN_FOR);
        let begun = begun.ok_or(Error::State)?;
        // Who names itself must be whom we sent the browser to (RFC 9207).
        if !iss.is_empty() && iss != self.options.issuer {
            return Err(Error::OtherIssuer);
        }
        if code.is_empty() {
            return Err(Error::Refused);
        }
        let discovery = self.discover().await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &begun.address),
            ("client_id", &self.options.client_id),
            ("code_verifier", &begun.verifier),
        ];
        let basic = self.secret.as_ref().map(|secret| basic(&self.options.client_id, secret));
        let body = self.client.post(&self.safe(&discovery.token_endpoint)?, &form, basic.as_deref()).await?;
        let tokens: Tokens = serde_json::from_slice(&body).map_err(|_| Error::NotUnderstood)?;
        let claims = claims(&tokens.id_token)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.check(&claims, &begun.nonce, now)?;
        let (token, lives) = match self.options.id_token {
            true => (tokens.id_token, claims.exp.saturating_sub(now)),
            false => {
                let token = tokens.access_token.ok_or(Error::NotUnderstood)?;
                (token, tokens.expires_in.unwrap_or_else(|| claims.exp.saturating_sub(now)))
            }
        };
        let name: String =
            claims.preferred_username.unwrap_or(claims.sub).chars().take(LONGEST_NAME).collect();
        Ok(SignedIn { name, token, good_for: Duration::from_secs(lives), back: begun.back })
    }

    fn check(&self, claims: &Claims, nonce: &str, now: u64) -> Result<(), Error> {
        if claims.iss != self.options.issuer {
            return Err(Error::OtherIssuer);
        }
        let own = &self.options.client_id;
        let is_ours = match &claims.aud {
            Audience::One(audience) => audience == own,
            Audience::Many(audiences) => audiences.contains(own),
        };
        if !is_ours || claims.nonce.as_deref() != Some(nonce) || claims.exp + TOLERANCE <= now {
            return Err(Error::NotOurs);
        }
        Ok(())
    }

    async fn discover(&self) -> Result<Discovery, Error> {
        let found = self.found.lock().clone();
        if let Some((_, discovery)) = found.filter(|(at, _)| at.elapsed() < FOUND_FOR) {
            return Ok(discovery);
        }
        let url = format!("{}/.well-known/openid-configuration", self.options.issuer.trim_end_matches('/'));
        let body = self.client.get(&self.safe(&url)?).await?;
        let discovery: Discovery = serde_json::from_slice(&body).map_err(|_| Error::NotUnderstood)?;
        if discovery.issuer != self.options.issuer {
            return Err(Error::OtherIssuer);
        }
        self.safe(&discovery.authorization_endpoint)?;
        *self.found.lock() = Some((Instant::now(), discovery.clone()));
        Ok(discovery)
    }

    /// An end point that is encrypted, or on this machine as the issuer is.
    fn safe(&self, url: &str) -> Result<http::Uri, Error> {
        let uri: http::Uri = url.parse().map_err(|_| Error::NotUnderstood)?;
        let is_local =
            |host: &str| self.options.issuer.starts_with("http://") && lgsp_core::sign_in::is_loopback(host);
        match uri.scheme_str() {
            Some("https") => Ok(uri),
            Some("http") if uri.host().is_some_and(is_local) => Ok(uri),
            _ => Err(Error::InTheClear),
        }
    }
}

/// Name and secret as RFC 6749, 2.3.1, has them.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

fn claims(token: &str) -> Result<Claims, Error> {
    let payload = token.split('.').nth(1).ok_or(Error::NotUnderstood)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Error::NotUnderstood)?;
    serde_json::from_slice(&payload).map_err(|_| Error::NotUnderstood)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Issuer {
        let options = Oidc {
            issuer: "https://sso.example.vn".to_owned(),
            client_id: "lgsp-console".to_owned(),
            client_secret_file: None,
            scope: "openid".to_owned(),
            id_token: true,
            ca: None,
        };
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        Issuer::new(options, tls).expect("no secret to read")
    }

    fn of(json: serde_json::Value) -> Claims {
        serde_json::from_value(json).expect("claims")
    }

    #[test]
    fn a_token_of_another_issuer_sign_in_or_client_or_an_old_one_signs_nobody_in() {
        let issuer = issuer();
        let good = serde_json::json!({
            "iss": "https://sso.example.vn", "aud": ["lgsp-console", "x"], "exp": 100, "nonce": "n", "sub": "s",
        });
        assert!(issuer.check(&of(good.clone()), "n", 50).is_ok());
        let with = |key: &str, value: serde_json::Value| {
            let mut claims = good.clone();
            claims[key] = value;
            of(claims)
        };
        for claims in [
            with("iss", "https://other.example.vn".into()),
            with("aud", "other".into()),
            with("exp", 40.into()),
            with("nonce", "m".into()),
            with("nonce", serde_json::Value::Null),
        ] {
            assert!(issuer.check(&claims, "n", 50).is_err());
        }
    }

    #[tokio::test]
    async fn a_code_is_good_for_the_sign_in_that_was_begun_and_for_no_other() {
        let issuer = issuer();
        assert!(matches!(issuer.finish("guessed", "code", "").await, Err(Error::State)));
    }

    #[test]
    fn nothing_is_sent_in_the_clear() {
        let issuer = issuer();
        assert!(issuer.safe("https://sso.example.vn/token").is_ok());
        for bad in ["http://sso.example.vn/token", "http://127.0.0.1/token", "javascript:alert(1)", "/token"]
        {
            assert!(issuer.safe(bad).is_err(), "{bad}");
        }
    }
}
