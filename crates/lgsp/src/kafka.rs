//! `lgsp kafka`: Kafka as the hub meets it, for an operator: partitions, groups, replies and dead letters. Changes nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;

use futures::future::join_all;
use lgsp_bus::topics::{self, DeadLetter, GroupSeen, Survey, TopicSeen};
use lgsp_bus::{Bus, MacKeys};
use lgsp_core::time::timestamp;
use lgsp_monitor::ports;
use lgsp_runtime::metrics::samples;
use serde_json::{Value, json};

use crate::admin_ports;
use crate::cli::server::{DeadLetters, KafkaStatus};
use crate::client::output::{Surface, Tone, line};
use crate::client::table::{Cell, Table};
use crate::client::words::moment;
use crate::client::{Lang, Listing};
use crate::config::Config;
use crate::overheard::{self, Listened};

/// What is told of Kafka.
struct Seen {
    /// `None`: the broker is the embedded one, which nobody outside its process can ask.
    survey: Option<Survey>,
    replies: Option<Replies>,
    /// What processes say of themselves on their admin ports: who is behind on which topic, and by how much.
    told: Vec<(String, String, i64)>,
    /// Admin ports that answered.
    ports: usize,
}

/// Who reads the reply partitions.
struct Replies {
    partitions: i32,
    /// The gateways that are heard, each with the partition that it reads; `None` without the key to know them by.
    gateways: Option<Vec<(String, i32)>>,
}

impl Replies {
    fn heard(bus: &Bus, keys: &MacKeys, listened: &Listened) -> Self {
        let gateways = listened.instances.values().filter(|heard| heard.heartbeat.domain.is_empty());
        let place = |name: &String| (name.clone(), topics::reply_partition(bus, name));
        let gateways = gateways.map(|heard| place(&heard.heartbeat.instance)).collect();
        Self { partitions: bus.options().reply_partitions, gateways: keys.counting().map(|_| gateways) }
    }

    /// How many partitions have a reader, and how many of these have several.
    fn used(&self) -> Option<(usize, usize)> {
        let mut places: Vec<i32> = self.gateways.as_ref()?.iter().map(|(_, place)| *place).collect();
        places.sort_unstable();
        let readers: Vec<usize> = places.chunk_by(|one, other| one == other).map(<[i32]>::len).collect();
        Some((readers.len(), readers.iter().filter(|readers| **readers > 1).count()))
    }
}

