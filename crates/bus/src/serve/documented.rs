//! `docs/protocol.md`, held against the code: whoever writes a provider in another language has nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use lgsp_core::{Fault, PersonId, Reason};
use rdkafka::ClientConfig;
use sha2::Sha256;

use super::{answer, dead_letters};
use crate::caller::replies::Holds;
use crate::headers::{self, HeaderList, Incoming, ReplyTo};
use crate::mac::Kind;
use crate::{MacKey, Options, RequestHead, caller, clients, heartbeat, request, topics};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    fs::read_to_string(path).unwrap()
}

/// The cells of the tables in a section, without their heads and without the marks of code.
fn tables(section: &str) -> Vec<Vec<Vec<String>>> {
    let document = document();
    let section = document.split(&format!("\n## {section}\n")).nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let tables = section.split("\n\n").filter(|paragraph| paragraph.starts_with('|'));
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    };
    tables.map(|table| table.lines().skip(2).map(cells).collect()).collect()
}

fn names(table: &[Vec<String>]) -> Vec<&str> {
    table.iter().flat_map(|row| row[0].split(", ")).collect()
}

/// A worked MAC: headers in their order, and what goes in and comes out.
#[derive(Default)]
struct Worked {
    key: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    value: Vec<u8>,
    input: Vec<u8>,
    mac: String,
}

impl Worked {
    fn of(kind: &str) -> Self {
        let document = document();
        let block = document.split(&format!("```text {kind}\n")).nth(1).expect("the block is there");
        let mut worked = Self::default();
        for line in block.split("```").next().unwrap_or_default().lines() {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = rest.trim();
            match name {
                "key" => worked.key = hex::decode(rest).unwrap(),
                "header" => worked.headers.push(header(rest)),
                "value" => worked.value.extend(hex::decode(rest).unwrap()),
                "input" => worked.input.extend(hex::decode(rest).unwrap()),
                "mac" => worked.mac = rest.to_owned(),
                other => panic!("what is {other}?"),
            }
        }
        worked
    }

    fn key(&self) -> MacKey {
        MacKey::new(self.key.as_slice().try_into().expect("32 bytes"))
    }

    /// The MAC that this crate writes.
    fn ours(&self, kind: Kind) -> String {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let mut list = HeaderList::of(&headers);
        list.sign(&self.key(), kind, &self.value);
        let (name, mac) = list.iter().last().expect("it is signed");
        assert_eq!(name, headers::MAC);
        String::from_utf8(mac.to_vec()).unwrap()
    }

    /// The MAC of the input as it is printed.
    fn of_input(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap();
        mac.update(&self.input);
        hex::encode(mac.finalize().into_bytes())
    }
}

fn header(text: &str) -> (String, Vec<u8>) {
    let (name, value) = text.split_once(": ").expect("a name and a value");
    let bytes = value.strip_prefix("0x").map(|digits| hex::decode(digits).unwrap());
    (name.to_owned(), bytes.unwrap_or_else(|| value.into()))
}

#[test]
fn the_worked_macs_are_ours() {
    for (name, kind) in [("request", Kind::Request), ("reply", Kind::Reply), ("heartbeat", Kind::Heartbeat)] {
        let worked = Worked::of(name);
        assert_eq!(worked.ours(kind), worked.mac, "{name}");
    }
    let digest = Worked::of("dead letter");
    assert_eq!(digest.ours(Kind::DeadLetter), digest.mac);
    for printed in [Worked::of("request"), Worked::of("heartbeat")] {
        assert_eq!(printed.of_input(), printed.mac);
    }
}

fn worked_request() -> (RequestHead, ReplyTo) {
    let headers = Worked::of("request").headers;
    let kept: Vec<(String, Bytes)> = headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    RequestHead::read(&Incoming::kept(&kept), &"echo".into()).expect("a request")
}

#[test]
fn the_worked_records_read_as_they_say() {
    let [reply, heartbeat] = ["reply", "heartbeat"].map(Worked::of);
    let (head, reply_to) = worked_request();
    assert_eq!((head.application.as_str(), reply_to.partition, head.fields.len()), ("tthc", 3, 2));
    let value_of = |name: &str| reply.headers.iter().find(|(known, _)| known == name).unwrap().1.as_slice();
    let fault = Fault::of_provider(5, Some(value_of(headers::GRPC_DETAILS)));
    assert_eq!(fault.reason(), Reason::NotFound);
    let told: lgsp_proto::monitor::v1::Heartbeat =
        prost::Message::decode(heartbeat.value.as_slice()).expect("a heartbeat");
    assert_eq!((told.domain.as_str(), told.partitions), ("echo", vec![0, 1, 2, 3]));
}

#[test]
fn every_topic_is_told_with_who_writes_and_reads_it() {
    let options = Options { domains: vec!["<domain>".to_owned()], ..Options::default() };
    let declared: Vec<Vec<String>> = topics::declared(&options)
        .into_iter()
        .map(|topic| {
            let [writers, readers] = [topic.writers, topic.readers].map(|roles| roles.join(", "));
            vec![topic.name, topic.key.to_owned(), topic.carries.to_owned(), writers, readers]
        })
        .collect();
    assert_eq!(tables("Topics")[0], declared);
}

