//! What an agreement says, for whoever decides about it.

use lgsp_proto::registry::v1::{Agreement, AgreementRecord, Priority, Quota};

use super::terms;
use crate::client::code::fields;
use crate::client::output::Tone;
use crate::client::sheet::Sheet;
use crate::client::{Lang, words};

/// The terms of a version, what has to be looked at in them, what is new beside the version in force, and all that was decided.
pub(super) fn of(record: &AgreementRecord, in_force: Option<&AgreementRecord>, lang: Lang) -> Sheet {
    let terms = record.agreement.clone().unwrap_or_default();
    let mut sheet = of_terms(&terms, in_force, lang);
    for field in &record.sensitive_fields {
        sheet.toned(lang.pick("sensitive", "nhạy cảm"), field, Tone::Warning);
    }
    let stage = words::agreement_stage(record.stage(), lang);
    sheet.toned(lang.pick("stage", "trạng thái"), stage.text, stage.tone);
    sheet.step(lang.pick("proposed", "đề nghị"), record.proposed.as_ref());
    sheet.step(lang.pick("approved", "chấp thuận"), record.approved.as_ref());
    sheet.step(lang.pick("activated", "hiệu lực từ"), record.activated.as_ref());
    sheet.step(lang.pick("ended", "kết thúc"), record.ended.as_ref());
    sheet.line("etag", record.etag.to_string());
    sheet
}

/// The terms alone.
pub(super) fn of_terms(terms: &Agreement, in_force: Option<&AgreementRecord>, lang: Lang) -> Sheet {
    let mut sheet = Sheet::default();
    let version = if terms.version == 0 {
        lang.pick("the next version", "phiên bản tiếp theo").to_owned()
    } else {
        format!("{} {}", lang.pick("version", "phiên bản"), terms.version)
    };
    sheet.line(lang.pick("agreement", "thoả thuận"), format!("{}, {version}", terms.id));
    sheet.line(lang.pick("application", "ứng dụng"), &*terms.application);
    sheet.line(lang.pick("service", "dịch vụ"), &*terms.service);
    sheet.line(lang.pick("purposes", "mục đích"), terms.purposes.join(", "));
    for grant in &terms.grants {
        let tone = if grant.fields.iter().any(|field| field == "*") { Tone::Warning } else { Tone::Plain };
        let told = format!("{}: {}", grant.method, grant.fields.join(", "));
        sheet.toned(lang.pick("fields", "trường"), told, tone);
    }
    let (quota, tone) = quota(terms.quota.unwrap_or_default(), lang);
    sheet.toned(lang.pick("quota", "hạn mức"), quota, tone);
    let [from, to] = [&terms.valid_from, &terms.valid_to].map(|at| words::minute(at.as_ref()));
    sheet.line(lang.pick("valid", "thời hạn"), format!("{from} – {to} (+07:00)"));
    sheet.line(lang.pick("legal basis", "căn cứ"), &*terms.legal_basis);
    if terms.priority() == Priority::Bulk {
        sheet.line(lang.pick("priority", "ưu tiên"), lang.pick("bulk", "theo lô"));
    }
    for told in changes(terms, in_force) {
        sheet.toned(lang.pick("new", "thay đổi"), told, Tone::Notice);
    }
    sheet
}

fn quota(quota: Quota, lang: Lang) -> (String, Tone) {
    let Quota { per_second, per_day } = quota;
    let second = (per_second > 0).then(|| format!("{per_second} {}", lang.pick("a second", "lượt/giây")));
    let day = (per_day > 0).then(|| format!("{per_day} {}", lang.pick("a day", "lượt/ngày")));
    let told: Vec<String> = second.into_iter().chain(day).collect();
    if told.is_empty() {
        return (lang.pick("none", "không giới hạn").to_owned(), Tone::Warning);
    }
    (told.join(", "), Tone::Plain)
}

/// What another version that is in force says otherwise.
fn changes(after: &Agreement, in_force: Option<&AgreementRecord>) -> Vec<String> {
    let before = in_force.and_then(terms).filter(|before| before.version != after.version);
    let Some(before) = before else { return Vec::new() };
    let bare =
        |terms: &Agreement| fields::of("Agreement", &Agreement { version: 0, state: 0, ..terms.clone() });
    let changed = fields::changed(&bare(before), &bare(after));
    let shown = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    changed.into_iter().map(|it| format!("{}: {} → {}", it.path, shown(it.before), shown(it.after))).collect()
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::{AgreementStage, Grant};

    use super::*;

    fn record(version: u32, fields: &[&str], per_day: u64) -> AgreementRecord {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let terms = Agreement {
            id: "tt-x".to_owned(),
            version,
            grants: vec![Grant { method: "GetCitizen".to_owned(), fields }],
            quota: Some(Quota { per_second: 0, per_day }),
            ..Agreement::default()
        };
        AgreementRecord {
            agreement: Some(terms),
            stage: AgreementStage::Active.into(),
            ..AgreementRecord::default()
        }
    }

    #[test]
    fn what_is_new_beside_the_version_in_force_is_told() {
        let (before, after) = (record(1, &["citizen.full_name"], 5), record(2, &["citizen"], 5));
        let told = changes(after.agreement.as_ref().unwrap(), Some(&before));
        assert_eq!(told, ["grants.GetCitizen.fields: citizen.full_name → citizen"]);
        assert!(changes(before.agreement.as_ref().unwrap(), Some(&before)).is_empty());
    }

    #[test]
    fn no_quota_has_to_be_looked_at() {
        assert_eq!(quota(Quota::default(), Lang::En), ("none".to_owned(), Tone::Warning));
        let both = Quota { per_second: 5, per_day: 2000 };
        assert_eq!(quota(both, Lang::En), ("5 a second, 2000 a day".to_owned(), Tone::Plain));
    }
}
