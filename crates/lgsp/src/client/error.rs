//! Why commands fail, and what their exit codes tell a script.

mod words;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::{Failure, Lang};
use crate::layout;

/// The wait of a repeat when nobody tells one.
const A_MOMENT: Duration = Duration::from_secs(1);

/// What the exit code of a command tells a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Any other failure.
    Other,
    /// A wrong option, address or key file.
    Usage,
    /// The token, the agreement or the role does not allow it.
    Refused,
    /// The source holds no such record.
    NotFound,
    /// The request breaks a rule, is too large, or there is no such method.
    Invalid,
    /// Not now: try again.
    Unavailable,
    /// The deadline passed.
    Deadline,
    /// The registry is not as the files say.
    Differs,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Other,
        Self::Usage,
        Self::Refused,
        Self::NotFound,
        Self::Invalid,
        Self::Unavailable,
        Self::Deadline,
        Self::Differs,
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::Invalid => 5,
            Self::Unavailable => 6,
            Self::Deadline => 7,
            Self::Differs => 8,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one.
    #[error("{address} is no address of a gateway: name it as HOST:PORT")]
    Address {
        /// As given.
        address: String,
    },
    /// The gateway is on another machine, and the call would not be encrypted.
    #[error(
        "{address} is on another machine, and a token must not go there in the clear: name with --ca who vouches for the gateway"
    )]
    InTheClear {
        /// As given.
        address: String,
    },
    /// TLS was asked for, and nobody may vouch for the gateway.
    #[error("{address} speaks TLS: name with --ca who vouches for the gateway")]
    NoAuthority {
        /// As given.
        address: String,
    },
    /// The file with the authorities cannot be used.
    #[error("--ca {}: {problem}", file.display())]
    Ca {
        /// As given.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of the client certificate cannot be used.
    #[error("--{option} {}: {problem}", file.display())]
    Certificate {
        /// The option that names it.
        option: &'static str,
        /// As given.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The client certificate cannot be used with its key.
    #[error("--cert and --cert-key do not belong together: {problem}")]
    CertificateUnusable {
        /// What TLS says.
        problem: String,
    },
    /// The issuer is not there, or not as it should be.
    #[error("{issuer} does not let us sign in: {problem}")]
    Issuer {
        /// Its URL.
        issuer: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The person did not sign in.
    #[error("nobody has signed in: {problem}")]
    NotSignedIn {
        /// Why.
        problem: &'static str,
    },
    /// The file of a token cannot be used.
    #[error("--token-file {}: {problem}", file.display())]
    TokenFile {
        /// As given.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The gateway does not take our certificate, or wants one.
    #[error("{address} did not let us in: {problem}")]
    CertificateRefused {
        /// The address.
        address: String,
        /// What it says.
        problem: String,
    },
    /// The other side is not vouched for, or speaks no TLS.
    #[error("{address} is not trusted: {problem}")]
    NotTrusted {
        /// The address.
        address: String,
        /// What TLS says.
        problem: String,
    },
    /// The application has no key here.
    #[error("no key of {application} is at {path}")]
    KeyMissing {
        /// The application.
        application: String,
        /// Where the key was looked for.
        path: PathBuf,
    },
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] layout::Error),
    /// The token could not be signed.
    #[error("the token could not be signed: {0}")]
    Sign(String),
    /// An option is no metadata value.
    #[error("--{option} must be 1 to 128 printable ASCII characters")]
    Metadata {
        /// Name of the option.
        option: &'static str,
    },
    /// The request's file cannot be read.
    #[error("cannot read the request from {from}: {source}")]
    Input {
        /// The file.
        from: String,
        /// The cause.
        source: io::Error,
    },
    /// The log has no entry of an exchange.
    #[error("the log holds no exchange {id}: check its id; one that has just ended is there in a moment")]
    NotInLog {
        /// The exchange.
        id: String,
    },
    /// The entries of an exchange are archived.
    #[error("exchange {id} is archived: an operator can bring it back with `lgsp ledger restore`")]
    InArchive {
        /// The exchange.
        id: String,
    },
    /// The ledger has no key of a month.
    #[error("there is no key of {month} to destroy: the hub never had one of that month, or not here")]
    NoSubjectKey {
        /// The month.
        month: String,
    },
    /// A decision has destroyed the key of a month.
    #[error("the key of {month} is already destroyed, by entry {leaf} ({entered} +07:00)")]
    KeyDestroyed {
        /// The month.
        month: String,
        /// The number of the decision in the log.
        leaf: u64,
        /// When it was entered.
        entered: String,
    },
    /// An option takes its value from standard input, and there is none.
    #[error("standard input was empty, and `-` takes the value from there")]
    InputEmpty,
    /// The JSON is not the method's request.
    #[error("the JSON is no {message}: {problem}")]
    Json {
        /// Full name of the message.
        message: String,
        /// What the parser says.
        problem: String,
        /// The fields that the message has, in their JSON names.
        fields: Vec<String>,
    },
    /// The hub does not tell of this service.
    #[error("the hub knows no service {service}")]
    ServiceUnknown {
        /// Full name.
        service: String,
        /// What it does tell of.
        known: Vec<String>,
    },
    /// The service has no such method.
    #[error("{service} has no method {method}")]
    MethodUnknown {
        /// Full name of the service.
        service: String,
        /// The method.
        method: String,
        /// The methods that it has.
        known: Vec<String>,
    },
    /// The answer of a method has no such field.
    #[error("the answer of {method} has no field {path}")]
    FieldUnknown {
        /// The method.
        method: String,
        /// The field, as given.
        path: String,
        /// The fields that there are in its place.
        known: Vec<String>,
    },
    /// The contract does not compile, or is not there.
    #[error("the contract cannot be used: {problem}")]
    Protos {
        /// What is wrong, with file and line if a file is.
        problem: String,
    },
    /// The hub would not take the contract.
    #[error("{service} cannot be registered{}", against(*compared_with))]
    Unfit {
        /// Full name of the service.
        service: String,
        /// The version in use that it would break.
        compared_with: Option<u32>,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
    /// There is no such version, or none at a stage for this.
    #[error("{service} has no version for this")]
    VersionUnknown {
        /// Full name of the service.
        service: String,
        /// The versions that it has, with where they stand.
        known: Vec<String>,
    },
    /// The registry, or a file, does not hold it.
    #[error("there is no {} {id}", kind.text(Lang::En))]
    NotHeld {
        /// What was looked for.
        kind: Held,
        /// By which id.
        id: String,
        /// What there is instead.
        known: Vec<String>,
    },
    /// The application may not call: what was asked for is told already.
    #[error("the hub would refuse the call: {reason}")]
    NotPermitted {
        /// The reason, as in docs/errors.md.
        reason: String,
    },
    /// Some methods did not do what the contract says.
    #[error("{failed} methods of {service} are not as the contract says")]
    NotAsContracted {
        /// Full name of the service.
        service: String,
        /// How many.
        failed: usize,
    },
    /// What reflection tells is no contract.
    #[error("the contract of {service} cannot be read by reflection: {problem}")]
    Contract {
        /// Full name of the service.
        service: String,
        /// What is wrong.
        problem: String,
    },
    /// Nobody listens.
    #[error("no hub listens on {address}")]
    NotListening {
        /// The address.
        address: String,
    },
    /// The connection broke, or the other side speaks something else.
    #[error("the connection to {address} broke: {problem}")]
    Connection {
        /// The address.
        address: String,
        /// What the transport says.
        problem: String,
    },
    /// No answer and no status in time.
    #[error("no answer within {} ms", waited.as_millis())]
    NoAnswer {
        /// How long was waited.
        waited: Duration,
    },
    /// The hub answered that it does not serve the call.
    #[error("the hub did not serve the call")]
    Refused(Box<Failure>),
    /// A folder of files cannot be read or written.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A folder is not empty.
    #[error("{} is not empty: name another folder, or write into this one with --force", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The files do not hold together.
    #[error(transparent)]
    Rules(Box<lgsp_registry::Problems>),
    /// Nobody has said yes.
    #[error("nothing was changed: nobody has said yes (--yes says it without being asked)")]
    NotConfirmed,
    /// What was told, or lies in a file, is not what it says it is.
    #[error("it does not hold: {problem}")]
    NotProven {
        /// What of it does not hold.
        problem: String,
    },
    /// Something of a period is missing in the log, or may still come. What, is told already.
    #[error("the log does not hold everything of the period, or not yet")]
    Incomplete,
    /// A file of an export is there, and not one to go on with.
    #[error("{}: {problem}", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The registry is not as the files say. It is no failure, and is told already.
    #[error("the registry is not as the files say")]
    Differs,
    /// Standard output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// What can be looked for and not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// An application, on its way to the hub or connected.
    Application,
    /// An agreement.
    Agreement,
    /// A version of an agreement, for what shall be decided.
    VersionForThis,
    /// An agreement, in a file.
    AgreementInFile,
    /// A credential of an application.
    Credential,
    /// An entry of an exchange, by its number in the log.
    Entry,
}

fn against(version: Option<u32>) -> String {
    version.map_or_else(String::new, |version| format!(" beside version {version}, which is in use"))
}

impl Error {
    /// The exit code that tells it to a script. A reader that has enough, such as `head`, is no failure: `None`.
    pub fn exit(&self) -> Option<Exit> {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(_)
            | Self::Contract { .. }
            | Self::Sign(_)
            | Self::NotProven { .. }
            | Self::Incomplete => Some(Exit::Other),
            Self::Address { .. }
            | Self::InTheClear { .. }
            | Self::NoAuthority { .. }
            | Self::Ca { .. }
            | Self::Certificate { .. }
            | Self::CertificateUnusable { .. }
            | Self::TokenFile { .. }
            | Self::NotTrusted { .. }
            | Self::KeyMissing { .. }
            | Self::Key(_)
            | Self::Metadata { .. }
            | Self::Folder { .. }
            | Self::NotEmpty { .. }
            | Self::Export { .. }
            | Self::NotConfirmed
            | Self::Input { .. }
            | Self::InputEmpty => Some(Exit::Usage),
            Self::Differs => Some(Exit::Differs),
            Self::Rules(_)
            | Self::Json { .. }
            | Self::Protos { .. }
            | Self::Unfit { .. }
            | Self::NotAsContracted { .. }
            | Self::ServiceUnknown { .. }
            | Self::MethodUnknown { .. }
            | Self::FieldUnknown { .. } => Some(Exit::Invalid),
            Self::VersionUnknown { .. }
            | Self::NotHeld { .. }
            | Self::NotInLog { .. }
            | Self::InArchive { .. }
            | Self::NoSubjectKey { .. }
            | Self::KeyDestroyed { .. } => Some(Exit::NotFound),
            Self::CertificateRefused { .. } | Self::NotSignedIn { .. } | Self::NotPermitted { .. } => {
                Some(Exit::Refused)
            }
            Self::NotListening { .. } | Self::Connection { .. } | Self::Issuer { .. } => {
                Some(Exit::Unavailable)
            }
            Self::NoAnswer { .. } => Some(Exit::Deadline),
            Self::Refused(failure) => Some(failure.exit()),
        }
    }

    /// The same, if one of the hub's own services was called.
    pub(crate) fn of_the_hub(self) -> Self {
        match self {
            Self::Refused(failure) => Self::Refused(Box::new(failure.of_the_hub())),
            other => other,
        }
    }

    /// How long to wait before a repeat; `None` if that does not help.
    pub(crate) fn retry(&self) -> Option<Duration> {
        let told = if let Self::Refused(failure) = self { failure.retry() } else { None };
        match self.exit() {
            Some(Exit::Unavailable | Exit::Deadline) => Some(told.unwrap_or(A_MOMENT)),
            Some(
                Exit::Other | Exit::Usage | Exit::Refused | Exit::NotFound | Exit::Invalid | Exit::Differs,
            )
            | None => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Refused(Box::new(failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_enough_is_no_failure() {
        assert_eq!(Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).exit(), None);
    }
}
