use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::report::{Label, Report};
use super::{Failure, Lang};
use crate::layout;

/// The wait of a repeat when nobody tells one.
const A_MOMENT: Duration = Duration::from_secs(1);

const START_ONE: &str = "Start one with `lgsp up`, or name another address with --grpc.";
const START_ONE_VI: &str = "Khởi động bằng `lgsp up`, hoặc nêu địa chỉ khác bằng --grpc.";
const LOOK_THERE: &str = "See whether a hub listens there, and not something else (one that speaks TLS wants --ca); `lgsp up` starts one.";
const LOOK_THERE_VI: &str =
    "Xem ở đó có đúng là nền tảng không (nền tảng dùng TLS thì cần --ca); `lgsp up` khởi động một nền tảng.";
const NAME_A_CA: &str = "Name with --ca the certificate of the authority that vouches for the gateway, and the host as it says there.";
const NAME_A_CA_VI: &str =
    "Nêu bằng --ca chứng thư của tổ chức bảo đảm cho cổng, và tên máy đúng như trong chứng thư của cổng.";
const NAME_A_CERT: &str = "Name with --cert and --cert-key a good client certificate that an authority of the gateway vouches for; the gateway's log says what is wrong with it.";
const NAME_A_CERT_VI: &str = "Nêu bằng --cert và --cert-key chứng thư số còn hiệu lực do tổ chức mà cổng công nhận cấp; nhật ký của cổng ghi rõ lỗi.";
const NAME_A_KEY: &str =
    "Name the data directory that `lgsp up` made with --data, or the key with --key and --key-id.";
const NAME_A_KEY_VI: &str =
    "Nêu thư mục dữ liệu do `lgsp up` tạo bằng --data, hoặc khoá bằng --key và --key-id.";

const SEE_THE_ISSUER: &str = "See the issuer's address, and what it calls this tool (--client-id).";
const SEE_THE_ISSUER_VI: &str =
    "Kiểm tra địa chỉ của hệ thống đăng nhập và tên của công cụ này ở đó (--client-id).";
const SIGN_IN_AGAIN: &str = "Begin again, and sign in in the browser while the code is good.";
const SIGN_IN_AGAIN_VI: &str = "Làm lại, và đăng nhập trong trình duyệt khi mã còn hiệu lực.";

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

