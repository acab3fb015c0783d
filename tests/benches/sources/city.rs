//! A city with the five adapters over it, and the cases that they are measured by.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use lgsp_adapter::Tables;
use lgsp_sample::{Config, Dice};

use crate::case::Case;
use crate::database::Database;
use crate::domains::{self, Keys, Opened};

/// A stream of chance of the city's seed that no home of it has.
const KEYS: u64 = u64::MAX;

pub struct City {
    config: Config,
    /// The same for every size, in the same order.
    pub cases: Vec<Case>,
    tables: BTreeMap<&'static str, Tables>,
}

impl City {
    /// Opens the adapters over a city, and draws what they are asked.
    ///
    /// # Errors
    /// An adapter does not open.
    pub async fn open(database: &Database, config: Config) -> Result<Self> {
        eprintln!("drawing keys among {} citizens", config.citizens);
        let drawing = tokio::task::spawn_blocking(move || {
            let mut dice = Dice::new(config.seed, KEYS);
            let keys = Keys::draw(&mut dice, lgsp_sample::City::new(config)?);
            anyhow::Ok((keys, dice))
        });
        let (keys, mut dice) = drawing.await.context("the keys")??;
        let mut city = Self { config, cases: Vec::new(), tables: BTreeMap::new() };
        let source = |domain| database.source(config, domain);
        for Opened { domain, tables, cases } in domains::open(source, &keys, &mut dice).await? {
            city.tables.insert(domain, tables);
            city.cases.extend(cases);
        }
        Ok(city)
    }

    pub fn name(&self) -> String {
        format!("the city of {} citizens", self.config.citizens)
    }

    /// The tables that an adapter reads.
    pub fn tables_of(&self, domain: &str) -> Result<&Tables> {
        self.tables.get(domain).with_context(|| format!("no tables of {domain}"))
    }

    pub async fn close(&self) {
        for tables in self.tables.values() {
            tables.close().await;
        }
    }
}
