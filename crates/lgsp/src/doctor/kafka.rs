//! Kafka: topics as declared, rights, partitions, groups and dead letters.

use lgsp_bus::topics::{self, Survey};
use lgsp_bus::{Bus, Error};

use super::asked::Asked;
use super::finding::Finding;
use crate::config::Config;
use crate::kafka::lacking;

const KAFKA: &str = "kafka";
const TOPICS: &str = "topics";
const ACLS: &str = "acls";
/// So many requests without an answer are more than a moment's.
const MANY_WAIT: i64 = 1_000;

pub(super) async fn check(config: &Config, asked: &Asked) -> Vec<Finding> {
    let Some(brokers) = &config.kafka.brokers else {
        let found = "the broker is inside the process of lgsp up: nobody else can ask it";
        return vec![Finding::unknown(KAFKA, "the embedded broker", found)];
    };
    let Some(bus) = &asked.bus else {
        let why = asked.heard.as_ref().and_then(|heard| heard.as_ref().err().cloned()).unwrap_or_default();
        return vec![
            Finding::wrong(KAFKA, brokers, why).mend("see the section kafka of lgsp config reference"),
        ];
    };
    let survey = match topics::survey(bus).await {
        Ok(survey) => survey,
        Err(error) => {
            let finding = Finding::wrong(KAFKA, brokers, error.to_string());
            let topics = Finding::unknown(TOPICS, brokers, "Kafka does not answer");
            let acls = Finding::unknown(ACLS, brokers, "Kafka does not answer");
            return vec![finding.mend(mend(&error)), topics, acls];
        }
    };
    let mut findings = of(&survey);
    findings.extend(topics_of(bus, brokers).await);
    findings.extend(acls(bus, brokers).await);
    findings
}

fn mend(error: &Error) -> &'static str {
    match error {
        Error::Untrusted { .. } => "kafka.security.ca, certificate and key: docs/keys.md",
        Error::LoginRefused { .. } => "kafka.security.user and password-file: docs/keys.md",
        Error::Denied { .. } => "lgsp topics check",
        _ => "start the brokers, or set kafka.brokers; look at the network between",
    }
}

fn of(survey: &Survey) -> Vec<Finding> {
    let brokers = survey.brokers.join(", ");
    let mut findings = vec![Finding::ok(KAFKA, brokers, format!("{} brokers answer", survey.brokers.len()))];
    // That a topic is missing is told by the comparison with the declaration.
    for topic in survey.topics.iter().filter(|topic| topic.partitions > 0) {
        let Some(lacks) = lacking(topic) else { continue };
        let finding = if topic.lacking_leader.is_empty() { Finding::warning } else { Finding::wrong };
        findings.push(
            finding(KAFKA, topic.name.clone(), lacks)
                .mend("start the brokers that are missing: lgsp kafka status"),
        );
    }
    for group in &survey.groups {
        let many = group.lag.filter(|lag| lag.records >= MANY_WAIT);
        if let Some(lag) = many {
            let found =
                format!("{} requests have no answer, {} of them on one partition", lag.records, lag.most);
            findings.push(
                Finding::warning(KAFKA, &group.group, found)
                    .mend("add an instance, or look at its source: lgsp top"),
            );
        }
        if group.members.as_ref().is_some_and(|(_, members)| *members == 0) {
            let found = "nobody serves the domain";
            findings.push(
                Finding::warning(KAFKA, &group.group, found)
                    .mend(format!("start who serves {}", group.domain)),
            );
        }
    }
    let letters = survey.topics.iter().find(|topic| topic.name.ends_with(".dead-letter"));
    if let Some(letters) = letters.and_then(|topic| topic.records).filter(|letters| *letters > 0) {
        let found = format!("{letters} records of the last 14 days could not be processed");
        findings.push(Finding::warning(KAFKA, "dead letters", found).mend("lgsp kafka dead-letters"));
    }
    findings
}

async fn topics_of(bus: &Bus, brokers: &str) -> Vec<Finding> {
    match topics::check(bus).await {
        Ok(problems) if problems.is_empty() => vec![Finding::ok(TOPICS, brokers, "as the hub needs them")],
        Ok(problems) => {
            let wrong =
                |it: topics::Problem| Finding::wrong(TOPICS, it.topic, it.problem).mend("lgsp topics apply");
            problems.into_iter().map(wrong).collect()
        }
        Err(error) => vec![Finding::unknown(TOPICS, brokers, error.to_string()).mend(mend(&error))],
    }
}

async fn acls(bus: &Bus, brokers: &str) -> Vec<Finding> {
    match topics::keeps_acls(bus).await {
        Ok(false) if bus.options().acls => {
            let found =
                "kafka.acls is set, and Kafka has no authorizer: whoever reaches it may read everything";
            vec![Finding::wrong(ACLS, brokers, found).mend("set authorizer.class.name of the brokers")]
        }
        Ok(false) => {
            let found = "Kafka has no authorizer: whoever reaches it may read and write every topic";
            vec![Finding::warning(ACLS, brokers, found).mend("docs/keys.md, the section on Kafka")]
        }
        Ok(true) if !bus.options().acls => {
            let found = "Kafka keeps ACLs, and kafka.acls is not set: they are not compared";
            vec![Finding::warning(ACLS, brokers, found).mend("set kafka.acls = true")]
        }
        Ok(true) => compared(bus, brokers).await,
        Err(error) => vec![Finding::unknown(ACLS, brokers, error.to_string()).mend(mend(&error))],
    }
}

async fn compared(bus: &Bus, brokers: &str) -> Vec<Finding> {
    let differences = match topics::compare_acls(bus).await {
        Ok(differences) => differences,
        Err(error) => return vec![Finding::unknown(ACLS, brokers, error.to_string()).mend(mend(&error))],
    };
    let missing = differences.missing.iter();
    let missing =
        missing.map(|acl| Finding::wrong(ACLS, acl.to_string(), "missing").mend("lgsp topics apply"));
    let superfluous = differences.superfluous.iter().map(|acl| {
        Finding::warning(ACLS, acl.to_string(), "nobody declared it")
            .mend("take it away with kafka-acls.sh --remove")
    });
    let found: Vec<Finding> = missing.chain(superfluous).collect();
    if found.is_empty() {
        return vec![Finding::ok(ACLS, brokers, "every principal has its rights and no other")];
    }
    found
}

#[cfg(test)]
mod tests {
    use lgsp_bus::topics::{GroupSeen, Lag, TopicSeen};

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
        let found: Vec<(String, Verdict)> = of(&survey).into_iter().map(|it| (it.what, it.verdict)).collect();
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
