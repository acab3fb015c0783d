use std::collections::BTreeMap;

use lgsp_core::entry::salted;
use lgsp_core::{ExchangeId, Outcome};
use lgsp_proto::ledger::v1::{Erasable, ErasableDigests, Phase};
use lgsp_store::testing::Database;
use prost::Message;

use super::super::{Progress, Row};
use super::*;
use crate::entry::{Signed, Signers, read_sealed};
use crate::erasable::SeekKey;
use crate::fence::Fence;
use crate::files::log::Place;
use crate::sequences::Sequences;

/// Midnight of 2026-06-01 in Asia/Ho_Chi_Minh.
const JUNE: i64 = 1_780_246_800_000_000;
const DAY: i64 = 86_400_000_000;

/// In SQLite, and in PostgreSQL where there is a server.
async fn each() -> Vec<(Database, Index)> {
    let mut each = Vec::new();
    for database in Database::each().await {
        let key = SeekKey::new(&[7; 32]);
        let index = Index::open_in(&database.options(), &key, Fence::default()).await.unwrap();
        each.push((database, index));
    }
    each
}

fn sealed(exchange: ExchangeId, phase: Phase, at_us: i64, outcome: Outcome) -> Sealed {
    Sealed {
        exchange_id: exchange.as_bytes().to_vec().into(),
        phase: phase.into(),
        admitted_us: at_us,
        entered_us: at_us + 3_500,
        application: "tthc".to_owned(),
        environment: "sandbox".to_owned(),
        service: "a.B".to_owned(),
        method: "C".to_owned(),
        outcome: outcome.into(),
        ..Sealed::default()
    }
}

fn row(leaf: u64, sealed: &Sealed, dossier: &str, signed: Signed) -> Row {
    let mut sealed = sealed.clone();
    let mut read = read_sealed(sealed.encode_to_vec().into(), &Signers::default()).unwrap();
    if !dossier.is_empty() {
        sealed.erasable_digests = Some(ErasableDigests { dossier: vec![7; 32].into(), ..Default::default() });
        read = read_sealed(sealed.encode_to_vec().into(), &Signers::default()).unwrap();
        let erasable = Erasable { dossier: salted(dossier), ..Erasable::default() };
        read.erasable = Some(erasable.encode_to_vec().into());
    }
    read.signed = signed;
    Row { leaf, place: Place::default(), read }
}

async fn put(index: &Index, rows: &[Row]) {
    let sequences = Sequences::default();
    index.put(rows, &[], &sequences, &Progress::default(), &BTreeMap::new()).await.unwrap();
}

async fn asked(index: &Index, since_us: i64, days: i64, by_day: bool) -> Traffic {
    let asked = Asked { since_us, until_us: since_us + days * DAY, by_day, dossiers: true, limit: 1_000 };
    index.traffic(asked, Instant::now() + std::time::Duration::from_secs(20)).await.unwrap()
}

/// Outcome, exchanges and those with a dossier, of June.
async fn counts(index: &Index) -> Vec<(i64, i64, i64)> {
    let told = asked(index, JUNE, 30, false).await;
    told.counted.iter().map(|it| (it.outcome, it.exchanges, it.dossiers)).collect()
}

#[tokio::test]
async fn each_exchange_counts_once_as_it_is_shown_whatever_comes_in_which_order() {
    for (_database, index) in each().await {
        let exchange = ExchangeId::new();
        let (served, abandoned) = (Outcome::Served as i64, Outcome::Abandoned as i64);
        let end = |phase, outcome| sealed(exchange, phase, JUNE + 5, outcome);
        put(&index, &[row(0, &end(Phase::Opening, Outcome::Unspecified), "d", Signed::Yes)]).await;
        assert_eq!(counts(&index).await, [], "it has not ended");
        put(&index, &[row(1, &end(Phase::Abandoned, Outcome::Abandoned), "", Signed::Yes)]).await;
        assert_eq!(counts(&index).await, [(abandoned, 1, 0)]);
        let last = row(2, &end(Phase::Final, Outcome::Served), "d", Signed::Yes);
        for _ in 0..2 {
            put(&index, std::slice::from_ref(&last)).await;
            assert_eq!(counts(&index).await, [(served, 1, 1)], "a final entry wins, and counts once");
        }
        index.take_away(&[(2, 3)]).await.unwrap();
        assert_eq!(counts(&index).await, [], "what is archived is told apart");
        put(&index, std::slice::from_ref(&last)).await;
        assert_eq!(counts(&index).await, [(served, 1, 1)], "and counts again once it is back");
    }
}

