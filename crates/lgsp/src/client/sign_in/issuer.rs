//! The issuer's end points, and how they are asked: bounded in time and size, encrypted, without following redirects.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lgsp_core::sign_in::is_loopback;
use serde::Deserialize;
use tokio::time::timeout;

use crate::client::Error;
use crate::client::connect::{tls_error, trusting};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer.
const LARGEST: usize = 256 << 10;
const FORM: &str = "application/x-www-form-urlencoded";

/// An issuer that knows the device flow.
pub(super) struct Issuer {
    name: String,
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Where the flow begins.
    pub(super) device: String,
    /// Where it ends.
    pub(super) token: String,
}

/// What a post is answered with.
pub(super) enum Answer {
    Good(Bytes),
    /// With a status of 4xx.
    Bad(Bytes),
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
}

impl Issuer {
    /// Reads the discovery document.
    pub(super) async fn find(name: &str, ca: Option<&Path>) -> Result<Self, Error> {
        let tls = trusting(ca)?.with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let client =
            legacy::Client::builder(TokioExecutor::new()).build(https.enable_http1().wrap_connector(http));
        let mut issuer = Self { name: name.to_owned(), client, device: String::new(), token: String::new() };
        let url = format!("{}/.well-known/openid-configuration", name.trim_end_matches('/'));
        let (status, body) = issuer.ask(Method::GET, &url, None).await?;
        if status != StatusCode::OK {
            return Err(issuer.unfit(&format!("its discovery document is answered with {}", status.as_u16())));
        }
        let discovery: Discovery = serde_json::from_slice(&body)
            .map_err(|_| issuer.unfit("its discovery document is not understood"))?;
        if discovery.issuer != name {
            return Err(issuer.unfit("its discovery document names another issuer"));
        }
        issuer.token = discovery.token_endpoint;
        let device = discovery.device_authorization_endpoint;
        issuer.device = device.ok_or_else(|| issuer.unfit("it does not know the device flow (RFC 8628)"))?;
        Ok(issuer)
    }

    /// Sends a form.
    pub(super) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, Error> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (status, body) = self.ask(Method::POST, url, Some(form)).await?;
        match status {
            StatusCode::OK => Ok(Answer::Good(body)),
            status if status.is_client_error() => Ok(Answer::Bad(body)),
            status => Err(self.unfit(&format!("it answers with {}", status.as_u16()))),
        }
    }

    /// It is there, and not as it should be.
    pub(super) fn unfit(&self, problem: &str) -> Error {
        Error::Issuer { issuer: self.name.clone(), problem: problem.to_owned() }
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        form: Option<String>,
    ) -> Result<(StatusCode, Bytes), Error> {
        let uri: Uri = url.parse().map_err(|_| self.unfit("an end point of it is no URL"))?;
        let is_safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => self.name.starts_with("http://") && uri.host().is_some_and(is_loopback),
            _ => false,
        };
        if !is_safe {
            return Err(self.unfit("an end point of it is not encrypted"));
        }
        let request = Request::builder().method(method).uri(uri).header(header::ACCEPT, "application/json");
        let request = if form.is_some() { request.header(header::CONTENT_TYPE, FORM) } else { request };
        let body = Full::from(form.unwrap_or_default());
        let request = request.body(body).map_err(|_| self.unfit("an end point of it is no URL"))?;
        let asked = timeout(PATIENCE, async {
            let answer = self.client.request(request).await.map_err(|error| self.unreached(&error))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            Ok((status, body.map_err(|_| self.unfit("its answer broke off, or is too large"))?.to_bytes()))
        });
        asked.await.unwrap_or_else(|_| Err(self.unfit("it does not answer")))
    }

    fn unreached(&self, error: &legacy::Error) -> Error {
        match tls_error(error) {
            Some(tls) => Error::NotTrusted { address: self.name.clone(), problem: tls.to_string() },
            None => self.unfit("it cannot be reached"),
        }
    }
}
