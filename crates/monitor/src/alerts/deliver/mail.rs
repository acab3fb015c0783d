//! Mail over SMTP. No address is in a log or an error.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{Trouble, secret};
use crate::alerts::group;
use crate::alerts::options::Language;
use crate::alerts::receivers::{self, Security};
use crate::alerts::words;

pub(crate) struct Mail {
    options: receivers::Mail,
    language: Language,
    help_url: String,
}

// Addresses may be persons'.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("name", &self.options.name).finish_non_exhaustive()
    }
}

impl Mail {
    pub fn new(options: &receivers::Mail, language: Language, help_url: &str) -> Self {
        Self { options: options.clone(), language, help_url: help_url.to_owned() }
    }

    pub async fn tell(&self, message: &group::Message) -> Result<(), Trouble> {
        let transport = self.transport().await?;
        let mail = self.mail(message)?;
        // lettre bounds each read and write; this is the whole conversation.
        let sent = timeout(self.options.timeout, transport.send(mail)).await;
        sent.map_err(|_| Trouble::TimedOut)?.map(drop).map_err(|error| trouble(&error))
    }

    fn mail(&self, message: &group::Message) -> Result<lettre::Message, Trouble> {
        let address = |text: &str| text.parse::<Address>().map_err(|_| Trouble::Message);
        let from = Mailbox::new(Some("LGSP Hub".to_owned()), address(&self.options.from)?);
        let mut builder = lettre::Message::builder()
            .from(from)
            .subject(words::subject(message, self.language))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.options.to {
            builder = builder.to(Mailbox::new(None, address(to)?));
        }
        builder.body(words::text(message, self.language, &self.help_url)).map_err(|_| Trouble::Message)
    }

    /// Made anew, so that the password and the authorities may be replaced; messages are rare.
    async fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, Trouble> {
        let options = &self.options;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
            .port(options.port)
            .timeout(Some(options.timeout.max(Duration::from_millis(100))));
        builder = match options.security {
            Security::None => builder.tls(Tls::None),
            Security::Starttls => builder.tls(Tls::Required(self.tls().await?)),
            Security::Tls => builder.tls(Tls::Wrapper(self.tls().await?)),
        };
        if let Some(password) = secret(options.password_file.as_ref()).await? {
            let password = password.text().ok_or(Trouble::Files)?.to_owned();
            builder = builder.credentials(Credentials::new(options.username.clone(), password));
        }
        Ok(builder.build())
    }

    async fn tls(&self) -> Result<TlsParameters, Trouble> {
        let (host, ca) = (self.options.host.clone(), self.options.ca.clone());
        spawn_blocking(move || parameters(host, ca)).await.map_err(|_| Trouble::Files)?
    }
}

/// Blocking.
fn parameters(host: String, ca: Option<PathBuf>) -> Result<TlsParameters, Trouble> {
    let mut builder = TlsParameters::builder(host);
    if let Some(ca) = ca {
        let pem = std::fs::read(ca).map_err(|_| Trouble::Files)?;
        let certificate = Certificate::from_pem(&pem).map_err(|_| Trouble::Files)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|_| Trouble::Files)
}

fn trouble(error: &smtp::Error) -> Trouble {
    match error.status() {
        Some(code) => Trouble::Refused(code.into()),
        None if error.is_timeout() => Trouble::TimedOut,
        None if error.is_tls() => Trouble::Untrusted,
        None if error.is_response() || error.is_client() => Trouble::NotUnderstood,
        None => Trouble::Unreachable,
    }
}
