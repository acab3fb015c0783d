//! The entries of a city: who asks about whom how often, by rule, so that any entry can be made again from its number.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_core::entry::{SubjectKeys, SubjectRef, salted, seal};
use lgsp_core::{ExchangeId, Subject};
use lgsp_proto::ledger::v1::{Decision, Erasable, Outcome, Phase, Sealed};
use prost::Message as _;

/// 2026-06-01 in Unix µs.
const BEGIN: i64 = 1_780_272_000_000_000;
/// How long the log of any size took.
const MONTH: i64 = 30 * 24 * 3_600 * 1_000_000;

/// A city whose log has so many entries, within one month.
pub struct City {
    pub entries: u64,
    keys: SubjectKeys,
}

impl City {
    pub fn of(entries: u64) -> Self {
        Self { entries, keys: keys() }
    }

    pub fn subject_keys(&self) -> SubjectKeys {
        keys()
    }

    /// Somebody who is in the log.
    pub fn person_of(&self, asked: u64) -> String {
        person(self.number(asked))
    }

    /// A dossier that is in the log.
    pub fn dossier_of(&self, asked: u64) -> String {
        dossier(self.number(asked))
    }

    /// An exchange that is in the log.
    pub fn exchange_of(&self, asked: u64) -> ExchangeId {
        exchange(self.number(asked))
    }

    fn number(&self, asked: u64) -> u64 {
        scattered(asked) % self.entries
    }

    /// The record of an entry, as a gateway appends it.
    pub fn entry(&self, number: u64, counting: &MacKey) -> Bytes {
        let step = MONTH / i64::try_from(self.entries).unwrap_or(i64::MAX).max(1);
        let admitted_us = BEGIN + step * number.cast_signed();
        let sealed = Sealed {
            exchange_id: exchange(number).as_bytes().to_vec().into(),
            phase: Phase::Final.into(),
            gateway: format!("gateway-{}", number % 2),
            sequence: number / 2 + 1,
            application: APPLICATIONS[(number % 11) as usize].to_owned(),
            agency_code: "H13.01".to_owned(),
            environment: "production".to_owned(),
            credential_sha256: vec![(number % 11) as u8; 32].into(),
            service: "lgsp.population.v1.PopulationService".to_owned(),
            method: "GetCitizen".to_owned(),
            contract_sha256: vec![9; 32].into(),
            purpose: "prefill".to_owned(),
            procedure: "1.004194".to_owned(),
            legal_basis: "Nghị định 137/2024/NĐ-CP, Điều 8".to_owned(),
            agreement: "tt-hotich-dancu".to_owned(),
            agreement_version: 1,
            registry_revision: 12,
            decision: Decision::Granted.into(),
            fields_released: FIELDS.map(str::to_owned).to_vec(),
            record_count: 1,
            request_bytes: 40,
            answer_bytes: 800,
            adapter: "population-1".to_owned(),
            adapter_version: "0.1.0".to_owned(),
            admitted_us,
            sent_us: admitted_us + 200,
            taken_up_us: admitted_us + 900,
            answered_us: admitted_us + 2_100,
            entered_us: admitted_us + 2_500,
            deadline_us: admitted_us + 5_000_000,
            outcome: Outcome::Served.into(),
            request_sha256: vec![3; 32].into(),
            answer_sha256: vec![4; 32].into(),
            ..Sealed::default()
        };
        let erasable = Erasable {
            officer: salted(&format!("cb-{}", number % 2_000)),
            unit: salted(&format!("phuong-{}", number % 103)),
            dossier: salted(&dossier(number)),
            request_id: salted(&format!("req-{number}")),
            subjects: [subject(person(number), true), subject(person(scattered(number)), false)]
                .iter()
                .filter_map(|subject| self.keys.hash(subject, admitted_us))
                .collect(),
            ..Erasable::default()
        };
        let mut entry = seal(sealed, erasable);
        entry.sealed = lgsp_bus::entry::sign(counting, &entry.sealed).into();
        entry.encode_to_vec().into()
    }
}

const APPLICATIONS: [&str; 11] =
    ["tthc", "hotich", "datdai", "yte", "giaoduc", "dkkd", "gpxd", "bhxh", "congan", "thue", "ldxh"];
const FIELDS: [&str; 4] =
    ["citizen.full_name", "citizen.date_of_birth", "citizen.permanent_address", "citizen.sex"];

fn keys() -> SubjectKeys {
    SubjectKeys::new(BTreeMap::from([("2026-06".to_owned(), [6; 32]), ("2026-07".to_owned(), [7; 32])]))
}

fn subject(value: String, asked: bool) -> SubjectRef {
    SubjectRef { kind: Subject::Person, value, asked }
}

/// A million citizens, some of them asked about often.
fn person(number: u64) -> String {
    let of_all = scattered(number) % 1_000_000;
    format!("092085{:06}", if number.is_multiple_of(50) { of_all % 1_000 } else { of_all })
}

/// Ten exchanges to a dossier.
fn dossier(number: u64) -> String {
    format!("H13.01-260601-{:07}", number / 10)
}

fn exchange(number: u64) -> ExchangeId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(number + 1_780_272_000_000).to_be_bytes()[2..]);
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    bytes[9..].copy_from_slice(&scattered(number).to_be_bytes()[1..]);
    ExchangeId::from_bytes(&bytes).expect("a UUID of version 7")
}

/// The same number for the same one, and as if drawn (SplitMix64).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
