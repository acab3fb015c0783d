//! Exchanges as rows of a CSV (RFC 4180) that a spreadsheet opens as text.

use lgsp_proto::ledger::v1::{ExportedExchange, Hop};

use super::rfc3339;

/// The columns, in their order.
const HEADER: [&str; 29] = [
    "exchange_id",
    "admitted",
    "application",
    "agency_code",
    "service",
    "method",
    "purpose",
    "procedure",
    "legal_basis",
    "agreement",
    "agreement_version",
    "outcome",
    "code",
    "reason",
    "failed_hop",
    "record_count",
    "duration_us",
    "platform",
    "fields_released",
    "credential_sha256",
    "officer",
    "unit",
    "dossier",
    "request_id",
    "erased",
    "leaf",
    "leaf_hash",
    "environment",
    "signed",
];

/// The first line.
pub(super) fn header() -> Vec<u8> {
    line(HEADER.map(str::to_owned))
}

/// The line of an exchange.
pub(super) fn row(exported: &ExportedExchange) -> Vec<u8> {
    let exchange = exported.exchange.clone().unwrap_or_default();
    let sealed = exchange.sealed.clone().unwrap_or_default();
    let outcome = exchange.outcome().as_str_name().trim_start_matches("OUTCOME_").to_lowercase();
    let hop = match exchange.failed_hop() {
        Hop::Unspecified => String::new(),
        hop => hop.as_str_name().trim_start_matches("HOP_").to_lowercase(),
    };
    let signed = exchange.signed().as_str_name().trim_start_matches("SIGNED_").to_lowercase();
    line([
        exchange.exchange_id,
        rfc3339(exchange.admitted.as_ref()),
        exchange.application,
        exchange.agency_code,
        exchange.service,
        exchange.method,
        exchange.purpose,
        sealed.procedure,
        sealed.legal_basis,
        exchange.agreement,
        sealed.agreement_version.to_string(),
        outcome,
        exchange.code.to_string(),
        exchange.reason,
        hop,
        exchange.record_count.to_string(),
        exchange.duration_us.to_string(),
        exchange.platform.to_string(),
        sealed.fields_released.join(" "),
        hex::encode(&sealed.credential_sha256),
        exported.officer.clone(),
        exported.unit.clone(),
        exported.dossier.clone(),
        exported.request_id.clone(),
        exported.erased.to_string(),
        exported.leaf.to_string(),
        hex::encode(&exported.leaf_hash),
        sealed.environment,
        signed,
    ])
}

fn line(cells: [String; HEADER.len()]) -> Vec<u8> {
    let mut line = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    line.write_record(cells.map(defused)).expect("a vector takes everything");
    line.into_inner().expect("a vector takes everything")
}

/// A text that no spreadsheet takes for a formula: <https://owasp.org/www-community/attacks/CSV_Injection>.
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::ledger::v1::Exchange;

    use super::*;

    fn of(officer: &str) -> String {
        let exchange = Exchange { exchange_id: "x".to_owned(), ..Exchange::default() };
        let exported = ExportedExchange {
            exchange: Some(exchange),
            officer: officer.to_owned(),
            ..ExportedExchange::default()
        };
        String::from_utf8(row(&exported)).expect("UTF-8")
    }

    #[test]
    fn a_cell_is_text_whatever_an_application_wrote() {
        for formula in ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert!(of(formula).contains(&format!(",'{formula},")), "{formula}");
        }
        assert!(of("an@congan").contains(",an@congan,"));
    }

    #[test]
    fn a_cell_with_a_comma_a_quote_or_a_line_is_quoted_as_rfc_4180_says() {
        assert!(of("a,\"b\"").contains(",\"a,\"\"b\"\"\","));
        assert!(of("a\nb").contains(",\"a\nb\","));
        assert!(of("a").ends_with("\r\n"));
        let header = String::from_utf8(header()).expect("UTF-8");
        assert_eq!(header.split(',').count(), of("a").split(',').count());
    }
}
