//! The stream of exchanges as they end.

use std::sync::Arc;

use lgsp_core::time::micros;
use lgsp_core::{ExchangeId, Fault, Reason};
use lgsp_proto::ledger::v1::{Exchange, ExchangeFilter};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::debug;

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

/// Streams what is wanted until the process leaves. A follower who is too slow gets an error and never a gap.
pub(crate) fn stream(
    mut exchanges: broadcast::Receiver<Arc<Exchange>>,
    wanted: Wanted,
    leaving: CancellationToken,
) -> impl Stream<Item = Result<Exchange, Status>> + Send {
    async_stream::stream! {
        loop {
            let received = tokio::select! {
                received = exchanges.recv() => received,
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

    fn follow(
        buffer: usize,
        filter: ExchangeFilter,
    ) -> (broadcast::Sender<Arc<Exchange>>, impl Stream<Item = Result<Exchange, Status>>) {
        let (sender, receiver) = broadcast::channel(buffer);
        let wanted = Wanted { filter, exchange: None };
        (sender, stream(receiver, wanted, CancellationToken::new()))
    }

    #[tokio::test]
    async fn a_follower_gets_what_it_asked_for_and_platform_exchanges_only_if_it_asked() {
        let (sender, stream) =
            follow(8, ExchangeFilter { application: "tthc".to_owned(), ..Default::default() });
        for exchange in [exchange("khac", false), exchange("tthc", true), exchange("tthc", false)] {
            sender.send(exchange).unwrap();
        }
        drop(sender);
        let got: Vec<_> = stream.collect().await;
        assert_eq!(got.len(), 1);
        assert!(!got[0].as_ref().unwrap().platform);
    }

    #[tokio::test]
    async fn a_slow_follower_gets_an_error_and_no_gap() {
        let (sender, stream) = follow(2, ExchangeFilter::default());
        for _ in 0..5 {
            sender.send(exchange("tthc", false)).unwrap();
        }
        let got: Vec<_> = stream.collect().await;
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].as_ref().unwrap_err().code(), Code::Unavailable);
    }

    #[tokio::test]
    async fn a_stream_ends_when_the_ledger_leaves() {
        let (_sender, receiver) = broadcast::channel(2);
        let leaving = CancellationToken::new();
        let wanted = Wanted { filter: ExchangeFilter::default(), exchange: None };
        let stream = stream(receiver, wanted, leaving.clone());
        leaving.cancel();
        assert_eq!(stream.collect::<Vec<_>>().await.len(), 0);
    }
}
