//! How moments, states and outcomes are written for people.

use lgsp_core::{Hop, Outcome};
use lgsp_proto::ledger::v1::Phase;
use lgsp_proto::registry::v1::{
    AgreementStage, ApplicationState, CredentialState, Environment, ServiceState,
};
use prost_reflect::prost_types::Timestamp;
use time::format_description::BorrowedFormatItem;
use time::macros::{format_description, offset};
use time::{OffsetDateTime, UtcOffset};

use super::Lang;
use super::output::Tone;
use super::table::Cell;

/// Viet Nam's time all the year.
pub(crate) const LOCAL: UtcOffset = offset!(+7);

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");

/// A moment in Vietnamese time, with its date; `-` if there is none.
pub(crate) fn moment(at: Option<&Timestamp>) -> String {
    let nanos = |at: &Timestamp| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
    let at = at.and_then(|at| OffsetDateTime::from_unix_timestamp_nanos(nanos(at)).ok());
    at.and_then(|at| at.to_offset(LOCAL).format(MOMENT).ok()).unwrap_or_else(|| "-".to_owned())
}

/// The same to the second.
pub(crate) fn second(at: Option<&Timestamp>) -> String {
    let moment = moment(at);
    moment.get(..19).unwrap_or(&moment).to_owned()
}

/// The time of day alone, to the second.
pub(crate) fn time_of_day(at: Option<&Timestamp>) -> String {
    second(at).get(11..).unwrap_or("-").to_owned()
}

/// A moment to the minute.
pub(crate) fn minute(at: Option<&Timestamp>) -> String {
    let moment = moment(at);
    moment.get(..16).unwrap_or(&moment).to_owned()
}

/// Microseconds as milliseconds.
pub(crate) fn milliseconds(micros: u64) -> String {
    format!("{:.1}", micros as f64 / 1_000.0)
}

/// `PopulationService` of `lgsp.population.v1.PopulationService`.
pub(crate) fn last_word(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// What is told of an entry that no gateway and no ledger has signed.
pub(crate) fn unsigned(lang: Lang) -> &'static str {
    lang.pick("not signed", "không có chữ ký")
}

pub(crate) fn phase(phase: Phase, lang: Lang) -> &'static str {
    match phase {
        Phase::Unspecified => lang.pick("unreadable", "không đọc được"),
        Phase::Opening => lang.pick("the opening", "mở đầu"),
        Phase::Part => lang.pick("part", "phần"),
        Phase::Final => lang.pick("the end", "kết thúc"),
        Phase::Abandoned => lang.pick("abandoned", "bỏ dở"),
        Phase::Attempts => lang.pick("a count of attempts", "số lần thử"),
        Phase::Act => lang.pick("a decision", "quyết định"),
    }
}

pub(crate) fn outcome(outcome: Outcome, lang: Lang) -> Cell {
    let (text, tone) = match outcome {
        Outcome::Unspecified => (lang.pick("unknown", "không rõ"), Tone::Dim),
        Outcome::Served => (lang.pick("served", "đã trả lời"), Tone::Good),
        Outcome::NotFound => (lang.pick("not-found", "không có"), Tone::Notice),
        Outcome::Denied => (lang.pick("denied", "từ chối"), Tone::Warning),
        Outcome::Invalid => (lang.pick("invalid", "không hợp lệ"), Tone::Warning),
        Outcome::Failed => (lang.pick("failed", "lỗi"), Tone::Bad),
        Outcome::TimedOut => (lang.pick("timed-out", "quá hạn"), Tone::Bad),
        Outcome::Cancelled => (lang.pick("cancelled", "đã huỷ"), Tone::Dim),
        Outcome::Abandoned => (lang.pick("abandoned", "bỏ dở"), Tone::Bad),
    };
    Cell::new(text, tone)
}

pub(crate) fn hop(hop: Hop, lang: Lang) -> &'static str {
    match hop {
        Hop::Unspecified => "",
        Hop::Client => lang.pick("client", "ứng dụng"),
        Hop::Gateway => lang.pick("gateway", "cổng"),
        Hop::Broker => lang.pick("broker", "Kafka"),
        Hop::Adapter => lang.pick("adapter", "bộ chuyển đổi"),
        Hop::Source => lang.pick("source", "nguồn"),
    }
}

