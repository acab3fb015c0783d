//! Alertmanagers: `POST /api/v2/alerts`, as <https://prometheus.io/docs/alerting/latest/alerts_api/> has it.

use std::path::PathBuf;

use lgsp_core::time::rfc3339;
use serde_json::{Value, json};

use super::http::Post;
use super::{RESEND_US, Trouble, secret};
use crate::alerts::group::Message;
use crate::alerts::options::Language;
use crate::alerts::receivers;
use crate::alerts::roll::View;
use crate::alerts::words;
use crate::link::Cause;

/// Most alerts of one request.
const MOST: usize = 500;
/// What was not sent again for so long is over for an Alertmanager: the monitor has ended.
const ENDS_US: i64 = 4 * RESEND_US;

#[derive(Debug)]
pub(crate) struct Alertmanager {
    post: Post,
    token: Option<PathBuf>,
    language: Language,
    help_url: String,
}

impl Alertmanager {
    pub fn new(options: &receivers::Alertmanager, language: Language, help_url: &str) -> Self {
        let url = format!("{}/api/v2/alerts", options.url.trim_end_matches('/'));
        Self {
            post: Post::new(url, options.ca.clone(), options.timeout),
            token: options.bearer_token_file.clone(),
            language,
            help_url: help_url.to_owned(),
        }
    }

    pub async fn tell(&self, message: &Message, now_us: i64) -> Result<(), Trouble> {
        let token = secret(self.token.as_ref()).await?;
        let views: Vec<&View> = message.firing.iter().chain(&message.resolved).collect();
        for views in views.chunks(MOST) {
            let alerts: Vec<Value> = views.iter().map(|view| self.alert(view, now_us)).collect();
            let body = serde_json::to_vec(&alerts).map_err(|_| Trouble::Message)?;
            self.post.json(body, token.as_ref(), &[]).await?;
        }
        Ok(())
    }

    /// Labels say which alert it is, and stay as it goes on; the rest are annotations.
    fn alert(&self, view: &View, now_us: i64) -> Value {
        let (alert, finding) = (&view.alert, &view.alert.finding);
        let rule = alert.key.rule.name();
        let ends_us = if alert.resolved_us != 0 { alert.resolved_us } else { now_us + ENDS_US };
        let mut annotations = json!({
            "summary": words::summary(view, self.language),
            "id": alert.id.to_string(),
        });
        if let Some(cause) = finding.cause {
            annotations["cause"] = Cause::name(cause).into();
        }
        if !alert.key.rule.unit().is_empty() {
            annotations["value"] = finding.value.to_string().into();
            annotations["limit"] = finding.limit.to_string().into();
        }
        let mut told = json!({
            "labels": {
                "alertname": format!("lgsp-{rule}"),
                "job": "lgsp-monitor",
                "rule": rule,
                "subject": alert.key.subject,
                "severity": finding.severity.name(),
                "owner": finding.owner,
            },
            "annotations": annotations,
            "startsAt": rfc3339(alert.fired_us),
            "endsAt": rfc3339(ends_us),
        });
        if !self.help_url.is_empty() {
            told["generatorURL"] = format!("{}{rule}", self.help_url).into();
        }
        told
    }
}