#[tokio::test]
async fn what_is_not_signed_counts_nothing_until_a_signed_entry_takes_its_place() {
    for (_database, index) in each().await {
        let forged = sealed(ExchangeId::new(), Phase::Final, JUNE, Outcome::Denied);
        put(&index, &[row(0, &forged, "", Signed::No)]).await;
        assert_eq!(counts(&index).await, []);
        let signed = Sealed { outcome: Outcome::Served.into(), ..forged };
        put(&index, &[row(1, &signed, "", Signed::Yes)]).await;
        assert_eq!(counts(&index).await, [(Outcome::Served as i64, 1, 0)]);
    }
}

#[tokio::test]
async fn days_end_at_midnight_and_dossiers_of_a_period_are_not_the_sum_of_its_days() {
    for (_database, index) in each().await {
        let at = |leaf, at_us, dossier| {
            row(leaf, &sealed(ExchangeId::new(), Phase::Final, at_us, Outcome::Served), dossier, Signed::Yes)
        };
        let rows = [
            at(0, JUNE - 1, "of-may"),
            at(1, JUNE, "one"),
            at(2, JUNE + DAY - 1, "two"),
            at(3, JUNE + DAY, "one"),
            at(4, JUNE + DAY, ""),
        ];
        put(&index, &rows).await;
        let days = asked(&index, JUNE, 30, true).await;
        let first = day_number(JUNE);
        let counted: Vec<_> = days.counted.iter().map(|it| (it.day, it.exchanges)).collect();
        assert_eq!(counted, [(Some(first), 2), (Some(first + 1), 2)]);
        let distinct = |told: &Traffic, application: &str| -> Vec<(i64, i64)> {
            let of = told.dossiers.iter().filter(|it| it.application == application);
            of.map(|it| (it.distinct, it.exchanges)).collect()
        };
        assert_eq!(
            (distinct(&days, ""), distinct(&days, "tthc")),
            (vec![(2, 2), (1, 1)], vec![(2, 2), (1, 1)])
        );
        let period = asked(&index, JUNE, 30, false).await;
        assert_eq!((distinct(&period, ""), distinct(&period, "tthc")), (vec![(2, 3)], vec![(2, 3)]));
    }
}

#[tokio::test]
async fn the_counts_of_a_day_are_those_that_its_entries_give() {
    for (_database, index) in each().await {
        let mut rows = Vec::new();
        for number in 0..500_u64 {
            let exchange = ExchangeId::new();
            let at = JUNE + (number as i64 * 7_919 % 3) * DAY;
            let outcome = [Outcome::Served, Outcome::NotFound, Outcome::Denied][number as usize % 3];
            let mut it = sealed(exchange, Phase::Final, at, outcome);
            it.entered_us = at + (number * number) as i64;
            it.platform = number % 5 == 0;
            it.application = ["tthc", "dvctt"][number as usize % 2].to_owned();
            let signed = if number % 11 == 0 { Signed::No } else { Signed::Yes };
            rows.push(row(number, &it, "", signed));
            if number % 7 == 0 {
                let early = sealed(exchange, Phase::Abandoned, at, Outcome::Abandoned);
                rows.push(row(number + 1_000, &early, "", Signed::Yes));
            }
        }
        for batch in rows.chunks(37) {
            put(&index, batch).await;
        }
        let recount = "SELECT (admitted_us + 25200000000) / 86400000000 AS day, platform, environment, application, service, method, \
             outcome, bucket, count(*) AS exchanges, sum(dossier) AS dossiers FROM entry WHERE shown = 1 AND signed > 0 \
             GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8";
        let by_day =
            Asked { since_us: JUNE, until_us: JUNE + 3 * DAY, by_day: true, dossiers: false, limit: 1_000 };
        let recounted = index.rows(lgsp_store::Query::new(recount)).await.unwrap();
        let recounted: Vec<Counted> = recounted.iter().map(|row| count_of(row, by_day).unwrap()).collect();
        assert_eq!(index.miscounted().await.unwrap(), []);
        let told = asked(&index, JUNE, 3, true).await.counted;
        assert!(told.len() > 50, "{}", told.len());
        assert_eq!(told, recounted);
        // The same from the sealed parts, without the database.
        let ended =
            rows.iter().filter(|row| row.read.key.phase == Phase::Final && row.read.signed == Signed::Yes);
        let sum = |counted: &[Counted], outcome: Outcome| -> i64 {
            counted.iter().filter(|it| it.outcome == outcome as i64).map(|it| it.exchanges).sum()
        };
        let served = ended.filter(|row| row.read.sealed.outcome() == Outcome::Served).count();
        assert_eq!(sum(&told, Outcome::Served), served as i64);
    }
}

