use std::time::Duration;

use lgsp_proto::ledger::v1::{Hop, Outcome};

/// A gRPC status code. The numbers are gRPC's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// The name that gRPC gives the number of a status code. A number without one is `UNKNOWN`, as gRPC itself has it.
pub fn code_name(code: i32) -> &'static str {
    match code {
        0 => "OK",
        1 => "CANCELLED",
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        10 => "ABORTED",
        11 => "OUT_OF_RANGE",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        15 => "DATA_LOSS",
        16 => "UNAUTHENTICATED",
        _ => "UNKNOWN",
    }
}

/// What the hub says of a reason, wherever it is met. One row per reason; `docs/errors.md` explains each.
struct Row {
    name: &'static str,
    code: Code,
    outcome: Outcome,
    hop: Hop,
    retry: Option<Duration>,
    message: &'static str,
    message_vi: &'static str,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $code:ident $outcome:ident $hop:ident $retry:expr, $en:literal, $vi:literal;)*) => {
        /// Why an exchange was not served. A closed set: every refusal and failure of the hub is one of these.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[doc = $doc])* $variant,)* }

        impl Reason {
            /// Every reason, in the order of `docs/errors.md`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn row(self) -> &'static Row {
                match self { $(Self::$variant => const { &Row {
                    name: $name, code: Code::$code, outcome: Outcome::$outcome, hop: Hop::$hop,
                    retry: $retry, message: $en, message_vi: $vi,
                } },)* }
            }
        }
    };
}

const NEVER: Option<Duration> = None;
const SOON: Option<Duration> = Some(Duration::from_millis(200));
const SECOND: Option<Duration> = Some(Duration::from_secs(1));
const FIVE_SECONDS: Option<Duration> = Some(Duration::from_secs(5));

