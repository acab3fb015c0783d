//! Arguments of `lgsp audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `lgsp audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Verify a proof that an exchange is in the log: needs the file and the log's key, and no hub
    #[command(after_help = "Examples:\n  \
        lgsp audit verify proof.txt --log-key \"$(cat log.vkey)\"\n  \
        lgsp audit verify proof.txt --log-key \"$(cat log.vkey)\" --witness-key \"$(cat witness.vkey)\" --witnesses 1\n\n\
        Ends with 0 if the proof holds, and with 1 if it does not, saying what of it.")]
    Verify(Verify),
}

/// `lgsp audit verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The proof: a file of C2SP tlog-proof, with the entry in it
    pub file: PathBuf,
    /// The key of the log: NAME+ID+KEY, as you have kept it, and not as the proof's bearer gives it to you; several while it is replaced
    #[arg(long, value_name = "KEY", required = true)]
    pub log_key: Vec<String>,
    /// The log's name [default: the name in the first --log-key]
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// The key of a witness: NAME+ID+KEY; may be given again
    #[arg(long, value_name = "KEY")]
    pub witness_key: Vec<String>,
    /// How many witnesses must have seen the log's checkpoint [default: all of --witness-key]
    #[arg(long, value_name = "N")]
    pub witnesses: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
