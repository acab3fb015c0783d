//! Kafka: topics as declared, rights, partitions, groups and dead letters.

use lgsp_bus::topics::{self, GroupSeen, Survey};
use lgsp_bus::{Bus, Error};

use super::asked::Asked;
use super::finding::Finding;
use crate::client::Lang;
use crate::config::Config;
use crate::kafka::{dead_letters_of, lacking};

const KAFKA: &str = "kafka";
const TOPICS: &str = "topics";
const ACLS: &str = "acls";
/// So many requests without an answer are more than a moment's.
const MANY_WAIT: i64 = 1_000;

pub(super) async fn check(config: &Config, asked: &Asked, lang: Lang) -> Vec<Finding> {
    let Some(brokers) = &config.kafka.brokers else {
        let found = lang.pick(
            "the broker is inside the process of lgsp up: nobody else can ask it",
            "broker nằm trong tiến trình của lgsp up: không ai khác hỏi được",
        );
        return vec![Finding::unknown(KAFKA, lang.pick("the embedded broker", "broker nhúng"), found)];
    };
    let Some(bus) = &asked.bus else {
        let why = asked.heard.as_ref().and_then(|heard| heard.as_ref().err().cloned()).unwrap_or_default();
        let mend = lang.pick(
            "see the section kafka of lgsp config reference",
            "xem mục kafka của lgsp config reference",
        );
        return vec![Finding::wrong(KAFKA, brokers, why).mend(mend)];
    };
    let survey = match topics::survey(bus).await {
        Ok(survey) => survey,
        Err(error) => {
            let finding = Finding::wrong(KAFKA, brokers, error.to_string());
            let silent = lang.pick("Kafka does not answer", "Kafka không trả lời");
            let [topics, acls] = [TOPICS, ACLS].map(|check| Finding::unknown(check, brokers, silent));
            return vec![finding.mend(mend(&error, lang)), topics, acls];
        }
    };
    let mut findings = of(&survey, lang);
    findings.extend(topics_of(bus, brokers, lang).await);
    findings.extend(acls(bus, brokers, lang).await);
    findings
}

fn mend(error: &Error, lang: Lang) -> &'static str {
    match error {
        Error::Untrusted { .. } => lang.pick(
            "kafka.security.ca, certificate and key: docs/keys.md",
            "kafka.security.ca, certificate và key: docs/keys.md",
        ),
        Error::LoginRefused { .. } => lang.pick(
            "kafka.security.user and password-file: docs/keys.md",
            "kafka.security.user và password-file: docs/keys.md",
        ),
        Error::Denied { .. } => "lgsp topics check",
        Error::OptionOwned { .. }
        | Error::OptionInvalid { .. }
        | Error::Secret { .. }
        | Error::NoAuthorizer
        | Error::Client { .. }
        | Error::Embedded { .. }
        | Error::Kafka { .. }
        | Error::TimedOut { .. }
        | Error::PlaceUnknown
        | Error::TooLarge { .. }
        | Error::QueueFull
        | Error::KeyMalformed
        | Error::DomainUnknown(_)
        | Error::Closed
        | Error::NotEmbedded(_)
        | Error::Thread { .. } => lang.pick(
            "start the brokers, or set kafka.brokers; look at the network between",
            "khởi động các broker, hoặc đặt kafka.brokers; kiểm tra mạng ở giữa",
        ),
    }
}

fn of(survey: &Survey, lang: Lang) -> Vec<Finding> {
    let brokers = survey.brokers.join(", ");
    let answer = match lang {
        Lang::En => format!("{} brokers answer", survey.brokers.len()),
        Lang::Vi => format!("{} broker trả lời", survey.brokers.len()),
    };
    let mut findings = vec![Finding::ok(KAFKA, brokers, answer)];
    // That a topic is missing is told by the comparison with the declaration.
    for topic in survey.topics.iter().filter(|topic| topic.partitions > 0) {
        let Some(lacks) = lacking(topic, lang) else { continue };
        let finding = if topic.lacking_leader.is_empty() { Finding::warning } else { Finding::wrong };
        findings.push(finding(KAFKA, topic.name.clone(), lacks).mend(lang.pick(
            "start the brokers that are missing: lgsp kafka status",
            "khởi động các broker còn thiếu: lgsp kafka status",
        )));
    }
    findings.extend(survey.groups.iter().flat_map(|group| of_group(group, lang)));
    if let Some(letters) = dead_letters_of(survey).filter(|letters| *letters > 0) {
        let found = match lang {
            Lang::En => format!("{letters} records of the last 14 days could not be processed"),
            Lang::Vi => format!("{letters} bản ghi trong 14 ngày gần nhất không xử lý được"),
        };
        let what = lang.pick("dead letters", "thư chết");
        findings.push(Finding::warning(KAFKA, what, found).mend("lgsp kafka dead-letters"));
    }
    findings
}

/// Whether somebody serves a domain, and comes through with it.
fn of_group(group: &GroupSeen, lang: Lang) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(lag) = group.lag.filter(|lag| lag.records >= MANY_WAIT) {
        let found = match lang {
            Lang::En => {
                format!("{} requests have no answer, {} of them on one partition", lag.records, lag.most)
            }
            Lang::Vi => {
                format!("{} yêu cầu chưa có trả lời, {} trong số đó ở một phân vùng", lag.records, lag.most)
            }
        };
        findings.push(Finding::warning(KAFKA, &group.group, found).mend(lang.pick(
            "add an instance, or look at its source: lgsp top",
            "chạy thêm một tiến trình, hoặc xem nguồn dữ liệu: lgsp top",
        )));
    }
    if group.members.as_ref().is_some_and(|(_, members)| *members == 0) {
        let found = lang.pick("nobody serves the domain", "không ai phục vụ lĩnh vực");
        let mend = match lang {
            Lang::En => format!("start who serves {}", group.domain),
            Lang::Vi => format!("khởi động bên phục vụ {}", group.domain),
        };
        findings.push(Finding::warning(KAFKA, &group.group, found).mend(mend));
    }
    findings
}

