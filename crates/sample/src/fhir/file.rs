//! A file with one transaction bundle a line, for whoever loads it elsewhere.

use std::path::Path;

use serde_json::Value;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::bundle::{catalogue, transactions};
use crate::city::Config;
use crate::error::Error;
use crate::load::{Progress, Sink, Summary, fill};
use crate::record::Home;

/// Writes the health domain of a city to a file. It gets its name when it is complete.
///
/// # Errors
/// The size is not accepted, or the file cannot be written; then a file that is there stays as it is.
pub async fn write(
    path: &Path,
    config: Config,
    mut progress: impl FnMut(Progress),
) -> Result<Summary, Error> {
    let mut draft = path.to_owned().into_os_string();
    draft.push(".draft");
    let mut lines = Lines { file: BufWriter::new(File::create(&draft).await?) };
    lines.write(&catalogue()).await?;
    let summary = fill(&mut lines, config, &mut progress).await?;
    lines.file.flush().await?;
    lines.file.get_ref().sync_all().await?;
    tokio::fs::rename(&draft, path).await?;
    Ok(summary)
}

struct Lines {
    file: BufWriter<File>,
}

impl Lines {
    async fn write(&mut self, bundle: &Value) -> Result<(), Error> {
        let mut line = bundle.to_string();
        line.push('\n');
        Ok(self.file.write_all(line.as_bytes()).await?)
    }
}

impl Sink for Lines {
    async fn take(&mut self, homes: &[Home]) -> Result<(), Error> {
        for bundle in transactions(homes) {
            self.write(&bundle).await?;
        }
        Ok(())
    }
}
