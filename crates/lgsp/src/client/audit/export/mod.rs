//! `lgsp audit export`: what a search finds, in a file, with a manifest that says what it is.
//!
//! The path of an export: open the file, or go on in one that broke off; take the stream, and open it again after the last exchange
//! that was written whenever it breaks; then the manifest. How far it has come lies beside the file as long as it is not finished.

mod file;
mod manifest;

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lgsp_proto::ledger::v1::{AuditFilter, ExportExchangesRequest};
use tonic::Code;

use self::file::{Export, Wanted};
use super::{Told, application, client, filter, search, tell_archived, tell_unlinked};
use crate::cli::audit;
use crate::client::output;
use crate::client::registry::open;
use crate::client::session::Session;
use crate::client::{Error, Lang};

/// So often a stream is opened again that told nothing new, before the export is given up for now.
const MOST_VAIN_ATTEMPTS: u32 = 5;
/// Time for the whole of one stream: as the contract has it.
const DEADLINE: Duration = Duration::from_secs(600);
/// Between two attempts, when nobody says how long.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Runs `lgsp audit export`.
pub(super) async fn run(args: &audit::Export, lang: Lang) -> Result<(), Error> {
    if let Some(at) = &args.check {
        return manifest::check(&the_one_in(at)?, args.signer_key.as_deref(), lang);
    }
    let asked = filter::of(&args.filter)?;
    let session = open(&args.operator).await?;
    let path = file_of(args)?;
    let wanted = Wanted::new(&asked, args.format, args.bom);
    let (mut export, resumed) = Export::open(&path, wanted)?;
    if resumed {
        let going_on = lang.pick("going on after", "tiếp tục sau");
        let exchanges = lang.pick("exchanges", "lượt");
        output::note(&format!("{going_on} {} {exchanges}: {}", export.exchanges(), path.display()));
    }
    // A period that was told as some time ago is that of the beginning.
    let asked = export.wanted().within(asked);
    let taken = match take_all(&session, &asked, &mut export, lang).await {
        Ok(beside) if export.exchanges() == 0 => {
            let known = application::must_be_known(&session, args.filter.application.as_deref(), lang).await;
            known.map(|()| beside)
        }
        taken => taken,
    };
    let beside = match taken {
        Ok(beside) => beside,
        Err(error) => {
            if export.exchanges() == 0 {
                export.discard();
            }
            return Err(error);
        }
    };
    let written = match lang {
        Lang::En => format!("{} exchanges are in {}", export.exchanges(), path.display()),
        Lang::Vi => format!("đã ghi {} lượt vào {}", export.exchanges(), path.display()),
    };
    let manifest = manifest::write(&session, args, export, &beside).await?;
    output::note(&written);
    output::line(&manifest.display().to_string())
}

/// Takes what there is, however often the stream breaks. Returns what is not among it.
async fn take_all(
    session: &Session,
    asked: &AuditFilter,
    export: &mut Export,
    lang: Lang,
) -> Result<search::Found, Error> {
    let beside = search::beside(session, asked).await?;
    tell_unlinked(&beside.unlinked_months, lang);
    tell_archived(&beside.archived, lang);
    let bar = bar(session, asked, export).await?;
    let mut vain = 0;
    loop {
        let before = export.exchanges();
        let taken = take(session, asked, export, &bar).await;
        export.keep()?;
        let Err(error) = taken else {
            bar.finish_and_clear();
            return Ok(beside);
        };
        vain = if export.exchanges() > before { 0 } else { vain + 1 };
        if !goes_on(&error, export.exchanges() > before) || vain >= MOST_VAIN_ATTEMPTS {
            bar.finish_and_clear();
            return Err(error);
        }
        let again = lang.pick("going on after", "tiếp tục sau");
        bar.suspend(|| {
            output::note(&format!("-- {}; {again} {}", error.report(lang).headline(), export.exchanges()))
        });
        tokio::time::sleep(error.retry().unwrap_or(A_MOMENT)).await;
    }
}

/// Whether a stream that broke off can go on: it broke by itself, or has told as much as one may.
fn goes_on(error: &Error, has_told: bool) -> bool {
    let is_full = matches!(error, Error::Refused(failure) if failure.code() == Code::ResourceExhausted);
    error.retry().is_some() || (is_full && has_told)
}

async fn take(
    session: &Session,
    asked: &AuditFilter,
    export: &mut Export,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let request = ExportExchangesRequest { filter: Some(asked.clone()), after: export.cursor().to_owned() };
    let request = session.request(request, Some(DEADLINE))?;
    let mut client = client(session);
    let mut told = Told::open(session, client.export_exchanges(request)).await?;
    while let Some(exported) = told.next().await? {
        export.append(exported)?;
        bar.set_position(export.exchanges());
    }
    Ok(())
}

/// A bar, for whoever waits before a terminal.
async fn bar(session: &Session, asked: &AuditFilter, export: &Export) -> Result<ProgressBar, Error> {
    let bar = ProgressBar::new(0);
    if bar.is_hidden() {
        return Ok(bar);
    }
    let counted = search::count(session, asked.clone()).await?;
    bar.set_length(counted.total);
    bar.set_position(export.exchanges());
    let style = ProgressStyle::with_template("  {bar:30} {pos}/{len}  {eta}");
    Ok(if let Ok(style) = style { bar.with_style(style) } else { bar })
}

/// The file that is meant; in a folder the one that is named so.
fn file_of(args: &audit::Export) -> Result<PathBuf, Error> {
    let out = args.out.clone().unwrap_or_default();
    if !is_folder(&out) {
        return Ok(out);
    }
    std::fs::create_dir_all(&out).map_err(|source| Error::Folder { path: out.clone(), source })?;
    Ok(out.join(match args.format {
        audit::ExportFormat::Csv => "exchanges.csv",
        audit::ExportFormat::Jsonl => "exchanges.jsonl",
    }))
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/')
}

/// The export that lies there.
fn the_one_in(at: &Path) -> Result<PathBuf, Error> {
    if !is_folder(at) {
        return Ok(at.to_owned());
    }
    let names = ["exchanges.csv", "exchanges.jsonl"].map(|name| at.join(name));
    let found = names.into_iter().find(|file| file::beside(file, manifest::MANIFEST).exists());
    let problem = "there is no export with its manifest".to_owned();
    found.ok_or_else(|| Error::Export { path: at.to_owned(), problem })
}
