//! Arguments of the commands that call a running hub.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{ApplicationId, Outcome};
use prost_reflect::prost_types::Timestamp;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::agreement::moment;
use crate::client::bearer::Bearer;
use crate::client::{Error, JsonStyle, Listing};

/// Where a hub listens when nobody says otherwise.
pub const GRPC: &str = "127.0.0.1:50051";

/// The data directory when nobody says otherwise.
pub const DATA: &str = "./lgsp-data";

/// Which key signs.
#[derive(Clone, Debug, Args)]
pub struct Key {
    /// Data directory of `lgsp up`, where the applications' keys lie
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub data: PathBuf,
    /// The application's private key (Ed25519, PKCS#8 PEM) instead of the one in the data directory
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Key id under which the registry knows the key [default: the name of the file if it begins with APP-, else APP-1]
    #[arg(long, value_name = "KID")]
    pub key_id: Option<String>,
}

/// Who calls, when the application has to be named.
#[derive(Clone, Debug, Args)]
pub struct Caller {
    /// The application that calls
    #[arg(id = "as", long = "as", value_name = "APP", value_parser = application)]
    pub application: ApplicationId,
    /// Its key.
    #[command(flatten)]
    pub key: Key,
}

/// Who calls, when a certificate may say so instead of a name.
#[derive(Clone, Debug, Args)]
pub struct CallerOrCertificate {
    /// The application that calls; without it, the client certificate of --cert alone says who does
    #[arg(id = "as", long = "as", value_name = "APP", value_parser = application, required_unless_present_any = ["cert", "token_file"])]
    pub application: Option<ApplicationId>,
    /// Its key.
    #[command(flatten)]
    pub key: Key,
    /// A token that an issuer gave, instead of one signed here: a file that nobody else can read, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["as", "key", "key_id"])]
    pub token_file: Option<PathBuf>,
}

/// The application of the operator's own tool.
const OPERATOR: &str = "dieu-hanh";

/// Who calls, when it is the operator's own tool by default.
#[derive(Clone, Debug, Args)]
pub struct Operator {
    /// The application that calls [default: dieu-hanh, or whose client certificate --cert is]
    #[arg(id = "as", long = "as", value_name = "APP", value_parser = application)]
    pub application: Option<ApplicationId>,
    /// Its key.
    #[command(flatten)]
    pub key: Key,
    /// A token that an issuer gave, instead of one signed here: a file that nobody else can read, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["as", "key", "key_id"])]
    pub token_file: Option<PathBuf>,
    /// Who is called.
    #[command(flatten)]
    pub gateway: Gateway,
}

impl Operator {
    /// The application that signs; `None`: a token that was given, or the client certificate alone, says who calls.
    pub fn application(&self) -> Option<ApplicationId> {
        let is_told = self.gateway.cert.is_some() || self.token_file.is_some();
        let by_default = || (!is_told).then(|| ApplicationId::parse(OPERATOR)).flatten();
        self.application.clone().or_else(by_default)
    }

    /// What proves who calls.
    ///
    /// # Errors
    /// The key or the token cannot be read.
    pub(crate) fn bearer(&self) -> Result<Bearer, Error> {
        Bearer::open(self.application().as_ref(), &self.key, self.token_file.as_deref())
    }
}

/// Which gateway is called.
#[derive(Clone, Debug, Args)]
pub struct Gateway {
    /// Address of the gateway
    #[arg(long, value_name = "HOST:PORT", default_value = GRPC)]
    pub grpc: String,
    /// Certificates (PEM) of the authorities that may vouch for the gateway; the connection is encrypted then
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Client certificate (PEM) to show to the gateway, with what chains it to its authority; tokens are bound to it
    #[arg(long, value_name = "FILE", requires_all = ["ca", "cert_key"])]
    pub cert: Option<PathBuf>,
    /// Private key (PEM) of the client certificate
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub cert_key: Option<PathBuf>,
}

/// `lgsp token`.
#[derive(Debug, Args)]
pub struct Token {
    /// Who signs.
    #[command(flatten)]
    pub caller: Caller,
    /// Lifetime in seconds; the hub accepts 300 at most
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub lifetime: u32,
}

/// `lgsp call`.
#[derive(Debug, Args)]
#[command(after_help = concat!(
    exit_codes!(),
    "\n\nExample:\n  lgsp call --as tthc --purpose prefill --dossier H13.01-260601-0001 \\\n    ",
    "lgsp.population.v1.PopulationService/GetCitizen '{\"personalNumber\":\"…\"}'"
))]
pub struct Call {
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerOrCertificate,
    /// Who is called.
    #[command(flatten)]
    pub gateway: Gateway,
    /// Purpose of the exchange, as the agreement names it
    #[arg(long, value_name = "CODE")]
    pub purpose: Option<String>,
    /// Dossier that the exchange is for, such as H13.01-260601-0001
    #[arg(long, value_name = "CODE")]
    pub dossier: Option<String>,
    /// Officer who asks
    #[arg(long, value_name = "ID")]
    pub officer: Option<String>,
    /// Unit of the officer
    #[arg(long, value_name = "CODE")]
    pub unit: Option<String>,
    /// Administrative procedure
    #[arg(long, value_name = "CODE")]
    pub procedure: Option<String>,
    /// The caller's own id of the request
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Time for the whole call, such as 500ms or 2s [default: the method's own]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub deadline: Option<Duration>,
    /// How to print answers: json is one line a message [default: pretty in a terminal, else json]
    #[arg(long, value_name = "STYLE")]
    pub output: Option<JsonStyle>,
    /// Tell the exchange id and the time it took, on standard error
    #[arg(short, long)]
    pub verbose: bool,
    /// The method: SERVICE/METHOD
    #[arg(value_name = "SERVICE/METHOD", value_parser = method)]
    pub method: Method,
    /// The request as JSON; `-` reads it from standard input, `@FILE` from a file
    #[arg(value_name = "JSON", default_value = "{}")]
    pub request: String,
}

/// A method by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Full name of the service.
    pub service: String,
    /// Name of the method.
    pub method: String,
}

