//! The contracts of the hub: generated messages, clients, servers, and the descriptor sets.
//!
//! The files below `proto/` are compiled by the build script. Modules follow the packages without their first
//! word: `lgsp.population.v1` is [`population::v1`]. [`options`] reads the hub's custom options from any
//! descriptor, also from one that was decoded at run time; that is how the gateway knows the rules of domains it
//! was never compiled with.
//!
//! Nothing here decides anything: rules are read here and applied elsewhere.

mod descriptors;
mod followed;
mod link;
pub mod options;

pub use descriptors::{DESCRIPTOR_SET, ERROR_DETAILS, contract_sha256, descriptor_set_of, pool, services};
pub use link::{LinkError, link};

macro_rules! generated {
    ($(#[doc = $doc:literal] $module:ident = $package:literal),* $(,)?) => {$(
        #[doc = $doc]
        pub mod $module {
            #[doc = concat!("Package `", $package, "`.")]
            #[allow(missing_docs, clippy::all, rust_2018_idioms)]
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    )*};
}

generated! {
    /// Enterprises and who represents them.
    business = "lgsp.business.v1",
    /// Students, enrolment, diplomas.
    education = "lgsp.education.v1",
    /// Insurance, patients, immunizations.
    health = "lgsp.health.v1",
    /// Parcels, owners, borders.
    land = "lgsp.land.v1",
    /// The exchange log.
    ledger = "lgsp.ledger.v1",
    /// What every role tells of itself.
    monitor = "lgsp.monitor.v1",
    /// Citizens, households, residents.
    population = "lgsp.population.v1",
    /// Shapes that more than one domain speaks.
    record = "lgsp.record.v1",
    /// The rules of the hub.
    registry = "lgsp.registry.v1",
}

/// Packages of Google that the hub's errors speak.
pub mod google {
    /// Package `google.rpc`: the details of errors.
    #[allow(missing_docs, clippy::all, rust_2018_idioms)]
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}
