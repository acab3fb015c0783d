//! What each option of alerts accepts and means.

use lgsp_runtime::config::{Row, row, section, units};

use super::options::Rules;

const RECEIVERS: &str = "a list of tables, 16 at most";

pub(super) fn of_alerts() -> Vec<Row> {
    let mut rows = vec![
        row(
            "group-wait",
            units::duration::ACCEPTS,
            "How long the first message about a rule waits, so that what happens together is told together.",
        ),
        row(
            "group-interval",
            units::duration::ACCEPTS,
            "How long after a message about a rule the next one tells what is new. At most repeat-interval.",
        ),
        row(
            "repeat-interval",
            units::duration::ACCEPTS,
            "How long until what still fires, and nobody has acknowledged, is told again. At least 1m.",
        ),
        row(
            "resolve-after",
            units::duration::ACCEPTS,
            "How long something is good before its alert is resolved.",
        ),
        row("language", "vi, en or both", "What mail and summaries are written in."),
        row(
            "help-url",
            "a URL, or empty",
            "Where people read what to do: the name of the rule is put after it. It is in every message.",
        ),
        row(
            "owners",
            "a table of patterns, each with a name, 256 at most",
            "Whose links and other subjects are, such as \"source/land/*\" = \"so-nnmt\": the longest pattern that matches. What no pattern\nnames is that of the agency that the registry has for it, if it has one.",
        ),
    ];
    rows.extend(section::<Rules>("rules"));
    rows.extend([
            row(
                "webhooks",
                RECEIVERS,
                "Programs that get a POST with JSON: name, url, and optionally ca (a file of certificates in PEM, needed with https),\nbearer-token-file, hmac-key-file (its HMAC-SHA-256 is in the header lgsp-signature), severity (the least that is told: warning\nor critical), owners (only theirs), and timeout.",
            ),
            row(
                "mail",
                RECEIVERS,
                "Mail over SMTP: name, host, port, security (starttls, tls, or none on this machine), ca (a file of certificates in PEM;\nwithout, those that this machine trusts), from, to (a list), and optionally username, password-file, severity, owners and timeout.",
            ),
            row(
                "alertmanagers",
                RECEIVERS,
                "Alertmanagers of Prometheus: name, url (/api/v2/alerts lies below), and optionally ca, bearer-token-file, severity, owners and\ntimeout. They group and repeat themselves; what fires is sent every minute.",
            ),
        ]);
    rows
}

pub(super) fn of_rules() -> Vec<Row> {
    const ENABLED: (&str, &str) = ("true or false", "Whether this is an alert at all.");
    const FOR: &str = "For how long it must be so.";
    let of_links = |name: &str, severity| {
        vec![
            row(&format!("{name}.enabled"), ENABLED.0, ENABLED.1),
            row(&format!("{name}.for"), units::duration::ACCEPTS, FOR),
            row(&format!("{name}.severity"), "warning or critical", severity),
        ]
    };
    let measured = |name: &str, accepts, warning, critical| {
        vec![
            row(&format!("{name}.enabled"), ENABLED.0, ENABLED.1),
            row(&format!("{name}.for"), units::duration::ACCEPTS, FOR),
            row(&format!("{name}.warning"), accepts, warning),
            row(&format!("{name}.critical"), accepts, critical),
        ]
    };
    const PART: &str = "0 to 1";
    const NUMBER: &str = "a number";
    [
            of_links("link-down", "How urgent a link is that does not work."),
            of_links("link-degraded", "How urgent a link is that somebody should look at."),
            measured(
                "error-ratio",
                PART,
                "From which part of failed exchanges on somebody should look: of at least 20 of the last five minutes, of a domain.",
                "From which part on somebody must act now.",
            ),
            measured(
                "slow",
                NUMBER,
                "From how many seconds on: what 99 of 100 exchanges of a domain took no longer than, in the last five minutes.",
                "From how many seconds on somebody must act now.",
            ),
            measured(
                "sealing-lag",
                NUMBER,
                "From how many entries on that are filed and not sealed.",
                "From how many on somebody must act now.",
            ),
            measured(
                "consumer-lag",
                NUMBER,
                "From how many records on that a consumer has not done with.",
                "From how many on somebody must act now.",
            ),
            measured(
                "certificate",
                NUMBER,
                "From how many days on before a gateway's certificate, or the last credential of an application, ends.",
                "From how many days on somebody must act now.",
            ),
            measured(
                "quota",
                PART,
                "From which part on of an agreement's quota of the day that is used.",
                "From which part on somebody must act now.",
            ),
            measured(
                "disk",
                PART,
                "From which part on of a file system that is free, where a role keeps its files.",
                "From which part on somebody must act now.",
            ),
            measured(
                "clock",
                NUMBER,
                "From how many seconds on that the clock of a process is from the others.",
                "From how many seconds on somebody must act now.",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
}
