//! `lgsp sample-data`: makes a synthetic city where it is wanted, and tells how far it is.

use std::fmt;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use lgsp_sample::{Config, Progress, READER, Stage, Summary};
use lgsp_store::Options;

use crate::cli::server::SampleData;
use crate::layout::DataDir;
use crate::up::SEED;

/// Between two lines where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// Where a city is written to, besides a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A database of PostgreSQL, by its URL.
    Postgres(String),
    /// A FHIR server, by its base URL; the health domain only.
    FhirServer(String),
    /// A file of FHIR bundles; the health domain only.
    FhirFile(PathBuf),
}

impl Target {
    /// Reads what `--to` accepts.
    ///
    /// # Errors
    /// What is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.to_owned())),
            Some(("fhir+http", rest)) => Ok(Self::FhirServer(format!("http:{rest}"))),
            Some(("fhir+file", path)) if !path.is_empty() => Ok(Self::FhirFile(path.into())),
            _ => Err("write it as postgres://USER@HOST:PORT/DATABASE, fhir+http://HOST:PORT/PATH or fhir+file:PATH"
                .to_owned()),
        }
    }
}

/// The place without the user, beside whom somebody may have written a password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(url) | Self::FhirServer(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                write!(f, "{scheme}://{}", place.split('?').next().unwrap_or_default())
            }
            Self::FhirFile(path) => path.display().fmt(f),
        }
    }
}

