//! What a hub says of a call that it did not serve.

use std::time::{Duration, SystemTime};

use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{Reason, code_name};
use lgsp_proto::google::rpc;
use prost::Message;
use tonic::{Code, Status};

use super::report::{Label, Report};
use super::{Exit, Lang, advice, words};

/// From here on a wait is told by when it is over: that of a day's quota ends at midnight.
const LONG_WAIT: Duration = Duration::from_secs(600);
const HALF_A_MINUTE_US: i64 = 30_000_000;

/// Metadata that carries the exchange id.
pub(crate) const EXCHANGE_ID: &str = "lgsp-exchange-id";

/// A status of the hub, with its details.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    code: Code,
    message: String,
    message_vi: Option<String>,
    /// The reason's name; also one that this program does not know.
    reason: Option<String>,
    hop: Option<String>,
    retry: Option<Duration>,
    violations: Vec<(String, String)>,
    exchange: Option<String>,
    /// The provider is the hub itself.
    is_of_the_hub: bool,
}

impl Failure {
    /// Reads a status. `exchange` is the id that came with the answer's first metadata, if it began.
    pub fn new(status: &Status, exchange: Option<&str>) -> Self {
        let details = Details::of(status);
        let request: Option<rpc::RequestInfo> = details.find();
        let metadata = status.metadata().get(EXCHANGE_ID).and_then(|id| id.to_str().ok());
        let exchange = metadata.or(exchange).map(str::to_owned).or(request.map(|info| info.request_id));
        let error: Option<rpc::ErrorInfo> = details.find();
        let localized: Option<rpc::LocalizedMessage> = details.find();
        let bad: rpc::BadRequest = details.find().unwrap_or_default();
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            message_vi: localized.filter(|text| text.locale.starts_with("vi")).map(|text| text.message),
            hop: error.as_ref().and_then(|info| info.metadata.get("hop").cloned()),
            reason: error.map(|info| info.reason),
            retry: details.find::<rpc::RetryInfo>().and_then(|info| wait(info.retry_delay?)),
            violations: bad.field_violations.into_iter().map(|v| (v.field, v.description)).collect(),
            exchange,
            is_of_the_hub: false,
        }
    }

    /// The same of a call to one of the hub's own services, behind which there is no agency's adapter or source.
    #[must_use]
    pub(crate) fn of_the_hub(self) -> Self {
        Self { is_of_the_hub: true, ..self }
    }

    /// The reason's name, if the hub gave one.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The gRPC code.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// The fields that break rules, and the rules.
    pub(crate) fn violations(&self) -> &[(String, String)] {
        &self.violations
    }

    /// The exchange.
    pub(crate) fn exchange(&self) -> Option<&str> {
        self.exchange.as_deref()
    }

    /// Why, if the hub named a reason that this program knows.
    pub(crate) fn known_reason(&self) -> Option<Reason> {
        self.reason.as_deref().and_then(Reason::from_name)
    }

    /// How long to wait before a repeat that may help.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Whether the same call may be served later.
    pub fn is_temporary(&self) -> bool {
        self.retry.is_some() || self.code == Code::Unavailable
    }

    /// The exit code that tells it to a script.
    pub fn exit(&self) -> Exit {
        if self.is_temporary() {
            return Exit::Unavailable;
        }
        match self.code {
            Code::Unauthenticated | Code::PermissionDenied => Exit::Refused,
            Code::NotFound => Exit::NotFound,
            Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::ResourceExhausted => Exit::Invalid,
            Code::Unavailable => Exit::Unavailable,
            Code::DeadlineExceeded => Exit::Deadline,
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::AlreadyExists
            | Code::Aborted
            | Code::Internal
            | Code::DataLoss => Exit::Other,
        }
    }

    pub(crate) fn report(&self, lang: Lang) -> Report {
        let code = code_name(self.code as i32);
        let named = self.reason.as_deref().filter(|name| *name != code);
        let reason = named.map_or_else(|| code.to_owned(), |name| format!("{name} ({code})"));
        let report = Report::new(lang, self.headline(lang)).line(Label::Reason, reason);
        let hop = match self.hop.as_deref().unwrap_or_default() {
            "adapter" | "source" if self.is_of_the_hub => {
                lang.pick("the hub's own service", "dịch vụ của chính nền tảng").to_owned()
            }
            name => hop(name, lang),
        };
        let report = report.line(Label::Hop, hop);
        let mut report = report.line(Label::Retry, self.retry_text(lang));
        let width = self.violations.iter().map(|(field, _)| field.chars().count()).max().unwrap_or(0);
        for (field, rule) in &self.violations {
            report = report.line(Label::Fields, format!("{field:<width$}  {rule}"));
        }
        let exchange = self.exchange.clone().unwrap_or_default();
        report.line(Label::Exchange, exchange).line(Label::Advice, self.advice(lang))
    }

    fn headline(&self, lang: Lang) -> String {
        let told = match lang {
            Lang::En => None,
            Lang::Vi => self.message_vi.clone(),
        };
        let told = told.unwrap_or_else(|| self.message.clone());
        if told.is_empty() {
            lang.pick("the call failed", "lượt gọi thất bại").to_owned()
        } else {
            told
        }
    }

    fn retry_text(&self, lang: Lang) -> String {
        match self.retry {
            Some(wait) if wait >= LONG_WAIT => {
                format!("{} {} (+07:00)", lang.pick("yes, at", "được, lúc"), time_after(wait))
            }
            Some(wait) if !wait.is_zero() => {
                format!("{} {}", lang.pick("yes, after", "được, sau"), text_of(wait))
            }
            Some(_) => lang.pick("yes, at once", "được, ngay").to_owned(),
            None if self.is_temporary() => lang.pick("yes, in a moment", "được, sau giây lát").to_owned(),
            None if self.code == Code::DeadlineExceeded => {
                lang.pick("yes, with more time", "được, với thời hạn dài hơn").to_owned()
            }
            None => lang.pick("no: the same call would fail again", "không: lặp lại vẫn thất bại").to_owned(),
        }
    }

    fn advice(&self, lang: Lang) -> &'static str {
        self.known_reason().map_or("", |reason| advice::of(reason, lang))
    }
}

