//! Forgets behind everything else: enters once a day what has expired, erases what is expired, and empties the write-ahead logs of
//! what was erased. No exchange waits for it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_core::time::unix_micros;
use lgsp_proto::ledger::v1::{Act, ActKind, RetentionClass};
use lgsp_runtime::Component;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::Error;
use crate::acts::Acts;
use crate::audit::Desk;
use crate::erasable::Rule;
use crate::filing::Filed;
use crate::keep::Shelf;
use crate::retention::{Retention, Term};

/// How often it is asked what has expired.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How soon again after an error, or while a reader keeps the rest of what was erased; then twice as long each time.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long at most: a reader of a whole store may take hours.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How soon again while rules cannot be entered.
const ENTER_AGAIN: Duration = Duration::from_secs(60);
/// Longest wait for what is durable to be filed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who decides what has expired, as its entry says.
const BY: &str = "retention";

/// Whoever forgets, before it runs.
pub(crate) struct Forgetting {
    pub acts: Acts,
    pub shelf: Arc<Shelf>,
    pub desk: Desk,
    pub retention: Retention,
    pub filed: Filed,
    pub component: Component,
    pub stop: CancellationToken,
}

impl Forgetting {
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.forget()).await;
    }

    async fn forget(&mut self) {
        self.component.ready();
        // A hold that is on its way comes before what it keeps from being erased.
        if self.filed.durable.wait_for(|durable| durable.caught_up).await.is_err() {
            return;
        }
        let (mut asks_at, mut pause) = (Instant::now(), TRY_AGAIN);
        loop {
            if asks_at <= Instant::now() {
                asks_at = Instant::now() + self.ask().await;
            }
            let again = match self.clean_up().await {
                Ok(true) => {
                    pause = TRY_AGAIN;
                    asks_at
                }
                Ok(false) => {
                    let again = Instant::now() + pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    again
                }
                Err(error) => {
                    error!(%error, "what is to be forgotten cannot be erased");
                    self.component.failed(error.cause());
                    Instant::now() + TRY_AGAIN
                }
            };
            tokio::select! {
                () = self.acts.forgotten.notified() => {}
                () = sleep_until(again) => {}
            }
        }
    }

    /// Enters what has expired by now; returns when to ask again.
    async fn ask(&self) -> Duration {
        if !self.filed.catch_up(Instant::now() + PATIENCE).await {
            return ENTER_AGAIN;
        }
        for (class, term) in self.retention.terms() {
            if let Err(error) = self.enter_rule(class, term).await {
                warn!(%error, "what has expired cannot be entered");
                self.component.degraded(CANNOT_ENTER);
                return ENTER_AGAIN;
            }
        }
        self.component.ready();
        EVERY
    }

    /// By the clock, but not beyond the newest entry: a clock that is years ahead must not erase years of exchanges.
    async fn enter_rule(&self, class: RetentionClass, term: &Term) -> Result<(), Error> {
        let newest_us = self.acts.index.newest_us().await?;
        let now_us = unix_micros(SystemTime::now());
        let before_us = term.expired_before(now_us.min(newest_us));
        let rule = Rule { platform: class == RetentionClass::Platform, before_us };
        let known = self.acts.erasables.expired().await?;
        let known = known.iter().filter(|known| known.platform == rule.platform);
        let entered_us = known.map(|known| known.before_us).max().unwrap_or(i64::MIN);
        if entered_us >= before_us {
            return Ok(());
        }
        // Archives forget by the rules that are entered, and may have what is online no more.
        let is_archived = self.shelf.has_admitted(entered_us, before_us);
        if !is_archived && !self.acts.erasables.has_older(rule).await? {
            return Ok(());
        }
        let act = Act {
            kind: ActKind::Expire.into(),
            legal_basis: basis(class, term),
            by: BY.to_owned(),
            retention_class: class.into(),
            before_us,
            ..Act::default()
        };
        self.desk.enter_rule(act, now_us).await?;
        info!(class = class.as_str_name(), before_us, "exchanges have expired");
        Ok(())
    }

    /// Erases what has expired, and empties the write-ahead logs. False: a reader is in the way of that.
    async fn clean_up(&self) -> Result<bool, Error> {
        while self.acts.erase_expired().await? {}
        let is_clean = self.acts.erasables.empty_log().await? & self.acts.index.empty_log().await?;
        Ok(is_clean)
    }
}

/// What stands in the state of the process.
const CANNOT_ENTER: &str = "what has expired cannot be entered";

/// The rule, in the words of the configuration.
fn basis(class: RetentionClass, term: &Term) -> String {
    let name = match class {
        RetentionClass::Unspecified => "",
        RetentionClass::Data => "data",
        RetentionClass::Platform => "platform",
    };
    format!("ledger.retention.{name}: {} months online, {} archived", term.online, term.archived)
}
