//! Posts transactions to a server, and says there which city it holds, and whether all of it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::bundle::{catalogue, transaction, transactions};
use super::elements::{Resource, extension, text};
use crate::GENERATION;
use crate::city::{City, Config};
use crate::error::Error;
use crate::load::{Progress, Sink, Summary, fill};
use crate::record::Home;

const FHIR_JSON: &str = "application/fhir+json";

/// A server that stores a bundle more slowly is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Most bytes that are read of an answer.
const LARGEST_ANSWER: usize = 16 << 20;

/// The record that says which city the server holds.
const MARKER: &str = "Basic/lgsp-sample";
const MADE_FROM: &str = "urn:lgsp:sample";
const COMPLETE: &str = "urn:lgsp:sample-complete";

/// Patients who are not marked as made up.
const OTHERS: &str =
    "Patient?_tag:not=http%3A%2F%2Fterminology.hl7.org%2FCodeSystem%2Fv3-ActReason%7CHTEST&_summary=count";

/// Loads the health domain of a city into the FHIR R4 server with a base URL that begins with `http://`: what is sent is
/// made up, and needs no secrecy. A load that was broken off is repeated to its end.
///
/// # Errors
/// The size is not accepted; the server holds patients who are not made up, or another synthetic city; or it does not
/// answer as it should.
pub async fn load(base: &str, config: Config, mut progress: impl FnMut(Progress)) -> Result<Summary, Error> {
    City::new(config)?;
    let mut server = Server::at(base)?;
    server.inspect(config).await?;
    server.mark(config, false).await?;
    server.transact(&catalogue()).await?;
    let summary = fill(&mut server, config, &mut progress).await?;
    server.mark(config, true).await?;
    Ok(summary)
}

struct Server {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Server {
    fn at(base: &str) -> Result<Self, Error> {
        let base = base.trim_end_matches('/').to_owned();
        let is_usable = base.parse::<Uri>().is_ok_and(|uri| {
            uri.scheme_str() == Some("http") && uri.host().is_some() && uri.query().is_none()
        });
        if !is_usable {
            return Err(Error::Fhir("its base URL is not http://<host>:<port>/<path>".to_owned()));
        }
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { http, base })
    }

    /// # Errors
    /// The server holds what must not be mixed with this city.
    async fn inspect(&self, config: Config) -> Result<(), Error> {
        let (status, others) = self.send(Method::GET, OTHERS, None).await?;
        expect(status, "the search of patients")?;
        if others["total"].as_u64() != Some(0) {
            return Err(Error::OccupiedServer("patients who are not made up"));
        }
        let (status, marker) = self.send(Method::GET, MARKER, None).await?;
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(());
        }
        expect(status, "the record of what it holds")?;
        let is_same = marker["extension"].as_array().is_some_and(|extensions| {
            extensions.iter().any(|one| one["url"] == MADE_FROM && one["valueString"] == made_from(config))
        });
        if is_same { Ok(()) } else { Err(Error::OccupiedServer("another synthetic city")) }
    }

    async fn mark(&self, config: Config, is_complete: bool) -> Result<(), Error> {
        let mut marker = Resource::new("Basic", "lgsp-sample".to_owned());
        marker.set("code", text("synthetic city"));
        marker.push("extension", extension(MADE_FROM, "valueString", made_from(config)));
        marker.push("extension", extension(COMPLETE, "valueBoolean", is_complete));
        self.transact(&transaction(vec![marker.into_value()])).await
    }

    async fn transact(&self, bundle: &Value) -> Result<(), Error> {
        let (status, _) = self.send(Method::POST, "", Some(bundle)).await?;
        expect(status, "a transaction")
    }

    /// Status and body of the answer to one request.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Error> {
        let separator = if path.is_empty() { "" } else { "/" };
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{separator}{path}", self.base))
            .header(ACCEPT, FHIR_JSON)
            .header(CONTENT_TYPE, FHIR_JSON)
            // The answer to a transaction need not repeat what was sent.
            .header("prefer", "return=minimal")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Error::Fhir("its base URL is none".to_owned()))?;
        let answering = async {
            let answer = self.http.request(request).await.map_err(|_| unanswered("it cannot be reached"))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
            let body = body.map_err(|_| unanswered("its answer broke off or is too long"))?;
            Ok((status, serde_json::from_slice(&body.to_bytes()).unwrap_or(json!({}))))
        };
        timeout(PATIENCE, answering).await.map_err(|_| unanswered("it takes too long"))?
    }
}

impl Sink for Server {
    async fn take(&mut self, homes: &[Home]) -> Result<(), Error> {
        for bundle in transactions(homes) {
            self.transact(&bundle).await?;
        }
        Ok(())
    }
}

/// What tells one city from another.
fn made_from(config: Config) -> String {
    format!("seed {}, {} citizens, generation {GENERATION}", config.seed, config.citizens)
}

fn expect(status: StatusCode, what: &str) -> Result<(), Error> {
    if status.is_success() {
        return Ok(());
    }
    Err(Error::Fhir(format!("it answered {what} with status {}", status.as_u16())))
}

fn unanswered(found: &str) -> Error {
    Error::Fhir(found.to_owned())
}
