//! Arguments of `lgsp sign-in`.

use std::path::PathBuf;

use clap::Args;
use lgsp_core::sign_in::is_issuer;

/// `lgsp sign-in`.
#[derive(Debug, Args)]
#[command(after_help = concat!(
    exit_codes!(),
    "\n\nExample:\n  lgsp sign-in --issuer https://sso.example.vn/realms/can-tho --client-id lgsp-cli \\\n    ",
    "--ca sso-ca.pem --token-file token.jwt\n  lgsp call --token-file token.jwt …"
))]
pub struct SignIn {
    /// URL of the OpenID Connect issuer, exactly as its tokens have it
    #[arg(long, value_name = "URL", value_parser = issuer)]
    pub issuer: String,
    /// What the issuer calls this tool
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// Certificates (PEM) of the authorities that may vouch for the issuer
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// What to ask the issuer for
    #[arg(long, value_name = "SCOPES", default_value = "openid")]
    pub scope: String,
    /// Keep the ID token and not the access token
    #[arg(long)]
    pub id_token: bool,
    /// Where to keep the token, for --token-file of the other commands; nobody else can read the file
    #[arg(long, value_name = "FILE")]
    pub token_file: PathBuf,
}

fn issuer(text: &str) -> Result<String, String> {
    let told = || "an issuer is an https URL without a query, or http on this machine".to_owned();
    is_issuer(text).then(|| text.to_owned()).ok_or_else(told)
}
