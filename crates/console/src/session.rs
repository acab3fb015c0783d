//! Who has signed in: in memory, bounded, and over after a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::Bearer;

/// Most sessions. Beyond that the one that was used longest ago ends.
const MOST: usize = 1_000;
/// How long it is believed that somebody may see the links, before the hub is asked again.
const SEEN_FOR: Duration = Duration::from_secs(10 * 60);

/// A random word that nobody guesses.
pub(crate) fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is kept of a secret: who reads it cannot use it.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Somebody who has signed in. A cheap handle.
#[derive(Clone)]
pub(crate) struct Session {
    key: [u8; 32],
    /// How the page calls them.
    pub(crate) name: Arc<str>,
    /// What goes with their calls.
    pub(crate) bearer: Arc<dyn Bearer>,
    /// What their forms hold.
    pub(crate) form: Arc<str>,
    /// Whether the hub has let them see the links of late.
    pub(crate) sees_links: bool,
}

struct Kept {
    name: Arc<str>,
    bearer: Arc<dyn Bearer>,
    form: Arc<str>,
    used: Instant,
    ends: Instant,
    saw_links: Option<Instant>,
}

/// Everybody who has signed in.
pub(crate) struct Sessions {
    idle: Duration,
    longest: Duration,
    kept: Mutex<HashMap<[u8; 32], Kept>>,
}

impl Sessions {
    pub(crate) fn new(idle: Duration, longest: Duration) -> Self {
        Self { idle, longest, kept: Mutex::default() }
    }

    /// Lets somebody in, no longer than `good_for`. Returns what the cookie holds.
    pub(crate) fn begin(
        &self,
        name: &str,
        bearer: Arc<dyn Bearer>,
        good_for: Option<Duration>,
        now: Instant,
    ) -> String {
        let mut kept = self.kept.lock();
        kept.retain(|_, session| session.is_good(self.idle, now));
        if kept.len() >= MOST
            && let Some(oldest) = kept.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key)
        {
            kept.remove(&oldest);
        }
        let id = secret();
        let ends = now + good_for.unwrap_or(self.longest).min(self.longest);
        let (name, form) = (name.into(), secret().into());
        kept.insert(digest(&id), Kept { name, bearer, form, used: now, ends, saw_links: None });
        id
    }

    /// Whose cookie it is, if the session is not over.
    pub(crate) fn find(&self, id: &str, now: Instant) -> Option<Session> {
        let (mut kept, key) = (self.kept.lock(), digest(id));
        let session = kept.get_mut(&key)?;
        if !session.is_good(self.idle, now) {
            kept.remove(&key);
            return None;
        }
        session.used = now;
        Some(Session {
            key,
            name: Arc::clone(&session.name),
            bearer: Arc::clone(&session.bearer),
            form: Arc::clone(&session.form),
            sees_links: session.saw_links.is_some_and(|saw| now.duration_since(saw) < SEEN_FOR),
        })
    }

    /// Notes that a page of somebody is open. Returns whether their session is not over.
    pub(crate) fn keep(&self, session: &Session, now: Instant) -> bool {
        let mut kept = self.kept.lock();
        let Some(kept) = kept.get_mut(&session.key).filter(|kept| kept.is_good(self.idle, now)) else {
            return false;
        };
        kept.used = now;
        true
    }

    /// Notes whether the hub has let somebody see the links.
    pub(crate) fn note(&self, session: &Session, sees_links: bool, now: Instant) {
        if let Some(kept) = self.kept.lock().get_mut(&session.key) {
            kept.saw_links = sees_links.then_some(now);
        }
    }

    pub(crate) fn end(&self, session: &Session) {
        self.kept.lock().remove(&session.key);
    }
}

