//! The stream of exchanges as they end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use lgsp_core::time::micros;
use lgsp_core::{ExchangeId, Fault, Reason};
use lgsp_proto::ledger::v1::{Exchange, ExchangeFilter};
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::debug;

use crate::Options;

/// A stream ends so long before its deadline, so that its end is a good one.
const MARGIN: Duration = Duration::from_secs(1);

/// What a follower asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub filter: ExchangeFilter,
    pub exchange: Option<ExchangeId>,
}

impl Wanted {
    pub fn matches(&self, exchange: &Exchange) -> bool {
        if let Some(id) = self.exchange {
            return exchange.exchange_id == id.to_string();
        }
        let filter = &self.filter;
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
        let admitted_us = exchange.admitted.as_ref().map_or(0, micros);
        (filter.include_platform || !exchange.platform)
            && is(&filter.application, &exchange.application)
            && is(&filter.service, &exchange.service)
            && is(&filter.method, &exchange.method)
            && (filter.outcome == 0 || filter.outcome == exchange.outcome)
            && filter.since.as_ref().is_none_or(|since| admitted_us >= micros(since))
            && filter.until.as_ref().is_none_or(|until| admitted_us < micros(until))
    }
}

/// Most followers of one application. A follower who left is not noticed, so that a newer one takes the place of the oldest.
const MOST_OF_AN_APPLICATION: usize = 8;

/// Whoever follows. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Followers {
    exchanges: broadcast::Sender<Arc<Exchange>>,
    places: Arc<Places>,
    longest: Duration,
    leaving: CancellationToken,
}

impl Followers {
    /// Streams end when `leaving` is cancelled, or earlier.
    pub fn new(options: &Options, leaving: CancellationToken) -> Self {
        Self {
            exchanges: broadcast::Sender::new(options.follow_buffer),
            places: Arc::new(Places { most: options.most_followers, taken: Mutex::default() }),
            longest: options.follow_for,
            leaving,
        }
    }

    /// Where exchanges that ended are told.
    pub fn sender(&self) -> broadcast::Sender<Arc<Exchange>> {
        self.exchanges.clone()
    }

    /// Opens a stream of what ends from now on, for an application. It ends well before `deadline`, and when too many newer
    /// ones of the application have come.
    pub fn follow<W: Fn(&Exchange) -> bool + Send + 'static>(
        &self,
        application: &str,
        is_wanted: W,
        deadline: Instant,
    ) -> Result<impl Stream<Item = Result<Exchange, Status>> + Send + use<W>, Fault> {
        let place = Places::take(&self.places, application)
            .ok_or_else(|| Fault::new(Reason::AdapterOverloaded).saying("too many follow already"))?;
        let until = deadline.checked_sub(MARGIN).unwrap_or(deadline).min(Instant::now() + self.longest);
        Ok(stream(self.exchanges.subscribe(), is_wanted, until, self.leaving.clone(), place))
    }
}

/// The places of followers.
#[derive(Debug)]
struct Places {
    most: usize,
    taken: Mutex<BTreeMap<String, VecDeque<CancellationToken>>>,
}

/// One follower's place, until this is dropped.
struct Place {
    places: Arc<Places>,
    application: String,
    replaced: CancellationToken,
}

impl Places {
    /// Takes a place for a follower of the application; `None` if there is none. One too many ends the application's oldest.
    fn take(places: &Arc<Self>, application: &str) -> Option<Place> {
        let mut taken = places.taken.lock();
        let of_all: usize = taken.values().map(VecDeque::len).sum();
        let own = taken.entry(application.to_owned()).or_default();
        if own.len() >= MOST_OF_AN_APPLICATION {
            own.pop_front().inspect(CancellationToken::cancel);
        } else if of_all >= places.most {
            return None;
        }
        let replaced = CancellationToken::new();
        own.push_back(replaced.clone());
        drop(taken);
        Some(Place { places: places.clone(), application: application.to_owned(), replaced })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Told apart from the others by being cancelled, in case it was replaced and is not among them any more.
        self.replaced.cancel();
        let mut taken = self.places.taken.lock();
        if let Some(own) = taken.get_mut(&self.application) {
            own.retain(|place| !place.is_cancelled());
            if own.is_empty() {
                taken.remove(&self.application);
            }
        }
    }
}

