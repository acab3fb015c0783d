//! How states, causes and evidence of links are written for people.

use lgsp_monitor::link::Cause;
use lgsp_proto::monitor::v1::{Link, LinkEvidence, LinkState};

use crate::client::output::Tone;
use crate::client::table::Cell;
use crate::client::{Lang, words};

pub(super) fn state(state: LinkState, lang: Lang) -> Cell {
    let (text, tone) = match state {
        LinkState::Unspecified => (lang.pick("unknown", "không rõ"), Tone::Dim),
        LinkState::Working => (lang.pick("working", "hoạt động"), Tone::Good),
        LinkState::Degraded => (lang.pick("degraded", "suy giảm"), Tone::Warning),
        LinkState::Down => (lang.pick("down", "mất kết nối"), Tone::Bad),
        LinkState::Silent => (lang.pick("silent", "không có lưu lượng"), Tone::Dim),
        LinkState::Maintenance => (lang.pick("maintenance", "đang bảo trì"), Tone::Notice),
    };
    Cell::new(text, tone)
}

/// A cause: in English by its name, which the documents explain.
pub(crate) fn cause(name: &str, lang: Lang) -> String {
    match Cause::from_name(name) {
        Some(cause) if lang == Lang::Vi => vietnamese(cause).to_owned(),
        Some(_) | None => name.to_owned(),
    }
}

fn vietnamese(cause: Cause) -> &'static str {
    match cause {
        Cause::BrokerNotHeard => "Kafka không trả lời",
        Cause::GatewayNotHeard => "không có cổng nào hoạt động",
        Cause::InstanceNotHeard => "mất tín hiệu của bên cung cấp",
        Cause::InstancesLeft => "bên cung cấp đã dừng",
        Cause::NoPartition => "bên cung cấp chưa nhận phân vùng",
        Cause::ClockSkew => "đồng hồ máy chủ bị lệch",
        Cause::ExchangesFail => "phần lớn lượt trao đổi bị lỗi",
        Cause::CallsRefused => "phần lớn lượt gọi bị từ chối",
        Cause::NoTraffic => "không có lượt trao đổi",
        Cause::SourceTimedOut => "nguồn dữ liệu trả lời quá chậm",
        Cause::SourceUnavailable => "không kết nối được nguồn dữ liệu",
        Cause::SourceUnexpected => "nguồn dữ liệu trả lời sai",
        Cause::SourceContradictory => "nguồn dữ liệu mâu thuẫn",
        Cause::StoreFailed => "kho dữ liệu của nền tảng bị lỗi",
        Cause::DiskFull => "đầy ổ đĩa",
        Cause::WitnessSilent => "bên làm chứng chưa ký",
        Cause::WitnessSawAnotherLog => "bên làm chứng thấy nhật ký khác",
    }
}

/// The signals behind the state of a link, and what else must be known to read it.
pub(super) fn signs(link: &Link, lang: Lang) -> String {
    let mut told = Vec::new();
    if let Some(until) = link.maintenance_until.as_ref() {
        told.push(format!(
            "{} {}",
            lang.pick("maintenance until", "bảo trì đến"),
            words::second(Some(until))
        ));
        if link.measured() == LinkState::Down {
            told.push(lang.pick("down meanwhile", "đang mất kết nối").to_owned());
        }
    }
    if let Some(since) = link.unknown_since.as_ref() {
        told.push(format!(
            "{} {}",
            lang.pick("nothing is known since", "không có tín hiệu từ"),
            words::second(Some(since))
        ));
    }
    told.extend(link.evidence.as_ref().map(|it| evidence(it, lang)).filter(|it| !it.is_empty()));
    told.join("; ")
}

pub(crate) fn evidence(evidence: &LinkEvidence, lang: Lang) -> String {
    let LinkEvidence { last_sign, failed, of, reason, hop, instances, clock_ms } = evidence;
    let mut told = Vec::new();
    if *failed > 0 {
        let last = [reason.as_str(), hop.as_str()].join(lang.pick(" at ", " tại "));
        told.push(match lang {
            Lang::En => format!("{failed} of {of} exchanges failed, last {last}"),
            Lang::Vi => format!("{failed}/{of} lượt trao đổi bị lỗi, gần nhất {last}"),
        });
    } else if *of > 0 {
        told.push(format!("{of} {}", lang.pick("exchanges in 5 minutes", "lượt trao đổi trong 5 phút")));
    }
    if last_sign.is_some() && *of == 0 {
        let at = words::second(last_sign.as_ref());
        told.push(format!("{} {at}", lang.pick("last sign", "tín hiệu cuối")));
    }
    if *clock_ms != 0 {
        told.push(clock(*clock_ms, lang));
    }
    if !instances.is_empty() {
        told.push(instances.join(", "));
    }
    told.join("; ")
}

/// How far the clock of an instance is off.
fn clock(ahead_ms: i64, lang: Lang) -> String {
    let seconds = ahead_ms.unsigned_abs().div_ceil(1_000);
    match (lang, ahead_ms > 0) {
        (Lang::En, true) => format!("its clock is {seconds} s ahead of the monitor's"),
        (Lang::En, false) => format!("its clock is {seconds} s behind the monitor's"),
        (Lang::Vi, true) => format!("đồng hồ nhanh {seconds} giây so với hệ thống giám sát"),
        (Lang::Vi, false) => format!("đồng hồ chậm {seconds} giây so với hệ thống giám sát"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_explained_to_operators_and_said_in_vietnamese() {
        const OPERATIONS: &str = include_str!("../../../../../docs/operations.md");
        for known in Cause::ALL {
            assert!(OPERATIONS.contains(&format!("`{}`", known.name())), "{known:?}");
            assert_ne!(cause(known.name(), Lang::Vi), known.name());
            assert_eq!(cause(known.name(), Lang::En), known.name());
        }
        assert_eq!(cause("of-a-newer-hub", Lang::Vi), "of-a-newer-hub");
    }

    #[test]
    fn evidence_is_what_happened_and_to_whom() {
        let failing = LinkEvidence {
            failed: 12,
            of: 20,
            reason: "SOURCE_UNAVAILABLE".to_owned(),
            hop: "source".to_owned(),
            instances: vec!["adapter-land-1".to_owned()],
            ..LinkEvidence::default()
        };
        assert_eq!(
            evidence(&failing, Lang::En),
            "12 of 20 exchanges failed, last SOURCE_UNAVAILABLE at source; adapter-land-1"
        );
        assert_eq!(evidence(&LinkEvidence::default(), Lang::Vi), "");
    }
}
