//! Connectivity of every link: which one is not healthy, since when, and why; also while Kafka is away.
//!
//! ```text
//!  lgsp.heartbeat ──┐ who lives, owns partitions, and what sources answer
//!  lgsp.exchange  ──┤ what came of exchanges                              ┌─► History: SQLite or PostgreSQL
//!  /links of admin  ├─► Picture ─► assess ─► Link ─► Board ─► Change ─────┼─► FollowLinks
//!  ports, and the   │   (signals) (reading) (state)  (with maintenance)   └─► ListLinks, GetLink
//!  same process   ──┘                                   ▲
//!                                   AnnounceMaintenance ┴─► heartbeats of the monitor ─► gateways: details of UNAVAILABLE
//! ```
//!
//! 1. `listen` brings the signals. Heartbeats and entries count only with the MAC of whoever they speak for.
//! 2. `assess` says what the signals of one moment mean, and [`link`] when that is believed: neither reads a clock.
//! 3. `board` lays announced maintenance over it; `history` keeps the changes, and what was announced of downtime.
//! 4. [`alerts`] tells those who should look at something.
//! 5. [`tell`] is the other direction: what roles say of their own links, for the page `/links` of their admin ports.
//!
//! Nothing here stands on the path of an exchange, asks a source about anybody, or keeps personal data: an application, a domain and a
//! source have names, a person has none. Without the monitor everything is served as before.

pub mod alerts;
mod assess;
mod availability;
mod board;
mod error;
mod history;
pub mod link;
mod listen;
pub mod metrics;
mod monitor;
mod options;
pub mod picture;
pub mod ports;
mod service;
pub mod tell;
mod uptime;
mod window;
mod write;

pub use board::at_a_glance;
pub use error::Error;
pub use monitor::{Monitor, start, store_trouble};
pub use options::Options;
