//! `lgsp audit exposure`: what somebody received between two moments, for the notice of a breach.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lgsp_proto::ledger::v1::{ArchivedPeriod, AuditFilter, ExposedExchange, ReportExposureRequest};
use lgsp_proto::options::v1::Subject;
use serde_json::{Value, json};

use super::titles::Titles;
use super::{Told, application, client, filter, rfc3339, search, show, tell_archived};
use crate::cli::audit;
use crate::client::output::{self, Listing, Surface};
use crate::client::registry::open;
use crate::client::table::Table;
use crate::client::{Error, Lang, exchanges, words};

/// Time for the whole report: as the contract has it.
const DEADLINE: Duration = Duration::from_secs(600);

/// What was received, counted.
#[derive(Debug, Default)]
struct Exposed {
    exchanges: BTreeSet<String>,
    /// Entries whose subjects nobody knows any more.
    erased: u64,
    /// By kind and month; the same subject in the same month has the same hash.
    subjects: BTreeMap<(i32, String), BTreeSet<Vec<u8>>>,
    methods: BTreeMap<String, Method>,
    /// Looks at the hub's own services, by their method: no data of an agency is in their answers.
    platform: BTreeMap<String, BTreeSet<String>>,
    first: Option<prost_reflect::prost_types::Timestamp>,
    last: Option<prost_reflect::prost_types::Timestamp>,
}

#[derive(Debug, Default)]
struct Method {
    service: String,
    name: String,
    exchanges: BTreeSet<String>,
    fields: BTreeMap<String, BTreeSet<String>>,
}

/// Runs `lgsp audit exposure`.
pub(super) async fn run(args: &audit::Exposure, lang: Lang) -> Result<(), Error> {
    let request = ReportExposureRequest {
        application: args.application.clone().unwrap_or_default(),
        officer: filter::private(args.officer.as_deref())?,
        credential: args.credential.map(|digest| digest.to_vec().into()).unwrap_or_default(),
        since: Some(args.since),
        until: Some(args.until),
    };
    let session = open(&args.operator).await?;
    let period = AuditFilter { since: request.since, until: request.until, ..AuditFilter::default() };
    let archived = search::beside(&session, &period).await?.archived;
    tell_archived(&archived, lang);
    let request = session.request(request, Some(DEADLINE))?;
    let mut client = client(&session);
    let mut told = Told::open(&session, client.report_exposure(request)).await?;
    let (mut exposed, mut titles) = (Exposed::default(), Titles::new(lang));
    while let Some(entry) = told.next().await? {
        if let Some(exchange) = &entry.exchange {
            titles.learn(&session, &exchange.service, &exchange.method).await;
        }
        exposed.add(entry, &titles);
    }
    if exposed.exchanges.is_empty() && exposed.platform.is_empty() {
        application::must_be_known(&session, args.application.as_deref(), lang).await?;
    }
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return output::line(&exposed.document(args, &archived).to_string());
    }
    exposed.write(listing, &surface, &titles, lang)?;
    unknowable(lang).iter().for_each(|line| output::note(&format!("- {line}")));
    Ok(())
}

impl Exposed {
    fn add(&mut self, entry: ExposedExchange, titles: &Titles) {
        let exchange = entry.exchange.unwrap_or_default();
        let id = exchange.exchange_id.clone();
        if exchange.platform {
            self.platform.entry(exchanges::method_of(&exchange)).or_default().insert(id);
            return;
        }
        self.exchanges.insert(id.clone());
        self.erased += u64::from(entry.erased);
        for subject in entry.subjects {
            let of = self.subjects.entry((subject.kind, subject.key_id)).or_default();
            of.insert(subject.hash.to_vec());
        }
        let method = self.methods.entry(exchanges::method_of(&exchange)).or_default();
        method.exchanges.insert(id.clone());
        (method.service, method.name) = (exchange.service.clone(), exchange.method.clone());
        let fields = entry.fields.iter();
        for field in fields.flat_map(|path| titles.each(&exchange.service, &exchange.method, path)) {
            method.fields.entry(field).or_default().insert(id.clone());
        }
        let order = |at: &prost_reflect::prost_types::Timestamp| (at.seconds, at.nanos);
        let Some(admitted) = exchange.admitted else { return };
        if self.first.as_ref().is_none_or(|first| order(&admitted) < order(first)) {
            self.first = Some(admitted);
        }
        if self.last.as_ref().is_none_or(|last| order(&admitted) > order(last)) {
            self.last = Some(admitted);
        }
    }

