//! What a command proves with who calls: a token that it signs, one that an issuer gave, or a certificate alone.

use std::io::Read as _;
use std::path::Path;

use lgsp_core::ApplicationId;
use lgsp_runtime::config::SecretFile;

use super::Error;
use super::token::Signer;
use crate::cli::client::Key;

/// Longest token that is sent. A gateway takes no longer one.
const LONGEST: u64 = 8_192;
/// What names standard input instead of a file.
const STDIN: &str = "-";

/// What goes into `authorization`.
pub(crate) enum Bearer {
    /// A fresh token for each request.
    Signed(Signer),
    /// A token from elsewhere, as it is.
    Given(String),
    /// Nothing: the client certificate alone says who calls.
    Nothing,
}

impl Bearer {
    /// Reads the token that was given, or the key of the application that is named.
    ///
    /// # Errors
    /// The file is not there, cannot be read, or holds no such thing.
    pub(crate) fn open(
        application: Option<&ApplicationId>,
        key: &Key,
        token_file: Option<&Path>,
    ) -> Result<Self, Error> {
        if let Some(file) = token_file {
            return Ok(Self::Given(read(file)?));
        }
        let signer = application.map(|application| Signer::open(application, key)).transpose()?;
        Ok(signer.map_or(Self::Nothing, Self::Signed))
    }

    /// The same, for connections with one certificate (SHA-256 of its DER). A token that was given is bound or it is not.
    #[must_use]
    pub(crate) fn bound_to(self, certificate: [u8; 32]) -> Self {
        match self {
            Self::Signed(signer) => Self::Signed(signer.bound_to(certificate)),
            Self::Given(_) | Self::Nothing => self,
        }
    }

    /// The token for a request that begins now.
    ///
    /// # Errors
    /// The key does not sign.
    pub(crate) fn token(&self) -> Result<Option<String>, Error> {
        match self {
            Self::Signed(signer) => signer.token().map(Some),
            Self::Given(token) => Ok(Some(token.clone())),
            Self::Nothing => Ok(None),
        }
    }
}

/// A token is as good as a key while it lasts: a file of one is nobody else's to read.
fn read(file: &Path) -> Result<String, Error> {
    let bad = |problem: String| Error::TokenFile { file: file.to_owned(), problem };
    let text = if file == Path::new(STDIN) {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(LONGEST + 1).read_to_string(&mut text);
        read.map_err(|error| bad(error.to_string()))?;
        text
    } else {
        let secret = SecretFile::new(file).read().map_err(|error| bad(error.to_string()))?;
        secret.text().unwrap_or_default().to_owned()
    };
    let token = text.trim();
    let parts_are_there = token.split('.').filter(|part| !part.is_empty()).count() == 3;
    let is_printable = token.bytes().all(|byte| byte.is_ascii_graphic());
    if !parts_are_there || !is_printable || token.len() as u64 > LONGEST {
        return Err(bad("holds no token: three parts with dots between, and nothing else".to_owned()));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let file = dir.path().join("token");
        std::fs::write(&file, text).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("ours");
        (dir, file)
    }

    #[test]
    fn a_token_is_sent_as_the_file_has_it() {
        let (_dir, file) = written(" a.b.c\n", 0o600);
        let key = Key { data: "nowhere".into(), key: None, key_id: None };
        let bearer = Bearer::open(None, &key, Some(&file)).expect("read").bound_to([0; 32]);
        assert_eq!(bearer.token().expect("there").as_deref(), Some("a.b.c"));
    }

    #[test]
    fn a_file_without_a_token_or_open_to_everybody_is_refused_and_not_shown() {
        for text in ["", "a.b", "a.b.", "a.b.c.d", "secret words here", "a.b.c\nd", &"x".repeat(9_000)] {
            let (_dir, file) = written(text, 0o600);
            let error = read(&file).expect_err("refused");
            assert_eq!(error.exit(), Some(super::super::Exit::Usage));
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
        let (_dir, file) = written("a.b.c", 0o644);
        assert!(read(&file).expect_err("refused").to_string().contains("open to every user"));
    }
}
