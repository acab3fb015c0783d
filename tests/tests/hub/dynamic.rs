//! Any method of the contracts, called with JSON and answered in JSON.

use http::uri::PathAndQuery;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Response, Status, Streaming};

use crate::caller::App;

/// A method by `SERVICE/METHOD`.
pub fn method(name: &str) -> MethodDescriptor {
    let (service, method) = name.split_once('/').expect("SERVICE/METHOD");
    let service = lgsp_proto::pool().get_service_by_name(service);
    let found = service.and_then(|service| service.methods().find(|known| known.name() == method));
    found.unwrap_or_else(|| panic!("no contract has {name}"))
}

impl App {
    /// Calls a method, and gives every message of its answer.
    pub async fn ask(&self, method: &MethodDescriptor, request: &Value) -> Result<Vec<Value>, Status> {
        let mut messages = self.begin(method, request).await?.into_inner();
        let mut told = Vec::new();
        while let Some(message) = messages.message().await? {
            told.push(serde_json::to_value(&message).expect("a message is JSON"));
        }
        Ok(told)
    }

    /// Begins a call. A unary answer is a stream of one message.
    pub async fn begin(
        &self,
        method: &MethodDescriptor,
        request: &Value,
    ) -> Result<Response<Streaming<DynamicMessage>>, Status> {
        let message = DynamicMessage::deserialize(method.input(), request)
            .unwrap_or_else(|error| panic!("{request} is no {}: {error}", method.input().full_name()));
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = PathAndQuery::try_from(path).expect("a path");
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.map_err(|error| Status::from_error(error.into()))?;
        client.server_streaming(self.request(message), path, Dynamic(method.output())).await
    }
}

/// Answers of one type.
#[derive(Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(out).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), from);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
