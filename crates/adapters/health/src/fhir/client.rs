//! Asks the server. What is asked for travels in bodies, never in a URL: URLs end up in access logs.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lgsp_adapter::metrics::Queries;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::connect::{Connector, connector};
use super::credentials::Credentials;
use super::error::Error;
use super::resource::{Bundle, CapabilityStatement, Resource};
use super::{OpenError, Options, options};

const FHIR_JSON: &str = "application/fhir+json";
const FORM: &str = "application/x-www-form-urlencoded";
/// Bound of a capability statement, which no caller waits for: servers tell a megabyte and more of themselves.
const LARGEST_CAPABILITIES: usize = 8 << 20;
/// Below the 30 s after which servers commonly end a connection that nobody uses.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A search: its parameters in the order in which they are sent.
pub(super) type Search<'a> = [(&'a str, &'a str)];

/// One pool of connections to one server.
pub(super) struct Client {
    http: legacy::Client<Connector, Full<Bytes>>,
    base: Uri,
    /// The base without a slash at its end.
    base_text: String,
    pub(super) credentials: Credentials,
    requests: Semaphore,
    largest_answer: usize,
    most_pages: u32,
    pub(super) queries: Queries,
}

impl Client {
    /// Makes the pool; nothing is connected yet.
    ///
    /// # Errors
    /// The URL, a certificate or a file with a secret cannot be used.
    pub(super) fn new(options: &Options) -> Result<Self, OpenError> {
        let base = options::base(&options.url).map_err(|found| OpenError::new("url", found))?;
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(options.max_connections as usize)
            .build(connector(options)?);
        Ok(Self {
            http,
            base_text: base.to_string().trim_end_matches('/').to_owned(),
            base,
            credentials: Credentials::of(options)?,
            requests: Semaphore::new(options.max_connections as usize),
            largest_answer: options.largest_answer,
            most_pages: options.most_pages,
            queries: Queries::of("fhir", "search"),
        })
    }

    /// The base URL, without a slash at its end.
    pub(super) fn base(&self) -> &str {
        &self.base_text
    }

    /// Searches records of a type; the first page of them.
    pub(super) async fn search(
        &self,
        kind: &str,
        search: &Search<'_>,
        deadline: Instant,
    ) -> Result<Bundle, Error> {
        let form = Serializer::new(String::new()).extend_pairs(search).finish();
        let url = format!("{}/{kind}/_search", self.base_text);
        let request = self.request(Method::POST, &url).header(CONTENT_TYPE, FORM);
        self.bundle(request, form.into(), "searchset", deadline).await
    }

    /// Searches records of a type; all pages of them, as one.
    pub(super) async fn search_all(
        &self,
        kind: &str,
        search: &Search<'_>,
        deadline: Instant,
    ) -> Result<Bundle, Error> {
        let mut all = self.search(kind, search, deadline).await?;
        let mut next = self.next(&all, search)?;
        for _ in 1..self.most_pages {
            let Some(url) = next else { return Ok(all) };
            let request = self.request(Method::GET, &url);
            let page = self.bundle(request, Bytes::new(), "searchset", deadline).await?;
            next = self.next(&page, search)?;
            all.entry.extend(page.entry);
        }
        if next.is_some() { Err(Error::TooManyPages(self.most_pages)) } else { Ok(all) }
    }

    /// Makes several searches in one request; the answers in their order, the first page of each.
    ///
    /// The URLs of these searches travel in the body.
    pub(super) async fn batch(
        &self,
        searches: &[(&str, Vec<(&str, &str)>)],
        deadline: Instant,
    ) -> Result<Vec<Bundle>, Error> {
        let entry = |(kind, search): &(&str, Vec<(&str, &str)>)| {
            let query = Serializer::new(String::new()).extend_pairs(search).finish();
            serde_json::json!({ "request": { "method": "GET", "url": format!("{kind}?{query}") } })
        };
        let entries: Vec<_> = searches.iter().map(entry).collect();
        let batch = serde_json::json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
        let request = self.request(Method::POST, &self.base_text).header(CONTENT_TYPE, FHIR_JSON);
        let answer = self.bundle(request, batch.to_string().into(), "batch-response", deadline).await?;
        if answer.entry.len() != searches.len() {
            return Err(Error::Incomplete("a batch"));
        }
        answer.entry.into_iter().map(of_batch).collect()
    }

    /// The version of FHIR that the server speaks.
    pub(super) async fn version(&self, deadline: Instant) -> Result<String, Error> {
        let url = format!("{}/metadata", self.base_text);
        let request = self.request(Method::GET, &url);
        match self.resource(request, Bytes::new(), LARGEST_CAPABILITIES, deadline).await? {
            Resource::CapabilityStatement(CapabilityStatement { fhir_version }) => Ok(fhir_version),
            other => Err(Error::of_outcome(&other)),
        }
    }

    fn request(&self, method: Method, url: &str) -> http::request::Builder {
        // A server that does not know a parameter is to refuse it: ignored, it would answer with everybody's records.
        let request = Request::builder().method(method).uri(url).header(ACCEPT, FHIR_JSON);
        let request = request.header("prefer", "handling=strict");
        match self.credentials.header() {
            Some(header) => request.header(AUTHORIZATION, header),
            None => request,
        }
    }

    async fn bundle(
        &self,
        request: http::request::Builder,
        body: Bytes,
        kind: &str,
        deadline: Instant,
    ) -> Result<Bundle, Error> {
        match self.resource(request, body, self.largest_answer, deadline).await? {
            Resource::Bundle(bundle) if bundle.kind == kind => Ok(bundle),
            Resource::Bundle(_) => Err(Error::NotFhir("it is a bundle of another type")),
            other => Err(Error::of_outcome(&other)),
        }
    }