pub(crate) fn application_state(state: ApplicationState, lang: Lang) -> Cell {
    let (text, tone) = match state {
        ApplicationState::Unspecified => (lang.pick("unknown", "không rõ"), Tone::Dim),
        ApplicationState::Requested => (lang.pick("requested", "đề nghị"), Tone::Notice),
        ApplicationState::Onboarding => (lang.pick("onboarding", "đang kết nối"), Tone::Notice),
        ApplicationState::Connected => (lang.pick("connected", "đã kết nối"), Tone::Good),
        ApplicationState::Suspended => (lang.pick("suspended", "tạm dừng"), Tone::Warning),
        ApplicationState::Retired => (lang.pick("retired", "đã dừng"), Tone::Dim),
        ApplicationState::Refused => (lang.pick("refused", "bị từ chối"), Tone::Dim),
    };
    Cell::new(text, tone)
}

pub(crate) fn credential_state(state: CredentialState, lang: Lang) -> Cell {
    let (text, tone) = match state {
        CredentialState::Unspecified => (lang.pick("unknown", "không rõ"), Tone::Dim),
        CredentialState::Valid => (lang.pick("valid", "còn hiệu lực"), Tone::Good),
        CredentialState::NotYetValid => (lang.pick("not-yet-valid", "chưa hiệu lực"), Tone::Notice),
        CredentialState::Rotated => (lang.pick("rotated", "đã thay"), Tone::Notice),
        CredentialState::Expired => (lang.pick("expired", "hết hạn"), Tone::Dim),
        CredentialState::Revoked => (lang.pick("revoked", "đã thu hồi"), Tone::Dim),
    };
    Cell::new(text, tone)
}

pub(crate) fn agreement_stage(stage: AgreementStage, lang: Lang) -> Cell {
    let (text, tone) = match stage {
        AgreementStage::Unspecified => (lang.pick("unknown", "không rõ"), Tone::Dim),
        AgreementStage::Proposed => (lang.pick("proposed", "đề nghị"), Tone::Notice),
        AgreementStage::Approved => (lang.pick("approved", "đã chấp thuận"), Tone::Notice),
        AgreementStage::Refused => (lang.pick("refused", "bị từ chối"), Tone::Dim),
        AgreementStage::Active => (lang.pick("active", "hiệu lực"), Tone::Good),
        AgreementStage::Suspended => (lang.pick("suspended", "tạm dừng"), Tone::Warning),
        AgreementStage::Revoked => (lang.pick("revoked", "đã thu hồi"), Tone::Dim),
        AgreementStage::Superseded => (lang.pick("superseded", "đã thay thế"), Tone::Dim),
    };
    Cell::new(text, tone)
}

pub(crate) fn environment(environment: Environment, lang: Lang) -> &'static str {
    match environment {
        Environment::Unspecified => "",
        Environment::Production => lang.pick("production", "chính thức"),
        Environment::Sandbox => lang.pick("sandbox", "thử nghiệm"),
    }
}

pub(crate) fn service_state(state: ServiceState, lang: Lang) -> Cell {
    let (text, tone) = match state {
        ServiceState::Unspecified => (lang.pick("unknown", "không rõ"), Tone::Dim),
        ServiceState::Draft => (lang.pick("draft", "dự thảo"), Tone::Dim),
        ServiceState::Sandbox => (lang.pick("sandbox", "thử nghiệm"), Tone::Notice),
        ServiceState::InUse => (lang.pick("in-use", "đang dùng"), Tone::Good),
        ServiceState::Deprecated => (lang.pick("deprecated", "sắp dừng"), Tone::Warning),
        ServiceState::Retired => (lang.pick("retired", "đã dừng"), Tone::Dim),
        ServiceState::Superseded => (lang.pick("superseded", "đã thay thế"), Tone::Dim),
        ServiceState::Refused => (lang.pick("refused", "bị từ chối"), Tone::Warning),
        ServiceState::Withdrawn => (lang.pick("withdrawn", "đã rút"), Tone::Dim),
    };
    Cell::new(text, tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_vietnamese_time_with_their_date() {
        let eve = Timestamp { seconds: 1_780_246_799, nanos: 999_000_000 };
        assert_eq!(moment(Some(&eve)), "2026-05-31 23:59:59.999");
        let midnight = Timestamp { seconds: 1_780_246_800, nanos: 0 };
        assert_eq!(moment(Some(&midnight)), "2026-06-01 00:00:00.000");
        assert_eq!(moment(None), "-");
    }
}
