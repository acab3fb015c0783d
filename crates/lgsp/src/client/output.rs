//! The one place that decides how to write: for a person at a terminal, for a pipe, or as JSON.

use std::io::{self, IsTerminal as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::ValueEnum;
use comfy_table::Color;
use lgsp_proto::ledger::v1::{
    AnnotateAnomalyResponse, Anomaly, CheckCompletenessResponse, DecidedResponse, DestroySubjectKeyResponse,
    Disclosure, Erasable, Exchange, ExportedExchange, GetAnomalyResponse, Sealed,
};
use lgsp_proto::monitor::v1 as alerts;
use lgsp_proto::monitor::v1::{AnnouncedMaintenance, GetLinkResponse, Link, Maintenance};
use lgsp_proto::pool;
use lgsp_proto::registry::v1::{
    Agency, AgreementRecord, ApplicationSummary, Change, CheckPermissionResponse, ConnectionRecord,
    CredentialRecord, MethodConformance, Person, PersonProposal, Purpose, Role, RoleProposal, ServiceRecord,
    ServiceSummary, System,
};
use prost::Message;
use prost_reflect::{DynamicMessage, Value};

use super::Error;

/// How to print the messages of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JsonStyle {
    /// One line a message.
    Json,
    /// Indented.
    Pretty,
}

/// How to print a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// A table with colours, as wide as the terminal.
    Table,
    /// Aligned columns without colours, two spaces or more apart.
    Plain,
    /// One JSON object a line.
    Json,
}

/// Widest table when the terminal does not tell its width.
const USUAL_WIDTH: u16 = 120;

/// What standard output is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surface {
    terminal: bool,
    colours: bool,
    width: u16,
}

impl Surface {
    pub(crate) fn of_stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        // Some terminals tell that they have no columns at all.
        let told = comfy_table::Table::new().width().filter(|width| *width > 0);
        let width = told.unwrap_or(USUAL_WIDTH);
        Self { terminal, colours: terminal && colours_are_welcome(), width }
    }

    /// The style of a call's messages.
    pub(crate) fn json_style(&self, asked: Option<JsonStyle>) -> JsonStyle {
        let usual = if self.terminal { JsonStyle::Pretty } else { JsonStyle::Json };
        asked.unwrap_or(usual)
    }

    /// The form of a list.
    pub(crate) fn listing(&self, asked: Option<Listing>) -> Listing {
        let usual = if self.colours { Listing::Table } else { Listing::Plain };
        asked.unwrap_or(usual)
    }

    /// Columns of the terminal.
    pub(crate) fn width(&self) -> u16 {
        self.width
    }

    /// A text in its colour, where there are colours.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colours { tone.paint(text) } else { text.to_owned() }
    }

    /// Whether a table may be coloured.
    pub(crate) fn colours(&self) -> bool {
        self.colours
    }
}

/// <https://no-color.org>, and terminals that cannot.
pub(crate) fn colours_are_welcome() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}

