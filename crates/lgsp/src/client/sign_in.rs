//! `lgsp sign-in`: gets a token of an issuer by the device flow (RFC 8628). The person signs in in a browser, here or on another
//! machine; this command never sees a password.

mod issuer;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{Error, Lang, output};
use crate::cli;
use issuer::{Answer, Issuer};

/// What is asked for at the token end point.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How often to ask if the issuer does not say (RFC 8628, 3.2), and how much seldomer when it asks for that (3.5).
const USUAL_INTERVAL: u64 = 5;
const SLOWER: Duration = Duration::from_secs(5);
/// Bounds of what an issuer may say of it, in seconds.
const INTERVALS: (u64, u64) = (1, 60);
const LONGEST_WAIT: u64 = 1_800;
/// Longest text of the issuer's that is shown.
const LONGEST_SHOWN: usize = 512;

/// What the person does, and how long it may take.
#[derive(Deserialize)]
struct Begun {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    id_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Runs `lgsp sign-in`.
///
/// # Errors
/// The issuer cannot be reached or does not know this tool, nobody signs in, or the token cannot be kept.
pub(crate) async fn run(args: &cli::sign_in::SignIn, lang: Lang) -> Result<(), Error> {
    let issuer = Issuer::find(&args.issuer, args.ca.as_deref()).await?;
    let begun = begin(&issuer, args).await?;
    invite(&begun, lang)?;
    let tokens = wait(&issuer, args, &begun).await?;
    let token = if args.id_token { tokens.id_token } else { tokens.access_token };
    let token = token.ok_or_else(|| issuer.unfit("it gives no such token"))?;
    keep(&args.token_file, &token)?;
    let said = lang.pick("signed in; the token is in", "đã đăng nhập; mã xác thực ở");
    output::note(&format!("{said} {}", args.token_file.display()));
    Ok(())
}

async fn begin(issuer: &Issuer, args: &cli::sign_in::SignIn) -> Result<Begun, Error> {
    let form = [("client_id", args.client_id.as_str()), ("scope", args.scope.as_str())];
    match issuer.post(&issuer.device, &form).await? {
        Answer::Good(body) => {
            serde_json::from_slice(&body).map_err(|_| issuer.unfit("its answer is not understood"))
        }
        Answer::Bad(body) => Err(issuer.unfit(&refusal(&body))),
    }
}

/// Tells the person where to go. What the issuer says is shown only if it is plain.
fn invite(begun: &Begun, lang: Lang) -> Result<(), Error> {
    let plain =
        |text: &str| text.len() <= LONGEST_SHOWN && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let complete = begun.verification_uri_complete.as_deref();
    if ![&begun.verification_uri, &begun.user_code].into_iter().all(|text| plain(text))
        || !complete.is_none_or(plain)
    {
        return Err(Error::NotSignedIn {
            problem: "the issuer's address or code has characters that nobody types",
        });
    }
    output::line(&format!("{}  {}", lang.pick("open", "mở"), begun.verification_uri))?;
    output::line(&format!("{}  {}", lang.pick("code", "mã"), begun.user_code))?;
    if let Some(complete) = complete {
        output::line(&format!("{}    {complete}", lang.pick("or", "hoặc")))?;
    }
    Ok(())
}

/// Asks until somebody has signed in or refused, or the code is over.
async fn wait(issuer: &Issuer, args: &cli::sign_in::SignIn, begun: &Begun) -> Result<Tokens, Error> {
    let form = [
        ("grant_type", DEVICE_CODE),
        ("device_code", begun.device_code.as_str()),
        ("client_id", args.client_id.as_str()),
    ];
    let over = Instant::now() + Duration::from_secs(begun.expires_in.min(LONGEST_WAIT));
    let (least, most) = INTERVALS;
    let mut interval = Duration::from_secs(begun.interval.unwrap_or(USUAL_INTERVAL).clamp(least, most));
    loop {
        sleep(interval).await;
        if Instant::now() >= over {
            return Err(Error::NotSignedIn { problem: "the code is not good any more" });
        }
        let answer = match issuer.post(&issuer.token, &form).await {
            Ok(answer) => answer,
            // It may be there again before the code is over.
            Err(_) => continue,
        };
        let body = match answer {
            Answer::Good(body) => {
                return serde_json::from_slice(&body)
                    .map_err(|_| issuer.unfit("its answer is not understood"));
            }
            Answer::Bad(body) => body,
        };
        match refusal(&body).as_str() {
            "authorization_pending" => {}
            "slow_down" => interval += SLOWER,
            "access_denied" => return Err(Error::NotSignedIn { problem: "it was refused" }),
            "expired_token" => return Err(Error::NotSignedIn { problem: "the code is not good any more" }),
            other => return Err(issuer.unfit(other)),
        }
    }
}

/// The error code of a refusal (RFC 6749, 5.2), if it is one.
fn refusal(body: &[u8]) -> String {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let code = refusal.map(|refusal| refusal.error).unwrap_or_default();
    let is_code = !code.is_empty()
        && code.len() <= 64
        && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_code { code } else { "it refuses, and does not say why".to_owned() }
}

/// Puts the token into its file in one step, which nobody else can read.
fn keep(path: &Path, token: &str) -> Result<(), Error> {
    let failed = |problem: String| Error::TokenFile { file: path.to_owned(), problem };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(error.to_string()))?;
    file.write_all(token.as_bytes()).map_err(|error| failed(error.to_string()))?;
    file.persist(path).map_err(|error| failed(error.error.to_string()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_issuer_says_is_shown_only_if_it_is_plain() {
        assert_eq!(refusal(br#"{"error": "slow_down"}"#), "slow_down");
        for odd in [&b"{}"[..], b"<html>", br#"{"error": "\u001b[2J"}"#, br#"{"error": ""}"#] {
            assert_eq!(refusal(odd), "it refuses, and does not say why");
        }
        let begun = |uri: &str, code: &str| Begun {
            device_code: "d".to_owned(),
            user_code: code.to_owned(),
            verification_uri: uri.to_owned(),
            verification_uri_complete: None,
            expires_in: 1,
            interval: None,
        };
        assert!(invite(&begun("https://sso.example.vn/device", "WDJB-MJHT"), Lang::En).is_ok());
        assert!(invite(&begun("https://sso.example.vn/\u{1b}[2J", "WDJB-MJHT"), Lang::En).is_err());
        assert!(invite(&begun("https://sso.example.vn/device", "W\nD"), Lang::En).is_err());
    }

    #[test]
    fn a_token_is_kept_where_nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a scratch directory");
        let path = dir.path().join("token");
        std::fs::write(&path, "the old one").expect("written");
        keep(&path, "a.b.c").expect("kept");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "a.b.c");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(keep(&dir.path().join("nowhere/token"), "a.b.c").is_err());
    }
}
