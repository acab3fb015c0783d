//! What a competent engineer would write without a hub: a typed tonic service in front of Kafka for one method, a
//! hand-written consumer behind it, and a record of each call before its answer leaves.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Result;
use futures::Stream;
use lgsp_tests::echo;
use lgsp_tests::echo::v1::echo_service_server::{EchoService, EchoServiceServer};
use lgsp_tests::echo::v1::{EchoRequest, EchoResponse};
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::broker::Broker;
use crate::cpu::Parts;
use crate::fsync::Log;
use crate::kafka::{self, Requester};
use crate::load::{self, Beside};
use crate::slice::{Place, Running, Runtimes, started};

struct Service {
    requester: Requester,
    /// Embedded: that broker forgets, so the record must be on disk as well.
    log: Option<Log>,
}

#[tonic::async_trait]
impl EchoService for Service {
    async fn echo(&self, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
        let request = request.into_inner();
        let reply = self.requester.ask(&request.encode_to_vec()).await.map_err(unavailable)?;
        let size = reply.len();
        let response = EchoResponse::decode(reply).map_err(unavailable)?;
        self.keep(&request, size).await.map_err(unavailable)?;
        Ok(Response::new(response))
    }

    type RepeatStream = Pin<Box<dyn Stream<Item = Result<EchoResponse, Status>> + Send>>;

    async fn repeat(&self, _: Request<EchoRequest>) -> Result<Response<Self::RepeatStream>, Status> {
        Err(Status::unimplemented("repeat"))
    }

    async fn collect(&self, _: Request<Streaming<EchoRequest>>) -> Result<Response<EchoResponse>, Status> {
        Err(Status::unimplemented("collect"))
    }
}

impl Service {
    async fn keep(&self, request: &EchoRequest, size: usize) -> Result<()> {
        let id = uuid::Uuid::now_v7();
        let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_micros();
        let record = format!(
            r#"{{"id":"{id}","at":{at},"method":"{}/Echo","application":"bench","text":"{}","bytes":{size},"code":0}}"#,
            echo::SERVICE,
            request.text,
        );
        match &self.log {
            None => self.requester.keep(id.as_bytes(), record.as_bytes()).await,
            Some(log) => {
                let kept = self.requester.keep(id.as_bytes(), record.as_bytes());
                let logged = log.append(record.clone().into_bytes());
                tokio::try_join!(kept, logged).map(drop)
            }
        }
    }
}

fn unavailable(error: impl Into<anyhow::Error>) -> Status {
    Status::unavailable(error.into().to_string())
}

fn answer(request: &[u8]) -> Vec<u8> {
    EchoRequest::decode(request).map(|request| echo::answer(&request, 0).encode_to_vec()).unwrap_or_default()
}

/// The consumer, the service, and its client.
pub async fn start(place: &Place, runtimes: &Runtimes, parts: &mut Parts) -> Result<Running> {
    let broker = Arc::new(Broker::open(place)?);
    broker.make_topics().await?;
    parts.started("broker").await;
    let behind = broker.clone();
    started(&runtimes.adapter, async move { kafka::respond(&behind, answer).await }).await?;
    parts.started("adapter").await;
    let log = if broker.embedded.is_some() { Some(Log::open(&place.folder.join("records"))?) } else { None };
    parts.started("ledger").await;
    let address = started(&runtimes.gateway, serve(broker.clone(), log)).await?;
    parts.started("gateway").await;
    let exchange = load::echo_client(&runtimes.client, address, None).await?;
    load::until_answered(&exchange).await?;
    parts.started("client").await;
    Ok(Running { exchange, beside: Beside::default(), _held: Box::new(broker) })
}

async fn serve(broker: Arc<Broker>, log: Option<Log>) -> Result<SocketAddr> {
    let requester = Requester::start(&broker).await?;
    kafka::until_answered(&requester, &load::request().encode_to_vec()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = EchoServiceServer::new(Service { requester, log });
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    Ok(address)
}
