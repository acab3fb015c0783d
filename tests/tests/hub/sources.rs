//! One synthetic city behind three hubs: on SQLite, on PostgreSQL as `lgsp sample-data --to postgres://…` loads it, and on
//! PostgreSQL with its health records on a FHIR server. Whatever the source is, an application gets the same answers.

mod crowd;
mod fhir;
mod questions;
mod restart;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use lgsp::cli::server::Domain;
use lgsp::config::Config;
use lgsp::sample_data::reader_url;
use lgsp_adapter::testing::Database;
use lgsp_core::Reason;
use lgsp_sample::{City, Home};
use serde_json::Value;
use tokio::sync::OnceCell;

use self::questions::{QUESTIONS, Question};
use crate::caller::{App, refusal};
use crate::dynamic::method;
use crate::fixture::Hub;

/// The city that everything is asked about. A FHIR server for tests takes no second one, and another test loads this.
const CITY: lgsp_sample::Config = lgsp_sample::Config { citizens: 100, seed: 92 };
/// The city in the directory of a hub whose sources are elsewhere, so that no answer can come from there.
const ANOTHER_CITY: lgsp_sample::Config = lgsp_sample::Config { citizens: 100, seed: 93 };
/// Exchanges at once.
const AT_ONCE: usize = 8;
/// Answers of each method that tell something, at least.
const FEWEST_TOLD: usize = 20;

/// What became of a request: the answer page by page, or why there is none.
type Answer = Result<Vec<Value>, Option<Reason>>;

/// The answers of a hub, each under its method and request.
type Answers = BTreeMap<(&'static str, String), Answer>;

#[test]
fn every_method_of_the_five_domains_is_asked() {
    let domains: Vec<&str> = Domain::ALL.map(Domain::name).to_vec();
    let services = lgsp_proto::pool().services();
    let of_domains =
        services.filter(|service| domains.contains(&&*lgsp_proto::options::service(service).domain));
    let offered: BTreeSet<String> = of_domains
        .flat_map(|service| {
            let name = service.full_name().to_owned();
            service.methods().map(|method| format!("{name}/{}", method.name())).collect::<Vec<_>>()
        })
        .collect();
    let asked: BTreeSet<String> = QUESTIONS.iter().map(|question| question.method.to_owned()).collect();
    assert_eq!(asked, offered);
}

#[tokio::test]
async fn every_method_tells_something_of_the_city_on_sqlite() {
    let answers = answers_on_sqlite().await;
    for (asked, answer) in answers {
        let reason = answer.as_ref().err();
        assert!(reason.is_none_or(|reason| *reason == Some(Reason::NotFound)), "{asked:?}: {reason:?}");
    }
    for question in &QUESTIONS {
        let of_method = answers.iter().filter(|((method, _), _)| *method == question.method);
        let told = of_method.filter(|(_, answer)| tells(answer)).count();
        assert!(told >= FEWEST_TOLD, "{} tells next to nothing", question.method);
    }
}

#[tokio::test]
async fn every_method_answers_alike_on_postgresql_to_a_reader_who_may_change_nothing() {
    let Some(database) = city_on_postgresql().await else { return };
    let hub = Hub::start_with(ANOTHER_CITY, |config| read_as_reader(config, &database)).await;
    let told = Box::pin(answers_of(hub, &homes(), AT_ONCE)).await;
    let expected = answers_on_sqlite().await;
    assert_eq!(told.len(), expected.len());
    assert_alike(expected, &told);
}

/// Holds the answers of a hub against those of another, to the last field.
fn assert_alike(expected: &Answers, told: &Answers) {
    for (asked, answer) in told {
        assert_eq!(Some(answer), expected.get(asked), "{asked:?}");
    }
}

/// The city in a database of its own, as the command loads it.
pub(crate) async fn city_on_postgresql() -> Option<Database> {
    let database = Database::postgres().await?;
    lgsp_sample::load_postgres(&database.options(), CITY, |_| ()).await.expect("the city is loaded");
    Some(database)
}

/// Lets every adapter read a database as the role that may change nothing, as the command tells it.
fn read_as_reader(config: &mut Config, database: &Database) {
    for (domain, adapter) in [
        (Domain::Population, &mut config.population),
        (Domain::Land, &mut config.land),
        (Domain::Health, &mut config.health),
        (Domain::Education, &mut config.education),
        (Domain::Business, &mut config.business),
    ] {
        adapter.source.url = reader_url(database.url(), domain.name());
    }
}

/// What all others are held against, asked once.
async fn answers_on_sqlite() -> &'static Answers {
    static ANSWERS: OnceCell<Answers> = OnceCell::const_new();
    // Boxed: it holds a hub.
    let ask = || {
        Box::pin(async {
            let hub = Hub::start_with(CITY, |_| ()).await;
            Box::pin(answers_of(hub, &homes(), AT_ONCE)).await
        })
    };
    ANSWERS.get_or_init(ask).await
}

fn homes() -> Vec<Home> {
    City::new(CITY).expect("a city").collect()
}

/// Asks a hub everything about some homes, so much at once, and ends it. Boxed by its callers: it holds the hub.
async fn answers_of(hub: Hub, homes: &[Home], at_once: usize) -> Answers {
    let mut answers = Answers::new();
    for question in &QUESTIONS {
        let app = hub.app(question.application).purpose(question.purpose);
        let requests = homes.iter().flat_map(question.about);
        let asked = requests.map(|request| {
            let app = &app;
            async move { ((question.method, request.to_string()), answer(app, question, request).await) }
        });
        answers.extend(stream::iter(asked).buffer_unordered(at_once).collect::<Vec<_>>().await);
    }
    hub.stop().await;
    answers
}

/// Asks page by page, until the last.
async fn answer(app: &App, question: &Question, mut request: Value) -> Answer {
    let method = method(question.method);
    let mut pages = Vec::new();
    loop {
        let page = app.ask(&method, &request).await.map_err(|status| refusal(&status).reason)?;
        let next = page.last().map_or(Value::Null, |message| message["nextPageToken"].clone());
        pages.extend(page);
        if next.is_null() {
            return Ok(pages);
        }
        request["pageToken"] = next;
    }
}

/// Whether an answer tells anything beside where it comes from.
fn tells(answer: &Answer) -> bool {
    let says = |message: &Value| {
        let fields = message.as_object().expect("a message");
        fields.keys().any(|name| name != "provenance" && name != "nextPageToken")
    };
    answer.as_ref().is_ok_and(|messages| messages.iter().any(says))
}
