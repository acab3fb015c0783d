//! Until when something holds.

use std::time::Duration;

use clap::Args;
use lgsp_core::time::timestamp;
use prost_reflect::prost_types::Timestamp;

use super::agreement::moment;
use super::client::duration;

/// A moment, or how long from the beginning.
#[derive(Clone, Copy, Debug, Args)]
pub struct Until {
    /// When it ends
    #[arg(long, value_name = "TIME", value_parser = moment, required_unless_present = "for", conflicts_with = "for")]
    pub until: Option<Timestamp>,
    /// How long it lasts, such as 2h
    #[arg(id = "for", long = "for", value_name = "TIME", value_parser = duration)]
    pub lasts: Option<Duration>,
}

impl Until {
    /// The end of what begins at a moment (Unix µs).
    pub(crate) fn of(&self, begins_us: i64) -> Option<Timestamp> {
        let lasts_us = self.lasts.map(|lasts| i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX));
        self.until.or(lasts_us.map(|lasts_us| timestamp(begins_us.saturating_add(lasts_us))))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Holds {
        #[command(flatten)]
        until: Until,
    }

    #[test]
    fn an_end_is_a_moment_or_a_time_from_the_beginning() {
        let read =
            |line: &str| Holds::try_parse_from(line.split_whitespace()).map(|it| it.until.of(7_000_000));
        assert_eq!(read("x --for 2s").ok().flatten(), Some(timestamp(9_000_000)));
        assert_eq!(read("x --until 2026-11-28").ok().flatten().map(|at| at.seconds), Some(1_795_798_800));
        assert!(read("x").is_err(), "it has to be said");
        assert!(read("x --for 2s --until 2026-11-28").is_err(), "and once");
    }
}