/// Makes the city.
///
/// # Errors
/// The target holds other data or cannot be written; then it stays as it is, but for a FHIR server.
pub async fn run(args: SampleData) -> anyhow::Result<ExitCode> {
    let city = Config { citizens: args.citizens, seed: args.seed.unwrap_or(SEED) };
    match &args.to {
        None => directory(&args.out, city).await?,
        Some(target) => {
            let made = elsewhere(target, &args, city).await;
            made.with_context(|| format!("the synthetic city cannot be made in {target}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn directory(dir: &Path, city: Config) -> anyhow::Result<()> {
    // A running hub reads these databases: the one that owns the directory must not be there.
    let _data = dir.parent().filter(|dir| dir.join("lock").exists()).map(DataDir::open).transpose()?;
    let mut meter = Meter::start();
    let made = lgsp_sample::load(dir, city, |progress| meter.tell(progress))
        .await
        .with_context(|| format!("the synthetic city cannot be made in {}", dir.display()))?;
    meter.stop();
    tell(&told(&made, &dir.display().to_string()))
}

async fn elsewhere(target: &Target, args: &SampleData, city: Config) -> anyhow::Result<()> {
    let mut meter = Meter::start();
    let progress = |progress| meter.tell(progress);
    match target {
        Target::FhirServer(base) => {
            let made = lgsp_sample::load_fhir(base, city, progress).await?;
            meter.stop();
            tell(&format!(
                "the health records of {} citizens, all made up, in {target}\n",
                made.config.citizens
            ))
        }
        Target::FhirFile(path) => {
            let made = lgsp_sample::write_fhir(path, city, progress).await?;
            meter.stop();
            tell(&format!(
                "the health records of {} citizens, all made up, in {target}\n",
                made.config.citizens
            ))
        }
        Target::Postgres(url) => {
            let options = Options {
                password_file: args.password_file.clone(),
                root_certificates: args.root_certificates.clone(),
                ..Options::of(url)
            };
            let made = lgsp_sample::load_postgres(&options, city, progress).await?;
            meter.stop();
            let mut text = told(&made.summary, &target.to_string());
            if !made.has_geometry {
                text.push_str(
                    "PostGIS is not on that server: parcels have no column geom, only their GeoJSON\n",
                );
            }
            text.push_str("adapters read it as a role that may change nothing:\n");
            for schema in lgsp_sample::schemas() {
                text.push_str(&format!("  {schema:12} {}\n", reader_url(url, schema)));
            }
            tell(&text)
        }
    }
}

fn told(made: &Summary, place: &str) -> String {
    let Summary { config, households, parcels, .. } = made;
    format!(
        "{} citizens, {households} households and {parcels} parcels, all made up, in {place}\n",
        config.citizens
    )
}

/// The source of an adapter: the same database as another user, in the schema of the domain. PostGIS is in `public`.
pub fn reader_url(url: &str, schema: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let separator = if place.contains('?') { '&' } else { '?' };
    format!("{scheme}://{READER}@{place}{separator}options=-csearch_path%3D{schema}%2Cpublic")
}

fn tell(text: &str) -> anyhow::Result<()> {
    crate::server::print(text)
}

/// Tells the progress on standard error: a bar on a terminal, else a line now and then.
struct Meter {
    started: Instant,
    told: Instant,
    stage: Stage,
    bar: Option<ProgressBar>,
}

impl Meter {
    fn start() -> Self {
        let style = ProgressStyle::with_template("  {msg:24} {bar:30} {pos}/{len}, {per_sec}, {eta} left");
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0).with_message("citizens");
            if let Ok(style) = style { bar.with_style(style) } else { bar }
        });
        let now = Instant::now();
        Self { started: now, told: now, stage: Stage::Records, bar }
    }

    fn tell(&mut self, progress: Progress) {
        let is_new_stage = self.stage != progress.stage;
        self.stage = progress.stage;
        if let Some(bar) = &self.bar {
            bar.set_length(u64::from(progress.of));
            bar.set_position(u64::from(progress.citizens));
            if let Stage::Indexes(domain) = progress.stage {
                bar.set_message(format!("indexes of {domain}"));
            }
            return;
        }
        if is_new_stage || self.told.elapsed() >= INTERVAL {
            self.told = Instant::now();
            eprintln!("  {}", line(progress, self.started.elapsed()));
        }
    }

    fn stop(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("  {:20} {:.1} s", "synthetic city", self.started.elapsed().as_secs_f64());
    }
}

/// How far a load is after a time, and how long the rest takes at this rate.
fn line(progress: Progress, elapsed: Duration) -> String {
    let Progress { citizens, of, stage } = progress;
    if let Stage::Indexes(domain) = stage {
        return format!("indexes of {domain}, after {:.0} s", elapsed.as_secs_f64());
    }
    let rate = f64::from(citizens) / elapsed.as_secs_f64().max(0.001);
    let left = f64::from(of.saturating_sub(citizens)) / rate.max(0.001);
    let percent = u64::from(citizens) * 100 / u64::from(of.max(1));
    format!("{citizens} of {of} citizens ({percent}%), {rate:.0} a second, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_told_by_its_scheme() {
        let target = |text| Target::parse(text).ok();
        let postgres = "postgres://lgsp@127.0.0.1:5432/city";
        assert_eq!(target(postgres), Some(Target::Postgres(postgres.to_owned())));
        assert_eq!(
            target("fhir+http://127.0.0.1:8090/fhir"),
            Some(Target::FhirServer("http://127.0.0.1:8090/fhir".to_owned()))
        );
        assert_eq!(target("fhir+file:health.ndjson"), Some(Target::FhirFile("health.ndjson".into())));
        for text in ["", "city", "mysql://h/d", "fhir+file:", "http://h/fhir", "fhir+https://h/fhir"] {
            assert_eq!(target(text), None, "{text}");
        }
    }

    #[test]
    fn a_place_is_told_without_its_user() {
        let target =
            Target::Postgres("postgres://lgsp:geheim@127.0.0.1:5432/city?sslmode=require".to_owned());
        assert_eq!(target.to_string(), "postgres://127.0.0.1:5432/city");
        assert_eq!(Target::FhirServer("http://h/fhir".to_owned()).to_string(), "http://h/fhir");
    }

    #[test]
    fn a_reader_is_another_user_of_the_same_database_in_one_schema() {
        assert_eq!(
            reader_url("postgres://lgsp@127.0.0.1:5432/city", "land"),
            "postgres://lgsp_reader@127.0.0.1:5432/city?options=-csearch_path%3Dland%2Cpublic"
        );
        assert_eq!(
            reader_url("postgresql://a@db.example/city?sslmode=require", "health"),
            "postgresql://lgsp_reader@db.example/city?sslmode=require&options=-csearch_path%3Dhealth%2Cpublic"
        );
    }

    #[test]
    fn a_line_tells_rate_and_time_left() {
        let at = |citizens, stage| Progress { citizens, of: 1_000_000, stage };
        assert_eq!(
            line(at(250_000, Stage::Records), Duration::from_secs(25)),
            "250000 of 1000000 citizens (25%), 10000 a second, 75 s left"
        );
        assert_eq!(
            line(at(1_000_000, Stage::Indexes("health")), Duration::from_secs(100)),
            "indexes of health, after 100 s"
        );
    }
}