    async fn resource(
        &self,
        request: http::request::Builder,
        body: Bytes,
        largest: usize,
        deadline: Instant,
    ) -> Result<Resource, Error> {
        let request =
            request.body(Full::new(body)).map_err(|_| Error::NotFhir("it names a page that is no URL"))?;
        let exchange = async {
            timeout_at(deadline, self.exchange(request, largest)).await.map_err(|_| Error::TimedOut)?
        };
        self.queries.measure(1, exchange, Error::cause).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, largest: usize) -> Result<Resource, Error> {
        let _place = self.requests.acquire().await.expect("the semaphore is never closed");
        let answer = match self.http.request(request.clone()).await {
            // A connection that nobody used may end just when it is used again. A search can be repeated.
            Err(error) if is_gone(&error) => self.http.request(request).await,
            first => first,
        };
        read(answer.map_err(Error::Unreachable)?, largest).await
    }

    /// Where the list goes on. Credentials and questions go to the server that was configured and nowhere else, and what was
    /// asked for is in no URL, whoever wrote it.
    fn next(&self, page: &Bundle, search: &Search<'_>) -> Result<Option<String>, Error> {
        let Some(link) = page.link.iter().find(|link| link.relation == "next") else { return Ok(None) };
        let url = if link.url.contains("://") {
            link.url.clone()
        } else {
            format!("{}/{}", self.base_text, link.url.trim_start_matches('/'))
        };
        let next: Uri = url.parse().map_err(|_| Error::ForeignLink)?;
        let is_of_base = next.scheme() == self.base.scheme()
            && same_host(&next, &self.base)
            && port(&next) == port(&self.base)
            && is_below(next.path(), self.base.path().trim_end_matches('/'));
        if !is_of_base {
            return Err(Error::ForeignLink);
        }
        if repeats(&url, search) { Err(Error::RevealingLink) } else { Ok(Some(url)) }
    }
}

fn same_host(one: &Uri, other: &Uri) -> bool {
    let (Some(one), Some(other)) = (one.host(), other.host()) else { return false };
    one.eq_ignore_ascii_case(other)
}

fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(usual)
}

fn is_below(path: &str, base: &str) -> bool {
    let rest = path.strip_prefix(base);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !path.contains("..")
}

/// Whether a URL repeats what a search tells of a person: a value that it looks for, or a parameter that would hold one.
fn repeats(url: &str, search: &Search<'_>) -> bool {
    // The path becomes a name without a value.
    let pairs = url.replace('?', "&").to_ascii_lowercase();
    let pairs: Vec<_> = form_urlencoded::parse(pairs.as_bytes()).collect();
    let about_a_person = search.iter().filter(|(parameter, _)| !parameter.starts_with('_'));
    about_a_person.into_iter().any(|(parameter, tokens)| {
        let tokens = tokens.to_ascii_lowercase();
        pairs.iter().any(|(name, value)| {
            let is_asked_again = name.split([':', '.']).next() == Some(parameter);
            let is_told = |looked_for: &str| name.contains(looked_for) || value.contains(looked_for);
            is_asked_again || without_systems(&tokens).any(is_told)
        })
    })
}

/// The values of a parameter: what follows the system of each token, or all of a reference.
fn without_systems(tokens: &str) -> impl Iterator<Item = &str> {
    tokens.split(',').filter_map(|token| token.rsplit('|').next())
}

fn is_gone(error: &legacy::Error) -> bool {
    let hyper = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    !error.is_connect() && hyper.is_some_and(|error| error.is_incomplete_message() || error.is_closed())
}

async fn read(answer: http::Response<Incoming>, largest: usize) -> Result<Resource, Error> {
    let status = answer.status();
    let is_json =
        answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            [FHIR_JSON, "application/json"].iter().any(|json| kind.eq_ignore_ascii_case(json))
        });
    if !is_json {
        let unread = Error::NotFhir("its content type is another");
        return Err(if status.is_success() { unread } else { Error::of_status(status.as_u16(), None) });
    }
    let body = Limited::new(answer.into_body(), largest).collect().await;
    let body = body.map_err(|error| match error.downcast::<http_body_util::LengthLimitError>() {
        Ok(_) => Error::TooLarge(largest),
        Err(error) => Error::Broken(error),
    })?;
    let resource = serde_json::from_slice(&body.to_bytes());
    if status.is_success() {
        return Ok(resource?);
    }
    let outcome = match &resource {
        Ok(Resource::OperationOutcome(outcome)) => Some(outcome),
        _ => None,
    };
    Err(Error::of_status(status.as_u16(), outcome))
}

/// The answer to one search of a batch.
fn of_batch(entry: super::resource::Entry) -> Result<Bundle, Error> {
    let response = entry.response.ok_or(Error::Incomplete("a batch"))?;
    let status = response.status.split(' ').next().and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or(Error::NotFhir("a status is no number"))?;
    if !(200..300).contains(&status) {
        let outcome = match response.outcome.as_deref().or(entry.resource.as_ref()) {
            Some(Resource::OperationOutcome(outcome)) => Some(outcome),
            _ => None,
        };
        return Err(Error::of_status(status, outcome));
    }
    match entry.resource {
        Some(Resource::Bundle(bundle)) => Ok(bundle),
        Some(other) => Err(Error::of_outcome(&other)),
        None => Err(Error::Incomplete("a batch")),
    }
}