impl Held {
    fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::Application => lang.pick("application", "ứng dụng"),
            Self::Agreement => lang.pick("agreement", "thoả thuận"),
            Self::Credential => lang.pick("credential of the application", "khoá của ứng dụng:"),
            Self::VersionForThis => lang.pick(
                "version to decide this about of agreement",
                "phiên bản phù hợp để quyết định của thoả thuận",
            ),
            Self::Entry => lang.pick("entry of the exchange with the number", "bản ghi của lượt mang số"),
            Self::AgreementInFile => {
                lang.pick("agreement in the file by the id", "trong tệp thoả thuận mang mã")
            }
        }
    }
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

    pub(crate) fn report(&self, lang: Lang) -> Report {
        if let Self::Refused(failure) = self {
            return failure.report(lang);
        }
        let report = Report::new(lang, self.headline(lang));
        let report = match self.exit() {
            // It is no matter of the hub's.
            Some(Exit::Unavailable) if matches!(self, Self::Issuer { .. }) => report,
            Some(Exit::Unavailable) => report
                .line(Label::Hop, lang.pick("between this command and the gateway", "giữa lệnh này và cổng"))
                .line(Label::Retry, lang.pick("yes, once the hub runs", "được, khi nền tảng đã chạy")),
            Some(Exit::Deadline) => report
                .line(
                    Label::Hop,
                    lang.pick("not known: no word came from the gateway", "không rõ: cổng chưa trả lời"),
                )
                .line(Label::Retry, lang.pick("yes, with more time", "được, với thời hạn dài hơn")),
            Some(
                Exit::Other | Exit::Usage | Exit::Refused | Exit::NotFound | Exit::Invalid | Exit::Differs,
            )
            | None => report,
        };
        let problems: &[String] = if let Self::Unfit { problems, .. } = self { problems } else { &[] };
        let report = problems.iter().fold(report, |report, problem| report.line(Label::Fields, problem));
        report.line(Label::Advice, self.advice(lang))
    }

    fn headline(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::Vi, Self::NotListening { address }) => {
                format!("không có nền tảng nào lắng nghe ở {address}")
            }
            (Lang::Vi, Self::Connection { address, .. }) => format!("kết nối tới {address} bị đứt"),
            (Lang::Vi, Self::NoAnswer { waited }) => {
                format!("không có trả lời trong {} ms", waited.as_millis())
            }
            (Lang::Vi, Self::ServiceUnknown { service, .. }) => {
                format!("nền tảng không có dịch vụ {service}")
            }
            (Lang::Vi, Self::MethodUnknown { service, method, .. }) => {
                format!("{service} không có phương thức {method}")
            }
            (Lang::Vi, Self::FieldUnknown { method, path, .. }) => {
                format!("kết quả của {method} không có trường {path}")
            }
            (Lang::Vi, Self::KeyMissing { application, path }) => {
                format!("không có khoá của {application} ở {}", path.display())
            }
            (Lang::Vi, Self::NotEmpty { path }) => {
                format!("{} không rỗng: nêu thư mục khác, hoặc ghi vào đó bằng --force", path.display())
            }
            (Lang::Vi, Self::NotHeld { kind, id, .. }) => format!("không có {} {id}", kind.text(lang)),
            (Lang::Vi, Self::NotInLog { id }) => {
                format!("nhật ký không có lượt {id}: kiểm tra lại mã; lượt vừa kết thúc sẽ có sau giây lát")
            }
            (Lang::Vi, Self::InArchive { id }) => {
                format!(
                    "lượt {id} đã được lưu trữ: người vận hành có thể đưa trở lại bằng `lgsp ledger restore`"
                )
            }
            (Lang::Vi, Self::NoSubjectKey { month }) => {
                format!("không có khoá của tháng {month} để huỷ: nền tảng chưa từng có, hoặc không có ở đây")
            }
            (Lang::Vi, Self::KeyDestroyed { month, leaf, entered }) => {
                format!("khoá của tháng {month} đã bị huỷ, theo bản ghi {leaf} ({entered} +07:00)")
            }
            (Lang::Vi, Self::InputEmpty) => "đầu vào chuẩn trống, mà `-` lấy giá trị từ đó".to_owned(),
            (Lang::Vi, Self::NotPermitted { reason }) => format!("lượt gọi sẽ bị từ chối: {reason}"),
            (Lang::Vi, Self::NotConfirmed) => {
                "chưa thay đổi gì: chưa có xác nhận (--yes để không hỏi)".to_owned()
            }
            (Lang::Vi, Self::NotProven { problem }) => format!("không đúng: {problem}"),
            (Lang::Vi, Self::Incomplete) => "nhật ký chưa có đủ mọi lượt của kỳ này".to_owned(),
            (Lang::Vi, Self::CertificateRefused { address, .. }) => {
                format!("{address} không chấp nhận chứng thư số của ứng dụng, hoặc yêu cầu có chứng thư số")
            }
            (Lang::En | Lang::Vi, other) => other.to_string(),
        }
    }

    fn advice(&self, lang: Lang) -> String {
        let (en, vi, names): (_, _, &[String]) = match self {
            Self::NotListening { .. } => (START_ONE, START_ONE_VI, &[]),
            Self::Connection { .. } => (LOOK_THERE, LOOK_THERE_VI, &[]),
            Self::NotTrusted { .. } => (NAME_A_CA, NAME_A_CA_VI, &[]),
            Self::CertificateRefused { .. } => (NAME_A_CERT, NAME_A_CERT_VI, &[]),
            Self::NoAnswer { .. } => {
                ("Give more time with --deadline.", "Cho thêm thời gian bằng --deadline.", &[])
            }
            Self::KeyMissing { .. } => (NAME_A_KEY, NAME_A_KEY_VI, &[]),
            Self::Issuer { .. } => (SEE_THE_ISSUER, SEE_THE_ISSUER_VI, &[]),
            Self::NotSignedIn { .. } => (SIGN_IN_AGAIN, SIGN_IN_AGAIN_VI, &[]),
            Self::VersionUnknown { known, .. } if !known.is_empty() => ("It has: ", "Hiện có: ", known),
            Self::NotHeld { known, .. } if !known.is_empty() => ("There are: ", "Hiện có: ", known),
            Self::ServiceUnknown { known, .. }
            | Self::MethodUnknown { known, .. }
            | Self::FieldUnknown { known, .. }
                if !known.is_empty() =>
            {
                ("Name one of: ", "Chọn một trong: ", known)
            }
            Self::Json { fields, .. } if fields.is_empty() => ("It has no fields: send {}.", "Gửi {}.", &[]),
            Self::Json { fields, .. } => ("Its fields are: ", "Các trường: ", fields),
            Self::Address { .. }
            | Self::InTheClear { .. }
            | Self::NoAuthority { .. }
            | Self::Ca { .. }
            | Self::Certificate { .. }
            | Self::CertificateUnusable { .. }
            | Self::TokenFile { .. }
            | Self::Key(_)
            | Self::Sign(_)
            | Self::Metadata { .. }
            | Self::Input { .. }
            | Self::InputEmpty
            | Self::NotInLog { .. }
            | Self::InArchive { .. }
            | Self::NoSubjectKey { .. }
            | Self::KeyDestroyed { .. }
            | Self::ServiceUnknown { .. }
            | Self::MethodUnknown { .. }
            | Self::FieldUnknown { .. }
            | Self::Protos { .. }
            | Self::Unfit { .. }
            | Self::VersionUnknown { .. }
            | Self::NotHeld { .. }
            | Self::NotPermitted { .. }
            | Self::NotAsContracted { .. }
            | Self::Contract { .. }
            | Self::Folder { .. }
            | Self::NotEmpty { .. }
            | Self::Rules(_)
            | Self::NotConfirmed
            | Self::NotProven { .. }
            | Self::Incomplete
            | Self::Export { .. }
            | Self::Differs
            | Self::Refused(_)
            | Self::Output(_) => ("", "", &[]),
        };
        format!("{}{}", lang.pick(en, vi), names.join(", "))
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
    fn a_missing_hub_is_told_with_its_address_and_the_command_that_starts_one() {
        let error = Error::NotListening { address: "127.0.0.1:50051".to_owned() };
        assert_eq!(
            error.report(Lang::En).render(str::to_owned),
            "error: no hub listens on 127.0.0.1:50051\n\
             \x20 where       between this command and the gateway\n\
             \x20 retry       yes, once the hub runs\n\
             \x20 what to do  Start one with `lgsp up`, or name another address with --grpc.\n"
        );
        assert_eq!(error.exit(), Some(Exit::Unavailable));
        assert!(error.report(Lang::Vi).render(str::to_owned).starts_with("lỗi: không có nền tảng nào"));
    }

    #[test]
    fn a_reader_that_has_enough_is_no_failure() {
        assert_eq!(Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).exit(), None);
    }
}