#[test]
fn the_headers_of_a_request_are_told_in_the_order_in_which_they_are_written() {
    let told = || Some("told".to_owned());
    let head = RequestHead {
        person: PersonId::parse("an.nguyen"),
        officer: told(),
        unit: told(),
        procedure: told(),
        dossier: told(),
        request_id: told(),
        traceparent: told(),
        ..worked_request().0
    };
    let reply_to = ReplyTo::new(0);
    let mut list = head.write(&reply_to);
    list.sign(&MacKey::new([7; 32]), Kind::Request, &[]);
    let written: Vec<&str> = list.iter().map(|(name, _)| name).collect();
    assert_eq!(names(&tables("Requests")[0]), written);
}

#[test]
fn the_headers_of_replies_and_dead_letters_are_told() {
    let reply = [
        headers::PROTOCOL,
        headers::EXCHANGE_ID,
        headers::REPLY_TO,
        headers::SEQUENCE,
        headers::VALUE,
        headers::ADAPTER,
        headers::VERSION,
        headers::TAKEN_UP,
        headers::ANSWERED,
        headers::END,
        headers::GRPC_STATUS,
        headers::GRPC_DETAILS,
        headers::MAC,
    ];
    assert_eq!(names(&tables("Replies")[0]), reply);
    let holds = [Holds::Message, Holds::Piece, Holds::Nothing].map(|holds| format!("* `{}`: ", holds.text()));
    assert!(holds.iter().all(|line| document().contains(line)), "what a value may be");

    let written = [
        headers::CAUSE,
        headers::TOPIC,
        headers::PARTITION,
        headers::OFFSET,
        headers::DIGEST,
        headers::SIZE,
        headers::ADAPTER,
    ];
    assert_eq!(names(&tables("Refusing")[0]), [dead_letters::KEPT, &written].concat());
}

#[test]
fn every_bound_is_the_one_in_force() {
    let bounds = [
        headers::MOST,
        headers::MOST_BYTES,
        request::LONGEST_NAME,
        caller::LARGEST_REQUEST,
        answer::LONGEST_PIECE,
        caller::LARGEST_ANSWER,
        answer::LARGEST_DETAILS,
        clients::LARGEST_RECORD,
    ];
    assert_eq!(last_cells(&tables("Headers")[0]), bounds.map(|bound| bound.to_string()));
    let times = [heartbeat::INTERVAL, heartbeat::LIVES, heartbeat::CLOCKS];
    assert_eq!(last_cells(&tables("Heartbeats")[1]), times.map(|time| time.as_millis().to_string()));
    let (most, seconds) = (dead_letters::MOST, dead_letters::PERIOD.as_secs());
    assert!(document().contains(&format!("at most {most} in {seconds} seconds")));
    assert!(document().contains(&format!("in at most {} characters", dead_letters::LONGEST)));
}

fn last_cells(table: &[Vec<String>]) -> Vec<&str> {
    table.iter().filter_map(|row| row.last()).map(String::as_str).collect()
}

#[test]
fn every_setting_of_kafkas_clients_is_the_one_in_force() {
    let options = Options { brokers: Some("127.0.0.1:9092".to_owned()), ..Options::default() };
    let fetch = clients::Fetch { least_bytes: 1, hold: std::time::Duration::ZERO };
    let cluster = clients::Cluster::new(options, "127.0.0.1:9092".to_owned()).expect("no file is named");
    let member = clients::group_consumer(&cluster, "<domain>", fetch);
    let producer = clients::producer(&cluster, super::GIVE_UP);
    for (table, config) in tables("Ownership").iter().zip([&member, &producer]) {
        assert_eq!(in_force(config, table), table.iter().map(|row| row[1].clone()).collect::<Vec<_>>());
    }
}

fn in_force(config: &ClientConfig, table: &[Vec<String>]) -> Vec<String> {
    names(table).into_iter().map(|key| config.get(key).unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_reason_that_a_provider_may_give_is_told_with_its_code() {
    let [reasons, codes] = tables("Errors").try_into().expect("two tables");
    let allowed: BTreeMap<&str, &str> =
        reasons.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    for reason in Reason::ALL {
        let (fault, code) = (Fault::new(*reason), reason.code() as i32);
        let details = prost::Message::encode_to_vec(&fault.to_rpc(None));
        let passes = Fault::of_provider(code, Some(&details)).reason();
        match allowed.get(reason.name()) {
            Some(told) => assert_eq!((passes, *told), (*reason, code.to_string().as_str())),
            None => assert_eq!(passes, Fault::of_provider(code, None).reason(), "{}", reason.name()),
        }
    }
    let by_code: BTreeMap<&str, &str> = codes.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    for code in 1..=16 {
        let told = by_code.get(code.to_string().as_str()).or(by_code.get("any other"));
        assert_eq!(told, Some(&Fault::of_provider(code, None).reason().name()), "code {code}");
    }
}
