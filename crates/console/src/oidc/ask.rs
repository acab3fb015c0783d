//! How an issuer is asked: bounded in time and size, without following redirects.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::Error;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer.
const LARGEST: usize = 256 << 10;

/// A client of one issuer.
pub(super) struct Client(legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Client {
    pub(super) fn new(tls: ClientConfig) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Self(legacy::Client::builder(TokioExecutor::new()).build(https.wrap_connector(http)))
    }

    pub(super) async fn get(&self, uri: &Uri) -> Result<Bytes, Error> {
        let request = Request::get(uri).header(ACCEPT, "application/json").body(Full::default());
        self.ask(request.map_err(|_| Error::NotUnderstood)?).await
    }

    pub(super) async fn post(
        &self,
        uri: &Uri,
        form: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> Result<Bytes, Error> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = Request::post(uri)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.ask(request.body(Full::from(form)).map_err(|_| Error::NotUnderstood)?).await
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Bytes, Error> {
        let asked = timeout(PATIENCE, async {
            let answer = self.0.request(request).await.map_err(|_| Error::Unreached)?;
            if !answer.status().is_success() {
                return Err(Error::Refused);
            }
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            Ok(body.map_err(|_| Error::NotUnderstood)?.to_bytes())
        });
        asked.await.unwrap_or(Err(Error::Unreached))
    }
}
