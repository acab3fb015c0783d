//! `lgsp audit report`: what a citizen is told of who received data about them.

mod html;
mod story;
mod text;

use std::collections::BTreeMap;
use std::time::SystemTime;

use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::ledger::v1::{Disclosure, ReportSubjectRequest};

use self::story::Story;
use super::titles::Titles;
use super::{LONG, Told, client, filter, tell_archived};
use crate::cli::audit::{self, ReportFormat};
use crate::client::code::known::Known;
use crate::client::registry::open;
use crate::client::session::Session;
use crate::client::{Error, Exit, Lang, output};

/// What codes stand for.
#[derive(Debug, Default)]
struct Names {
    agencies: BTreeMap<String, String>,
    applications: BTreeMap<String, String>,
    purposes: BTreeMap<String, String>,
}

/// Runs `lgsp audit report`.
pub(super) async fn run(args: &audit::Report, lang: Lang) -> Result<(), Error> {
    let subject = filter::subject(&args.subject)?;
    let session = open(&args.operator).await?;
    let request = ReportSubjectRequest {
        subject: subject.clone(),
        since: args.period.since,
        until: args.period.until,
        include_withheld: args.with_withheld,
    };
    let request = session.request(request, Some(LONG))?;
    let mut client = client(&session);
    let mut told = Told::open(&session, client.report_subject(request)).await?;
    let mut disclosures = Vec::new();
    while let Some(disclosure) = told.next().await? {
        if args.format == ReportFormat::Json {
            output::line(&output::json_line(&disclosure)?)?;
        } else {
            disclosures.push(disclosure);
        }
    }
    if args.format == ReportFormat::Json {
        return Ok(());
    }
    let (names, titles) = (names(&session, lang).await?, titles(&session, &disclosures, lang).await);
    let now = timestamp(unix_micros(SystemTime::now()));
    for disclosure in &disclosures {
        tell_archived(&disclosure.archived, lang);
    }
    let mut story = Story::new(&disclosures, &names, &titles, lang);
    story.subject = subject.map(|it| story::subject(&it, lang)).unwrap_or_default();
    story.period =
        story::period(args.period.since.as_ref(), args.period.until.as_ref().unwrap_or(&now), lang);
    story.made_at = crate::client::words::minute(Some(&now));
    story.with_withheld = args.with_withheld;
    let written = match args.format {
        ReportFormat::Html => html::page(&story, lang),
        ReportFormat::Text | ReportFormat::Json => text::page(&story, lang),
    };
    output::line(written.trim_end())
}

/// What agencies, applications and purposes are called; whoever may not see that does with their codes.
async fn names(session: &Session, lang: Lang) -> Result<Names, Error> {
    let known = match Known::read(session, None).await {
        Ok(known) => known,
        Err(error) if error.exit() == Some(Exit::Refused) => return Ok(Names::default()),
        // A registry without a store has no history.
        Err(Error::Refused(_)) => return Ok(Names::default()),
        Err(error) => return Err(error),
    };
    let title = |vi: &str, en: &str| if en.is_empty() { vi.to_owned() } else { lang.pick(en, vi).to_owned() };
    let agencies = known.agencies.iter().map(|it| (it.code.clone(), title(&it.name_vi, &it.name_en)));
    let purposes = known.purposes.iter().map(|it| (it.code.clone(), title(&it.title_vi, &it.title_en)));
    let applications = known.connections.iter().filter_map(|it| it.application.as_ref());
    let applications = applications.map(|it| (it.id.clone(), title(&it.name_vi, &it.name_en)));
    Ok(Names {
        agencies: agencies.collect(),
        applications: applications.collect(),
        purposes: purposes.collect(),
    })
}

async fn titles(session: &Session, disclosures: &[Disclosure], lang: Lang) -> Titles {
    let mut titles = Titles::new(lang);
    for exchange in disclosures.iter().filter_map(|it| it.exchange.as_ref()) {
        titles.learn(session, &exchange.service, &exchange.method).await;
    }
    titles
}
