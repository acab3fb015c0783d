//! Telling receivers: each in a task of its own, so that one that hangs delays nobody else.
//!
//! A receiver's task looks at the alerts as they are now, and makes its next message of that. There is no queue: what could not be told
//! is part of the next attempt, as far as it still holds, and nothing grows while a receiver is away.

mod alertmanager;
mod http;
mod mail;
mod receiver;
mod webhook;

use std::path::PathBuf;

use ::http::StatusCode;
use lgsp_runtime::config::{Secret, SecretFile};
use tokio::task::spawn_blocking;

use super::group::{Message, Wants};
use super::options::{Language, Options, micros};
use super::rule::Severity;

pub(crate) use receiver::{Receiver, Telling};

/// How long Alertmanagers wait for what still fires.
const RESEND_US: i64 = 60 * 1_000_000;

/// Why a receiver was not told. No text of anybody else is in it: it could hold an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("its certificate does not hold, or it speaks no TLS")]
    Untrusted,
    #[error("it does not answer in time")]
    TimedOut,
    #[error("it answers with the status {0}")]
    Status(StatusCode),
    #[error("it refuses the mail with the code {0}")]
    Refused(u16),
    #[error("its answer is not understood")]
    NotUnderstood,
    #[error("the file of its secret or of its authorities cannot be used")]
    Files,
    #[error("a message for it cannot be made")]
    Message,
}

/// Who is told, and how.
#[derive(Debug)]
pub(crate) enum Channel {
    Webhook(webhook::Webhook),
    Mail(mail::Mail),
    Alertmanager(alertmanager::Alertmanager),
}

impl Channel {
    async fn tell(&mut self, message: &Message, now_us: i64) -> Result<(), Trouble> {
        match self {
            Self::Webhook(webhook) => webhook.tell(message, now_us).await,
            Self::Mail(mail) => mail.tell(message).await,
            Self::Alertmanager(alertmanager) => alertmanager.tell(message, now_us).await,
        }
    }
}

/// Everybody who is told: the name, what they want, and how they are told.
pub(crate) fn channels(options: &Options) -> Vec<(String, Wants, Channel)> {
    let wants = |severity: Severity, owners: &[String]| Wants {
        wait_us: micros(options.group_wait),
        interval_us: micros(options.group_interval),
        repeat_us: micros(options.repeat_interval),
        severity,
        owners: owners.to_vec(),
        groups_itself: false,
    };
    let (language, help): (Language, &str) = (options.language, &options.help_url);
    let webhooks = options.webhooks.iter().map(|it| {
        let channel = Channel::Webhook(webhook::Webhook::new(it, language, help));
        (it.name.clone(), wants(it.severity, &it.owners), channel)
    });
    let mail = options.mail.iter().map(|it| {
        (it.name.clone(), wants(it.severity, &it.owners), Channel::Mail(mail::Mail::new(it, language, help)))
    });
    let alertmanagers = options.alertmanagers.iter().map(|it| {
        let wants = wants(it.severity, &it.owners);
        let itself = Wants { wait_us: 0, interval_us: 0, repeat_us: RESEND_US, groups_itself: true, ..wants };
        let channel = Channel::Alertmanager(alertmanager::Alertmanager::new(it, language, help));
        (it.name.clone(), itself, channel)
    });
    webhooks.chain(mail).chain(alertmanagers).collect()
}

/// Reads a secret anew, so that it may be replaced while the monitor runs.
async fn secret(file: Option<&PathBuf>) -> Result<Option<Secret>, Trouble> {
    let Some(file) = file.cloned() else { return Ok(None) };
    let read = spawn_blocking(move || SecretFile::new(file).read()).await;
    // It is ended only with the process.
    let read = read.map_err(|_| Trouble::Files)?;
    read.map(Some).map_err(|_| Trouble::Files)
}

#[cfg(test)]
mod tests;