/// Writes a line on standard output at once.
pub(crate) fn line(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Writes a note on standard error. Nobody may be listening there, and that is no failure.
pub(crate) fn note(text: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{text}");
}

/// Writes what went wrong on standard error.
pub(crate) fn failure(report: &super::report::Report) {
    let colours = io::stderr().is_terminal() && colours_are_welcome();
    let highlight = |word: &str| if colours { Tone::Bad.paint(word) } else { word.to_owned() };
    let _ = io::stderr().lock().write_all(report.render(highlight).as_bytes());
}

/// A message as JSON: names in camelCase, 64-bit integers as text.
pub(crate) fn json(message: &DynamicMessage, style: JsonStyle) -> Result<String, Error> {
    let text = match style {
        JsonStyle::Json => serde_json::to_string(message),
        JsonStyle::Pretty => serde_json::to_string_pretty(message),
    };
    text.map_err(|error| Error::Output(io::Error::other(error)))
}

/// A message of the hub's own contracts that a list shows.
pub(crate) trait Listed {
    /// Full name of the message.
    const NAME: &'static str;
}

impl Listed for Link {
    const NAME: &'static str = "lgsp.monitor.v1.Link";
}

impl Listed for GetLinkResponse {
    const NAME: &'static str = "lgsp.monitor.v1.GetLinkResponse";
}

impl Listed for alerts::Alert {
    const NAME: &'static str = "lgsp.monitor.v1.Alert";
}

impl Listed for alerts::GetAlertResponse {
    const NAME: &'static str = "lgsp.monitor.v1.GetAlertResponse";
}

impl Listed for alerts::Silence {
    const NAME: &'static str = "lgsp.monitor.v1.Silence";
}

impl Listed for Maintenance {
    const NAME: &'static str = "lgsp.monitor.v1.Maintenance";
}

impl Listed for AnnouncedMaintenance {
    const NAME: &'static str = "lgsp.monitor.v1.AnnouncedMaintenance";
}

impl Listed for Exchange {
    const NAME: &'static str = "lgsp.ledger.v1.Exchange";
}

impl Listed for Sealed {
    const NAME: &'static str = "lgsp.ledger.v1.Sealed";
}

impl Listed for Erasable {
    const NAME: &'static str = "lgsp.ledger.v1.Erasable";
}

impl Listed for ExportedExchange {
    const NAME: &'static str = "lgsp.ledger.v1.ExportedExchange";
}

impl Listed for Disclosure {
    const NAME: &'static str = "lgsp.ledger.v1.Disclosure";
}

impl Listed for CheckCompletenessResponse {
    const NAME: &'static str = "lgsp.ledger.v1.CheckCompletenessResponse";
}

impl Listed for DestroySubjectKeyResponse {
    const NAME: &'static str = "lgsp.ledger.v1.DestroySubjectKeyResponse";
}

impl Listed for Anomaly {
    const NAME: &'static str = "lgsp.ledger.v1.Anomaly";
}

impl Listed for GetAnomalyResponse {
    const NAME: &'static str = "lgsp.ledger.v1.GetAnomalyResponse";
}

impl Listed for AnnotateAnomalyResponse {
    const NAME: &'static str = "lgsp.ledger.v1.AnnotateAnomalyResponse";
}

impl Listed for DecidedResponse {
    const NAME: &'static str = "lgsp.ledger.v1.DecidedResponse";
}

impl Listed for ApplicationSummary {
    const NAME: &'static str = "lgsp.registry.v1.ApplicationSummary";
}

impl Listed for ConnectionRecord {
    const NAME: &'static str = "lgsp.registry.v1.ConnectionRecord";
}

impl Listed for CredentialRecord {
    const NAME: &'static str = "lgsp.registry.v1.CredentialRecord";
}

impl Listed for ServiceSummary {
    const NAME: &'static str = "lgsp.registry.v1.ServiceSummary";
}

impl Listed for Change {
    const NAME: &'static str = "lgsp.registry.v1.Change";
}

impl Listed for Agency {
    const NAME: &'static str = "lgsp.registry.v1.Agency";
}

impl Listed for Purpose {
    const NAME: &'static str = "lgsp.registry.v1.Purpose";
}

impl Listed for Role {
    const NAME: &'static str = "lgsp.registry.v1.Role";
}

impl Listed for RoleProposal {
    const NAME: &'static str = "lgsp.registry.v1.RoleProposal";
}

impl Listed for System {
    const NAME: &'static str = "lgsp.registry.v1.System";
}

impl Listed for Person {
    const NAME: &'static str = "lgsp.registry.v1.Person";
}

impl Listed for PersonProposal {
    const NAME: &'static str = "lgsp.registry.v1.PersonProposal";
}

impl Listed for AgreementRecord {
    const NAME: &'static str = "lgsp.registry.v1.AgreementRecord";
}

impl Listed for CheckPermissionResponse {
    const NAME: &'static str = "lgsp.registry.v1.CheckPermissionResponse";
}

impl Listed for ServiceRecord {
    const NAME: &'static str = "lgsp.registry.v1.ServiceRecord";
}

impl Listed for MethodConformance {
    const NAME: &'static str = "lgsp.registry.v1.MethodConformance";
}

/// A message of the hub's own contracts as one line of JSON. Digests stand in it in hexadecimal digits, as everywhere else, and not in
/// the Base64 of other bytes.
pub(crate) fn json_line<M: Message + Listed>(message: &M) -> Result<String, Error> {
    let unknown = || Error::Output(io::Error::other("a message outside the contracts"));
    let descriptor = pool().get_message_by_name(M::NAME).ok_or_else(unknown)?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.transcode_from(message).map_err(|error| Error::Output(io::Error::other(error)))?;
    Ok(with_digests_in_hex(json(&dynamic, JsonStyle::Json)?, &dynamic))
}

/// JSON with the digests of its message in hexadecimal digits.
pub(crate) fn with_digests_in_hex(json: String, message: &DynamicMessage) -> String {
    let mut digests = Vec::new();
    collect_digests(message, &mut digests);
    // No text in JSON holds a bare quote: what is found is a field.
    digests.iter().fold(json, |json, (name, digest)| {
        json.replace(
            &format!("\"{name}\":\"{}\"", STANDARD.encode(digest)),
            &format!("\"{name}\":\"{}\"", hex::encode(digest)),
        )
    })
}

fn collect_digests(message: &DynamicMessage, digests: &mut Vec<(String, Bytes)>) {
    for (field, value) in message.fields() {
        match value {
            Value::Bytes(digest) if field.name().ends_with("sha256") || field.name().ends_with("hash") => {
                digests.push((field.json_name().to_owned(), digest.clone()));
            }
            Value::Message(inner) => collect_digests(inner, digests),
            Value::List(items) => {
                items.iter().filter_map(Value::as_message).for_each(|inner| collect_digests(inner, digests));
            }
            _ => {}
        }
    }
}

/// What a cell says besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Notice,
    Warning,
    Bad,
    Dim,
}

