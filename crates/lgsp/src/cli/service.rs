//! Arguments of `lgsp service`: the life of data services, from their contract to their end.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use lgsp_core::ApplicationId;

use super::client::{CallerOrCertificate, DATA, Gateway, Key, application, duration};
use crate::client::Listing;

/// `lgsp service`.
#[derive(Debug, Subcommand)]
pub enum Service {
    /// Compile a contract, hold it against the hub's rules and the version in use, and register it
    Register(Register),
    /// Offer a registered version in the sandbox
    Offer(Decide),
    /// Call every method of a version in the sandbox, and record what came of it
    Check(Check),
    /// Put a version in use: the one in use before is superseded
    Use(Decide),
    /// Refuse a version that waits
    Refuse(Decide),
    /// Take a version back that waits
    Withdraw(Decide),
    /// Tell callers that a data service will be retired, and from when on
    Deprecate(Deprecate),
    /// Retire a deprecated data service
    Retire(Decide),
    /// Print what describes the JSON face (OpenAPI 3.1): of all services, or of those that the caller may call
    Openapi(Openapi),
    /// List the versions of data services with all that was decided about them, and announced maintenance
    List(List),
}

/// Who does it, and where.
#[derive(Debug, Args)]
pub struct Asker {
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerOrCertificate,
    /// Who is called.
    #[command(flatten)]
    pub gateway: Gateway,
}

/// `lgsp service openapi`.
#[derive(Debug, Args)]
pub struct Openapi {
    /// Describe only what this application may call [default: all services]
    #[arg(id = "as", long = "as", value_name = "APP", value_parser = application)]
    pub application: Option<ApplicationId>,
    /// Its key.
    #[command(flatten)]
    pub key: Key,
    /// A token that an issuer gave, instead of one signed here: a file that nobody else can read, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["as", "key", "key_id"])]
    pub token_file: Option<PathBuf>,
    /// Who is asked.
    #[command(flatten)]
    pub gateway: Gateway,
}

/// `lgsp service register`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  lgsp service register --as eva-congan --key eva-congan.pem --proto-dir proto \\\n    \
    --service example.vehicle.v1.VehicleService --reason 'vehicle registration'"
)]
pub struct Register {
    /// Who does it.
    #[command(flatten)]
    pub asker: Asker,
    /// Folder of the contract's .proto files; the hub's own options and records need not be in it
    #[arg(long, value_name = "DIR", required_unless_present = "descriptor_set")]
    pub proto_dir: Option<PathBuf>,
    /// An encoded FileDescriptorSet with all it imports, instead of .proto files
    #[arg(long, value_name = "FILE", conflicts_with = "proto_dir")]
    pub descriptor_set: Option<PathBuf>,
    /// Full name of the data service [default: the only one there is]
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Its domain [default: as the contract names it]
    #[arg(long, value_name = "DOMAIN", default_value = "")]
    pub domain: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Only tell what is wrong and what would break
    #[arg(long)]
    pub dry_run: bool,
}

/// A version of a data service.
#[derive(Debug, Args)]
pub struct Version {
    /// Full name of the data service
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The version [default: the last one at a stage for this]
    #[arg(long, value_name = "N")]
    pub number: Option<u32>,
    /// The version's etag as it was listed: what has changed since is refused [default: as it is now]
    #[arg(long, value_name = "N")]
    pub etag: Option<u64>,
}

/// A decision about a version.
#[derive(Debug, Args)]
pub struct Decide {
    /// Who does it.
    #[command(flatten)]
    pub asker: Asker,
    /// About what.
    #[command(flatten)]
    pub version: Version,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// `lgsp service deprecate`.
#[derive(Debug, Args)]
pub struct Deprecate {
    /// The decision.
    #[command(flatten)]
    pub decide: Decide,
    /// After how long it may be retired, such as 180d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub retire_after: Duration,
}

/// `lgsp service list`.
#[derive(Debug, Args)]
pub struct List {
    /// Who asks.
    #[command(flatten)]
    pub asker: Asker,
    /// Only this data service (its full name)
    #[arg(value_name = "NAME", default_value = "")]
    pub name: String,
    /// Only those of this agency
    #[arg(long, value_name = "CODE", default_value = "")]
    pub agency: String,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp service check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every method needs a good request: <Method>.json, or several as <Method>.<any>.json. From the first one\n\
    bad ones are made, which the hub must refuse.\n\nExample:\n  lgsp service check example.vehicle.v1.VehicleService --as doanhnghiep --purpose business-licensing \\\n    \
    --requests requests --person eva-congan --person-key eva-congan.pem"
)]
pub struct Check {
    /// The application that calls, and where.
    #[command(flatten)]
    pub asker: Asker,
    /// What is checked.
    #[command(flatten)]
    pub version: Version,
    /// Folder of the requests
    #[arg(long, value_name = "DIR")]
    pub requests: PathBuf,
    /// Purpose of the calls, as the application's agreement names it
    #[arg(long, value_name = "CODE")]
    pub purpose: String,
    /// The person who records what comes of it
    #[arg(long, value_name = "ID", value_parser = application)]
    pub person: ApplicationId,
    /// Their private key (Ed25519, PKCS#8 PEM)
    #[arg(long, value_name = "FILE")]
    pub person_key: PathBuf,
    /// Key id under which the registry knows it [default: ID-1]
    #[arg(long, value_name = "KID")]
    pub person_key_id: Option<String>,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

impl Check {
    /// The key of the person.
    pub fn person_key(&self) -> Key {
        Key { data: DATA.into(), key: Some(self.person_key.clone()), key_id: self.person_key_id.clone() }
    }
}
