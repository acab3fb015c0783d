//! The adapters: what each is asked for, and its methods as cases.

mod business;
mod education;
mod health;
mod land;
mod population;

use anyhow::{Context as _, Result};
use lgsp_adapter::{Options, Tables};
use lgsp_sample::{City, Dice};

use crate::case::Case;

const PERSONAL_NUMBER: &str = "personal number";
const OLD_CARD: &str = "old card";

/// The keys of one city, by domain.
#[derive(Default)]
pub struct Keys {
    population: population::Keys,
    land: land::Keys,
    health: health::Keys,
    education: education::Keys,
    business: business::Keys,
}

impl Keys {
    /// Looks at every home of a city.
    pub fn draw(dice: &mut Dice, city: City) -> Self {
        let mut keys = Self::default();
        for home in city {
            keys.population.look_at(dice, &home);
            keys.land.look_at(dice, &home);
            keys.health.look_at(dice, &home);
            keys.education.look_at(dice, &home);
            keys.business.look_at(dice, &home);
        }
        keys
    }
}

/// An adapter over its source.
pub struct Opened {
    pub domain: &'static str,
    pub tables: Tables,
    pub cases: Vec<Case>,
}

/// Opens the five adapters over a city.
///
/// # Errors
/// One of them does not open.
pub async fn open(
    source: impl Fn(&'static str) -> Options,
    keys: &Keys,
    dice: &mut Dice,
) -> Result<Vec<Opened>> {
    Ok(vec![
        population::open(&source(lgsp_adapter_population::DOMAIN), &keys.population, dice)
            .await
            .context("the population adapter")?,
        land::open(&source(lgsp_adapter_land::DOMAIN), &keys.land, dice).await.context("the land adapter")?,
        health::open(&source(lgsp_adapter_health::DOMAIN), &keys.health, dice)
            .await
            .context("the health adapter")?,
        education::open(&source(lgsp_adapter_education::DOMAIN), &keys.education, dice)
            .await
            .context("the education adapter")?,
        business::open(&source(lgsp_adapter_business::DOMAIN), &keys.business, dice)
            .await
            .context("the business adapter")?,
    ])
}