/// The details of a status. What does not decode is as good as absent.
struct Details(rpc::Status);

impl Details {
    fn of(status: &Status) -> Self {
        Self(rpc::Status::decode(status.details()).unwrap_or_default())
    }

    fn find<M: Message + Default + Detail>(&self) -> Option<M> {
        let is_wanted = |url: &str| url.rsplit('/').next() == Some(M::NAME);
        let any = self.0.details.iter().find(|any| is_wanted(&any.type_url))?;
        M::decode(any.value.as_slice()).ok()
    }
}

/// A type of detail, by its full name.
trait Detail {
    const NAME: &'static str;
}

macro_rules! details {
    ($($name:ident)*) => {$(
        impl Detail for rpc::$name {
            const NAME: &'static str = concat!("google.rpc.", stringify!($name));
        }
    )*};
}

details! { ErrorInfo RequestInfo RetryInfo BadRequest LocalizedMessage }

fn wait(delay: prost_reflect::prost_types::Duration) -> Option<Duration> {
    Duration::try_from(delay).ok()
}

/// When a wait is over, to the nearest minute.
fn time_after(wait: Duration) -> String {
    let nearest = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX).saturating_add(HALF_A_MINUTE_US);
    words::minute(Some(&timestamp(unix_micros(SystemTime::now()).saturating_add(nearest))))
}

fn text_of(wait: Duration) -> String {
    if wait < Duration::from_secs(1) {
        return format!("{} ms", wait.as_millis());
    }
    format!("{} s", wait.as_millis() as f64 / 1_000.0)
}

