//! Arguments of `lgsp connection`: the life of applications, from the request to their end.

use clap::{Args, Subcommand};
use lgsp_core::ApplicationId;
use lgsp_proto::registry::v1::Contact;

use super::client::{Operator, application};
use super::decide::{Decide, Grounds, MayReason, Reason, stated};
use super::registry::Connections;
use crate::client::Listing;

/// `lgsp connection`.
#[derive(Debug, Subcommand)]
pub enum Connection {
    /// Ask for an application of your agency to be connected
    Request(Box<Request>),
    /// Approve a request: the application may call in the sandbox then
    #[command(
        after_help = "Example:\n  lgsp connection approve gpxd --as dung-vanhanh --key dung-vanhanh.pem"
    )]
    Approve(Box<Decide<Application, MayReason>>),
    /// Refuse a request: it may be mended and made again
    #[command(
        after_help = "Example:\n  lgsp connection refuse gpxd --reason 'chưa nêu đơn vị đầu mối' \\\n    \
        --legal-basis 'Nghị định 278/2025/NĐ-CP' --as dung-vanhanh --key dung-vanhanh.pem"
    )]
    Refuse(Box<Decide<Application, Grounds>>),
    /// Connect an application that has a good key for production
    #[command(
        after_help = "Example:\n  lgsp connection connect gpxd --as dung-vanhanh --key dung-vanhanh.pem"
    )]
    Connect(Box<Decide<Application, MayReason>>),
    /// Suspend a connected application at once
    #[command(
        after_help = "Example:\n  lgsp connection suspend gpxd --reason 'nghi lộ khoá' \\\n    --as an-xaydung --key an-xaydung.pem"
    )]
    Suspend(Box<Decide<Application, Reason>>),
    /// Resume a suspended application
    #[command(
        after_help = "Example:\n  lgsp connection resume gpxd --reason 'đã thay khoá' \\\n    --as dung-vanhanh --key dung-vanhanh.pem"
    )]
    Resume(Box<Decide<Application, MayReason>>),
    /// Retire an application for good, with its agreements and credentials
    #[command(
        after_help = "Example:\n  lgsp connection retire gpxd --reason 'replaced' --dry-run \\\n    --as dung-vanhanh --key dung-vanhanh.pem"
    )]
    Retire(Box<Decide<Application, Reason>>),
    /// List applications on their way to the hub: the same as `lgsp connections`
    List(Box<Connections>),
    /// Show one with all that was decided about it, and its etag
    #[command(after_help = "Example:\n  lgsp connection show gpxd --as dung-vanhanh --key dung-vanhanh.pem")]
    Show(Box<Show>),
}

/// The application that it is about.
#[derive(Debug, Args)]
pub struct Application {
    /// The application
    #[arg(value_name = "APPLICATION", value_parser = application)]
    pub id: ApplicationId,
}

/// `lgsp connection request`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lgsp connection request gpxd --agency 000.00.08.H13 \\\n    \
    --name-vi 'Cấp giấy phép xây dựng' --name-en 'Building permits' \\\n    \
    --contact 'Phòng Quản lý xây dựng; qlxd@xaydung.example.vn; 0292 3800 000' \\\n    \
    --reason 'kiểm tra người đề nghị cấp phép' --as an-xaydung --key an-xaydung.pem")]
pub struct Request {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// The agency's code, in either form: H13.08 or 000.00.08.H13
    #[arg(long, value_name = "CODE", value_parser = stated)]
    pub agency: String,
    /// Its name in Vietnamese
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub name_vi: String,
    /// Its name in English
    #[arg(long, value_name = "TEXT", value_parser = stated)]
    pub name_en: String,
    /// An office that answers for it, never a person: `OFFICE; E-MAIL; PHONE`, without one of the last two if there is none; may be repeated
    #[arg(long = "contact", value_name = "OFFICE; E-MAIL; PHONE", value_parser = contact, required = true)]
    pub contacts: Vec<Contact>,
    /// The system of the inventory that it connects [default: the one of the same id]
    #[arg(long, value_name = "ID", default_value = "")]
    pub system: String,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// How to print what came of it; json is one object a line [default: table in a terminal, else plain]
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The application: a new id, with lower-case letters, digits and `-`
    #[arg(value_name = "APPLICATION", value_parser = application)]
    pub id: ApplicationId,
}

/// `lgsp connection show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Who asks, and whom.
    #[command(flatten)]
    pub operator: Operator,
    /// How to print; json is one object a line
    #[arg(long, value_name = "FORM")]
    pub output: Option<Listing>,
    /// The application
    #[arg(value_name = "APPLICATION", value_parser = application)]
    pub id: ApplicationId,
}

/// What has an `@` is the e-mail address.
fn contact(text: &str) -> Result<Contact, String> {
    let mut parts = text.split(';').map(str::trim);
    let office = parts.next().unwrap_or_default().to_owned();
    let (emails, phones): (Vec<&str>, Vec<&str>) =
        parts.filter(|part| !part.is_empty()).partition(|part| part.contains('@'));
    if office.is_empty() || emails.len() + phones.len() == 0 || emails.len() > 1 || phones.len() > 1 {
        return Err("name an office and how to reach it: `OFFICE; E-MAIL; PHONE`".to_owned());
    }
    Ok(Contact { office, email: emails.concat(), phone: phones.concat() })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn refused(words: &[&str]) -> String {
        let line = [&["lgsp", "connection"], words].concat();
        Cli::try_parse_from(line).expect_err("it lacks something").to_string()
    }

    #[test]
    fn what_has_to_be_stated_is_asked_for_before_any_call() {
        for decision in ["suspend", "retire"] {
            assert!(refused(&[decision, "gpxd"]).contains("--reason <TEXT>"));
            assert!(refused(&[decision, "gpxd", "--reason", " "]).contains("it says nothing"));
            assert!(Cli::try_parse_from(["lgsp", "connection", decision, "gpxd", "--reason", "r"]).is_ok());
        }
        assert!(refused(&["refuse", "gpxd", "--reason", "r"]).contains("--legal-basis <TEXT>"));
        assert!(refused(&["refuse", "gpxd", "--legal-basis", "l"]).contains("--reason <TEXT>"));
        for decision in ["approve", "connect", "resume"] {
            assert!(Cli::try_parse_from(["lgsp", "connection", decision, "gpxd"]).is_ok(), "{decision}");
        }
    }

    #[test]
    fn an_office_is_named_with_a_way_to_reach_it() {
        let named = |office: &str, email: &str, phone: &str| {
            Ok(Contact { office: office.to_owned(), email: email.to_owned(), phone: phone.to_owned() })
        };
        assert_eq!(contact("Phòng A, B; a@b.vn; 0292 1"), named("Phòng A, B", "a@b.vn", "0292 1"));
        assert_eq!(contact("Phòng A;0292 1"), named("Phòng A", "", "0292 1"));
        for bad in ["", "Phòng A", "; a@b.vn", "A; a@b.vn; c@d.vn"] {
            assert!(contact(bad).is_err(), "{bad}");
        }
    }
}
