//! `lgsp service check`: every method of a version is called in the sandbox, through the gateway, and what came of it is recorded.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use lgsp_core::{Reason, code_name};
use lgsp_proto::registry::v1::{
    Conformance, GetContractRequest, MethodConformance, RecordConformanceRequest, ServiceRecord, ServiceState,
};
use prost_reflect::{DynamicMessage, MethodDescriptor, ServiceDescriptor, Value};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Status};

use super::bad::{Bad, bad_ones};
use super::{DEADLINE, answered, client, open, version};
use crate::cli::service::Check;
use crate::client::bearer::Bearer;
use crate::client::call::{deadline_of, message};
use crate::client::failure::EXCHANGE_ID;
use crate::client::output::{self, Listing, Surface, Tone};
use crate::client::session::{GRACE, Session};
use crate::client::table::{Cell, Table};
use crate::client::{Error, Failure, Lang};

/// Largest file of a request.
const LARGEST_FILE: u64 = 1 << 20;
/// How often a call is made again that the hub would not take now, and how long is waited before at most.
const MOST_TRIES: usize = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// As many as the contract lets be recorded, and as long.
const MOST_PROBLEMS: usize = 50;
const MOST_EXCHANGES: usize = 200;
const LONGEST_PROBLEM: usize = 200;

/// Runs `lgsp service check`.
pub(super) async fn run(args: &Check, lang: Lang) -> Result<(), Error> {
    let caller = open(&args.asker).await?;
    let bearer = Bearer::open(Some(&args.person), &args.person_key(), None)?;
    let person = Session::open(&args.asker.gateway, bearer).await?;
    let record = version(&person, &args.version, &[ServiceState::Sandbox]).await?;
    let service = contract(&person, &record).await?;
    let bad_purpose = |_| Error::Metadata { option: "purpose" };
    let purpose: MetadataValue<Ascii> = args.purpose.parse().map_err(bad_purpose)?;

    let mut methods = Vec::new();
    for method in service.methods() {
        let trial =
            Trial { session: &caller, purpose: purpose.clone(), method, told: MethodConformance::default() };
        methods.push(trial.run(&args.requests).await?);
    }
    let surface = Surface::of_stdout();
    match surface.listing(args.output) {
        Listing::Json => methods.iter().try_for_each(|told| output::line(&output::json_line(told)?))?,
        listing => table(&methods, lang).write(listing, &surface)?,
    }
    let failed = methods.iter().filter(|told| !told.problems.is_empty()).count();
    keep(args, &person, &record, methods).await?;
    if failed > 0 {
        return Err(Error::NotAsContracted { service: args.version.name.clone(), failed });
    }
    output::line(lang.pick("passed, and recorded", "đạt và đã được ghi nhận"))
}

/// The contract of the version, as the registry has it.
async fn contract(person: &Session, record: &ServiceRecord) -> Result<ServiceDescriptor, Error> {
    let service = record.service.clone().unwrap_or_default();
    let request = GetContractRequest { name: service.name.clone(), version: record.version };
    let request = person.request(request, Some(DEADLINE))?;
    let told = answered(person, client(person).get_contract(request)).await?;
    let problem = |problem: String| Error::Contract { service: service.name.clone(), problem };
    if lgsp_proto::contract_sha256(&told.descriptor_set) != service.descriptor_sha256.as_ref() {
        return Err(problem("it is not the one that was registered".to_owned()));
    }
    let pool = lgsp_proto::link(&told.descriptor_set).map_err(|error| problem(error.to_string()))?;
    pool.get_service_by_name(&service.name).ok_or_else(|| problem("the service is not in it".to_owned()))
}

async fn keep(
    args: &Check,
    person: &Session,
    record: &ServiceRecord,
    methods: Vec<MethodConformance>,
) -> Result<(), Error> {
    let service = record.service.clone().unwrap_or_default();
    let application = args.asker.caller.application.as_ref().map(ToString::to_string);
    let request = RecordConformanceRequest {
        name: service.name,
        version: record.version,
        etag: args.version.etag.unwrap_or(record.etag),
        conformance: Some(Conformance {
            descriptor_sha256: service.descriptor_sha256,
            methods,
            application: application.unwrap_or_else(|| "certificate".to_owned()),
            ..Conformance::default()
        }),
    };
    let request = person.request(request, Some(DEADLINE))?;
    answered(person, client(person).record_conformance(request)).await.map(drop)
}

/// The calls of one method.
struct Trial<'a> {
    session: &'a Session,
    purpose: MetadataValue<Ascii>,
    method: MethodDescriptor,
    told: MethodConformance,
}