fn hop(name: &str, lang: Lang) -> String {
    match lang {
        Lang::En => name.to_owned(),
        Lang::Vi => match name {
            "client" => "ứng dụng gọi",
            "gateway" => "cổng",
            "broker" => "hệ thống trung chuyển (Kafka)",
            "adapter" => "bộ chuyển đổi",
            "source" => "nguồn dữ liệu",
            other => other,
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::{ExchangeId, Fault, Violation};

    use super::*;

    const ID: &str = "019e8cf0-7c00-7000-8000-00000000002a";

    fn status_of(fault: &Fault) -> Status {
        let exchange = ExchangeId::parse(ID).expect("a UUID");
        let told = fault.to_rpc(Some(exchange));
        Status::with_details(Code::from(told.code), told.message.clone(), told.encode_to_vec().into())
    }

    fn check(fault: Fault, lang: Lang, exit: Exit, expected: &str) {
        let failure = Failure::new(&status_of(&fault), None);
        assert_eq!(failure.report(lang).render(str::to_owned), expected);
        assert_eq!(failure.exit(), exit);
    }

    #[test]
    fn a_refusal_tells_where_and_what_to_do() {
        check(
            Fault::new(Reason::PurposeNotAgreed),
            Lang::En,
            Exit::Refused,
            "error: no agreement opens this method for this purpose\n\
             \x20 reason      PURPOSE_NOT_AGREED (PERMISSION_DENIED)\n\
             \x20 where       gateway\n\
             \x20 retry       no: the same call would fail again\n\
             \x20 exchange    019e8cf0-7c00-7000-8000-00000000002a\n\
             \x20 what to do  Use the agreed purpose, or have the agreement amended.\n",
        );
    }

    #[test]
    fn a_long_wait_is_told_by_the_time_at_which_it_is_over() {
        let told = |wait: u64| {
            let fault = Fault::new(Reason::QuotaExceeded).retry_after(Duration::from_secs(wait));
            Failure::new(&status_of(&fault), None).report(Lang::En).render(str::to_owned)
        };
        assert!(told(5).contains("retry       yes, after 5 s\n"), "{}", told(5));
        let day = 86_400;
        let (from, until) = (time_after(Duration::from_secs(day)), told(day));
        let to = time_after(Duration::from_secs(day));
        let at = |time: &str| until.contains(&format!("retry       yes, at {time} (+07:00)\n"));
        assert!(at(&from) || at(&to), "{until}");
    }

    #[test]
    fn a_refusal_of_the_hubs_own_service_names_no_adapter() {
        let failure = Failure::new(&status_of(&Fault::new(Reason::Stale)), None);
        let told = |failure: &Failure| failure.report(Lang::En).render(str::to_owned);
        assert!(told(&failure).contains("where       adapter\n"), "{}", told(&failure));
        let own = failure.of_the_hub();
        assert!(told(&own).contains("where       the hub's own service\n"), "{}", told(&own));
    }

    #[test]
    fn every_violated_field_is_named() {
        let violation =
            |field: &str, rule: &str| Violation { field: field.to_owned(), rule: rule.to_owned() };
        check(
            Fault::invalid(vec![violation("personal_number", "12 digits"), violation("page", "0 to 500")]),
            Lang::En,
            Exit::Invalid,
            "error: a field of the request breaks a rule of the contract\n\
             \x20 reason      INVALID_FIELD (INVALID_ARGUMENT)\n\
             \x20 where       client\n\
             \x20 retry       no: the same call would fail again\n\
             \x20 fields      personal_number  12 digits\n\
             \x20             page             0 to 500\n\
             \x20 exchange    019e8cf0-7c00-7000-8000-00000000002a\n\
             \x20 what to do  Mend the named fields.\n",
        );
    }

    #[test]
    fn a_vietnamese_caller_reads_vietnamese() {
        check(
            Fault::new(Reason::NoProvider),
            Lang::Vi,
            Exit::Unavailable,
            "lỗi: Hiện không có bên cung cấp nào phục vụ lĩnh vực này\n\
             \x20 lý do       NO_PROVIDER (UNAVAILABLE)\n\
             \x20 nơi lỗi     bộ chuyển đổi\n\
             \x20 thử lại     được, sau 5 s\n\
             \x20 mã lượt     019e8cf0-7c00-7000-8000-00000000002a\n\
             \x20 cần làm     Thử lại sau thời gian đã nêu; đơn vị vận hành khởi động bộ chuyển đổi của lĩnh vực.\n",
        );
    }

    #[test]
    fn every_reason_has_the_exit_code_of_its_class() {
        for reason in Reason::ALL {
            let exit = Failure::new(&status_of(&Fault::new(*reason)), None).exit();
            let name = reason.name();
            assert_eq!(exit == Exit::Unavailable, reason.retry().is_some(), "{name}");
            assert_eq!(exit == Exit::NotFound, *reason == Reason::NotFound, "{name}");
            assert_eq!(exit == Exit::Deadline, name.starts_with("DEADLINE"), "{name}");
        }
    }

    #[test]
    fn a_status_without_details_still_reads_well() {
        let failure = Failure::new(&Status::not_found("no such thing"), Some(ID));
        let text = failure.report(Lang::En).render(str::to_owned);
        assert!(text.starts_with("error: no such thing\n  reason      NOT_FOUND\n"), "{text}");
        assert!(text.contains(ID), "{text}");
    }
}
