use std::time::{Duration, Instant};

use lgsp_sample::{Progress, Stage};

/// Between two lines.
const INTERVAL: Duration = Duration::from_secs(5);

/// Tells how far the making of a city is, a line now and then.
pub struct Meter {
    city: String,
    started: Instant,
    told: Instant,
    stage: Stage,
}

impl Meter {
    pub fn start(city: String) -> Self {
        eprintln!("{city}: making it");
        let now = Instant::now();
        Self { city, started: now, told: now, stage: Stage::Records }
    }

    pub fn tell(&mut self, progress: Progress) {
        let is_new_stage = self.stage != progress.stage;
        if !is_new_stage && self.told.elapsed() < INTERVAL {
            return;
        }
        self.told = Instant::now();
        self.stage = progress.stage;
        let (city, seconds) = (&self.city, self.started.elapsed().as_secs());
        match progress.stage {
            Stage::Records => {
                eprintln!("{city}: {} of {} citizens after {seconds} s", progress.citizens, progress.of)
            }
            Stage::Indexes(domain) => eprintln!("{city}: indexes of {domain} after {seconds} s"),
        }
    }

    pub fn stop(&self) {
        eprintln!("{}: made in {} s", self.city, self.started.elapsed().as_secs());
    }
}
