//! A data service that does what its caller says.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tonic::{Code, Request, Response, Status, Streaming};

/// Package `lgsp.echo.v1`.
#[allow(missing_docs, clippy::all, rust_2018_idioms)]
pub mod v1 {
    tonic::include_proto!("lgsp.echo.v1");
}

use v1::echo_service_server::{EchoService, EchoServiceServer};
use v1::{Behaviour, EchoRequest, EchoResponse, Person};

/// Full name of the service.
pub const SERVICE: &str = "lgsp.echo.v1.EchoService";
/// Its domain.
pub const DOMAIN: &str = "echo";
/// Its encoded descriptor set, with the custom options.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo.binpb"));
/// What no agreement of the tests grants.
pub const SECRET: &str = "secret-that-never-leaves";
/// Whose data the answer holds besides the one asked about.
pub const COMPANION: &str = "092300000002";

/// The provider.
#[derive(Clone, Debug, Default)]
pub struct Echo;

/// The provider as a service that can be served.
pub fn routes() -> tonic::service::Routes {
    tonic::service::Routes::new(EchoServiceServer::new(Echo))
}

#[tonic::async_trait]
impl EchoService for Echo {
    async fn echo(&self, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
        let request = request.into_inner();
        behave(&request).await?;
        Ok(Response::new(answer(&request, 0)))
    }

    type RepeatStream = Pin<Box<dyn Stream<Item = Result<EchoResponse, Status>> + Send>>;

    async fn repeat(&self, request: Request<EchoRequest>) -> Result<Response<Self::RepeatStream>, Status> {
        let request = request.into_inner();
        let late = request.behaviour() == Behaviour::LateError;
        if !late {
            behave(&request).await?;
        }
        let messages = futures::stream::unfold((request, 0), move |(request, number)| async move {
            if number == request.messages {
                let failure = late.then(|| Err(Status::internal("a late failure")));
                return failure.map(|failure| (failure, (EchoRequest::default(), u32::MAX)));
            }
            if number == u32::MAX {
                return None;
            }
            pause(&request).await;
            Some((Ok(answer(&request, number)), (request, number + 1)))
        });
        Ok(Response::new(Box::pin(messages)))
    }

    async fn collect(&self, _: Request<Streaming<EchoRequest>>) -> Result<Response<EchoResponse>, Status> {
        Err(Status::internal("the hub must never carry a client stream to here"))
    }
}

async fn pause(request: &EchoRequest) {
    if request.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(u64::from(request.delay_ms))).await;
    }
}

async fn behave(request: &EchoRequest) -> Result<(), Status> {
    pause(request).await;
    match request.behaviour() {
        Behaviour::Answer | Behaviour::LateError => Ok(()),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Panic => panic!("told to panic over {}", request.text),
        Behaviour::SourceDown => {
            Err(lgsp_bus::status(&lgsp_core::Fault::new(lgsp_core::Reason::SourceUnavailable)))
        }
        Behaviour::Leak => {
            let text = format!("{SECRET}: no row for {}", request.subject);
            let mut status = Status::with_details(Code::Internal, &text, Bytes::from(text.clone()));
            status.metadata_mut().insert("x-secret", SECRET.parse().expect("ASCII"));
            Err(status)
        }
    }
}

/// The answer of a number, with what may leave and what may not.
pub fn answer(request: &EchoRequest, number: u32) -> EchoResponse {
    let person = |personal_number: &str| Person {
        personal_number: personal_number.to_owned(),
        secret: SECRET.to_owned(),
    };
    let asked = (!request.subject.is_empty()).then(|| person(&request.subject));
    EchoResponse {
        text: request.text.clone(),
        payload: vec![b'x'; request.payload_bytes as usize].into(),
        secret: SECRET.to_owned(),
        persons: asked.map(|asked| vec![asked, person(COMPANION)]).unwrap_or_default(),
        number,
    }
}