/// Streams what is wanted. A follower who is too slow, or whose place is taken, gets an error and never a gap.
fn stream(
    mut exchanges: broadcast::Receiver<Arc<Exchange>>,
    is_wanted: impl Fn(&Exchange) -> bool + Send + 'static,
    until: Instant,
    leaving: CancellationToken,
    place: Place,
) -> impl Stream<Item = Result<Exchange, Status>> + Send + 'static {
    async_stream::stream! {
        let overloaded = |text| lgsp_bus::status(&Fault::new(Reason::AdapterOverloaded).saying(text));
        loop {
            let received = tokio::select! {
                received = exchanges.recv() => received,
                () = sleep_until(until) => return,
                () = leaving.cancelled() => return,
                () = place.replaced.cancelled() => {
                    yield Err(overloaded("a newer follower of the application has taken the place"));
                    return;
                }
            };
            match received {
                Ok(exchange) if is_wanted(&exchange) => yield Ok(Exchange::clone(&exchange)),
                Ok(_) => {}
                Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(missed)) => {
                    debug!(missed, "a follower was too slow");
                    yield Err(overloaded("the follower was too slow"));
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use tonic::Code;

    use super::*;

    fn exchange(application: &str, platform: bool) -> Arc<Exchange> {
        Arc::new(Exchange { application: application.to_owned(), platform, ..Default::default() })
    }

    fn followers(follow_buffer: usize) -> Followers {
        let options = Options { follow_buffer, most_followers: 1, ..Options::default() };
        Followers::new(&options, CancellationToken::new())
    }

    fn follow(
        followers: &Followers,
        filter: ExchangeFilter,
    ) -> Result<impl Stream<Item = Result<Exchange, Status>> + Send + use<>, Fault> {
        follow_as(followers, "dieu-hanh", filter)
    }

    fn follow_as(
        followers: &Followers,
        application: &str,
        filter: ExchangeFilter,
    ) -> Result<impl Stream<Item = Result<Exchange, Status>> + Send + use<>, Fault> {
        let wanted = Wanted { filter, exchange: None };
        followers.follow(
            application,
            move |exchange: &Exchange| wanted.matches(exchange),
            Instant::now() + Duration::from_secs(60),
        )
    }

    #[tokio::test]
    async fn a_follower_gets_what_it_asked_for_and_platform_exchanges_only_if_it_asked() {
        let followers = followers(8);
        let filter = ExchangeFilter { application: "tthc".to_owned(), ..Default::default() };
        let stream = follow(&followers, filter).unwrap();
        for exchange in [exchange("khac", false), exchange("tthc", true), exchange("tthc", false)] {
            followers.sender().send(exchange).unwrap();
        }
        drop(followers);
        let got: Vec<_> = stream.collect().await;
        assert_eq!(got.len(), 1);
        assert!(!got[0].as_ref().unwrap().platform);
    }

    #[tokio::test]
    async fn a_slow_follower_gets_an_error_and_no_gap() {
        let followers = followers(2);
        let stream = follow(&followers, ExchangeFilter::default()).unwrap();
        for _ in 0..5 {
            followers.sender().send(exchange("tthc", false)).unwrap();
        }
        let got: Vec<_> = stream.collect().await;
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].as_ref().unwrap_err().code(), Code::Unavailable);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_well_before_its_deadline_and_when_the_ledger_leaves() {
        let followers = followers(2);
        let begun = Instant::now();
        let stream = follow(&followers, ExchangeFilter::default()).unwrap();
        assert_eq!(stream.collect::<Vec<_>>().await.len(), 0);
        assert!(begun.elapsed() < Duration::from_secs(60));
        let stream = follow(&followers, ExchangeFilter::default()).unwrap();
        followers.leaving.cancel();
        assert_eq!(stream.collect::<Vec<_>>().await.len(), 0);
    }

    #[tokio::test]
    async fn one_follower_too_many_is_refused_until_another_leaves() {
        let followers = followers(2);
        let first = follow(&followers, ExchangeFilter::default()).unwrap();
        let refused = follow(&followers, ExchangeFilter::default()).err().unwrap();
        assert_eq!(refused.reason(), Reason::AdapterOverloaded);
        drop(first);
        assert!(follow(&followers, ExchangeFilter::default()).is_ok());
    }

    #[tokio::test]
    async fn a_newer_follower_takes_the_place_of_the_oldest_of_its_application() {
        let options =
            Options { follow_buffer: 2, most_followers: MOST_OF_AN_APPLICATION + 1, ..Options::default() };
        let followers = Followers::new(&options, CancellationToken::new());
        let as_one = |name| follow_as(&followers, name, ExchangeFilter::default());
        let _other = as_one("other").unwrap();
        let mut own: VecDeque<_> = (0..=MOST_OF_AN_APPLICATION).map(|_| as_one("own").unwrap()).collect();
        let oldest: Vec<_> = own.pop_front().unwrap().collect().await;
        assert_eq!(oldest[0].as_ref().unwrap_err().code(), Code::Unavailable);
        assert!(as_one("third").is_err(), "all places are taken");
        drop(own.pop_back());
        assert!(as_one("third").is_ok(), "one is free again");
    }
}