/// `lgsp services`.
#[derive(Debug, Args)]
pub struct Services {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp applications`.
#[derive(Debug, Args)]
pub struct Applications {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp exchanges`.
#[derive(Debug, Args)]
pub struct Exchanges {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// Follow exchanges as they are entered, until Ctrl-C
    #[arg(long, conflicts_with_all = ["since", "limit"])]
    pub follow: bool,
    /// Only exchanges of this application
    #[arg(long, value_name = "APP")]
    pub application: Option<String>,
    /// Only exchanges of this service (its full name)
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only exchanges of this method
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Only exchanges that ended so
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<OutcomeName>,
    /// Only the exchange of this id, platform or not
    #[arg(long, value_name = "ID")]
    pub exchange: Option<String>,
    /// Only exchanges admitted within this time, such as 30m, 1h or 7d; or since a day, or a date and time with its offset
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Timestamp>,
    /// Most exchanges to list, newest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Show platform exchanges too, such as this one
    #[arg(long)]
    pub platform: bool,
    /// How to print; json is one object a line [default: table in a terminal, as far as it fits, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// An outcome as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum OutcomeName {
    Served,
    NotFound,
    Denied,
    Invalid,
    Failed,
    TimedOut,
    Cancelled,
    Abandoned,
}

impl From<OutcomeName> for Outcome {
    fn from(name: OutcomeName) -> Self {
        match name {
            OutcomeName::Served => Self::Served,
            OutcomeName::NotFound => Self::NotFound,
            OutcomeName::Denied => Self::Denied,
            OutcomeName::Invalid => Self::Invalid,
            OutcomeName::Failed => Self::Failed,
            OutcomeName::TimedOut => Self::TimedOut,
            OutcomeName::Cancelled => Self::Cancelled,
            OutcomeName::Abandoned => Self::Abandoned,
        }
    }
}

pub(super) fn application(text: &str) -> Result<ApplicationId, String> {
    ApplicationId::parse(text).ok_or_else(|| {
        "an application's id has lower-case letters, digits and `-`, and at most 32 of them".to_owned()
    })
}

/// Reads a duration with its unit, exactly as the configuration does.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    lgsp_runtime::config::units::duration::deserialize(text).map_err(|error| error.to_string())
}

/// Reads a time back from now, or a moment.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    let Ok(back) = duration(text) else {
        return moment(text).map_err(|accepted| format!("a time back such as 30m, 1h or 7d, or {accepted}"));
    };
    let back = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
    Ok(timestamp(unix_micros(SystemTime::now()).saturating_sub(back).max(0)))
}

/// Reads `SERVICE/METHOD`, and also `/SERVICE/METHOD` and `SERVICE.METHOD`.
fn method(text: &str) -> Result<Method, String> {
    let path = text.strip_prefix('/').unwrap_or(text);
    let parts = path.split_once('/').or_else(|| path.rsplit_once('.'));
    match parts {
        Some((service, method)) if !service.is_empty() && !method.is_empty() && !method.contains('/') => {
            Ok(Method { service: service.to_owned(), method: method.to_owned() })
        }
        Some(_) | None => {
            Err("name the method as lgsp.population.v1.PopulationService/GetCitizen".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        for (text, millis) in
            [("500ms", 500), ("2s", 2_000), ("30m", 1_800_000), ("1h", 3_600_000), ("7d", 604_800_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1w", "1.5s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn since_is_a_time_back_or_a_moment() {
        assert_eq!(since("2026-11-28").map(|at| at.seconds), Ok(1_795_798_800), "midnight in Viet Nam");
        assert!(since("2026-11-28T08:00:00+07:00").is_ok_and(|at| at.seconds == 1_795_827_600));
        assert!(since("1h").is_ok_and(|at| at.seconds > 1_767_225_600), "back from now");
        let refused = since("yesterday").expect_err("no time");
        assert!(refused.contains("30m") && refused.contains("2026-11-01"), "{refused}");
    }

    #[test]
    fn a_method_is_named_in_three_ways() {
        let expected = Method { service: "a.v1.B".to_owned(), method: "C".to_owned() };
        for text in ["a.v1.B/C", "/a.v1.B/C", "a.v1.B.C"] {
            assert_eq!(method(text).as_ref(), Ok(&expected), "{text}");
        }
        for text in ["", "GetCitizen", "a/", "/b", "a/b/c"] {
            assert!(method(text).is_err(), "{text}");
        }
    }
}
