//! `lgsp report`: the figures of a period, laid out as an office sends them up.
//!
//! What the hub holds is gathered ([`gather`]), becomes tables ([`tables`]), and these are written in the format that is asked for. No clock
//! is read on the way: the same registry, counts and checkpoint make the same bytes.

mod gather;
mod html;
mod letter;
mod plain;
mod sum;
mod tables;
mod xlsx;

use std::io::Write as _;

use self::gather::Gathered;
use self::tables::Report;
use crate::cli::report::{self, Format};
use crate::client::registry::open;
use crate::client::{Error, Lang, output};

/// Runs `lgsp report`.
///
/// # Errors
/// Whatever kept the report from being made.
pub(crate) async fn run(args: &report::Report, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let gathered = Gathered::of(&session, args, lang).await?;
    let report = tables::report(&gathered, args, lang);
    let bytes = bytes(&report, &args.period, args.format)?;
    match &args.output {
        Some(file) => {
            let failed = |source| Error::Folder { path: file.clone(), source };
            std::fs::write(file, bytes).map_err(failed)?;
            output::note(&format!("{} {}", lang.pick("written:", "đã ghi:"), file.display()));
            Ok(())
        }
        None => {
            let failed = |source| Error::Folder { path: "-".into(), source };
            std::io::stdout().lock().write_all(&bytes).map_err(failed)
        }
    }
}

fn bytes(report: &Report, period: &lgsp_core::indicators::Period, format: Format) -> Result<Vec<u8>, Error> {
    Ok(match format {
        Format::Table => plain::text(report).into_bytes(),
        Format::Csv => plain::csv(report),
        Format::Html => html::page(report).into_bytes(),
        Format::Xlsx => xlsx::workbook(report, period)?,
    })
}
