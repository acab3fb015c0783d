//! Contracts as the hub tells them, by gRPC server reflection.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prost::Message as _;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::Error;
use super::session::Session;
use crate::cli::client::Method;

/// How long the whole of reflection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most files of one contract.
const MOST_FILES: usize = 256;

/// Finds a method in the contract that the hub tells.
pub(crate) async fn method(session: &Session, wanted: &Method) -> Result<MethodDescriptor, Error> {
    let asking = ask_contract(session, wanted);
    let service = tokio::time::timeout(PATIENCE, asking).await;
    let service = service.unwrap_or(Err(Error::NoAnswer { waited: PATIENCE }))?;
    let found = service.methods().find(|method| method.name() == wanted.method);
    found.ok_or_else(|| Error::MethodUnknown {
        service: wanted.service.clone(),
        method: wanted.method.clone(),
        known: service.methods().map(|method| method.name().to_owned()).collect(),
    })
}

async fn ask_contract(session: &Session, wanted: &Method) -> Result<ServiceDescriptor, Error> {
    let service = wanted.service.as_str();
    let mut dialogue = Dialogue::open(session).await?;
    let first = MessageRequest::FileContainingSymbol(service.to_owned());
    let mut files = match dialogue.ask(first).await? {
        Answer::Files(files) => Files::default().with(service, files)?,
        Answer::Unknown => {
            let known = dialogue.services().await?;
            return Err(Error::ServiceUnknown { service: service.to_owned(), known });
        }
    };
    while let Some(missing) = files.missing() {
        let answer = dialogue.ask(MessageRequest::FileByFilename(missing.clone())).await?;
        let Answer::Files(more) = answer else {
            return Err(contract_error(service, format!("{missing} is missing")));
        };
        files = files.with(service, more)?;
        if !files.encoded.contains_key(&missing) || files.encoded.len() > MOST_FILES {
            return Err(contract_error(
                service,
                format!("{missing} is missing, or there is no end of files"),
            ));
        }
    }
    let pool = lgsp_proto::link(&files.descriptor_set());
    let pool = pool.map_err(|error| contract_error(service, error.to_string()))?;
    let unknown = || Error::ServiceUnknown { service: service.to_owned(), known: Vec::new() };
    pool.get_service_by_name(service).ok_or_else(unknown)
}

fn contract_error(service: &str, problem: impl Into<String>) -> Error {
    Error::Contract { service: service.to_owned(), problem: problem.into() }
}

/// The files of a contract, kept as they came: decoding them into plain types would lose the custom options.
#[derive(Default)]
struct Files {
    encoded: BTreeMap<String, Vec<u8>>,
    imported: BTreeSet<String>,
}

impl Files {
    fn with(mut self, service: &str, files: Vec<Vec<u8>>) -> Result<Self, Error> {
        for encoded in files {
            let file = FileDescriptorProto::decode(encoded.as_slice());
            let file = file.map_err(|_| contract_error(service, "a file does not decode"))?;
            self.imported.extend(file.dependency.iter().cloned());
            self.encoded.insert(file.name().to_owned(), encoded);
        }
        Ok(self)
    }

    fn missing(&self) -> Option<String> {
        self.imported.iter().find(|name| !self.encoded.contains_key(*name)).cloned()
    }

    /// An encoded `FileDescriptorSet`, whose only field is the files.
    fn descriptor_set(&self) -> Vec<u8> {
        let mut set = Vec::new();
        for file in self.encoded.values() {
            prost::encoding::bytes::encode(1, file, &mut set);
        }
        set
    }
}

enum Answer {
    Files(Vec<Vec<u8>>),
    Unknown,
}

/// One stream of questions and answers.
struct Dialogue<'a> {
    session: &'a Session,
    questions: mpsc::Sender<ServerReflectionRequest>,
    answers: Streaming<ServerReflectionResponse>,
}

impl<'a> Dialogue<'a> {
    async fn open(session: &'a Session) -> Result<Self, Error> {
        let (questions, asked) = mpsc::channel(1);
        let mut client = ServerReflectionClient::new(session.channel.clone());
        let request = session.request(ReceiverStream::new(asked), None)?;
        let answers = client.server_reflection_info(request).await;
        let answers = answers.map_err(|status| session.error(&status, None, PATIENCE))?.into_inner();
        Ok(Self { session, questions, answers })
    }

    async fn ask(&mut self, question: MessageRequest) -> Result<Answer, Error> {
        match self.exchange(question).await? {
            Ok(MessageResponse::FileDescriptorResponse(files)) => {
                Ok(Answer::Files(files.file_descriptor_proto))
            }
            Ok(MessageResponse::ErrorResponse(error)) if error.error_code == Code::NotFound as i32 => {
                Ok(Answer::Unknown)
            }
            Err(status) if status.code() == Code::NotFound => Ok(Answer::Unknown),
            Ok(_) => Err(contract_error("reflection", "an answer to another question")),
            Err(status) => Err(self.session.error(&status, None, PATIENCE)),
        }
    }

    /// The services that the hub tells of; an unknown one may have ended this stream, so this opens another.
    async fn services(&self) -> Result<Vec<String>, Error> {
        let mut dialogue = Dialogue::open(self.session).await?;
        match dialogue.exchange(MessageRequest::ListServices(String::new())).await? {
            Ok(MessageResponse::ListServicesResponse(list)) => {
                Ok(list.service.into_iter().map(|service| service.name).collect())
            }
            Ok(_) | Err(_) => Ok(Vec::new()),
        }
    }

    async fn exchange(&mut self, question: MessageRequest) -> Result<Result<MessageResponse, Status>, Error> {
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
        // A closed stream tells its reason when it is read.
        let _ = self.questions.send(request).await;
        match self.answers.message().await {
            Ok(Some(ServerReflectionResponse { message_response: Some(response), .. })) => Ok(Ok(response)),
            Ok(Some(_) | None) => Err(contract_error("reflection", "the stream ended without an answer")),
            Err(status) => Ok(Err(status)),
        }
    }
}
