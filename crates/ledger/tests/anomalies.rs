//! What the rules find in the log and what just escapes them, that it is found again, and what auditors make of it.

#![allow(clippy::unwrap_used)]

mod auditor;
mod site;

use std::time::Duration;

use auditor::*;
use lgsp_core::time::timestamp;
use lgsp_core::{ExchangeId, Reason};
use lgsp_ledger::{Anomalies, Options, keep};
use lgsp_proto::ledger::v1::anomaly_service_client::AnomalyServiceClient;
use lgsp_proto::ledger::v1::{
    Act, ActKind, AnnotateAnomalyRequest, AnnotateAnomalyResponse, Annotation, Anomaly, AnomalyFilter,
    AnomalyMeasure, AnomalyRule, AnomalyStatus, AuditFilter, EraseExchangesRequest, GetAnomalyRequest,
    GetAnomalyResponse, ListAnomaliesRequest, ListAnomaliesResponse,
};
use site::{PATIENCE, Running, Site, bus, keys};
use tonic::Status;
use tonic::service::Routes;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
/// 2026-06-15, a Monday, at midnight in Viet Nam.
const MONDAY: i64 = 1_781_456_400_000_000;
const MORNING: i64 = MONDAY + 9 * HOUR;

/// Thresholds that a test can reach.
fn small() -> Anomalies {
    let mut rules = Anomalies { every: Duration::from_millis(100), ..Anomalies::default() };
    (rules.mass_lookups.officer, rules.mass_lookups.application) = (5, 8);
    (rules.off_hours.officer, rules.off_hours.application) = (3, 2);
    rules.off_hours.applications = vec!["gpxd".to_owned()];
    rules.no_dossier.purposes = vec!["land-transfer".to_owned()];
    (rules.no_dossier.per_mille, rules.no_dossier.least, rules.no_dossier.run) = (500, 4, 3);
    rules.many_subjects.officer = 3;
    (rules.sought_person.officers, rules.sought_person.applications) = (3, 3);
    rules.change.least = 10;
    rules
}

fn options(site: &Site, anomalies: Anomalies) -> Options {
    Options { anomalies: Box::new(anomalies), ..site.options() }
}

fn client(running: &Running) -> AnomalyServiceClient<Routes> {
    AnomalyServiceClient::new(running.ledger.routes())
}

async fn page(running: &Running, filter: AnomalyFilter, size: i32, token: &str) -> ListAnomaliesResponse {
    let request =
        ListAnomaliesRequest { filter: Some(filter), page_size: size, page_token: token.to_owned() };
    client(running).list_anomalies(by_auditor(request)).await.unwrap().into_inner()
}

