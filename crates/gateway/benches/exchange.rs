//! What the gateway itself costs per exchange: filter, token, permit, entry.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lgsp_core::entry::SubjectKeys;
use lgsp_core::{ExchangeId, Purpose, Rules, permit};
use lgsp_face::json;
use lgsp_gateway::caller::Tokens;
use lgsp_gateway::entry::{Account, Book, Tally};
use lgsp_gateway::filter::{Subjects, filter};
use lgsp_proto::population::v1::{Citizen, GetCitizenRequest, GetCitizenResponse, RelatedPerson};
use lgsp_proto::record::v1::{Address, PartialDate, Provenance};
use prost::Message;
use prost_reflect::DynamicMessage;

#[path = "../src/fixture.rs"]
mod fixture;

/// An answer of about 1 KiB, of which the agreement grants a part.
fn answer() -> Vec<u8> {
    let address =
        Address { line: "Số 12, đường 30 Tháng 4".to_owned(), text: "x".repeat(120), ward: None };
    let relative = |name: &str| RelatedPerson { full_name: name.to_owned(), ..RelatedPerson::default() };
    let citizen = Citizen {
        personal_number: "092085000001".to_owned(),
        full_name: "Nguyễn Văn An".to_owned(),
        date_of_birth: Some(PartialDate { year: 1985, month: 6, day: 1 }),
        birth_registration_place: Some(address.clone()),
        hometown: Some(address.clone()),
        permanent_address: Some(address.clone()),
        temporary_address: Some(address.clone()),
        current_address: Some(address),
        father: Some(relative("Nguyễn Văn Bình")),
        mother: Some(relative("Trần Thị Cúc")),
        provenance: Some(Provenance {
            source: "csdl-dancu".to_owned(),
            synthetic: true,
            ..Provenance::default()
        }),
        ..Citizen::default()
    };
    GetCitizenResponse { citizen: Some(citizen) }.encode_to_vec()
}

fn bench_filter(c: &mut Criterion) {
    let (rules, answer) = (fixture::rules(), answer());
    let method = rules.method(fixture::GET_CITIZEN).unwrap();
    let caller = rules.application("tthc").unwrap();
    let plan = rules.grants(&caller.id, method)[0].plan.clone();
    let mut group = c.benchmark_group("filter");
    group.throughput(Throughput::Bytes(answer.len() as u64));
    for (name, plan) in [("wire, masked", &plan), ("wire, whole", &method.whole)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let (mut out, mut subjects) = (Vec::with_capacity(answer.len()), Subjects::default());
                filter(plan, black_box(&answer), &mut out, &mut subjects).unwrap();
                out
            });
        });
    }
    let output = &method.output;
    let citizen = output.get_field_by_name("citizen").unwrap();
    let granted = ["personal_number", "full_name", "date_of_birth", "provenance"];
    group.bench_function("DynamicMessage, masked", |b| {
        b.iter(|| {
            let mut message = DynamicMessage::decode(output.clone(), black_box(&answer[..])).unwrap();
            let inner = message.get_field_mut(&citizen).as_message_mut().unwrap();
            for field in output.get_field_by_name("citizen").unwrap().kind().as_message().unwrap().fields() {
                if !granted.contains(&field.name()) {
                    inner.clear_field(&field);
                }
            }
            message.encode_to_vec()
        });
    });
    group.finish();
}

/// What a caller by JSON costs beside what all cost: gRPC's messages pass as they are.
fn bench_json(c: &mut Criterion) {
    let (rules, answer) = (fixture::rules(), answer());
    let method = rules.method(fixture::GET_CITIZEN).unwrap();
    let mut group = c.benchmark_group("json");
    group.throughput(Throughput::Bytes(answer.len() as u64));
    group.bench_function("request", |b| {
        b.iter(|| {
            json::to_message(&method.input, black_box(br#"{"personalNumber":"092085000001"}"#)).unwrap()
        });
    });
    group.bench_function("answer", |b| {
        b.iter(|| json::of_message(&method.output, black_box(&answer)).unwrap());
    });
    group.finish();
}

fn bench_token(c: &mut Criterion) {
    let (rules, authorization) = (fixture::rules(), fixture::authorization(fixture::NOW));
    let caller = |tokens: &Tokens| {
        tokens.caller(&rules, Some(black_box(authorization.as_bytes())), None, fixture::NOW).unwrap()
    };
    let (cold, cached) = (Tokens::new("lgsp", 0), Tokens::new("lgsp", 1_000));
    c.bench_function("token, first time", |b| b.iter(|| caller(&cold)));
    c.bench_function("token, known", |b| b.iter(|| caller(&cached)));
}

fn bench_permit(c: &mut Criterion) {
    let (rules, purpose) = (fixture::rules(), Purpose::parse("prefill").unwrap());
    let caller = caller_of(&rules);
    let method = rules.method(fixture::GET_CITIZEN).unwrap();
    c.bench_function("permit", |b| {
        b.iter(|| permit(&rules, &caller, black_box(method), Some(&purpose), fixture::NOW).unwrap());
    });
}

fn bench_entry(c: &mut Criterion) {
    let rules = fixture::rules();
    let (caller, method) = (caller_of(&rules), rules.method(fixture::GET_CITIZEN).unwrap());
    let purpose = Purpose::parse("prefill").unwrap();
    let permit = permit(&rules, &caller, method, Some(&purpose), fixture::NOW).unwrap();
    let book = Book::new("gateway-1", SubjectKeys::new([("2026-06".to_owned(), [7; 32])].into()));
    let request = GetCitizenRequest { personal_number: "092085000001".to_owned() }.encode_to_vec();
    let (subjects, answer) = (method.checks.request(&request).unwrap(), answer());
    c.bench_function("entry, from account to bytes", |b| {
        b.iter(|| {
            let mut account = Account::open(ExchangeId::new(), fixture::NOW, &caller, "sandbox", 1);
            account.calls(method);
            account.permitted(&permit);
            account.received(&request);
            let mut tally = Tally::new();
            tally.add(&answer);
            account.served(&book, &tally, &subjects)
        });
    });
}

fn caller_of(rules: &Rules) -> lgsp_core::Caller {
    let authorization = fixture::authorization(fixture::NOW);
    Tokens::new("lgsp", 1).caller(rules, Some(authorization.as_bytes()), None, fixture::NOW).unwrap()
}

criterion_group!(benches, bench_filter, bench_json, bench_token, bench_permit, bench_entry);
criterion_main!(benches);