impl Kept {
    fn is_good(&self, idle: Duration, now: Instant) -> bool {
        now < self.ends && now.duration_since(self.used) < idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn sessions() -> Sessions {
        Sessions::new(30 * MINUTE, 720 * MINUTE)
    }

    fn nobody() -> Arc<dyn Bearer> {
        Arc::new(String::new())
    }

    #[test]
    fn a_session_is_over_when_nobody_uses_it_and_after_a_while_whoever_does() {
        let (sessions, began) = (sessions(), Instant::now());
        let id = sessions.begin("a", nobody(), None, began);
        assert!(sessions.find(&id, began + 29 * MINUTE).is_some());
        assert!(sessions.find(&id, began + 58 * MINUTE).is_some(), "it was used meanwhile");
        assert!(sessions.find(&id, began + 89 * MINUTE).is_none());
        assert!(sessions.find(&id, began + 59 * MINUTE).is_none(), "it does not come back");
        let id = sessions.begin("a", nobody(), None, began);
        for minutes in (20..720).step_by(20) {
            assert!(sessions.find(&id, began + minutes * MINUTE).is_some());
        }
        assert!(sessions.find(&id, began + 720 * MINUTE).is_none());
        let id = sessions.begin("a", nobody(), Some(MINUTE), began);
        assert!(sessions.find(&id, began + MINUTE).is_none(), "no longer than the token");
    }

    #[test]
    fn an_open_page_keeps_a_session_and_no_longer_than_it_may_last() {
        let (sessions, began) = (sessions(), Instant::now());
        let id = sessions.begin("a", nobody(), None, began);
        let session = sessions.find(&id, began).expect("signed in");
        for minutes in (20..720).step_by(20) {
            assert!(sessions.keep(&session, began + minutes * MINUTE));
        }
        assert!(!sessions.keep(&session, began + 720 * MINUTE));
        let id = sessions.begin("a", nobody(), None, began);
        let session = sessions.find(&id, began).expect("signed in");
        sessions.end(&session);
        assert!(!sessions.keep(&session, began), "who has signed out is out");
    }

    #[test]
    fn who_signs_out_is_out_and_what_is_guessed_is_nobody() {
        let (sessions, now) = (sessions(), Instant::now());
        let (id, other) =
            (sessions.begin("a", nobody(), None, now), sessions.begin("b", nobody(), None, now));
        let session = sessions.find(&id, now).expect("signed in");
        sessions.end(&session);
        assert!(sessions.find(&id, now).is_none());
        assert!(sessions.find("", now).is_none());
        assert_eq!(&*sessions.find(&other, now).expect("signed in").name, "b");
    }

    #[test]
    fn sessions_are_bounded_and_the_one_used_longest_ago_goes_first() {
        let (sessions, began) = (sessions(), Instant::now());
        let first = sessions.begin("first", nobody(), None, began);
        let second = sessions.begin("second", nobody(), None, began);
        sessions.find(&first, began + MINUTE).expect("used");
        for _ in 0..MOST - 1 {
            sessions.begin("more", nobody(), None, began + MINUTE);
        }
        assert!(sessions.find(&first, began + MINUTE).is_some());
        assert!(sessions.find(&second, began + MINUTE).is_none());
        assert_eq!(sessions.kept.lock().len(), MOST);
    }

    #[test]
    fn that_somebody_may_see_links_is_asked_again() {
        let (sessions, now) = (sessions(), Instant::now());
        let id = sessions.begin("a", nobody(), None, now);
        let session = sessions.find(&id, now).expect("signed in");
        assert!(!session.sees_links);
        sessions.note(&session, true, now);
        assert!(sessions.find(&id, now + MINUTE).expect("signed in").sees_links);
        assert!(!sessions.find(&id, now + 11 * MINUTE).expect("signed in").sees_links);
        sessions.note(&session, true, now + 12 * MINUTE);
        sessions.note(&session, false, now + 12 * MINUTE);
        assert!(!sessions.find(&id, now + 12 * MINUTE).expect("signed in").sees_links);
    }
}
