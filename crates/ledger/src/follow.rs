//! The stream of exchanges as they end.

use std::sync::Arc;
use std::time::Duration;

use lgsp_core::time::micros;
use lgsp_core::{ExchangeId, Fault, Reason};
use lgsp_proto::ledger::v1::{Exchange, ExchangeFilter};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
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
    fn matches(&self, exchange: &Exchange) -> bool {
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

/// Whoever follows. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Followers {
    exchanges: broadcast::Sender<Arc<Exchange>>,
    room: Arc<Semaphore>,
    longest: Duration,
    leaving: CancellationToken,
}

impl Followers {
    /// Streams end when `leaving` is cancelled, or earlier.
    pub fn new(options: &Options, leaving: CancellationToken) -> Self {
        Self {
            exchanges: broadcast::Sender::new(options.follow_buffer),
            room: Arc::new(Semaphore::new(options.most_followers)),
            longest: options.follow_for,
            leaving,
        }
    }

    /// Where exchanges that ended are told.
    pub fn sender(&self) -> broadcast::Sender<Arc<Exchange>> {
        self.exchanges.clone()
    }

    /// Opens a stream of what ends from now on. It ends well before `deadline`. A follower who left is not noticed here:
    /// therefore there are not many, and none for long.
    pub fn follow(
        &self,
        wanted: Wanted,
        deadline: Instant,
    ) -> Result<impl Stream<Item = Result<Exchange, Status>> + Send + use<>, Fault> {
        let overloaded = |_| Fault::new(Reason::AdapterOverloaded).saying("too many follow already");
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(overloaded)?;
        let until = deadline.checked_sub(MARGIN).unwrap_or(deadline).min(Instant::now() + self.longest);
        Ok(stream(self.exchanges.subscribe(), wanted, until, self.leaving.clone(), room))
    }
}

/// Streams what is wanted. A follower who is too slow gets an error and never a gap.
fn stream(
    mut exchanges: broadcast::Receiver<Arc<Exchange>>,
    wanted: Wanted,
    until: Instant,
    leaving: CancellationToken,
    room: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Exchange, Status>> + Send {
    async_stream::stream! {
        let _room = room;
        loop {
            let received = tokio::select! {
                received = exchanges.recv() => received,
                () = sleep_until(until) => return,
                () = leaving.cancelled() => return,
            };
            match received {
                Ok(exchange) if wanted.matches(&exchange) => yield Ok(Exchange::clone(&exchange)),
                Ok(_) => {}
                Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(missed)) => {
                    debug!(missed, "a follower was too slow");
                    let fault = Fault::new(Reason::AdapterOverloaded).saying("the follower was too slow");
                    yield Err(lgsp_bus::status(&fault));
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
        followers.follow(Wanted { filter, exchange: None }, Instant::now() + Duration::from_secs(60))
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
}
