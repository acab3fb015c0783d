//! What Kafka refuses the clients of a process, and who does not trust whom: told in the log, and to whoever asks why nothing
//! works. librdkafka waits and tries again, since the operator may mend it meanwhile; so do we.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::error;

use crate::Error;

/// How often the same refusal is told.
const TELL_AGAIN: Duration = Duration::from_secs(60);
/// For how long a connection that failed explains why nothing is answered. librdkafka tells the same failure twice a minute.
const EXPLAINS: Duration = Duration::from_secs(60);

/// What all clients of a process share of it.
#[derive(Default)]
pub(crate) struct Refusals {
    /// When each was told; as many as there are rights on topics and groups.
    told: Mutex<BTreeMap<(&'static str, String), Instant>>,
    /// The last connection that did not come about.
    connection: Mutex<Option<(Instant, RDKafkaErrorCode, String)>>,
}

/// Whether Kafka said that our principal lacks a right.
pub(crate) fn is_missing_right(error: &KafkaError) -> bool {
    match error {
        KafkaError::AdminOp(code) => is_missing(*code),
        other => other.rdkafka_error_code().is_some_and(is_missing),
    }
}

fn is_missing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
    )
}

impl Refusals {
    /// Hears what a client tells of itself. `reason` is librdkafka's: the broker's address and what failed there.
    pub(crate) fn hear(&self, error: &KafkaError, reason: &str) {
        let Some(code @ (RDKafkaErrorCode::SSL | RDKafkaErrorCode::Authentication)) =
            error.rdkafka_error_code()
        else {
            return;
        };
        *self.connection.lock() = Some((Instant::now(), code, reason.to_owned()));
        let what = if code == RDKafkaErrorCode::SSL { "tls" } else { "login" };
        if self.is_news(what, "") {
            match code {
                RDKafkaErrorCode::SSL => error!(reason, "tls with kafka failed"),
                _ => error!(reason, "kafka refuses our user or its password"),
            }
        }
    }

    /// Tells in the log that Kafka lets us not do `what` with a topic or a group, if that is what the error says.
    pub(crate) fn tell(&self, error: &KafkaError, what: &'static str, on: &str) {
        if is_missing_right(error) && self.is_news(what, on) {
            error!(right = what, on, %error, "kafka denies this process a right");
        }
    }

    /// Why connections do not come about, if they failed just now.
    pub(crate) fn distrust(&self) -> Option<Error> {
        let (at, code, reason) = self.connection.lock().clone()?;
        if at.elapsed() > EXPLAINS {
            return None;
        }
        Some(match code {
            RDKafkaErrorCode::SSL => Error::Untrusted { reason },
            _ => Error::LoginRefused { reason },
        })
    }

    /// A broker has answered: what failed before does not explain anything any more.
    pub(crate) fn answered(&self) {
        *self.connection.lock() = None;
    }

    fn is_news(&self, what: &'static str, on: &str) -> bool {
        let (now, mut told) = (Instant::now(), self.told.lock());
        let last = told.insert((what, on.to_owned()), now);
        let is_news = last.is_none_or(|last| now.duration_since(last) >= TELL_AGAIN);
        if let (false, Some(last)) = (is_news, last) {
            told.insert((what, on.to_owned()), last);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_is_told_once_a_minute_and_each_topic_for_itself() {
        let refusals = Refusals::default();
        assert!(refusals.is_news("write", "lgsp.reply"));
        assert!(!refusals.is_news("write", "lgsp.reply"));
        assert!(refusals.is_news("read", "lgsp.reply"));
        assert!(refusals.is_news("write", "lgsp.exchange"));
    }

    #[test]
    fn a_connection_that_failed_explains_until_a_broker_answers() {
        let refusals = Refusals::default();
        refusals.hear(&KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "refused");
        assert!(refusals.distrust().is_none(), "a broker that is away is no distrust");
        refusals.hear(&KafkaError::Global(RDKafkaErrorCode::Authentication), "broker:9092: wrong password");
        let told = refusals.distrust().unwrap();
        assert!(matches!(told, Error::LoginRefused { .. }) && told.to_string().contains("broker:9092"));
        refusals.answered();
        assert!(refusals.distrust().is_none());
    }
}