/// Tells of brokers, partitions, groups and replies. The exit code is 1 if a topic is missing or a partition lacks something.
///
/// # Errors
/// Kafka does not answer, or standard output cannot be written to.
pub async fn status(args: &KafkaStatus, config: &Config, lang: Lang) -> anyhow::Result<ExitCode> {
    let known = admin_ports::named_or_found(&args.admin, &config.data);
    let (told, ports) = lags_told(&known).await;
    let (mut survey, mut replies) = (None, None);
    if config.kafka.brokers.is_some() {
        let bus = Bus::open(config.kafka.clone())?;
        survey = Some(topics::survey(&bus).await?);
        let keys = overheard::keys(&config.keys.mac);
        replies = Some(Replies::heard(&bus, &keys, &overheard::listen(&bus, &keys).await?));
    }
    let seen = Seen { survey, replies, told, ports };
    print(&seen, args.output, lang)?;
    let lacks =
        seen.survey.iter().flat_map(|survey| &survey.topics).any(|topic| lacking(topic, lang).is_some());
    Ok(if lacks { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What the processes say of how far they are behind, and how many answered.
async fn lags_told(known: &[SocketAddr]) -> (Vec<(String, String, i64)>, usize) {
    let pages = join_all(known.iter().map(|port| ports::get(*port, "/metrics"))).await;
    let pages: Vec<_> = pages.into_iter().flatten().collect();
    let mut told = BTreeMap::<_, i64>::new();
    for page in &pages {
        let samples = samples::read(&String::from_utf8_lossy(&page.body));
        for sample in samples.iter().filter(|sample| sample.name == "lgsp_consumer_lag") {
            let key =
                ["lgsp_domain", "messaging_destination_name"].map(|label| sample.label(label).to_owned());
            *told.entry(key).or_default() += sample.value as i64;
        }
    }
    (told.into_iter().map(|([domain, topic], lag)| (domain, topic, lag)).collect(), pages.len())
}

/// What is wrong with a topic's partitions.
pub(crate) fn lacking(topic: &TopicSeen, lang: Lang) -> Option<String> {
    if topic.partitions == 0 {
        return Some(
            lang.pick("is not there, or may not be seen", "không có, hoặc không được xem").to_owned(),
        );
    }
    let of = |partitions: &[i32], what: &str| {
        let named: Vec<String> = partitions.iter().map(ToString::to_string).collect();
        (!named.is_empty()).then(|| format!("{what} {}", named.join(",")))
    };
    let lacks = [
        of(&topic.lacking_leader, lang.pick("no leader of", "không có leader:")),
        of(&topic.lacking_replica, lang.pick("a replica out of sync of", "có bản sao chưa đồng bộ:")),
    ];
    let lacks: Vec<String> = lacks.into_iter().flatten().collect();
    (!lacks.is_empty()).then(|| lacks.join("; "))
}

fn print(seen: &Seen, asked: Option<Listing>, lang: Lang) -> anyhow::Result<()> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(asked);
    if listing == Listing::Json {
        line(&document(seen).to_string())?;
        return Ok(());
    }
    match &seen.survey {
        Some(survey) => {
            line(&format!("{} {}", lang.pick("brokers", "các broker"), survey.brokers.join(", ")))?;
            topics_table(&survey.topics, lang).write(listing, &surface)?;
            line("")?;
            groups_table(&survey.groups, lang).write(listing, &surface)?;
        }
        None => line(lang.pick(
            "kafka.brokers is not set: the broker is inside the process of `lgsp up`, and keeps to itself. What follows is told by that \
             process.",
            "chưa đặt kafka.brokers: broker nằm trong tiến trình của `lgsp up`, không ai khác hỏi được. Những gì dưới đây do tiến trình đó \
             tự báo.",
        ))?,
    }
    line("")?;
    line(&match lang {
        Lang::En => format!("told on {} admin ports by whoever reads:", seen.ports),
        Lang::Vi => format!("các bên đọc tự báo trên {} địa chỉ quản trị:", seen.ports),
    })?;
    let mut told = Table::new(match lang {
        Lang::En => vec!["DOMAIN", "READS", "BEHIND"],
        Lang::Vi => vec!["LĨNH VỰC", "ĐỌC", "CÒN LẠI"],
    });
    for (domain, topic, lag) in &seen.told {
        told.row(vec![domain.as_str().into(), topic.as_str().into(), lag.to_string().into()]);
    }
    told.write(listing, &surface)?;
    if let Some(replies) = &seen.replies {
        line("")?;
        line(&replies_text(replies, lang))?;
    }
    if let Some(letters) = seen.survey.as_ref().and_then(dead_letters_of) {
        let more = if letters > 0 { ": lgsp kafka dead-letters" } else { "" };
        line(&format!("{}: {letters}{more}", lang.pick("dead letters", "thư chết")))?;
    }
    Ok(())
}

/// How many dead letters there are; `None`: Kafka does not tell us.
pub(crate) fn dead_letters_of(survey: &Survey) -> Option<i64> {
    survey.topics.iter().find(|topic| topic.name.ends_with(".dead-letter"))?.records
}

fn replies_text(replies: &Replies, lang: Lang) -> String {
    let partitions = replies.partitions;
    let (Some((used, shared)), Some(gateways)) = (replies.used(), &replies.gateways) else {
        return match lang {
            Lang::En => {
                format!(
                    "reply partitions: {partitions}; whose they are is told with keys.mac/ledger.key alone"
                )
            }
            Lang::Vi => {
                format!("phân vùng trả lời: {partitions}; của ai thì chỉ biết khi có keys.mac/ledger.key")
            }
        };
    };
    let gateways = gateways.len();
    match lang {
        Lang::En => format!(
            "reply partitions: {used} of {partitions} read by {gateways} gateways, {shared} by more than one"
        ),
        Lang::Vi => format!(
            "phân vùng trả lời: {gateways} cổng đọc {used} trong {partitions}, {shared} phân vùng có hơn một cổng"
        ),
    }
}

fn topics_table(topics: &[TopicSeen], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["TOPIC", "PARTITIONS", "REPLICAS", "RECORDS", "LACKS"],
        Lang::Vi => ["TOPIC", "PHÂN VÙNG", "BẢN SAO", "BẢN GHI", "THIẾU GÌ"],
    };
    let mut table = Table::new(header.to_vec()).wrapping(vec![header[4]]);
    for topic in topics {
        let lacks = lacking(topic, lang).map_or_else(|| "".into(), |lacks| Cell::new(lacks, Tone::Bad));
        table.row(vec![
            topic.name.as_str().into(),
            topic.partitions.to_string().into(),
            topic.replicas.to_string().into(),
            or_dash(topic.records),
            lacks,
        ]);
    }
    table
}

fn groups_table(groups: &[GroupSeen], lang: Lang) -> Table {
    let mut table = Table::new(match lang {
        Lang::En => vec!["GROUP", "STATE", "MEMBERS", "BEHIND", "MOST ON A PARTITION"],
        Lang::Vi => vec!["NHÓM", "TRẠNG THÁI", "THÀNH VIÊN", "CÒN LẠI", "NHIỀU NHẤT Ở MỘT PHÂN VÙNG"],
    });
    for group in groups {
        let (state, members) = match &group.members {
            Some((state, members)) => {
                let tone = if *members == 0 { Tone::Warning } else { Tone::Plain };
                (state.as_str().into(), Cell::new(members.to_string(), tone))
            }
            None => ("".into(), "".into()),
        };
        let most = group.lag.filter(|lag| lag.most > 0);
        let most = most.map_or_else(String::new, |lag| {
            format!("{} {} {}", lag.most, lang.pick("on", "ở"), lag.partition)
        });
        table.row(vec![
            group.group.as_str().into(),
            state,
            members,
            or_dash(group.lag.map(|lag| lag.records)),
            most.into(),
        ]);
    }
    table
}

fn or_dash(number: Option<i64>) -> Cell {
    number.map_or_else(|| "-".into(), |number| number.to_string().into())
}

fn document(seen: &Seen) -> Value {
    let topic = |topic: &TopicSeen| {
        json!({
            "name": topic.name,
            "partitions": topic.partitions,
            "replicas": topic.replicas,
            "records": topic.records,
            "lackingReplica": topic.lacking_replica,
            "lackingLeader": topic.lacking_leader,
        })
    };
    let group = |group: &GroupSeen| {
        json!({
            "domain": group.domain,
            "group": group.group,
            "state": group.members.as_ref().map(|(state, _)| state),
            "members": group.members.as_ref().map(|(_, members)| members),
            "lag": group.lag.map(|lag| lag.records),
            "most": group.lag.map(|lag| json!({ "partition": lag.partition, "lag": lag.most })),
        })
    };
    let told = |(domain, topic, lag): &(String, String, i64)| json!({ "domain": domain, "topic": topic, "lag": lag });
    let survey = seen.survey.as_ref();
    let gateways = |replies: &Replies| {
        let gateways = replies.gateways.as_ref()?;
        let place = |(name, place): &(String, i32)| json!({ "gateway": name, "partition": place });
        Some(gateways.iter().map(place).collect::<Vec<_>>())
    };
    json!({
        "embedded": survey.is_none(),
        "brokers": survey.map(|survey| &survey.brokers),
        "topics": survey.map(|survey| survey.topics.iter().map(topic).collect::<Vec<_>>()),
        "groups": survey.map(|survey| survey.groups.iter().map(group).collect::<Vec<_>>()),
        "told": seen.told.iter().map(told).collect::<Vec<_>>(),
        "adminPorts": seen.ports,
        "replies": seen.replies.as_ref().map(|it| json!({ "partitions": it.partitions, "gateways": gateways(it) })),
        "deadLetters": survey.and_then(dead_letters_of),
    })
}

/// Lists the last dead letters by their headers.
///
/// # Errors
/// Kafka does not answer, or denies the right to read them; or standard output cannot be written to.
pub async fn dead_letters(args: &DeadLetters, config: &Config, lang: Lang) -> anyhow::Result<ExitCode> {
    let bus = Bus::open(config.kafka.clone())?;
    let (letters, all) = topics::dead_letters(&bus, args.limit.into()).await?;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        for letter in &letters {
            line(&serde_json::to_string(letter)?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    line(&match lang {
        Lang::En => format!("{} of {all} dead letters, the newest first", letters.len()),
        Lang::Vi => format!("{} trong {all} thư chết, mới nhất trước", letters.len()),
    })?;
    letters_table(&letters, lang).write(listing, &surface)?;
    Ok(ExitCode::SUCCESS)
}

fn letters_table(letters: &[DeadLetter], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => [
            "AT (+07:00)",
            "CAUSE",
            "TOPIC",
            "PLACE",
            "INSTANCE",
            "APPLICATION",
            "METHOD",
            "EXCHANGE",
            "BYTES",
        ],
        Lang::Vi => [
            "LÚC (+07:00)",
            "NGUYÊN NHÂN",
            "TOPIC",
            "VỊ TRÍ",
            "TIẾN TRÌNH",
            "ỨNG DỤNG",
            "PHƯƠNG THỨC",
            "LƯỢT",
            "BYTE",
        ],
    };
    let [_, cause, _, _, _, _, method, _, _] = header;
    let mut table = Table::new(header.to_vec()).wrapping(vec![cause, method]);
    for letter in letters {
        table.row(vec![
            moment(Some(&timestamp(letter.at_us))).into(),
            letter.cause.as_str().into(),
            letter.topic.as_str().into(),
            format!("{}/{}", letter.partition, letter.offset).into(),
            letter.instance.as_str().into(),
            letter.application.as_str().into(),
            letter.method.as_str().into(),
            letter.exchange.as_str().into(),
            letter.size.as_str().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(gateways: Option<&[i32]>) -> Replies {
        let named =
            |places: &[i32]| places.iter().map(|place| (format!("gateway-{place}"), *place)).collect();
        Replies { partitions: 16, gateways: gateways.map(named) }
    }

    #[test]
    fn a_reply_partition_that_two_gateways_read_is_told() {
        assert_eq!(
            replies_text(&replies(Some(&[3, 7, 3])), Lang::En),
            "reply partitions: 2 of 16 read by 3 gateways, 1 by more than one"
        );
        assert!(replies_text(&replies(None), Lang::Vi).contains("ledger.key"));
    }

    #[test]
    fn what_partitions_lack_is_named_by_their_numbers() {
        let topic = TopicSeen {
            name: "lgsp.exchange".to_owned(),
            partitions: 8,
            replicas: 3,
            lacking_replica: vec![1, 4],
            lacking_leader: vec![4],
            records: Some(7),
        };
        assert_eq!(
            lacking(&topic, Lang::En).as_deref(),
            Some("no leader of 4; a replica out of sync of 1,4")
        );
        let whole = TopicSeen { lacking_replica: Vec::new(), lacking_leader: Vec::new(), ..topic.clone() };
        assert_eq!(lacking(&whole, Lang::En), None);
        assert!(lacking(&TopicSeen { partitions: 0, ..whole }, Lang::En).is_some());
    }
}
