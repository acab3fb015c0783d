//! JSON by POST, signed on request.

use std::path::PathBuf;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderName;
use http::header::HeaderValue;
use lgsp_core::time::rfc3339;
use lgsp_proto::monitor::v1::AlertState;
use lgsp_runtime::config::Secret;
use serde_json::{Value, json};
use sha2::Sha256;

use super::http::Post;
use super::{Trouble, secret};
use crate::alerts::group::Message;
use crate::alerts::options::Language;
use crate::alerts::receivers;
use crate::alerts::roll::View;
use crate::alerts::words;
use crate::link::Cause;

/// Most alerts of one message; of the rest it says how many they are.
const MOST: usize = 200;

#[derive(Debug)]
pub(crate) struct Webhook {
    name: String,
    post: Post,
    token: Option<PathBuf>,
    key: Option<PathBuf>,
    language: Language,
    help_url: String,
}

impl Webhook {
    pub fn new(options: &receivers::Webhook, language: Language, help_url: &str) -> Self {
        Self {
            name: options.name.clone(),
            post: Post::new(options.url.clone(), options.ca.clone(), options.timeout),
            token: options.bearer_token_file.clone(),
            key: options.hmac_key_file.clone(),
            language,
            help_url: help_url.to_owned(),
        }
    }

    pub async fn tell(&self, message: &Message, now_us: i64) -> Result<(), Trouble> {
        let (token, key) = (secret(self.token.as_ref()).await?, secret(self.key.as_ref()).await?);
        let body = serde_json::to_vec(&self.body(message, now_us)).map_err(|_| Trouble::Message)?;
        let mut headers = Vec::new();
        if let Some(key) = key {
            let at = now_us.div_euclid(1_000_000).to_string();
            let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Trouble::Message);
            headers.push((HeaderName::from_static("lgsp-signature"), value(&signature(&key, &at, &body)?)?));
            headers.push((HeaderName::from_static("lgsp-timestamp"), value(&at)?));
        }
        self.post.json(body, token.as_ref(), &headers).await
    }

    fn body(&self, message: &Message, now_us: i64) -> Value {
        let status = if message.firing.is_empty() { "resolved" } else { "firing" };
        let group = message.group.map(|rule| rule.name()).unwrap_or_default();
        let help = if self.help_url.is_empty() { String::new() } else { format!("{}{group}", self.help_url) };
        let views: Vec<&View> = message.firing.iter().chain(&message.resolved).collect();
        json!({
            "version": 1,
            "receiver": self.name,
            "status": status,
            "group": group,
            "at": rfc3339(now_us),
            "firing": message.firing.len(),
            "new": message.new,
            "resolved": message.resolved.len(),
            "summary": words::subject(message, self.language),
            "help": help,
            "alerts": views.iter().take(MOST).map(|view| self.alert(view)).collect::<Vec<_>>(),
            "not-listed": views.len().saturating_sub(MOST),
        })
    }

    fn alert(&self, view: &View) -> Value {
        let (alert, finding) = (&view.alert, &view.alert.finding);
        let moment = |us: i64| (us != 0).then(|| rfc3339(us));
        let state = match view.state {
            AlertState::Resolved => "resolved",
            AlertState::Acknowledged => "acknowledged",
            AlertState::Unspecified | AlertState::Pending | AlertState::Firing | AlertState::Silenced => {
                "firing"
            }
        };
        let mut told = json!({
            "id": alert.id.to_string(),
            "rule": alert.key.rule.name(),
            "subject": alert.key.subject,
            "severity": finding.severity.name(),
            "owner": finding.owner,
            "state": state,
            "cause": finding.cause.map(Cause::name),
            "since": moment(alert.since_us),
            "fired": moment(alert.fired_us),
            "resolved": moment(alert.resolved_us),
            "evidence": finding.evidence,
            "summary": words::summary(view, self.language),
        });
        if !alert.key.rule.unit().is_empty() {
            told["value"] = finding.value.into();
            told["limit"] = finding.limit.into();
            told["unit"] = alert.key.rule.unit().into();
        }
        told
    }
}

/// The HMAC-SHA-256 of the moment, a dot and the body: who keeps moments apart is not told an old one again.
fn signature(key: &Secret, at: &str, body: &[u8]) -> Result<String, Trouble> {
    let key = key.text().filter(|key| !key.is_empty()).ok_or(Trouble::Files)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| Trouble::Files)?;
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_the_moment_and_of_the_body() {
        let key = Secret::new(b"synthetic key\n".to_vec());
        // printf '%s' '1800000000.{}' | openssl dgst -sha256 -hmac 'synthetic key'
        let expected = "sha256=dd8d8b79c6f5b52b17bd838428a52e2e3ed6793fa51030d4107adf849b4423b5";
        assert_eq!(signature(&key, "1800000000", b"{}").unwrap(), expected);
        assert_ne!(signature(&key, "1800000001", b"{}").unwrap(), expected);
        assert_eq!(signature(&Secret::new(b" \n".to_vec()), "1", b"").err(), Some(Trouble::Files));
    }
}
