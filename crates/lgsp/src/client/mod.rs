//! The commands that call a running hub.
//!
//! Each is a plain gRPC client of a gateway: it signs a token as an application ([`token`]), sends one that it was given, or
//! shows a certificate, connects, calls, and writes the answer for whoever reads it, a person, a pipe or a script. Nothing here has a way into the hub that an
//! agency's system does not have.

mod advice;
mod agreement;
mod alerts;
mod audit;
pub(crate) mod bearer;
mod call;
mod certificate;
mod code;
mod codec;
mod confirm;
pub(crate) mod connect;
mod connection;
mod connections;
mod credential;
mod error;
mod exchanges;
mod failure;
mod follow;
mod heard;
mod html;
mod indicators;
mod lang;
mod links;
pub(crate) mod output;
mod pages;
mod reflection;
mod registry;
mod report;
pub mod service;
pub(crate) mod session;
mod sheet;
mod sign_in;
pub(crate) mod table;
pub mod token;
mod trace;
pub(crate) mod words;

use std::process::ExitCode;

pub use error::{Error, Exit, Held};
pub use failure::Failure;
pub use lang::Lang;
pub use links::top;
pub use output::{JsonStyle, Listing};

use crate::cli::client::{Applications, Call, Exchanges, Services, Token};
use crate::cli::registry::{Connections, Credential};
use crate::cli::sign_in::SignIn;

/// A command that calls a hub.
#[derive(Debug)]
pub enum Command {
    /// `lgsp call`.
    Call(Box<Call>),
    /// `lgsp token`.
    Token(Token),
    /// `lgsp sign-in`.
    SignIn(SignIn),
    /// `lgsp services`.
    Services(Services),
    /// `lgsp service`.
    Service(Box<crate::cli::service::Service>),
    /// `lgsp applications`.
    Applications(Applications),
    /// `lgsp connections`.
    Connections(Connections),
    /// `lgsp connection`.
    Connection(crate::cli::connection::Connection),
    /// `lgsp agreement`.
    Agreement(crate::cli::agreement::Agreement),
    /// The commands of `lgsp audit` that ask a hub.
    Audit(crate::cli::audit::Ask),
    /// `lgsp credential`.
    Credential(Credential),
    /// The commands below `lgsp registry`.
    Registry(Box<crate::cli::code::Command>),
    /// `lgsp status`.
    Status(Box<crate::cli::links::Status>),
    /// `lgsp top`.
    Top(Box<crate::cli::links::Top>),
    /// `lgsp alert`.
    Alert(crate::cli::alerts::Alert),
    /// `lgsp link`.
    Link(crate::cli::links::Link),
    /// `lgsp report`.
    Report(Box<crate::cli::report::Report>),
    /// `lgsp exchanges`.
    Exchanges(Box<Exchanges>),
}

/// Runs a command to its end and tells on standard error what went wrong.
pub async fn run(command: Command, lang: Lang) -> ExitCode {
    let done = match &command {
        Command::Call(args) => call::run(args, lang).await,
        Command::Token(args) => token::run(args),
        Command::SignIn(args) => sign_in::run(args, lang).await,
        Command::Services(args) => registry::services(args, lang).await,
        Command::Service(args) => service::run(args, lang).await,
        Command::Applications(args) => registry::applications(args, lang).await,
        Command::Connections(args) => connections::run(args, lang).await,
        Command::Connection(command) => connection::run(command, lang).await,
        Command::Agreement(command) => agreement::run(command, lang).await,
        Command::Audit(command) => Box::pin(audit::run(command, lang)).await,
        Command::Credential(args) => credential::run(args, lang).await,
        Command::Registry(command) => Box::pin(code::run(command, lang)).await,
        // Its exit code tells how the links are.
        Command::Status(args) => return links::status(args, lang).await,
        Command::Top(args) => Box::pin(links::top::run(args, lang)).await,
        Command::Alert(command) => alerts::run(command, lang).await,
        Command::Link(command) => links::run(command, lang).await,
        Command::Report(args) => Box::pin(indicators::run(args, lang)).await,
        Command::Exchanges(args) => exchanges::run(args, lang).await,
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    let Some(exit) = error.exit() else { return ExitCode::SUCCESS };
    if exit != Exit::Differs {
        // What differs was told.
        output::failure(&error.report(lang));
    }
    exit.into()
}
