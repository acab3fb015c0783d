//! What the files hold, as they are written.

use serde::Deserialize;
use toml::value::Datetime;

/// An entry of `agencies.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Agency {
    pub code: String,
    pub name_vi: String,
    pub name_en: String,
}

/// An entry of `purposes.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Purpose {
    pub code: String,
    pub title_vi: String,
    pub title_en: String,
}

/// An entry of `roles.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Role {
    pub name: String,
    pub methods: Vec<String>,
}

/// An entry of `services.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Service {
    pub name: String,
    pub owner: String,
    pub state: ServiceState,
    pub descriptor_set: Option<String>,
    /// Where the contract names none.
    pub domain: Option<String>,
    pub title_vi: Option<String>,
    pub title_en: Option<String>,
    pub deprecated_at: Option<Datetime>,
    pub sunset_at: Option<Datetime>,
}

/// Where a data service stands in its life cycle.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServiceState {
    Draft,
    Sandbox,
    InUse,
    Deprecated,
    Retired,
}

/// An entry of `applications.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Application {
    pub id: String,
    pub name_vi: String,
    pub name_en: String,
    pub agency: String,
    pub state: ApplicationState,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub max_in_flight: u32,
    #[serde(default)]
    pub platform: bool,
    #[serde(rename = "contact", default)]
    pub contacts: Vec<Contact>,
}

/// An office that answers for an application.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Contact {
    pub office: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub phone: String,
}

/// Where an application stands on its way to the hub.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ApplicationState {
    Requested,
    Onboarding,
    Connected,
    Suspended,
    Retired,
}

/// An entry `[[system]]` of `inventory.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct System {
    pub id: String,
    pub name_vi: String,
    pub name_en: String,
    pub agency: String,
    /// The application that connects it.
    #[serde(default)]
    pub application: String,
    /// Why it is not connected yet, and for when that is planned.
    #[serde(default)]
    pub why_not: String,
    #[serde(default)]
    pub planned: String,
}

/// An entry `[[national-service]]` of `inventory.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct NationalService {
    pub id: String,
    pub name_vi: String,
    pub name_en: String,
    pub state: NationalServiceState,
    #[serde(default)]
    pub since: String,
}

/// Whether the city uses it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NationalServiceState {
    Available,
    InUse,
}

/// An entry of `credentials.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Credential {
    pub application: String,
    pub key_id: String,
    pub public_key: String,
    pub not_before: Datetime,
    pub not_after: Datetime,
}

/// Another entry of `credentials.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Certificate {
    pub application: String,
    pub sha256: Option<String>,
    pub dns_name: Option<String>,
    pub uri: Option<String>,
    pub not_before: Datetime,
    pub not_after: Datetime,
}

/// An entry of `agreements.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Agreement {
    pub id: String,
    pub version: u32,
    pub application: String,
    pub service: String,
    pub purposes: Vec<String>,
    pub valid_from: Datetime,
    pub valid_to: Datetime,
    pub legal_basis: String,
    pub state: AgreementState,
    #[serde(default)]
    pub quota: Quota,
    #[serde(default)]
    pub priority: Priority,
    #[serde(rename = "grant", default)]
    pub grants: Vec<toml::Spanned<Grant>>,
}

/// Whether an agreement is in force within its dates.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AgreementState {
    Active,
    Suspended,
    Revoked,
}

/// What goes first when there is more to do than can be done.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Priority {
    #[default]
    Interactive,
    Bulk,
}

/// Bounds of an agreement; 0: none.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Quota {
    pub per_second: u32,
    pub per_day: u64,
}

/// One method of an agreement with the fields that may leave.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Grant {
    pub method: String,
    pub fields: Vec<String>,
}
