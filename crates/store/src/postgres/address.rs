use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::{Error, Options};

/// How long one address of a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that went away without a word is noticed after the idle time and three probes, or when it does not
/// acknowledge what was sent to it.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Dates become text in one way whatever the server's own setting, and notices, which may quote a row, stay with the server.
const SETTINGS: &str = "-c datestyle=ISO,YMD -c client_min_messages=error";

/// What an URL may carry beside `sslmode`. What is not here is either the hub's own or would be a secret.
const PARAMETERS: [&str; 6] = [
    "channel_binding",
    "connect_timeout",
    "hostaddr",
    "load_balance_hosts",
    "options",
    "target_session_attrs",
];

/// Who is trusted to be the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whoever answers, in clear text.
    Plain,
    /// Whoever answers, encrypted.
    Encrypted,
    /// Whom an authority of ours vouches for, by the host's name.
    Verified,
}

/// Reads the URL of a store.
///
/// # Errors
/// It is no URL, or says what it must not.
pub(super) fn parse(options: &Options) -> Result<(Config, Trust), Error> {
    let (place, parameters) = options.url.split_once('?').unwrap_or((&options.url, ""));
    let (sslmode, parameters) = sort(parameters)?;
    let mut config: Config = format!("{place}?{}", parameters.join("&"))
        .parse()
        .map_err(|_| refused("is not postgres://<user>@<host>:<port>/<database>"))?;
    if config.get_password().is_some() {
        return Err(refused("holds a password: put it in a file and name that with password-file"));
    }
    if config.get_user().is_none_or(str::is_empty) || config.get_dbname().is_none() {
        return Err(refused("names no user or no database"));
    }
    if config.get_hosts().is_empty() {
        return Err(refused("names no host"));
    }
    let trust = trust(sslmode, &config)?;
    match (trust, &options.root_certificates) {
        (Trust::Verified, None) => {
            return Err(Error::options(
                "root-certificates",
                "is missing: it vouches for a server on another machine, unless the url says sslmode=require or disable",
            ));
        }
        (Trust::Plain | Trust::Encrypted, Some(_)) => {
            return Err(Error::options("root-certificates", "is used with sslmode=verify-full only"));
        }
        (Trust::Verified, Some(_)) | (Trust::Plain | Trust::Encrypted, None) => {}
    }
    settle(&mut config, trust);
    Ok((config, trust))
}

/// Takes `sslmode` out, which the driver knows only in part, and refuses what is not ours to take.
fn sort(parameters: &str) -> Result<(Option<&str>, Vec<&str>), Error> {
    let mut sslmode = None;
    let mut others = Vec::new();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", mode)) => sslmode = Some(mode),
            Some((key, _)) if PARAMETERS.contains(&key) => others.push(parameter),
            _ => return Err(refused("has a parameter that is not accepted, such as a password or a user")),
        }
    }
    Ok((sslmode, others))
}

fn trust(sslmode: Option<&str>, config: &Config) -> Result<Trust, Error> {
    match sslmode {
        Some("disable") => Ok(Trust::Plain),
        Some("require") => Ok(Trust::Encrypted),
        Some("verify-full") => Ok(Trust::Verified),
        Some(_) => Err(refused("has an sslmode that is none of disable, require, verify-full")),
        None if on_this_machine(config) => Ok(Trust::Plain),
        None => Ok(Trust::Verified),
    }
}

fn on_this_machine(config: &Config) -> bool {
    let local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
    };
    config.get_hosts().iter().all(local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn settle(config: &mut Config, trust: Trust) {
    let options = config.get_options().map_or_else(String::new, |theirs| format!("{theirs} "));
    config
        .application_name("lgsp")
        .options(format!("{options}{SETTINGS}"))
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES)
        .tcp_user_timeout(UNACKNOWLEDGED)
        .ssl_mode(match trust {
            Trust::Plain => SslMode::Disable,
            Trust::Encrypted | Trust::Verified => SslMode::Require,
        });
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
}

/// Lets the server refuse every change, and keep the plan that it makes of a statement when it first runs it: to plan one anew takes
/// longer than to find a few records by their keys. An URL may have that otherwise.
pub(super) fn read_only(config: &mut Config) {
    let options = config.get_options().unwrap_or_default().to_owned();
    config.options(format!(
        "-c plan_cache_mode=force_generic_plan {options} -c default_transaction_read_only=on"
    ));
}

/// Finds and makes tables in a schema alone.
///
/// # Errors
/// Its name would have to be quoted.
pub(super) fn in_schema(config: &mut Config, schema: &str) -> Result<(), Error> {
    if schema.is_empty() || !schema.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Error::options("schema", "has more than letters, digits and underscores"));
    }
    let options = config.get_options().unwrap_or_default().to_owned();
    config.options(format!("{options} -c search_path={schema}"));
    Ok(())
}

fn refused(reason: &'static str) -> Error {
    Error::options("url", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<Trust, String> {
        parse(&Options::of(url)).map(|(_, trust)| trust).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_server_elsewhere_is_verified_unless_the_url_says_otherwise() {
        for here in ["localhost", "127.0.0.1:15432", "[::1]", "%2Frun%2Fpostgresql"] {
            assert_eq!(parsed(&format!("postgres://lgsp@{here}/dan_cu")), Ok(Trust::Plain), "{here}");
        }
        assert!(
            parsed("postgres://lgsp@db.example/dan_cu")
                .unwrap_err()
                .starts_with("root-certificates is missing")
        );
        assert!(
            parsed("postgres://lgsp@localhost,db.example/dan_cu")
                .unwrap_err()
                .starts_with("root-certificates")
        );
        assert!(
            parsed("postgres://lgsp@localhost/d?hostaddr=10.0.0.1")
                .unwrap_err()
                .starts_with("root-certificates")
        );
        assert_eq!(parsed("postgres://lgsp@db.example/dan_cu?sslmode=require"), Ok(Trust::Encrypted));
        assert_eq!(parsed("postgres://lgsp@db.example/dan_cu?sslmode=disable"), Ok(Trust::Plain));
        let verified = Options {
            root_certificates: Some("roots.pem".into()),
            ..Options::of("postgresql://lgsp@db.example:6432/dan_cu?target_session_attrs=read-only")
        };
        assert_eq!(parse(&verified).unwrap().1, Trust::Verified);
        let unused =
            Options { root_certificates: Some("roots.pem".into()), ..Options::of("postgres://a@[::1]/b") };
        assert_eq!(
            parse(&unused).unwrap_err().to_string(),
            "root-certificates is used with sslmode=verify-full only"
        );
    }

    #[test]
    fn an_url_holds_no_secret_and_nothing_that_is_ours_to_set() {
        for url in [
            "postgres://lgsp:secret@localhost/dan_cu",
            "postgres://lgsp@localhost/dan_cu?password=secret",
            "postgres://lgsp@localhost/dan_cu?pass%77ord=secret",
            "postgres://lgsp@localhost/dan_cu?application_name=secret",
            "postgres://lgsp@localhost/dan_cu?sslmode=prefer",
            "postgres://lgsp@localhost/dan_cu?secret",
            "postgres://lgsp@localhost",
            "postgres://localhost/dan_cu",
            "postgres://lgsp@/dan_cu",
            "postgres:dan_cu",
        ] {
            let refusal = parsed(url).unwrap_err();
            assert!(refusal.starts_with("url ") && !refusal.contains("secret"), "{url}: {refusal}");
        }
    }
}
