//! The health domain as FHIR R4 (4.0.1) has it: for a server, or as a file with one transaction bundle a line.
//!
//! ```text
//!  Home ─► resources (patient, coverage, clinical, immunization) ─► Bundle (transaction of PUTs) ─► a server
//!                                                                                               └─► a file
//! ```
//!
//! What stands where is what the health adapter reads by default. Identifiers and codes:
//!
//! | system | of | what |
//! |---|---|---|
//! | `http://fhir.ehealth.gov.vn/core/sid/national_id` | Patient | personal number (the draft Vietnamese core profile) |
//! | `http://fhir.ehealth.gov.vn/core/sid/insurance_number` | Patient, Coverage | health-insurance card (as above) |
//! | `urn:lgsp:old-identity-card` | Patient | old identity card (assumed) |
//! | `urn:lgsp:social-insurance-number` | Patient, Coverage | the last 10 digits of the card (assumed) |
//! | `urn:lgsp:facility` | Organization | code of the facility (assumed) |
//! | `urn:lgsp:vaccine` | Immunization | code of the vaccine (assumed) |
//! | `urn:lgsp:condition-category` | Condition | `chronic` (assumed) |
//! | `http://hl7.org/fhir/sid/icd-10` | Condition, Encounter | ICD-10 |
//! | `http://loinc.org`, `http://snomed.info/sct` | Observation | as the International Patient Summary has them |
//!
//! Extensions, all assumed but the first: `…/patient-disability` of R4 on a patient; `urn:lgsp:ward-code` and
//! `urn:lgsp:former-ward-code` on an address; `urn:lgsp:registered-facility` and `urn:lgsp:five-years-from` on a coverage;
//! `urn:lgsp:next-due` on an immunization.
//!
//! What FHIR knows otherwise: everybody who holds a card is a patient there; a card that was issued without the number of
//! the person leads to the person all the same; one that was withdrawn is `cancelled`, without since when; the moments of
//! records are the server's own.
//!
//! Every resource bears HL7's tag `HTEST`: made up. Ids follow from those of the citizens, so that the same city is
//! written over itself.

mod bundle;
mod clinical;
mod coverage;
mod elements;
mod file;
mod immunization;
mod patient;
mod server;

pub use bundle::{catalogue, transactions};
pub use file::write as write_fhir;
pub use server::load as load_fhir;