/// What the rules have found, once they have looked at everything.
async fn anomalies(running: &Running, filter: AnomalyFilter) -> Vec<Anomaly> {
    let looked = tokio::time::timeout(PATIENCE, async {
        loop {
            let told = page(running, filter.clone(), 0, "").await;
            if told.days_to_evaluate == 0 {
                return told.anomalies;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    looked.await.expect("the rules look at all days")
}

async fn all_found(running: &Running) -> Vec<Anomaly> {
    anomalies(running, AnomalyFilter::default()).await
}

async fn of_rule(running: &Running, rule: AnomalyRule) -> Vec<Anomaly> {
    anomalies(running, AnomalyFilter { rule: rule.into(), ..AnomalyFilter::default() }).await
}

async fn get_one(running: &Running, id: &str) -> Result<GetAnomalyResponse, Status> {
    let request = GetAnomalyRequest { id: id.to_owned() };
    client(running).get_anomaly(by_auditor(request)).await.map(tonic::Response::into_inner)
}

async fn annotate(
    running: &Running,
    id: &str,
    status: AnomalyStatus,
    note: &str,
) -> Result<AnnotateAnomalyResponse, Status> {
    let request = AnnotateAnomalyRequest { id: id.to_owned(), status: status.into(), note: note.to_owned() };
    client(running).annotate_anomaly(by_auditor(request)).await.map(tonic::Response::into_inner)
}

fn counted(anomaly: &Anomaly, name: &str) -> u64 {
    anomaly.counts.iter().find(|count| count.name == name).map_or(0, |count| count.value)
}

/// How many exchanges the searches of a finding list.
async fn listed(running: &Running, anomaly: &Anomaly) -> u64 {
    let mut listed = 0;
    for filter in &anomaly.filters {
        listed += search(running, filter.clone()).await.len() as u64;
    }
    listed
}

async fn enter(running: &Running, count: usize, entered: impl Fn(i64) -> Entered) {
    for number in 0..count {
        entered(i64::try_from(number).unwrap()).enter(running).await;
    }
}

fn of(application: &'static str, at: i64) -> Entered {
    Entered::at(at).with(|sealed| sealed.application = application.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_exchanges_in_one_window_are_found_and_the_same_number_over_two_is_not() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    enter(&running, 5, |number| Entered::at(MORNING + number).officer("fast")).await;
    // The last moment of a window, and the first of the next one.
    enter(&running, 4, |number| Entered::at(MORNING + 10 * MINUTE - 1 - number).officer("edge")).await;
    enter(&running, 4, |number| Entered::at(MORNING + 10 * MINUTE + number).officer("edge")).await;
    // Two applications name the officer of one agency; another agency has its own one.
    enter(&running, 3, |number| of("hotich", MORNING + number).officer("both")).await;
    enter(&running, 2, |number| of("datdai", MORNING + number).officer("both")).await;
    let elsewhere =
        |number| Entered::at(MORNING + number).officer("both").with(|it| it.agency_code = "H13.03".into());
    enter(&running, 4, elsewhere).await;
    enter(&running, 8, |number| of("spp", MORNING + number)).await;
    enter(&running, 7, |number| of("gpxd", MORNING + number)).await;

    let found = of_rule(&running, AnomalyRule::MassLookups).await;
    let mut told: Vec<_> =
        found.iter().map(|it| (it.application.as_str(), it.officer.as_str(), it.value)).collect();
    told.sort_unstable();
    // Of tthc there are 9 in the one window, 4 in the next, and 4 of another agency.
    let expect = [("", "both", 5), ("", "fast", 5), ("spp", "", 8), ("tthc", "", 9)];
    assert_eq!(told, expect);
    for anomaly in &found {
        assert_eq!(listed(&running, anomaly).await, anomaly.value, "{anomaly:?}");
        assert_eq!(anomaly.exchange_ids.len() as u64, anomaly.value.min(10));
        assert!(anomaly.value >= anomaly.threshold && counted(anomaly, "windows") == 1);
        assert_eq!((anomaly.since, anomaly.until), (Some(timestamp(MONDAY)), Some(timestamp(MONDAY + DAY))));
    }
    let of_officer = found.iter().find(|anomaly| anomaly.officer == "both").unwrap();
    assert_eq!((of_officer.agency_code.as_str(), of_officer.is_of_officer), ("H13.01", true));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_a_moment_before_offices_open_or_on_a_holiday_is_off_hours_and_not_a_moment_later() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    let (opens, closes) = (MONDAY + 7 * HOUR, MONDAY + 17 * HOUR + 30 * MINUTE);
    enter(&running, 1, |_| Entered::at(opens - 1).officer("early")).await;
    enter(&running, 2, |number| Entered::at(closes + number).officer("early")).await;
    enter(&running, 3, |number| Entered::at(opens + number).officer("in-time")).await;
    enter(&running, 3, |number| Entered::at(closes - 1 - number).officer("in-time")).await;
    enter(&running, 2, |number| Entered::at(closes + number).officer("in-time")).await;
    enter(&running, 2, |number| of("gpxd", closes + number)).await;
    enter(&running, 2, |number| of("spp", closes + number)).await;
    // 2026-04-30, a Thursday.
    let holiday = MONDAY - 46 * DAY;
    enter(&running, 3, |number| Entered::at(holiday + 9 * HOUR + number).officer("in-time")).await;

    let found = of_rule(&running, AnomalyRule::OffHours).await;
    let mut told: Vec<_> = found
        .iter()
        .map(|it| {
            (it.application.as_str(), it.officer.as_str(), it.value, it.filters.len(), counted(it, "holiday"))
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("", "early", 3, 2, 0), ("", "in-time", 3, 1, 1), ("gpxd", "", 2, 2, 0)]);
    for anomaly in &found {
        assert_eq!(listed(&running, anomaly).await, anomaly.value, "{anomaly:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_without_dossiers_and_a_run_of_them_are_found_from_their_thresholds_on() {
    const DOSSIER: &str = "H13.05-260601-0001";
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    let transfer =
        |application: &'static str, at| of(application, at).with(|it| it.purpose = "land-transfer".into());
    let with = |application, at| transfer(application, at).with(|_| ()).dossier(DOSSIER);
    enter(&running, 2, |number| transfer("half", MORNING + number)).await;
    enter(&running, 2, |number| with("half", MORNING + 10 + number)).await;
    enter(&running, 1, |number| transfer("quarter", MORNING + number)).await;
    enter(&running, 3, |number| with("quarter", MORNING + 10 + number)).await;
    enter(&running, 3, |number| transfer("few", MORNING + number)).await;
    // Nothing is expected for another purpose.
    enter(&running, 6, |number| of("free", MORNING + number).officer("free")).await;
    for (officer, runs) in [("run", [2, 3]), ("short", [2, 2])] {
        let at = MORNING + HOUR;
        enter(&running, runs[0], |number| transfer("runs", at + number).officer(officer)).await;
        enter(&running, 3, |number| with("runs", at + 10 + number).officer(officer)).await;
        enter(&running, runs[1], |number| transfer("runs", at + 20 + number).officer(officer)).await;
    }
    let found = of_rule(&running, AnomalyRule::NoDossier).await;
    let mut told: Vec<_> = found
        .iter()
        .map(|it| (it.application.as_str(), it.officer.as_str(), it.measure(), it.value))
        .collect();
    told.sort_unstable_by_key(|(application, ..)| *application);
    let (share, run) = (AnomalyMeasure::PerMille, AnomalyMeasure::Run);
    assert_eq!(told, [("", "run", run, 3), ("half", "", share, 500), ("runs", "", share, 600)]);
    for anomaly in &found {
        let expect = match anomaly.measure() {
            AnomalyMeasure::PerMille => counted(anomaly, "without-dossier"),
            // All of it is within one second here.
            _ => 5,
        };
        assert_eq!(listed(&running, anomaly).await, expect, "{anomaly:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn different_subjects_of_an_officer_count_and_not_how_often_or_what_was_told_along_the_way() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    const CHI: &str = "092085000033";
    for (number, person) in [ANN, ANN, BINH, CHI].into_iter().enumerate() {
        let at = MORNING + i64::try_from(number).unwrap() * HOUR;
        Entered::at(at).officer("curious").asked(person).enter(&running).await;
        Entered::at(at).officer("diligent").asked(ANN).told(BINH).told(CHI).enter(&running).await;
    }
    let found = of_rule(&running, AnomalyRule::ManySubjects).await;
    let told: Vec<_> = found.iter().map(|it| (it.officer.as_str(), it.value)).collect();
    assert_eq!(told, [("curious", 3)]);
    assert_eq!(listed(&running, &found[0]).await, 4);

    // Ann was asked about by two of them so far, and by one application.
    assert_eq!(of_rule(&running, AnomalyRule::SoughtPerson).await, []);
    let third = Entered::at(MORNING + 5 * HOUR)
        .officer("curious")
        .asked(ANN)
        .with(|sealed| sealed.agency_code = "H13.03".to_owned());
    third.enter(&running).await;
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let found = of_rule(&running, AnomalyRule::SoughtPerson).await;
            if !found.is_empty() {
                return found;
            }
        }
    });
    let found = found.await.expect("the day is looked at again");
    let told: Vec<_> = found.iter().map(|it| (it.measure(), it.value, it.threshold)).collect();
    assert_eq!(told, [(AnomalyMeasure::Officers, 3, 3)], "an officer of each agency is another one");
    let subject = found[0].subject.clone().unwrap();
    assert_eq!(subject.hash.len(), 16);
    assert_eq!(listed(&running, &found[0]).await, 7, "all about Ann, and nobody else");
    let text = format!("{found:?}");
    assert!(!text.contains(ANN), "no number");
    enter(&running, 1, |_| of("hotich", MORNING).asked(BINH)).await;
    enter(&running, 1, |_| of("datdai", MORNING).asked(BINH)).await;
    let by_application = tokio::time::timeout(PATIENCE, async {
        loop {
            let found = of_rule(&running, AnomalyRule::SoughtPerson).await;
            if let Some(it) = found.into_iter().find(|it| it.measure() == AnomalyMeasure::Applications) {
                return it;
            }
        }
    });
    assert_eq!(by_application.await.expect("three applications").value, 3);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_held_against_its_own_weekday_and_without_enough_weeks_nothing_is_said() {
    let (site, bus) = (Site::new(), bus());
    let mut rules = small();
    rules.mass_lookups.enabled = false;
    let running = Running::start(options(&site, rules), &bus).await;
    let week = 7 * DAY;
    for (application, weeks, today) in
        [("more", 4, 20), ("as-ever", 4, 19), ("less", 4, 0), ("young", 3, 40), ("one-wild", 5, 20)]
    {
        for before in 1..=weeks {
            let wild = application == "one-wild" && before == 2;
            let count = if wild { 30 } else { 10 };
            enter(&running, count, |number| of(application, MORNING - before * week + number)).await;
            // What happens on other days of the week is none of it.
            enter(&running, 1, |_| of(application, MORNING - before * week + DAY)).await;
        }
        enter(&running, today, |number| of(application, MORNING + number)).await;
    }
    let today = AnomalyFilter {
        rule: AnomalyRule::Change.into(),
        since: Some(timestamp(MONDAY)),
        ..AnomalyFilter::default()
    };
    let found = anomalies(&running, today).await;
    let mut told: Vec<_> = found
        .iter()
        .map(|it| (it.application.as_str(), it.value, counted(it, "exchanges"), counted(it, "median")))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("less", 10, 0, 10), ("more", 10, 20, 10), ("one-wild", 10, 20, 10)]);
    let more = found.iter().find(|it| it.application == "more").unwrap();
    assert_eq!((listed(&running, more).await, counted(more, "weeks")), (20, 4));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environments_are_apart_and_what_is_of_the_platform_or_not_signed_counts_nowhere() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    let in_environment = |number: i64, environment: &str| {
        let environment = environment.to_owned();
        Entered::at(MORNING + number).officer("fast").with(move |it| it.environment = environment)
    };
    enter(&running, 4, |number| in_environment(number, "production")).await;
    enter(&running, 5, |number| in_environment(number, "sandbox")).await;
    enter(&running, 9, |number| in_environment(number, "production").with(|it| it.platform = true)).await;
    for number in 0..3 {
        let entered = in_environment(number, "production");
        let unsigned = lgsp_core::entry::seal(entered.sealed.clone(), entered.erasable.clone());
        put(&running, entered.exchange, unsigned).await;
    }
    let found = of_rule(&running, AnomalyRule::MassLookups).await;
    let told: Vec<_> = found.iter().map(|it| (it.environment.as_str(), it.value)).collect();
    assert_eq!(told, [("sandbox", 5)]);
    assert_eq!(listed(&running, &found[0]).await, 5);
    let elsewhere = AnomalyFilter { environment: "production".to_owned(), ..AnomalyFilter::default() };
    assert_eq!(anomalies(&running, elsewhere).await, []);
    running.stop().await;
}

/// Two officers on two days, each with a finding by the number of exchanges.
async fn two_findings(running: &Running) -> Vec<Anomaly> {
    enter(running, 5, |number| Entered::at(MORNING + number).officer("fast").asked(ANN)).await;
    enter(running, 6, |number| Entered::at(MORNING + DAY + number).officer("faster").asked(ANN)).await;
    let found = all_found(running).await;
    let told: Vec<_> = found.iter().map(|it| (it.officer.as_str(), it.value)).collect();
    assert_eq!(told, [("faster", 6), ("fast", 5)], "the newest day first");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_is_found_again_after_a_restart_and_in_an_index_that_was_built_again() {
    let (site, bus) = (Site::in_files(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    let found = two_findings(&running).await;
    let note = "đợt đối soát theo kế hoạch";
    let noted = annotate(&running, &found[1].id, AnomalyStatus::Explained, note).await.unwrap();
    let told = get_one(&running, &found[1].id).await.unwrap();
    let [record] = &told.annotations[..] else { panic!("one annotation") };
    assert_eq!((record.by.as_str(), record.note.as_str()), ("giam.sat", note));
    assert_eq!((record.status(), &record.act_id), (AnomalyStatus::Explained, &noted.act_id));
    let found = all_found(&running).await;
    assert_eq!(found[1].status(), AnomalyStatus::Explained);
    running.stop().await;

    let running = Running::start(options(&site, small()), &bus).await;
    assert_eq!(all_found(&running).await, found);
    running.stop().await;
    keep::reindex(&options(&site, small()), &keys(&bus), &mut |_| ()).await.unwrap();
    let running = Running::start(options(&site, small()), &bus).await;
    assert_eq!(all_found(&running).await, found);
    assert_eq!(get_one(&running, &found[1].id).await.unwrap(), told);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_auditor_makes_of_it_is_an_entry_and_its_note_can_be_erased() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    let found = two_findings(&running).await;
    let (faster, fast) = (&found[0].id, &found[1].id);
    for (status, note, field) in [
        (AnomalyStatus::Unspecified, "x", "status"),
        (AnomalyStatus::Explained, " ", "note"),
        (AnomalyStatus::Confirmed, "về 092085000011", "note"),
        (AnomalyStatus::Acknowledged, "092085000011", "note"),
        (AnomalyStatus::Reopened, &"x".repeat(501), "note"),
    ] {
        violated(annotate(&running, fast, status, note).await, field);
    }
    let nobody = ExchangeId::new().to_string();
    let refused = annotate(&running, &nobody, AnomalyStatus::Acknowledged, "").await;
    assert_eq!(reason(refused).reason(), Reason::NotFound);

    annotate(&running, faster, AnomalyStatus::Acknowledged, "").await.unwrap();
    let noted = annotate(&running, fast, AnomalyStatus::Confirmed, "trái quy trình").await.unwrap();
    let open = AnomalyFilter { open: true, ..AnomalyFilter::default() };
    assert_eq!(anomalies(&running, open.clone()).await, []);
    let confirmed = AnomalyFilter { status: AnomalyStatus::Confirmed.into(), ..AnomalyFilter::default() };
    assert_eq!(anomalies(&running, confirmed).await.len(), 1);
    annotate(&running, faster, AnomalyStatus::Reopened, "xem lại").await.unwrap();
    let reopened = anomalies(&running, open).await;
    assert_eq!(reopened.iter().map(|it| &it.id).collect::<Vec<_>>(), [faster]);
    assert_eq!(get_one(&running, faster).await.unwrap().annotations.len(), 2);

    // The entry holds the digest of the note alone, and what the finding was.
    let act = get(&running, ExchangeId::parse(&noted.act_id).unwrap()).await.entries.remove(0);
    assert_eq!(act.leaf, noted.leaf);
    assert!(!String::from_utf8_lossy(&act.sealed).contains("quy trình"));
    assert_eq!(act.erasable.unwrap().note.unwrap().value, "trái quy trình");
    let erase = EraseExchangesRequest {
        exchange_ids: vec![noted.act_id.clone()],
        legal_basis: "Luật 91/2025/QH15".to_owned(),
        preview: false,
    };
    audit(&running).erase_exchanges(by_auditor(erase)).await.unwrap();
    let told = get_one(&running, fast).await.unwrap();
    assert_eq!((told.annotations[0].note.as_str(), told.annotations[0].note_is_gone), ("", true));
    assert_eq!(told.anomaly.unwrap().status(), AnomalyStatus::Confirmed);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_is_in_no_finding_any_more_and_what_was_annotated_is_told_as_past() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    let entered: Vec<Entered> =
        (0..5).map(|number| Entered::at(MORNING + number).officer("fast").asked(ANN)).collect();
    for entered in &entered {
        entered.enter(&running).await;
    }
    enter(&running, 5, |number| Entered::at(MORNING + number).officer("other")).await;
    let found = of_rule(&running, AnomalyRule::MassLookups).await;
    let of_officer = |officer: &str| found.iter().find(|it| it.officer == officer).unwrap().id.clone();
    let (fast, other) = (of_officer("fast"), of_officer("other"));
    annotate(&running, &fast, AnomalyStatus::Confirmed, "xác nhận").await.unwrap();
    erase(&running, &[&entered[0]]).await.unwrap();
    let told = get_one(&running, &fast).await.unwrap().anomaly.unwrap();
    assert_eq!((told.officer.as_str(), told.is_past, told.value), ("", true, 5), "only what the log has");
    assert_eq!((told.filters.len(), told.exchange_ids.len()), (0, 0));
    assert_eq!(told.status(), AnomalyStatus::Confirmed);
    let left: Vec<String> = of_rule(&running, AnomalyRule::MassLookups)
        .await
        .into_iter()
        .filter(|it| it.is_of_officer)
        .map(|it| it.id)
        .collect();
    assert_eq!(left, [other], "it is as it was");
    running.stop().await;

    // Under other options nothing is found; what somebody has annotated stays.
    let mut rules = small();
    rules.mass_lookups.enabled = false;
    let running = Running::start(options(&site, rules), &bus).await;
    let left = all_found(&running).await;
    let told: Vec<_> = left.iter().map(|it| (&it.id, it.is_past)).collect();
    assert_eq!(told, [(&fast, true)]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_comes_in_pages_and_what_comes_late_is_found_under_the_same_id() {
    let (site, bus) = (Site::new(), bus());
    let running = Running::start(options(&site, small()), &bus).await;
    let found = two_findings(&running).await;
    let first = page(&running, AnomalyFilter::default(), 1, "").await;
    let second = page(&running, AnomalyFilter::default(), 1, &first.next_page_token).await;
    assert_eq!([&first.anomalies[..], &second.anomalies[..]].concat(), found);
    assert_eq!(second.next_page_token, "");
    let until = AnomalyFilter { until: Some(timestamp(MONDAY + DAY)), ..AnomalyFilter::default() };
    assert_eq!(anomalies(&running, until).await, found[1..]);

    enter(&running, 1, |_| Entered::at(MORNING + HOUR / 10).officer("fast")).await;
    let grown = tokio::time::timeout(PATIENCE, async {
        loop {
            let found = all_found(&running).await;
            if found[1].value == 6 {
                return found;
            }
        }
    });
    assert_eq!(grown.await.expect("it is looked at again")[1].id, found[1].id);

    // A hash that is none finds nothing.
    let bad = AuditFilter { keyed_subject: Some(Default::default()), ..AuditFilter::default() };
    let request = lgsp_proto::ledger::v1::SearchExchangesRequest { filter: Some(bad), ..Default::default() };
    violated(audit(&running).search_exchanges(by_auditor(request)).await, "filter.keyed_subject");
    running.stop().await;
}

/// What was made of a finding, as a ledger signed it when that was new.
async fn annotated_then(running: &Running, anomaly: &Anomaly, entered_us: i64) {
    let annotation = Annotation {
        anomaly_id: ExchangeId::parse(&anomaly.id).unwrap().as_bytes().to_vec().into(),
        status: AnomalyStatus::Confirmed.into(),
        rule: anomaly.rule,
        since_us: MONDAY,
        until_us: MONDAY + DAY,
        measure: anomaly.measure,
        value: anomaly.value,
        threshold: anomaly.threshold,
        ..Annotation::default()
    };
    let kind = ActKind::Annotate.into();
    let act = Act { kind, by: "giam.sat".to_owned(), annotation: Some(annotation), ..Act::default() };
    enter_decision(running, act, entered_us).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_archived_is_found_no_more_by_a_new_index_which_knows_what_was_made_of_it() {
    /// When July began.
    const JULY_BEGAN: i64 = 1_782_838_800_000_000;
    // Each start has a broker of its own: one that still had the entries would bring them back.
    let site = Site::in_files();
    // Every group of entries begins a segment.
    let options = Options { segment_size: 1, ..options(&site, small()) };
    let running = Running::start(options.clone(), &bus()).await;
    enter(&running, 5, |number| Entered::at(MORNING + number).officer("fast")).await;
    let found = all_found(&running).await;
    annotated_then(&running, &found[0], MORNING + HOUR).await;
    let confirmed = all_found(&running).await;
    assert_eq!((confirmed[0].status(), confirmed[0].is_past), (AnomalyStatus::Confirmed, false));
    // The newest segment stays.
    Entered::at(JULY).with(|sealed| sealed.entered_us = JULY + DAY).enter(&running).await;
    all_found(&running).await;
    running.stop().await;

    let to = tempfile::tempdir().unwrap();
    let archived = keep::archive(&options, &keys(&bus()), JULY_BEGAN, to.path(), &mut |_| ()).await.unwrap();
    assert_eq!(archived.archives.len(), 1);
    let running = Running::start(options.clone(), &bus()).await;
    let told: Vec<_> = all_found(&running).await.into_iter().map(|it| (it.value, it.is_past)).collect();
    assert_eq!(told, [(5, false)], "until the index is built again");
    running.stop().await;
    keep::reindex(&options, &keys(&bus()), &mut |_| ()).await.unwrap();
    let running = Running::start(options, &bus()).await;
    let left = all_found(&running).await;
    assert_eq!(left.len(), 1);
    assert_eq!((&left[0].id, left[0].value, left[0].is_past), (&found[0].id, 5, true));
    assert_eq!((left[0].status(), left[0].officer.as_str()), (AnomalyStatus::Confirmed, ""));
    assert_eq!(get_one(&running, &left[0].id).await.unwrap().annotations.len(), 1);
    running.stop().await;
}