impl Trial<'_> {
    async fn run(mut self, requests: &Path) -> Result<MethodConformance, Error> {
        self.told.method = self.method.name().to_owned();
        let files = files_of(requests, self.method.name())?;
        if files.is_empty() {
            self.problem(format!("{}.json is missing", self.method.name()));
        }
        let mut first = None;
        for file in files {
            let request = message(&self.method, &read(&file)?)?;
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
            self.good(&name.unwrap_or_default(), request.clone()).await?;
            first.get_or_insert(request);
        }
        for bad in first.iter().flat_map(bad_ones) {
            self.bad(bad).await?;
        }
        Ok(self.told)
    }

    /// Must be answered, or there is no such record; in time, and with nothing that the contract does not know.
    async fn good(&mut self, file: &str, request: DynamicMessage) -> Result<(), Error> {
        let called = self.call(request).await?;
        match called.failure {
            None if called.unknown => {
                self.problem(format!("{file}: answered with fields that are not in the contract"))
            }
            None => {}
            Some(failure) if failure.code() == Code::NotFound => {}
            Some(failure) => self.problem(format!("{file}: {}", said(&failure))),
        }
        Ok(())
    }

    /// Must be refused at the door, with the field named.
    async fn bad(&mut self, bad: Bad) -> Result<(), Error> {
        let Bad { field, what, request } = bad;
        let called = self.call(request).await?;
        match called.failure {
            Some(failure)
                if failure.known_reason() == Some(Reason::InvalidField)
                    && failure.violations().iter().any(|(named, _)| *named == field) => {}
            Some(failure) => self.problem(format!("{field} {what}: {}", said(&failure))),
            None => self.problem(format!("{field} {what}: answered all the same")),
        }
        Ok(())
    }

    fn problem(&mut self, problem: String) {
        if self.told.problems.len() < MOST_PROBLEMS {
            self.told.problems.push(problem.chars().take(LONGEST_PROBLEM).collect());
        }
    }

    async fn call(&mut self, request: DynamicMessage) -> Result<Called, Error> {
        for _ in 1..MOST_TRIES {
            let called = self.call_once(request.clone()).await?;
            // A quota, or a provider that has just been started.
            let wait = called.failure.as_ref().filter(|failure| failure.is_temporary()).map(Failure::retry);
            let Some(wait) = wait else { return Ok(called) };
            tokio::time::sleep(wait.unwrap_or(GRACE).min(LONGEST_WAIT)).await;
        }
        self.call_once(request).await
    }

    async fn call_once(&mut self, message: DynamicMessage) -> Result<Called, Error> {
        let deadline = deadline_of(&self.method);
        let mut request = self.session.request(message, Some(deadline))?;
        request.metadata_mut().insert("lgsp-purpose", self.purpose.clone());
        self.told.requests += 1;
        let began = Instant::now();
        let patience = deadline + GRACE;
        let called = tokio::time::timeout(patience, serve(self.session, &self.method, request)).await;
        let (exchange, ended) = called.map_err(|_| Error::NoAnswer { waited: patience })?;
        let (unknown, failure) = match ended {
            Ok(unknown) => (unknown, None),
            Err(status) => match self.session.error(&status, exchange.as_deref(), began.elapsed()) {
                Error::Refused(failure) => (false, Some(*failure)),
                broken => return Err(broken),
            },
        };
        let exchange = exchange.or_else(|| failure.as_ref().and_then(Failure::exchange).map(str::to_owned));
        if self.told.exchange_ids.len() < MOST_EXCHANGES {
            self.told.exchange_ids.extend(exchange);
        }
        Ok(Called { unknown, failure })
    }
}

/// What came of one call.
struct Called {
    /// The answer had fields that the contract does not know.
    unknown: bool,
    failure: Option<Failure>,
}

/// Makes the call and reads it to its end. Returns the exchange id, and whether anything was not of the contract.
async fn serve(
    session: &Session,
    method: &MethodDescriptor,
    request: tonic::Request<DynamicMessage>,
) -> (Option<String>, Result<bool, Status>) {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path = match PathAndQuery::try_from(path) {
        Ok(path) => path,
        Err(error) => return (None, Err(Status::internal(error.to_string()))),
    };
    let answer = match session.begin(path, method.output(), request).await {
        Ok(answer) => answer,
        Err(status) => return (None, Err(status)),
    };
    let exchange = answer.metadata().get(EXCHANGE_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let mut messages = answer.into_inner();
    let mut unknown = false;
    loop {
        match messages.message().await {
            Ok(Some(message)) => unknown |= has_unknown(&message),
            Ok(None) => return (exchange, Ok(unknown)),
            Err(status) => return (exchange, Err(status)),
        }
    }
}

/// Whether a message holds what its contract does not know. Its depth is bounded by the decoder.
fn has_unknown(message: &DynamicMessage) -> bool {
    fn in_value(value: &Value) -> bool {
        match value {
            Value::Message(message) => has_unknown(message),
            Value::List(items) => items.iter().any(in_value),
            Value::Map(entries) => entries.values().any(in_value),
            _ => false,
        }
    }
    message.unknown_fields().next().is_some() || message.fields().any(|(_, value)| in_value(value))
}

/// The code and the reason, and nothing else: texts may hold anything.
fn said(failure: &Failure) -> String {
    let code = code_name(failure.code() as i32);
    failure.known_reason().map_or_else(|| code.to_owned(), |reason| format!("{code} ({})", reason.name()))
}

/// `<Method>.json` and `<Method>.<any>.json`, sorted.
fn files_of(folder: &Path, method: &str) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::Input { from: folder.display().to_string(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_ours = name.strip_suffix(".json").is_some_and(|stem| stem.split('.').next() == Some(method));
        if is_ours {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Input { from: file.display().to_string(), source };
    if fs::metadata(file).map_err(unreadable)?.len() > LARGEST_FILE {
        return Err(unreadable(std::io::Error::other("it is larger than any request")));
    }
    fs::read_to_string(file).map_err(unreadable)
}

fn table(methods: &[MethodConformance], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["method", "requests", "result", "problems"],
        Lang::Vi => ["phương thức", "số yêu cầu", "kết quả", "vấn đề"],
    };
    let mut table = Table::new(header.to_vec()).wrapping(vec![header[3]]);
    for told in methods {
        let result = match told.problems.is_empty() {
            true => Cell::new(lang.pick("passed", "đạt"), Tone::Good),
            false => Cell::new(lang.pick("failed", "không đạt"), Tone::Bad),
        };
        let requests = told.requests.to_string();
        table.row(vec![
            told.method.as_str().into(),
            requests.into(),
            result,
            told.problems.join("; ").into(),
        ]);
    }
    table
}