async fn topics_of(bus: &Bus, brokers: &str, lang: Lang) -> Vec<Finding> {
    match topics::check(bus).await {
        Ok(problems) if problems.is_empty() => {
            let found = lang.pick("as the hub needs them", "đúng như nền tảng cần");
            vec![Finding::ok(TOPICS, brokers, found)]
        }
        Ok(problems) => {
            let wrong =
                |it: topics::Problem| Finding::wrong(TOPICS, it.topic, it.problem).mend("lgsp topics apply");
            problems.into_iter().map(wrong).collect()
        }
        Err(error) => vec![Finding::unknown(TOPICS, brokers, error.to_string()).mend(mend(&error, lang))],
    }
}

async fn acls(bus: &Bus, brokers: &str, lang: Lang) -> Vec<Finding> {
    match topics::keeps_acls(bus).await {
        Ok(false) if bus.options().acls => {
            let found = lang.pick(
                "kafka.acls is set, and Kafka has no authorizer: whoever reaches it may read everything",
                "đã đặt kafka.acls mà Kafka không có bộ kiểm tra quyền: ai đến được Kafka cũng đọc được mọi thứ",
            );
            let mend = lang
                .pick("set authorizer.class.name of the brokers", "đặt authorizer.class.name ở các broker");
            vec![Finding::wrong(ACLS, brokers, found).mend(mend)]
        }
        Ok(false) => {
            let found = lang.pick(
                "Kafka has no authorizer: whoever reaches it may read and write every topic",
                "Kafka không có bộ kiểm tra quyền: ai đến được Kafka cũng đọc và ghi được mọi topic",
            );
            let mend = lang.pick("docs/keys.md, the section on Kafka", "docs/keys.md, mục về Kafka");
            vec![Finding::warning(ACLS, brokers, found).mend(mend)]
        }
        Ok(true) if !bus.options().acls => {
            let found = lang.pick(
                "Kafka keeps ACLs, and kafka.acls is not set: they are not compared",
                "Kafka có ACL mà chưa đặt kafka.acls: chưa đối chiếu",
            );
            let mend = lang.pick("set kafka.acls = true", "đặt kafka.acls = true");
            vec![Finding::warning(ACLS, brokers, found).mend(mend)]
        }
        Ok(true) => compared(bus, brokers, lang).await,
        Err(error) => vec![Finding::unknown(ACLS, brokers, error.to_string()).mend(mend(&error, lang))],
    }
}

async fn compared(bus: &Bus, brokers: &str, lang: Lang) -> Vec<Finding> {
    let differences = match topics::compare_acls(bus).await {
        Ok(differences) => differences,
        Err(error) => {
            return vec![Finding::unknown(ACLS, brokers, error.to_string()).mend(mend(&error, lang))];
        }
    };
    let missing = differences.missing.iter().map(|acl| {
        Finding::wrong(ACLS, acl.to_string(), lang.pick("missing", "thiếu")).mend("lgsp topics apply")
    });
    let superfluous = differences.superfluous.iter().map(|acl| {
        Finding::warning(ACLS, acl.to_string(), lang.pick("nobody declared it", "không ai khai báo"))
            .mend(lang.pick("take it away with kafka-acls.sh --remove", "gỡ bằng kafka-acls.sh --remove"))
    });
    let found: Vec<Finding> = missing.chain(superfluous).collect();
    if found.is_empty() {
        return vec![Finding::ok(
            ACLS,
            brokers,
            lang.pick(
                "every principal has its rights and no other",
                "mỗi người dùng Kafka có đúng quyền của mình",
            ),
        )];
    }
    found
}

#[cfg(test)]
mod tests {
    use lgsp_bus::topics::{Lag, TopicSeen};

    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_partition_without_a_leader_is_wrong_and_what_waits_or_died_a_warning() {
        let topic = |name: &str| TopicSeen {
            name: name.to_owned(),
            partitions: 8,
            replicas: 3,
            lacking_replica: Vec::new(),
            lacking_leader: Vec::new(),
            records: Some(2),
        };
        let leaderless = TopicSeen { lacking_leader: vec![3], ..topic("lgsp.exchange") };
        let out_of_sync = TopicSeen { lacking_replica: vec![3], ..topic("lgsp.usage") };
        let lag = Some(Lag { records: 5_000, partition: 1, most: 4_000 });
        let group = GroupSeen {
            domain: "land".to_owned(),
            group: "lgsp.land".to_owned(),
            members: Some(("Empty".to_owned(), 0)),
            lag,
        };
        let survey = Survey {
            brokers: vec!["kafka-1:9092".to_owned()],
            topics: vec![topic("lgsp.reply"), leaderless, out_of_sync, topic("lgsp.dead-letter")],
            groups: vec![group],
        };
        let found: Vec<(String, Verdict)> =
            of(&survey, Lang::En).into_iter().map(|it| (it.what, it.verdict)).collect();
        let named = |(what, verdict): &(String, Verdict)| (what.clone(), *verdict);
        let expected = [
            ("kafka-1:9092", Verdict::Ok),
            ("lgsp.exchange", Verdict::Wrong),
            ("lgsp.usage", Verdict::Warning),
            ("lgsp.land", Verdict::Warning),
            ("lgsp.land", Verdict::Warning),
            ("dead letters", Verdict::Warning),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(what, verdict)| ((*what).to_owned(), *verdict)).collect();
        assert_eq!(found.iter().map(named).collect::<Vec<_>>(), expected);
    }
}
