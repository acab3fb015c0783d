//! Tables of links: how long each was up and down, and when the credentials end by which applications are known.

use lgsp_core::indicators::{Period, Ratio};
use lgsp_core::time::{day, micros};
use lgsp_proto::monitor::v1::LinkAvailability;
use lgsp_proto::registry::v1::CredentialRecord;
use lgsp_proto::registry::v1::credential_record::Held;

use super::{Cell, Table, text, texts};
use crate::client::Lang;
use crate::client::indicators::gather::Gathered;

const DAY_US: i64 = 24 * 3_600 * 1_000_000;

pub(super) fn availability(gathered: &Gathered, period: &Period, lang: Lang) -> Table {
    let links = gathered.links.as_ref();
    let kept_us = links.map_or(i64::MAX, |links| links.kept_since_us);
    let is_kept = kept_us < period.until_us();
    let rows = links.filter(|_| is_kept).map(|links| links.links.iter().map(|it| link(it, lang)).collect());
    let header = match lang {
        Lang::En => [
            "kind",
            "link",
            "availability",
            "without announced downtime",
            "up",
            "down as announced",
            "down unannounced",
            "no traffic",
            "not known",
        ],
        Lang::Vi => [
            "loại",
            "kết nối",
            "mức sẵn sàng",
            "không tính dừng có báo trước",
            "hoạt động",
            "dừng có báo trước",
            "dừng không báo trước",
            "không có lưu lượng",
            "không rõ",
        ],
    };
    Table {
        title: lang.pick("Availability of links", "Mức sẵn sàng của kết nối").to_owned(),
        header: texts(header),
        rows: rows.unwrap_or_default(),
        note: note(links.map(|links| links.kept_since_us), period, lang),
        ..Table::default()
    }
}

fn link(it: &LinkAvailability, lang: Lang) -> Vec<Cell> {
    let down = it.announced_down_ms + it.unannounced_down_ms;
    let share = |of| Ratio { part: it.up_ms, of }.percent_down().map_or(Cell::Nothing, Cell::Percent);
    let (kind, name) = it.link.split_once('/').unwrap_or(("", &it.link));
    let mut cells = vec![text(kind_name(kind, lang)), text(name)];
    cells.extend([share(it.up_ms + down), share(it.up_ms + it.unannounced_down_ms)]);
    let times = [it.up_ms, it.announced_down_ms, it.unannounced_down_ms, it.silent_ms, it.unobserved_ms];
    cells.extend(times.map(Cell::Lasted));
    cells
}

fn kind_name(kind: &str, lang: Lang) -> &str {
    match kind {
        "application" => lang.pick("application", "ứng dụng"),
        "broker" => lang.pick("broker", "hàng đợi thông điệp"),
        "provider" => lang.pick("provider", "bên cung cấp"),
        "source" => lang.pick("source", "nguồn dữ liệu"),
        "witness" => lang.pick("witness", "bên làm chứng"),
        other => other,
    }
}

/// What is not known, and why.
fn note(kept_us: Option<i64>, period: &Period, lang: Lang) -> String {
    let Some(kept_us) = kept_us else {
        return lang
            .pick("Not known: the monitor did not tell.", "Không rõ: bộ giám sát không trả lời.")
            .to_owned();
    };
    let kept = day(kept_us);
    if kept_us >= period.until_us() {
        let before = lang.pick(
            "Not known: the monitor keeps the history of links (monitor.keep) since",
            "Không rõ: bộ giám sát chỉ giữ lịch sử kết nối (monitor.keep) từ ngày",
        );
        return format!("{before} {kept}.");
    }
    let hours = lang.pick(
        "Hours, minutes and seconds. What is not known or without traffic counts neither as up nor as down.",
        "Giờ, phút, giây. Thời gian không rõ hoặc không có lưu lượng không tính là hoạt động, cũng không tính là dừng.",
    );
    if kept_us > period.since_us() {
        let cut = lang.pick(
            "What was before is kept no longer and not known (monitor.keep):",
            "Thời gian trước đó không còn được lưu và không rõ (monitor.keep):",
        );
        return format!("{hours} {cut} {kept}.");
    }
    hours.to_owned()
}

/// Of applications, those that were good in the period, as long as they are from its end.
pub(super) fn credentials(gathered: &Gathered, period: &Period, lang: Lang) -> Table {
    let applications = gathered.known.connections.iter().filter_map(|it| it.application.as_ref());
    let own: Vec<&str> = applications.filter(|it| it.platform).map(|it| it.id.as_str()).collect();
    let ours = |it: &&CredentialRecord| !it.application.is_empty() && !own.contains(&it.application.as_str());
    let rows = gathered.known.credentials.iter().filter(ours).filter_map(|it| credential(it, period, lang));
    let header = match lang {
        Lang::En => ["application", "kind", "known by", "good until", "days left"],
        Lang::Vi => ["ứng dụng", "loại", "nhận biết bằng", "hết hạn ngày", "số ngày còn lại"],
    };
    let note = lang.pick(
        "Days from the end of the period, rounded down; negative: it had ended before.",
        "Số ngày tính từ khi kết thúc kỳ, làm tròn xuống; số âm: đã hết hạn trước đó.",
    );
    Table {
        title: lang
            .pick("Keys and certificates of applications", "Khoá và chứng thư của ứng dụng")
            .to_owned(),
        header: texts(header),
        rows: rows.collect(),
        note: note.to_owned(),
        ..Table::default()
    }
}

fn credential(record: &CredentialRecord, period: &Period, lang: Lang) -> Option<Vec<Cell>> {
    let (kind, from, to) = match record.held.as_ref()? {
        Held::Credential(it) => (lang.pick("key", "khoá"), &it.not_before, &it.not_after),
        Held::Certificate(it) => (lang.pick("certificate", "chứng thư"), &it.not_before, &it.not_after),
    };
    let (from, to) = (from.as_ref().map_or(i64::MIN, micros), to.as_ref().map_or(i64::MAX, micros));
    if record.revoked.is_some() || from >= period.until_us() || to < period.since_us() {
        return None;
    }
    let days = (to != i64::MAX).then(|| (to - period.until_us()).div_euclid(DAY_US));
    let left = days.map_or(Cell::Nothing, |days| match u64::try_from(days) {
        Ok(days) => Cell::Count(days),
        Err(_) => text(days.to_string()),
    });
    let until = if to == i64::MAX { Cell::Nothing } else { text(day(to)) };
    Some(vec![text(&record.application), text(kind), text(&record.id), until, left])
}
