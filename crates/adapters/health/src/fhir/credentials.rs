use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use lgsp_adapter::config::{Secret, SecretFile};

use super::{OpenError, Options};

/// What tells the server who asks. The files are read again while the adapter runs: tokens are renewed.
#[derive(Clone)]
pub(super) struct Credentials {
    kind: Arc<Kind>,
    header: Arc<RwLock<Option<HeaderValue>>>,
}

enum Kind {
    None,
    Token(SecretFile),
    Password { user: String, file: SecretFile },
}

impl Credentials {
    /// # Errors
    /// A file cannot be read, or holds what no header can.
    pub(super) fn of(options: &Options) -> Result<Self, OpenError> {
        let kind = match (&options.token_file, &options.user, &options.password_file) {
            (Some(file), ..) => Kind::Token(file.clone()),
            (None, Some(user), Some(file)) => Kind::Password { user: user.clone(), file: file.clone() },
            (None, ..) => Kind::None,
        };
        let credentials = Self { kind: Arc::new(kind), header: Arc::default() };
        credentials.read()?;
        Ok(credentials)
    }

    /// Reads the file again. Blocking. What cannot be read leaves what was read before.
    pub(super) fn read(&self) -> Result<(), OpenError> {
        let header = match &*self.kind {
            Kind::None => return Ok(()),
            Kind::Token(file) => {
                let secret = file.read().map_err(|error| OpenError::new("token-file", error))?;
                header("token-file", format!("Bearer {}", text("token-file", &secret)?))?
            }
            Kind::Password { user, file } => {
                let secret = file.read().map_err(|error| OpenError::new("password-file", error))?;
                let pair = format!("{user}:{}", text("password-file", &secret)?);
                header("password-file", format!("Basic {}", BASE64_STANDARD.encode(pair)))?
            }
        };
        *self.header.write().unwrap_or_else(PoisonError::into_inner) = Some(header);
        Ok(())
    }

    /// The header that tells it, if there is any.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        self.header.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn text<'a>(key: &'static str, secret: &'a Secret) -> Result<&'a str, OpenError> {
    secret.text().ok_or_else(|| OpenError::new(key, "is no text"))
}

fn header(key: &'static str, text: String) -> Result<HeaderValue, OpenError> {
    let mut header =
        HeaderValue::try_from(text).map_err(|_| OpenError::new(key, "holds what no header can"))?;
    header.set_sensitive(true);
    Ok(header)
}