impl Tone {
    pub(super) fn colour(self) -> Option<(Color, &'static str)> {
        match self {
            Self::Plain => None,
            Self::Good => Some((Color::Green, "32")),
            Self::Notice => Some((Color::Cyan, "36")),
            Self::Warning => Some((Color::Yellow, "33")),
            Self::Bad => Some((Color::Red, "31")),
            Self::Dim => Some((Color::DarkGrey, "90")),
        }
    }

    /// The text with the codes of a terminal around it.
    pub(crate) fn paint(self, text: &str) -> String {
        self.colour().map_or_else(|| text.to_owned(), |(_, code)| format!("\u{1b}[{code}m{text}\u{1b}[0m"))
    }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::ledger::v1::Outcome;

    use super::*;

    fn surface(terminal: bool, colours: bool) -> Surface {
        Surface { terminal, colours, width: 80 }
    }
    #[test]
    fn a_terminal_gets_tables_and_a_pipe_gets_plain_text_unless_asked() {
        assert_eq!(surface(true, true).listing(None), Listing::Table);
        assert_eq!(surface(true, false).listing(None), Listing::Plain);
        assert_eq!(surface(false, false).listing(None), Listing::Plain);
        assert_eq!(surface(false, false).listing(Some(Listing::Json)), Listing::Json);
        assert_eq!(surface(true, false).json_style(None), JsonStyle::Pretty);
        assert_eq!(surface(false, false).json_style(None), JsonStyle::Json);
    }

    #[test]
    fn digests_are_told_in_hexadecimal_digits_however_deep_they_lie() {
        let sealed = Sealed { credential_sha256: vec![0xab; 32].into(), ..Default::default() };
        let exchange = Exchange { sealed: Some(sealed), ..Default::default() };
        let text = json_line(&exchange).expect("a message of the contracts");
        assert!(text.contains(&format!(r#""credentialSha256":"{}""#, "ab".repeat(32))), "{text}");
    }

    #[test]
    fn json_speaks_the_contracts_names() {
        let exchange = Exchange { outcome: Outcome::NotFound.into(), duration_us: 7, ..Default::default() };
        let text = json_line(&exchange).expect("a message of the contracts");
        assert_eq!(text, r#"{"outcome":"OUTCOME_NOT_FOUND","durationUs":"7"}"#);
    }
}
