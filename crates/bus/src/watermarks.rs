use std::time::Duration;

use rdkafka::error::KafkaError;

use crate::producer::Producer;
use crate::{Bus, Error};

/// How long Kafka may take to tell the watermarks of one partition.
const ASK: Duration = Duration::from_secs(2);

/// What a partition holds: offsets from `low` on, up to and without `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The oldest offset that is kept.
    pub low: i64,
    /// The offset that the next record will have.
    pub high: i64,
}

impl Bus {
    /// What each partition of a topic holds now, in the partitions' order.
    ///
    /// # Errors
    /// Kafka does not answer, does not know the topic, or denies us the right to see it.
    pub async fn watermarks(&self, topic: &str) -> Result<Vec<Watermarks>, Error> {
        let (bus, name) = (self.clone(), self.options().topic(topic).into_owned());
        // The client blocks; each of its questions ends by itself.
        let asked = tokio::task::spawn_blocking(move || ask(bus.publisher(), &name));
        let what = "tell how far a topic goes";
        asked.await.map_err(|_| Error::Closed)?.map_err(|source| Error::of(what, "see", topic, source))
    }
}

fn ask(producer: &Producer, topic: &str) -> Result<Vec<Watermarks>, KafkaError> {
    let partitions = producer.partitions(topic, ASK)?;
    let of =
        |partition| producer.watermarks(topic, partition, ASK).map(|(low, high)| Watermarks { low, high });
    (0..partitions).map(of).collect()
}