reasons! {
    /// The request's bytes are not a message of the method.
    Malformed "MALFORMED" InvalidArgument Invalid Client NEVER,
        "the request is not a valid message of this method",
        "Yêu cầu không phải là thông điệp hợp lệ của phương thức này";
    /// A field breaks a rule of the contract; every violated field is named.
    InvalidField "INVALID_FIELD" InvalidArgument Invalid Client NEVER,
        "a field of the request breaks a rule of the contract",
        "Có trường trong yêu cầu không đúng quy định của hợp đồng dữ liệu";
    /// A metadata value is not acceptable, or its name belongs to the hub.
    InvalidMetadata "INVALID_METADATA" InvalidArgument Invalid Client NEVER,
        "a metadata value is not acceptable",
        "Có giá trị siêu dữ liệu không hợp lệ";
    /// No purpose was named.
    PurposeMissing "PURPOSE_MISSING" InvalidArgument Invalid Client NEVER,
        "no purpose was named: send lgsp-purpose",
        "Chưa nêu mục đích: hãy gửi lgsp-purpose";
    /// The purpose is not one of the hub's.
    PurposeUnknown "PURPOSE_UNKNOWN" InvalidArgument Invalid Client NEVER,
        "the purpose is not one that the hub knows",
        "Mục đích không có trong danh mục của nền tảng";
    /// The request is larger than the hub carries.
    RequestTooLarge "REQUEST_TOO_LARGE" ResourceExhausted Invalid Client NEVER,
        "the request is larger than the hub carries",
        "Yêu cầu lớn hơn giới hạn của nền tảng";
    /// The path names no method of an open service.
    MethodUnknown "METHOD_UNKNOWN" Unimplemented Invalid Client NEVER,
        "the hub has no such method",
        "Nền tảng không có phương thức này";
    /// The method takes a stream of requests.
    ClientStream "CLIENT_STREAM" Unimplemented Invalid Client NEVER,
        "the hub carries no client streams",
        "Nền tảng không hỗ trợ luồng yêu cầu từ phía ứng dụng";
    /// The call is not an HTTP POST of a gRPC content type.
    NotGrpc "NOT_GRPC" InvalidArgument Invalid Client NEVER,
        "the hub answers POST with content-type application/grpc",
        "Nền tảng chỉ trả lời POST với content-type application/grpc";
    /// No token was sent, and no certificate speaks for the caller.
    TokenMissing "TOKEN_MISSING" Unauthenticated Denied Client NEVER,
        "no token was sent: send authorization: Bearer <token>",
        "Thiếu mã xác thực: hãy gửi authorization: Bearer <token>";
    /// The token is not one that the hub accepts.
    TokenInvalid "TOKEN_INVALID" Unauthenticated Denied Client NEVER,
        "the token is not valid",
        "Mã xác thực không hợp lệ";
    /// The token has expired.
    TokenExpired "TOKEN_EXPIRED" Unauthenticated Denied Client NEVER,
        "the token has expired",
        "Mã xác thực đã hết hạn";
    /// The token is not valid yet.
    TokenNotYetValid "TOKEN_NOT_YET_VALID" Unauthenticated Denied Client NEVER,
        "the token is not valid yet",
        "Mã xác thực chưa có hiệu lực";
    /// The token lives longer than the hub accepts: five minutes, or what is set for an issuer's.
    TokenTooLong "TOKEN_TOO_LONG" Unauthenticated Denied Client NEVER,
        "the token lives longer than the hub accepts",
        "Mã xác thực có thời hạn dài hơn mức nền tảng chấp nhận";
    /// The token was made for somebody else.
    TokenAudience "TOKEN_AUDIENCE" Unauthenticated Denied Client NEVER,
        "the token was not made for this hub",
        "Mã xác thực không dành cho nền tảng này";
    /// The issuer vouches for somebody whom the rules do not name.
    PersonUnknown "PERSON_UNKNOWN" Unauthenticated Denied Client NEVER,
        "the hub knows no such person",
        "Nền tảng không biết người dùng này";
    /// The token names a key that was not among the issuer's when they were read last.
    IssuerKeyUnknown "ISSUER_KEY_UNKNOWN" Unavailable Failed Gateway FIVE_SECONDS,
        "the issuer's key of the token is not known yet, and is being asked for",
        "Chưa có khoá của hệ thống đăng nhập đã ký mã xác thực; nền tảng đang hỏi lại";
    /// The issuer's keys were never read, or so long ago that they do not hold any more.
    IssuerUnavailable "ISSUER_UNAVAILABLE" Unavailable Failed Gateway FIVE_SECONDS,
        "the issuer's keys could not be read, so nobody can be signed in",
        "Không đọc được khoá của hệ thống đăng nhập nên chưa thể xác thực người dùng";
    /// The client certificate is not one that the hub accepts, or not any more.
    CertificateInvalid "CERTIFICATE_INVALID" Unauthenticated Denied Client NEVER,
        "the client certificate is not valid",
        "Chứng thư số của ứng dụng không hợp lệ";
    /// The token is bound to another certificate, or is another application's than the certificate.
    CertificateMismatch "CERTIFICATE_MISMATCH" Unauthenticated Denied Client NEVER,
        "the token does not belong to the connection's client certificate",
        "Mã xác thực không thuộc về chứng thư số của kết nối";
    /// The application is not connected.
    ApplicationNotConnected "APPLICATION_NOT_CONNECTED" PermissionDenied Denied Gateway NEVER,
        "the application is not connected",
        "Ứng dụng chưa được kết nối";
    /// The data service is not in use.
    ServiceNotInUse "SERVICE_NOT_IN_USE" PermissionDenied Denied Gateway NEVER,
        "the data service is not in use",
        "Dịch vụ dữ liệu chưa được đưa vào sử dụng";
    /// No agreement opens the method to the application.
    AgreementMissing "AGREEMENT_MISSING" PermissionDenied Denied Gateway NEVER,
        "no agreement opens this method to the application",
        "Chưa có thoả thuận chia sẻ cho phép ứng dụng dùng phương thức này";
    /// An agreement opens the method, but not for this purpose.
    PurposeNotAgreed "PURPOSE_NOT_AGREED" PermissionDenied Denied Gateway NEVER,
        "no agreement opens this method for this purpose",
        "Chưa có thoả thuận chia sẻ cho phép dùng phương thức này với mục đích đã nêu";
    /// The agreement has ended.
    AgreementExpired "AGREEMENT_EXPIRED" PermissionDenied Denied Gateway NEVER,
        "the agreement has expired",
        "Thoả thuận chia sẻ đã hết hiệu lực";
    /// The agreement has not begun.
    AgreementNotYetValid "AGREEMENT_NOT_YET_VALID" PermissionDenied Denied Gateway NEVER,
        "the agreement is not in force yet",
        "Thoả thuận chia sẻ chưa có hiệu lực";
    /// The agreement is suspended or revoked.
    AgreementSuspended "AGREEMENT_SUSPENDED" PermissionDenied Denied Gateway NEVER,
        "the agreement is suspended or revoked",
        "Thoả thuận chia sẻ đang tạm dừng hoặc đã bị thu hồi";
    /// No role of the caller opens the platform method.
    RoleMissing "ROLE_MISSING" PermissionDenied Denied Gateway NEVER,
        "no role of the caller opens this method",
        "Không có vai trò nào cho phép gọi phương thức này";
    /// The agreement's quota is used up.
    QuotaExceeded "QUOTA_EXCEEDED" ResourceExhausted Denied Gateway SECOND,
        "the agreement's quota is used up",
        "Đã dùng hết hạn mức của thoả thuận";
    /// The application has more exchanges in flight than allowed.
    TooManyInFlight "TOO_MANY_IN_FLIGHT" ResourceExhausted Denied Gateway SOON,
        "the application has too many exchanges in flight",
        "Ứng dụng có quá nhiều lượt trao đổi đang thực hiện";
    /// Bulk exchanges have no more room now.
    BulkLimited "BULK_LIMITED" ResourceExhausted Denied Gateway SECOND,
        "exchanges under agreements for bulk have no more room now",
        "Các lượt trao đổi theo thoả thuận khối lượng lớn đã chiếm hết phần dành cho chúng";
    /// The gateway has more work than it can do.
    Overloaded "OVERLOADED" Unavailable Failed Gateway SECOND,
        "the gateway is overloaded",
        "Cổng đang quá tải";
    /// The gateway stops.
    Leaving "LEAVING" Unavailable Failed Gateway SOON,
        "the gateway is stopping",
        "Cổng đang dừng";
    /// The gateway has no rules yet.
    RulesMissing "RULES_MISSING" Unavailable Failed Gateway SECOND,
        "the gateway has no rules yet",
        "Cổng chưa có bộ quy tắc";
    /// The caller's deadline was past when the call arrived.
    DeadlinePast "DEADLINE_PAST" DeadlineExceeded TimedOut Client NEVER,
        "the deadline was past before the exchange began",
        "Đã quá thời hạn trước khi bắt đầu trao đổi";
    /// The deadline passed before the exchange was done.
    DeadlineExceeded "DEADLINE_EXCEEDED" DeadlineExceeded TimedOut Adapter NEVER,
        "the deadline passed before the provider had answered",
        "Đã quá thời hạn mà bên cung cấp chưa trả lời";
    /// The caller left.
    Cancelled "CANCELLED" Cancelled Cancelled Client NEVER,
        "the caller left",
        "Ứng dụng đã huỷ yêu cầu";
    /// Nobody serves the domain.
    NoProvider "NO_PROVIDER" Unavailable Failed Adapter FIVE_SECONDS,
        "nobody serves this domain now",
        "Hiện không có bên cung cấp nào phục vụ lĩnh vực này";
    /// Kafka did not take the request.
    BrokerUnavailable "BROKER_UNAVAILABLE" Unavailable Failed Broker SECOND,
        "the message broker did not take the request",
        "Hệ thống trung chuyển thông điệp không nhận yêu cầu";
    /// Part of the reply was lost.
    ReplyLost "REPLY_LOST" Unavailable Failed Broker SOON,
        "a part of the answer was lost on its way",
        "Một phần câu trả lời bị mất trên đường truyền";
    /// The entry could not be made durable; nothing was released.
    EntryNotDurable "ENTRY_NOT_DURABLE" Unavailable Failed Broker SECOND,
        "the exchange could not be entered in the log, so nothing was released",
        "Không ghi được nhật ký trao đổi nên dữ liệu không được trả về";
    /// The provider found no such record.
    NotFound "NOT_FOUND" NotFound NotFound Source NEVER,
        "the source holds no such record",
        "Nguồn dữ liệu không có bản ghi này";
    /// The provider's work panicked, or its answer is not of the contract.
    AdapterFailed "ADAPTER_FAILED" Internal Failed Adapter NEVER,
        "the provider failed",
        "Bên cung cấp gặp lỗi";
    /// The provider has more work than it can do.
    AdapterOverloaded "ADAPTER_OVERLOADED" Unavailable Failed Adapter SECOND,
        "the provider is overloaded",
        "Bên cung cấp đang quá tải";
    /// The source behind the provider did not answer.
    SourceUnavailable "SOURCE_UNAVAILABLE" Unavailable Failed Source FIVE_SECONDS,
        "the source behind the provider did not answer",
        "Nguồn dữ liệu của bên cung cấp không trả lời";
    /// The answer is larger than the hub carries.
    AnswerTooLarge "ANSWER_TOO_LARGE" ResourceExhausted Failed Adapter NEVER,
        "the answer is larger than the hub carries: ask for less",
        "Câu trả lời lớn hơn giới hạn của nền tảng: hãy thu hẹp yêu cầu";
    /// The stream is longer than the method allows.
    StreamTooLong "STREAM_TOO_LONG" ResourceExhausted Failed Adapter NEVER,
        "the stream is longer than the method allows: ask for less",
        "Luồng trả lời dài hơn giới hạn của phương thức: hãy thu hẹp yêu cầu";
    /// The registry has no store: its rules are the files.
    FilesDecide "FILES_DECIDE" FailedPrecondition Invalid Adapter NEVER,
        "the rules of this hub are its files: nothing is decided at run time",
        "Bộ quy tắc của nền tảng này nằm trong tệp cấu hình: không quyết định trực tuyến";
    /// The registry of the sandbox decides about the sandbox alone, once production has one.
    ProductionDecides "PRODUCTION_DECIDES" FailedPrecondition Invalid Adapter NEVER,
        "the production hub decides this: sign in there",
        "Việc này do nền tảng chính thức quyết định: hãy đăng nhập ở đó";
    /// Only a person decides.
    PersonMissing "PERSON_MISSING" PermissionDenied Denied Adapter NEVER,
        "only a person decides this: sign in as one",
        "Việc này chỉ do người có thẩm quyền quyết định: hãy đăng nhập bằng tài khoản cá nhân";
    /// The person's agency does not decide this.
    NotYourAgency "NOT_YOUR_AGENCY" PermissionDenied Denied Adapter NEVER,
        "the person's agency does not decide this",
        "Cơ quan của người dùng không có thẩm quyền quyết định việc này";
    /// The person has taken an earlier step, or is not independent of who has.
    SamePerson "SAME_PERSON" PermissionDenied Denied Adapter NEVER,
        "somebody else has to take this step",
        "Bước này phải do người khác thực hiện";
    /// The thing is not at a stage that this could follow.
    WrongStage "WRONG_STAGE" FailedPrecondition Invalid Adapter NEVER,
        "it is not at a stage that this could follow",
        "Trạng thái hiện tại không cho phép thực hiện việc này";
    /// Somebody has changed it since it was looked at.
    Stale "STALE" Aborted Invalid Adapter NEVER,
        "somebody has changed it meanwhile: look at it again",
        "Đã có thay đổi sau lần xem gần nhất: hãy xem lại";
    /// A new version of a contract would break callers of the one in use.
    BreakingChange "BREAKING_CHANGE" FailedPrecondition Invalid Adapter NEVER,
        "the contract would break callers of the version that is in use",
        "Hợp đồng mới làm hỏng các ứng dụng đang dùng phiên bản hiện hành";
    /// The contract has not passed its check in the sandbox.
    NotConformant "NOT_CONFORMANT" FailedPrecondition Invalid Adapter NEVER,
        "not every method of this contract was called in the sandbox as it should be",
        "Chưa phải mọi phương thức của hợp đồng này đều đạt kiểm thử trong môi trường thử nghiệm";
    /// The exchange is held, and is not erased.
    Held "HELD" FailedPrecondition Invalid Adapter NEVER,
        "an exchange is under legal hold, and none was erased",
        "Có lượt trao đổi đang được giữ theo quy định pháp luật nên chưa xoá lượt nào";
    /// The ledger seals nothing, so that there is nothing to prove with.
    NotSealed "NOT_SEALED" FailedPrecondition Failed Adapter NEVER,
        "this ledger has no checkpoint to prove it with",
        "Sổ cái này chưa có điểm chốt nên không chứng minh được";
    /// A defect of the hub itself.
    Internal "INTERNAL" Internal Failed Gateway NEVER,
        "the hub failed; tell its operator the exchange id",
        "Nền tảng gặp lỗi; hãy báo cho đơn vị vận hành mã lượt trao đổi";
}

impl Reason {
    /// The stable name that callers match on (`ErrorInfo.reason`).
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The reason of a stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.name() == name)
    }

    /// The gRPC code that a caller gets.
    pub fn code(self) -> Code {
        self.row().code
    }

    /// What the entry says of the exchange.
    pub fn outcome(self) -> Outcome {
        self.row().outcome
    }

    /// Where the exchange failed, unless the fault knows better.
    pub fn hop(self) -> Hop {
        self.row().hop
    }

    /// How long a caller should wait before it tries again; `None`: the same call would fail again.
    pub fn retry(self) -> Option<Duration> {
        self.row().retry
    }

    /// The message for the caller, in English.
    pub fn message(self) -> &'static str {
        self.row().message
    }

    /// The message for the caller, in Vietnamese.
    pub fn message_vi(self) -> &'static str {
        self.row().message_vi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_own_name() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.name()), Some(*reason));
        }
    }

    #[test]
    fn only_codes_that_a_repeat_can_mend_carry_a_retry_hint() {
        for reason in Reason::ALL {
            let mendable = matches!(reason.code(), Code::Unavailable | Code::ResourceExhausted);
            assert!(mendable || reason.retry().is_none(), "{} hints at a retry", reason.name());
        }
    }
}
