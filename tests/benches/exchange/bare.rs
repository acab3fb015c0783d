//! Request and reply over Kafka with plain rdkafka, plus one acknowledged record; and nothing else.

use std::sync::Arc;

use anyhow::Result;

use crate::broker::Broker;
use crate::cpu::Parts;
use crate::kafka::{self, Requester};
use crate::load::Exchange;
use crate::slice::{Runtimes, started};

const REQUEST: &[u8] = &[b'q'; 64];
const RECORD: &[u8] = &[b'r'; 256];

fn answer(_: &[u8]) -> Vec<u8> {
    vec![b'x'; 1024]
}

/// The caller and the responder.
pub async fn start(broker: &Arc<Broker>, runtimes: &Runtimes, parts: &mut Parts) -> Result<Exchange> {
    broker.make_topics().await?;
    parts.started("broker").await;
    let behind = broker.clone();
    started(&runtimes.adapter, async move { kafka::respond(&behind, answer).await }).await?;
    parts.started("adapter").await;
    let broker = broker.clone();
    let requester = started(&runtimes.client, async move { Requester::start(&broker).await }).await?;
    kafka::until_answered(&requester, REQUEST).await?;
    parts.started("client").await;
    Ok(Arc::new(move |number| {
        let requester = requester.clone();
        Box::pin(async move {
            requester.ask(REQUEST).await?;
            requester.keep(&number.to_be_bytes(), RECORD).await
        })
    }))
}
