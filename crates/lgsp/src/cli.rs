//! What the command line accepts.
//!
//! [`client`] holds the commands that call a running hub, [`server`] those that are one or make one ready.

macro_rules! exit_codes {
    () => {
        "Exit codes of the commands that call a hub:\n  \
        0  served\n  \
        1  any other failure\n  \
        2  wrong usage: an option, an address or a key file\n  \
        3  refused: the token, the agreement or the role\n  \
        4  not found: the source, or the log, holds no such record\n  \
        5  invalid: the request breaks a rule, is too large, or there is no such method\n  \
        6  unavailable: try again, as the message says\n  \
        7  the deadline passed\n  \
        8  the registry is not as the files say: of `lgsp registry plan` and `apply`"
    };
}

pub mod agreement;
pub mod alerts;
pub mod audit;
pub mod backup;
pub mod client;
pub mod code;
pub mod connection;
pub mod console;
pub mod decide;
pub mod ledger;
pub mod links;
pub mod registry;
pub mod report;
pub mod server;
pub mod service;
pub mod sign_in;
pub mod until;
pub mod witness;

use clap::{Parser, Subcommand};

use crate::client::Lang;

/// LGSP Hub: the data integration and sharing platform of a city, in one program.
#[derive(Debug, Parser)]
#[command(name = "lgsp", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = concat!(exit_codes!(), "\nA server whose configuration is bad ends with 64."))]
pub struct Cli {
    /// Language of messages and tables; otherwise LC_ALL, LC_MESSAGES or LANG decides
    #[arg(long, global = true, value_name = "LANG")]
    pub lang: Option<Lang>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the whole hub in one process, with a synthetic city behind it
    Up(server::Up),
    /// Start a gateway: admits, decides, forwards, filters, enters, releases
    Gateway(server::Gateway),
    /// Start the registry, which publishes the rules, signed; or look into it, and change it, by one of its commands
    Registry(Box<code::Registry>),
    /// Start the ledger, which keeps the exchange log; or read its folder by one of its commands
    Ledger(ledger::Ledger),
    /// Start the monitor, which watches every link
    Monitor(server::Role),
    /// Start the console: pages for operators in a browser; or make a link that lets you in to that of `lgsp up`
    Console(console::Console),
    /// Start a witness, which cosigns the logs of others as long as they are not rewritten; or read its folder
    Witness(witness::Witness),
    /// Start the adapter of a domain
    Adapter(server::Adapter),
    /// Call any method of any data service, by its contract as the hub tells it
    Call(Box<client::Call>),
    /// Print a short-lived token of an application
    Token(client::Token),
    /// Sign in at an OpenID Connect issuer in a browser, and keep its token
    SignIn(sign_in::SignIn),
    /// List the data services
    Services(client::Services),
    /// Bring a data service to the hub, and take it through its life
    #[command(subcommand)]
    Service(Box<service::Service>),
    /// List the connected applications
    Applications(client::Applications),
    /// List applications on their way to the hub, and requests that wait for their answer
    Connections(registry::Connections),
    /// Request the connection of an application, answer the request, and take the application through its life
    #[command(subcommand)]
    Connection(connection::Connection),
    /// Propose a sharing agreement, decide about it, look at it, and check what it opens
    #[command(subcommand)]
    Agreement(agreement::Agreement),
    /// Issue, rotate, revoke and list keys and certificates of applications
    #[command(subcommand)]
    Credential(registry::Credential),
    /// Search the exchange log, prove, export and report what is in it, and decide about it
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Tell how every link is: which one is not healthy, since when, and why
    Status(Box<links::Status>),
    /// Watch links, rates and times live, the worst link first
    Top(Box<links::Top>),
    /// List alerts, acknowledge them, and silence what nobody needs to hear
    #[command(subcommand)]
    Alert(alerts::Alert),
    /// Show the past of a link, and announce maintenance
    #[command(subcommand)]
    Link(links::Link),
    /// List exchanges from the exchange log, or follow them
    Exchanges(Box<client::Exchanges>),
    /// Make the report of a period that an office sends up: applications, systems and services connected, and what exchanges came to
    #[command(
        after_help = "Example:\n  lgsp report --period 2026-H1 --format xlsx --lang vi --output bao-cao.xlsx"
    )]
    Report(report::Report),
    /// Check a configuration, or print the reference of all keys
    #[command(subcommand)]
    Config(server::Config),
    /// Create the hub's topics on Kafka, or compare them with what the hub needs
    #[command(subcommand)]
    Topics(server::Topics),
    /// Look at Kafka from inside: partitions, how far groups are behind, who reads replies, dead letters
    #[command(subcommand)]
    Kafka(server::Kafka),
    /// Look at everything that is commonly wrong with a hub, and name what mends it
    Doctor(Box<server::Doctor>),
    /// List every key and certificate that the configuration names: where it lies, and how long it is good
    Keys(server::Keys),
    /// Copy a hub: registry, ledger, keys and configuration, as one set; it may run
    #[command(after_help = "Example:\n  lgsp backup --data lgsp-data --to /srv/backup/2026-11-28")]
    Backup(backup::Backup),
    /// Make a data directory of a backup, once all of it holds
    #[command(
        after_help = "Example:\n  lgsp restore --from /srv/backup/2026-11-28 --data lgsp-data --checkpoint newest.checkpoint"
    )]
    Restore(backup::Restore),
    /// Look into the source of an adapter
    #[command(subcommand)]
    Source(server::Source),
    /// Make the databases of a synthetic city
    SampleData(server::SampleData),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_example_stands_in_the_help_as_it_can_be_copied() {
        let lgsp = Cli::command();
        for family in ["connection", "agreement", "audit"] {
            let family = lgsp.find_subcommand(family).expect("a command");
            for command in family.get_subcommands().filter(|it| it.get_name() != "list") {
                let told = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    told.contains(&format!("lgsp {} {}", family.get_name(), command.get_name())),
                    "{told}"
                );
                // Longer lines would be torn.
                assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
            }
        }
    }

    #[test]
    fn the_help_tells_every_exit_code() {
        let mut lgsp = Cli::command();
        let call = lgsp.find_subcommand_mut("call").expect("a command").render_help().to_string();
        for help in [call, lgsp.render_help().to_string()] {
            for exit in crate::client::Exit::ALL {
                assert!(help.contains(&format!("\n  {}  ", exit.code())), "{exit:?} is missing in:\n{help}");
            }
        }
    }

    #[test]
    fn a_call_of_the_readme_is_understood() {
        let line = "lgsp call --as tthc --purpose prefill --dossier H13.01-260601-0001 --deadline 2s \
                    lgsp.population.v1.PopulationService/GetCitizen {}";
        let cli = Cli::try_parse_from(line.split_whitespace()).expect("as documented");
        let Command::Call(call) = cli.command else { panic!("a call") };
        assert_eq!(call.caller.application.as_ref().map(|id| id.as_str()), Some("tthc"));
        assert_eq!(call.deadline, Some(std::time::Duration::from_secs(2)));
        assert_eq!(call.method.service, "lgsp.population.v1.PopulationService");
        assert_eq!(call.method.method, "GetCitizen");
    }

    #[test]
    fn operators_need_not_name_an_application() {
        let cli = Cli::try_parse_from(["lgsp", "exchanges", "--follow"]).expect("as documented");
        let Command::Exchanges(exchanges) = cli.command else { panic!("exchanges") };
        assert_eq!(exchanges.operator.application().as_ref().map(|id| id.as_str()), Some("dieu-hanh"));
    }

    #[test]
    fn a_certificate_says_who_calls_unless_an_application_is_named() {
        const CERT: [&str; 6] = ["--ca", "ca.pem", "--cert", "tthc.pem", "--cert-key", "tthc.key"];
        let parse = |line: &[&str]| Cli::try_parse_from([&["lgsp"], line].concat()).map(|cli| cli.command);
        let Ok(Command::Services(services)) = parse(&[&["services"], &CERT[..]].concat()) else {
            panic!("services")
        };
        assert_eq!(services.operator.application(), None);
        let Ok(Command::Services(services)) = parse(&[&["services", "--as", "tthc"], &CERT[..]].concat())
        else {
            panic!("services")
        };
        assert!(services.operator.application().is_some());
        assert!(parse(&[&["call", "a.B/C"], &CERT[..]].concat()).is_ok());
        assert!(parse(&["call", "a.B/C"]).is_err(), "nobody says who calls");
        assert!(parse(&[&["services"], &CERT[..4]].concat()).is_err(), "its key is not named");
        assert!(parse(&[&["services"], &CERT[2..]].concat()).is_err(), "it is shown over TLS only");
    }

    #[test]
    fn a_token_from_elsewhere_says_who_calls_alone() {
        let parse = |line: &str| Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command);
        let Ok(Command::Call(call)) = parse("lgsp call --token-file t a.B/C") else { panic!("a call") };
        assert_eq!(call.caller.application, None);
        let Ok(Command::Exchanges(exchanges)) = parse("lgsp exchanges --token-file -") else {
            panic!("exchanges")
        };
        assert_eq!(exchanges.operator.application(), None);
        for other in ["--as tthc", "--key k.pem", "--key-id k"] {
            assert!(parse(&format!("lgsp call --token-file t {other} a.B/C")).is_err(), "{other}");
        }
    }

    #[test]
    fn following_has_no_past_and_no_limit() {
        for other in ["--since=1h", "--limit=3"] {
            assert!(Cli::try_parse_from(["lgsp", "exchanges", "--follow", other]).is_err(), "{other}");
        }
    }
}