    fn write(&self, listing: Listing, surface: &Surface, titles: &Titles, lang: Lang) -> Result<(), Error> {
        let mut table = Table::new(vec![
            lang.pick("what", "nội dung"),
            lang.pick("of", "của"),
            lang.pick("count", "số lượng"),
        ]);
        let exchanges = lang.pick("exchanges", "lượt trao đổi");
        table.row(vec![
            exchanges.into(),
            lang.pick("all", "tổng").into(),
            self.exchanges.len().to_string().into(),
        ]);
        for (method, it) in &self.methods {
            table.row(vec![exchanges.into(), method.as_str().into(), it.exchanges.len().to_string().into()]);
            for (field, exchanges) in &it.fields {
                let field = format!("{method} {}", titles.with_path(&it.service, &it.name, field));
                let label = lang.pick("field", "trường");
                table.row(vec![label.into(), field.into(), exchanges.len().to_string().into()]);
            }
        }
        for ((kind, month), hashes) in &self.subjects {
            let kind = Subject::try_from(*kind).unwrap_or_default();
            let label = lang.pick("distinct subjects", "chủ thể khác nhau");
            let of = format!("{}, {month}", show::kind(kind, lang));
            table.row(vec![label.into(), of.into(), hashes.len().to_string().into()]);
        }
        if self.erased > 0 {
            let of = lang.pick("subjects not known any more", "không còn biết chủ thể");
            table.row(vec![lang.pick("erased", "đã xoá").into(), of.into(), self.erased.to_string().into()]);
        }
        for (method, exchanges) in &self.platform {
            let label = lang.pick("looks at the hub itself", "tra cứu tại chính nền tảng");
            table.row(vec![label.into(), method.as_str().into(), exchanges.len().to_string().into()]);
        }
        table.write(listing, surface)?;
        if self.first.is_some() {
            let [first, last] = [&self.first, &self.last].map(|at| words::moment(at.as_ref()));
            output::note(&format!(
                "{}: {first} – {last} (+07:00)",
                lang.pick("first and last", "đầu và cuối")
            ));
        }
        Ok(())
    }

    fn document(&self, args: &audit::Exposure, archived: &[ArchivedPeriod]) -> Value {
        let subjects = self.subjects.iter().map(|((kind, month), hashes)| {
            let kind = Subject::try_from(*kind).unwrap_or_default();
            json!({ "kind": kind.as_str_name(), "month": month, "distinct": hashes.len() })
        });
        let methods = self.methods.iter().map(|(method, it)| {
            let fields = it.fields.iter().map(|(field, exchanges)| (field.clone(), json!(exchanges.len())));
            let fields: serde_json::Map<String, Value> = fields.collect();
            json!({ "method": method, "exchanges": it.exchanges.len(), "fields": fields })
        });
        let platform = self.platform.iter();
        let platform = platform.map(|(method, it)| json!({ "method": method, "exchanges": it.len() }));
        json!({
            "since": rfc3339(Some(&args.since)),
            "until": rfc3339(Some(&args.until)),
            "exchanges": self.exchanges.len(),
            "first": rfc3339(self.first.as_ref()),
            "last": rfc3339(self.last.as_ref()),
            "subjects": subjects.collect::<Vec<_>>(),
            "methods": methods.collect::<Vec<_>>(),
            "erasedEntries": self.erased,
            "platform": platform.collect::<Vec<_>>(),
            "archived": archived.iter().map(|of| of.name.as_str()).collect::<Vec<_>>(),
            "notKnown": unknowable(Lang::En),
        })
    }
}

