//! Connections on which nothing happens for a while: they end, and no call ends with them.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Response;
use lgsp_gateway::Options;
use lgsp_proto::population::v1::GetCitizenRequest;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, duplex, split};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::attackers::{connect, framed, post, request};
use crate::fixture::GET_CITIZEN;
use crate::hub::{Hub, until, within};
use crate::provider::{HELD, KNOWN};

/// A connection of HTTP/2 so far away that its caller hears of its end only when it is let.
struct Far {
    send: SendRequest<Bytes>,
    /// The gateway has told of the end.
    told: oneshot::Receiver<()>,
    hear: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), h2::Error>>,
}

impl Far {
    async fn connect(address: SocketAddr) -> Self {
        let (near, far) = duplex(64 * 1024);
        let (mut from_caller, mut to_caller) = split(far);
        let (mut from_hub, mut to_hub) = TcpStream::connect(address).await.unwrap().into_split();
        let ((tell, told), (hear, heard)) = (oneshot::channel(), oneshot::channel());
        tokio::spawn(async move { copy(&mut from_caller, &mut to_hub).await });
        tokio::spawn(async move {
            let (mut all, mut passed_on) = (Vec::new(), 0);
            while from_hub.read_buf(&mut all).await.is_ok_and(|read| read > 0) && !tells_of_the_end(&all) {
                to_caller.write_all(&all[passed_on..]).await.unwrap();
                passed_on = all.len();
            }
            if tells_of_the_end(&all) {
                tell.send(()).unwrap();
                heard.await.unwrap();
            }
            to_caller.write_all(&all[passed_on..]).await.unwrap();
            copy(&mut from_hub, &mut to_caller).await.unwrap();
            to_caller.shutdown().await.unwrap();
        });
        let (send, connection) = h2::client::handshake(near).await.unwrap();
        Self { send, told, hear, ended: tokio::spawn(connection) }
    }

    /// Calls after the gateway has told of the end and before the caller hears of it.
    async fn call_meanwhile(self, hub: &Hub) {
        within("the gateway that tells of the end", self.told).await.expect("it does before it ends it");
        hub.provider.0.store(0, Ordering::Relaxed);
        let hear = async {
            until("the call at the provider", || hub.provider.0.load(Ordering::Relaxed) == 1).await;
            self.hear.send(()).unwrap();
        };
        let (response, ()) = tokio::join!(call(&self.send, KNOWN), hear);
        assert!(is_served(response).await);
        within("the end", self.ended).await.unwrap().expect("it ends well");
    }
}

/// Whether there is a GOAWAY among the frames of HTTP/2 that came so far.
fn tells_of_the_end(mut frames: &[u8]) -> bool {
    const GOAWAY: u8 = 7;
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = frames {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some(rest) = rest.get(length..) else { return false };
        if *kind == GOAWAY {
            return true;
        }
        frames = rest;
    }
    false
}

async fn call(send: &SendRequest<Bytes>, number: &str) -> Response<h2::RecvStream> {
    let asked = GetCitizenRequest { personal_number: number.to_owned() };
    post(send, request("POST", "application/grpc", GET_CITIZEN), framed(0, &asked.encode_to_vec())).await
}

async fn is_served(response: Response<h2::RecvStream>) -> bool {
    let mut body = response.into_body();
    while let Some(data) = within("the answer", body.data()).await {
        body.flow_control().release_capacity(data.unwrap().len()).unwrap();
    }
    let trailers = within("the trailers", body.trailers()).await.unwrap();
    trailers.is_some_and(|trailers| trailers["grpc-status"] == "0")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_call_that_comes_just_at_its_bound_is_served() {
    let hub = Hub::with(|options| options.connections.first_call = Duration::from_secs(2), |_| {}).await;
    let quiet = Far::connect(hub.gateway.address).await;
    quiet.call_meanwhile(&hub).await;
    assert_eq!(
        hub.gateway.stats.connections_refused.load(Ordering::Relaxed),
        1,
        "it was silent for too long"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_called_ends_after_it_was_told_and_not_while_it_calls() {
    let bounds = |options: &mut Options| {
        let connections = &mut options.connections;
        // Who has just begun is looked at when its first call is due, and from then on as often as it may be idle.
        (connections.first_call, connections.idle) = (Duration::from_secs(1), Duration::from_millis(200));
    };
    let hub = Hub::with(bounds, |_| {}).await;
    let busy = connect(hub.gateway.address, 65_535).await;
    let held = async {
        let answer = call(&busy, HELD).await;
        assert!(is_served(answer).await, "a call that lasts longer than its connection may be quiet");
    };
    let quiet = async {
        until("the held call", || hub.provider.0.load(Ordering::Relaxed) == 1).await;
        let quiet = Far::connect(hub.gateway.address).await;
        assert!(is_served(call(&quiet.send, KNOWN).await).await);
        quiet.call_meanwhile(&hub).await;
        hub.provider.1.notify_one();
    };
    tokio::join!(held, quiet);
    assert_eq!(hub.gateway.stats.connections_refused.load(Ordering::Relaxed), 0);
}
