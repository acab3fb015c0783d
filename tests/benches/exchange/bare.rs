//! Request and reply over Kafka with plain rdkafka, plus one acknowledged record; and nothing else.

use std::sync::Arc;

use anyhow::Result;

use crate::broker::Broker;
use crate::cpu::Parts;
use crate::kafka::{self, Requester};
use crate::load::{Beside, Exchange};
use crate::slice::{Place, Running, Runtimes, started};

const REQUEST: &[u8] = &[b'q'; 64];
const RECORD: &[u8] = &[b'r'; 256];

fn answer(_: &[u8]) -> Vec<u8> {
    vec![b'x'; 1024]
}

/// The responder and the caller.
pub async fn start(place: &Place, runtimes: &Runtimes, parts: &mut Parts) -> Result<Running> {
    let broker = Arc::new(Broker::open(place)?);
    broker.make_topics().await?;
    parts.started("broker").await;
    let behind = broker.clone();
    started(&runtimes.adapter, async move { kafka::respond(&behind, answer).await }).await?;
    parts.started("adapter").await;
    let near = broker.clone();
    let requester = started(&runtimes.client, async move { Requester::start(&near).await }).await?;
    kafka::until_answered(&requester, REQUEST).await?;
    parts.started("client").await;
    let exchange: Exchange = Arc::new(move |number| {
        let requester = requester.clone();
        Box::pin(async move {
            requester.ask(REQUEST).await?;
            requester.keep(&number.to_be_bytes(), RECORD).await
        })
    });
    Ok(Running { exchange, beside: Beside::default(), _held: Box::new(broker) })
}