/// What the numbers do not say.
fn unknowable(lang: Lang) -> [&'static str; 4] {
    [
        lang.pick(
            "Subjects are counted by month: whether one of a month is one of another month, the hashes do not tell.",
            "Chủ thể được đếm theo tháng: mã băm không cho biết chủ thể tháng này có phải là chủ thể tháng khác.",
        ),
        lang.pick(
            "Of erased entries it is known that data left, and which fields, but not about whom.",
            "Với bản ghi đã xoá, chỉ biết dữ liệu nào đã ra, không biết của ai.",
        ),
        lang.pick(
            "Officers are as the application named them; who sat before the screen is not known.",
            "Cán bộ là do ứng dụng khai; không biết ai thực sự ngồi trước màn hình.",
        ),
        lang.pick(
            "Whether an answer arrived, and what was done with it, is not known here, nor what was read beside the hub.",
            "Không biết câu trả lời có đến nơi và được dùng thế nào, cũng như dữ liệu đọc ngoài nền tảng.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::ledger::v1::{Exchange, SubjectHash};

    use super::*;

    fn entry(id: &str, at: i64, month: &str, hash: u8) -> ExposedExchange {
        let subject = SubjectHash {
            kind: Subject::Person.into(),
            key_id: month.to_owned(),
            hash: vec![hash; 32].into(),
            ..SubjectHash::default()
        };
        let exchange = Exchange {
            exchange_id: id.to_owned(),
            admitted: Some(timestamp(at)),
            service: "lgsp.population.v1.PopulationService".to_owned(),
            method: "GetCitizen".to_owned(),
            ..Exchange::default()
        };
        ExposedExchange {
            exchange: Some(exchange),
            subjects: vec![subject],
            fields: vec!["citizen.full_name".to_owned()],
            ..ExposedExchange::default()
        }
    }

    #[test]
    fn a_subject_counts_once_a_month_and_the_parts_of_an_exchange_are_one() {
        let mut exposed = Exposed::default();
        let mut titles = Titles::new(Lang::En);
        titles.learn_built_in("lgsp.population.v1.PopulationService", "GetCitizen");
        for part in [
            entry("b", 2_000_000, "2026-11", 1),
            entry("a", 1_000_000, "2026-11", 1),
            entry("a", 1_000_000, "2026-11", 2),
            entry("c", 3_000_000, "2026-12", 1),
        ] {
            exposed.add(part, &titles);
        }
        let mut look = entry("d", 4_000_000, "2026-12", 9);
        look.exchange.iter_mut().for_each(|exchange| exchange.platform = true);
        exposed.add(look, &titles);
        assert_eq!(exposed.platform["PopulationService/GetCitizen"].len(), 1, "apart from data");
        assert_eq!(exposed.exchanges.len(), 3);
        let subjects: Vec<usize> = exposed.subjects.values().map(BTreeSet::len).collect();
        assert_eq!(subjects, [2, 1]);
        let method = &exposed.methods["PopulationService/GetCitizen"];
        assert_eq!((method.exchanges.len(), method.fields["citizen.full_name"].len()), (3, 3));
        let mut whole = entry("e", 2_000_000, "2026-11", 1);
        whole.fields = vec!["*".to_owned()];
        exposed.add(whole, &titles);
        let fields = &exposed.methods["PopulationService/GetCitizen"].fields;
        assert_eq!((fields.get("*"), fields["citizen.full_name"].len()), (None, 4), "each field by itself");
        assert_eq!((exposed.first, exposed.last), (Some(timestamp(1_000_000)), Some(timestamp(3_000_000))));
    }
}
