//! Arguments of the commands that look after applications and their credentials.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lgsp_core::{ApplicationId, CertificateName};
use lgsp_proto::registry::v1::certificate::KnownBy;
use lgsp_proto::registry::v1::{ApplicationState, Environment};

use super::client::{Operator, application};
use crate::client::Listing;

/// `lgsp connections`.
#[derive(Debug, Args)]
pub struct Connections {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// Only requests that wait for their answer longer than two working days
    #[arg(long)]
    pub overdue: bool,
    /// Only applications at this stage
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<StageName>,
    /// Only applications of this agency
    #[arg(long, value_name = "CODE")]
    pub agency: Option<String>,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// A stage as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum StageName {
    Requested,
    Onboarding,
    Connected,
    Suspended,
    Retired,
    Refused,
}

impl From<StageName> for ApplicationState {
    fn from(name: StageName) -> Self {
        match name {
            StageName::Requested => Self::Requested,
            StageName::Onboarding => Self::Onboarding,
            StageName::Connected => Self::Connected,
            StageName::Suspended => Self::Suspended,
            StageName::Retired => Self::Retired,
            StageName::Refused => Self::Refused,
        }
    }
}

/// `lgsp credential`.
#[derive(Debug, Subcommand)]
pub enum Credential {
    /// Make a key pair and issue its public half to an application; or bind a certificate to it
    Issue(Box<Issue>),
    /// Put a new key or certificate in the place of one, which stays good for a while
    Rotate(Box<Rotate>),
    /// End a key or certificate at once
    Revoke(Box<Revoke>),
    /// List keys and certificates of applications, and keys of persons
    List(Box<ListCredentials>),
}

/// What is new: a key that is made here, or a certificate.
#[derive(Clone, Debug, Args)]
pub struct New {
    /// File for the private key, which is made here and never leaves it; it must not exist yet
    #[arg(long, value_name = "FILE", required_unless_present = "certificate")]
    pub out: Option<PathBuf>,
    /// Key id of the new key [default: the name of the file, without its extension]
    #[arg(long, value_name = "KID", requires = "out")]
    pub new_key_id: Option<String>,
    /// A certificate instead of a key, by what it is known: sha256:HEX, dns:NAME or uri:URI
    #[arg(long, value_name = "NAME", conflicts_with = "out", value_parser = certificate)]
    pub certificate: Option<KnownBy>,
    /// For how many days it is good
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=730))]
    pub days: u32,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// How to print what is told of it
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// `lgsp credential issue`.
#[derive(Debug, Args)]
pub struct Issue {
    /// Who issues, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// Where it is good
    #[arg(long, value_name = "ENVIRONMENT")]
    pub environment: EnvironmentName,
    /// What is issued.
    #[command(flatten)]
    pub new: New,
    /// The application that gets it
    #[arg(value_name = "APPLICATION", value_parser = application)]
    pub to: ApplicationId,
}

/// `lgsp credential rotate`.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Who rotates, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// What takes its place.
    #[command(flatten)]
    pub new: New,
    /// For how many days the old one stays good [default: 7]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=30))]
    pub overlap: Option<u32>,
    /// The application whose it is
    #[arg(value_name = "APPLICATION", value_parser = application)]
    pub of: ApplicationId,
    /// The one that is replaced, as `lgsp credential list` names it
    #[arg(value_name = "CREDENTIAL")]
    pub id: String,
}

/// `lgsp credential revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Who revokes, and where.
    #[command(flatten)]
    pub operator: Operator,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How to print what is told of it
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The application whose it is
    #[arg(value_name = "APPLICATION", value_parser = application)]
    pub of: ApplicationId,
    /// The one that ends, as `lgsp credential list` names it
    #[arg(value_name = "CREDENTIAL")]
    pub id: String,
}

/// `lgsp credential list`.
#[derive(Debug, Args)]
pub struct ListCredentials {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// Only those of this application
    #[arg(long, value_name = "APP")]
    pub application: Option<String>,
    /// Only those of this agency
    #[arg(long, value_name = "CODE")]
    pub agency: Option<String>,
    /// Only those of this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    pub environment: Option<EnvironmentName>,
    /// Only those that end within so many days and have no successor
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=800))]
    pub ending: Option<u32>,
    /// Those that have expired or were revoked, too
    #[arg(long)]
    pub all: bool,
    /// How to print; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
}

/// An environment as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum EnvironmentName {
    Production,
    Sandbox,
}

impl From<EnvironmentName> for Environment {
    fn from(name: EnvironmentName) -> Self {
        match name {
            EnvironmentName::Production => Self::Production,
            EnvironmentName::Sandbox => Self::Sandbox,
        }
    }
}

/// What a certificate is known by, as `lgsp credential list` writes it.
fn certificate(text: &str) -> Result<KnownBy, String> {
    let name = match text.split_once(':') {
        Some(("sha256", digest)) => CertificateName::sha256(digest),
        Some(("dns", name)) => CertificateName::dns(name),
        Some(("uri", uri)) => CertificateName::uri(uri),
        Some(_) | None => None,
    };
    match name.ok_or("name it as sha256:HEX, dns:NAME or uri:URI")? {
        CertificateName::Sha256(digest) => Ok(KnownBy::Sha256(digest.to_vec().into())),
        CertificateName::Dns(name) => Ok(KnownBy::DnsName(name.into())),
        CertificateName::Uri(uri) => Ok(KnownBy::Uri(uri.into())),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command)
    }

    #[test]
    fn a_key_has_its_file_and_a_certificate_its_name() {
        let issue = "lgsp credential issue hotich --environment sandbox";
        assert!(parse(issue).is_err(), "neither is named");
        assert!(parse(&format!("{issue} --out k.pem --certificate dns:a.vn")).is_err(), "both are");
        assert!(parse(&format!("{issue} --certificate a.vn")).is_err(), "how it is known is not said");
        let Ok(Command::Credential(Credential::Issue(issue))) =
            parse(&format!("{issue} --as an --key an.pem --certificate dns:A.vn"))
        else {
            panic!("issue")
        };
        assert_eq!(issue.new.certificate, Some(KnownBy::DnsName("a.vn".to_owned())));
        assert!(parse("lgsp credential rotate hotich hotich-1 --out k.pem --overlap 31").is_err());
        assert!(parse("lgsp credential revoke hotich hotich-1").is_err(), "why is not said");
    }
}