#[tokio::test]
async fn counts_that_are_not_those_of_the_entries_are_found_by_their_day() {
    for (_database, index) in each().await {
        let of = |leaf, at_us| {
            row(leaf, &sealed(ExchangeId::new(), Phase::Final, at_us, Outcome::Served), "", Signed::Yes)
        };
        put(&index, &[of(0, JUNE), of(1, JUNE + DAY), of(2, JUNE + DAY)]).await;
        assert_eq!(index.miscounted().await.unwrap(), []);
        let first = day_number(JUNE);
        let break_it = async |sql: &str| {
            let mut writer = index.writer(lgsp_store::Care::Durable).await.unwrap();
            writer.run(lgsp_store::Query::new(sql)).await.unwrap();
            writer.commit().await.unwrap();
        };
        break_it(&format!("UPDATE daily SET exchanges = 5 WHERE day = {}", first + 1)).await;
        let day = |day: &str, counted, recounted| Miscounted { day: day.to_owned(), counted, recounted };
        assert_eq!(index.miscounted().await.unwrap(), [day("2026-06-02", 5, 2)]);
        break_it(&format!("UPDATE daily SET bucket = bucket + 1 WHERE day = {first}")).await;
        break_it(&format!("DELETE FROM daily WHERE day = {}", first + 1)).await;
        break_it("UPDATE monthly SET exchanges = 7").await;
        let told = index.miscounted().await.unwrap();
        assert_eq!(told, [day("2026-06-01", 1, 1), day("2026-06-02", 0, 2), day("2026-06", 7, 3)]);
    }
}

#[tokio::test]
async fn a_form_is_filled_when_each_method_that_was_asked_for_it_has_answered_with_data() {
    use Outcome::{Denied, NotFound, Served};
    for (_database, index) in each().await {
        let mut leaf = 0;
        let mut of = |application: &str, dossier: &str, method: &str, outcome, fields: usize| {
            leaf += 1;
            let exchange = sealed(ExchangeId::new(), Phase::Final, JUNE + 5, outcome);
            let sealed = Sealed {
                application: application.to_owned(),
                service: format!("a.{}", &method[..1]),
                method: method.to_owned(),
                fields_released: vec!["a".to_owned(); fields],
                ..exchange
            };
            row(leaf, &sealed, dossier, Signed::Yes)
        };
        let rows = [
            of("tthc", "1", "GetCitizen", Served, 4),
            of("tthc", "1", "VerifyInsurance", NotFound, 0),
            of("tthc", "1", "VerifyInsurance", Served, 2),
            of("tthc", "2", "GetCitizen", Served, 4),
            of("tthc", "2", "VerifyInsurance", NotFound, 0),
            of("tthc", "3", "GetCitizen", Denied, 0),
            of("hotich", "1", "GetCitizen", Served, 3),
            of("hotich", "1", "GetCitizen", Served, 3),
            of("hotich", "", "GetCitizen", Served, 3),
        ];
        put(&index, &rows).await;
        let soon = || Instant::now() + std::time::Duration::from_secs(20);
        let (forms, filled) = index.forms((JUNE, JUNE + DAY), 10, soon()).await.unwrap();
        let forms: Vec<_> = forms.iter().map(|it| (it.application.as_str(), it.opened, it.filled)).collect();
        assert_eq!(forms, [("hotich", 1, 1), ("tthc", 3, 1)]);
        let filled: Vec<_> =
            filled.iter().map(|it| (it.service.as_str(), it.forms, it.exchanges, it.fields)).collect();
        assert_eq!(filled, [("a.G", 3, 4, 14), ("a.V", 1, 1, 2)]);
        let (none, _) = index.forms((JUNE + DAY, JUNE + 2 * DAY), 10, soon()).await.unwrap();
        assert_eq!(none, []);
    }
}

#[tokio::test]
async fn a_period_is_the_sum_of_its_days_wherever_it_begins_and_ends() {
    for (_database, index) in each().await {
        let rows: Vec<Row> = (0..150)
            .map(|day| {
                let outcome = [Outcome::Served, Outcome::Denied][day as usize % 2];
                let at = JUNE + day * DAY + 7;
                row(day as u64, &sealed(ExchangeId::new(), Phase::Final, at, outcome), "", Signed::Yes)
            })
            .collect();
        put(&index, &rows).await;
        assert_eq!(index.miscounted().await.unwrap(), []);
        for (first, days) in [(0, 30), (0, 150), (3, 20), (29, 1), (10, 100), (30, 31), (29, 33), (-5, 400)] {
            let whole = asked(&index, JUNE + first * DAY, days, false).await.counted;
            let told: Vec<(i64, i64)> = whole.iter().map(|it| (it.outcome, it.exchanges)).collect();
            let of = |odd: i64| {
                (first.max(0)..(first + days).min(150)).filter(|day| day.rem_euclid(2) == odd).count() as i64
            };
            let expected = [(Outcome::Served as i64, of(0)), (Outcome::Denied as i64, of(1))];
            let expected: Vec<_> = expected.into_iter().filter(|(_, count)| *count > 0).collect();
            assert_eq!(told, expected, "from {first} for {days}");
        }
    }
}
