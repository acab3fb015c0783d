//! What a provider may say of a field, or of where something stands: whole sentences of the hub's own, which hold no value. Any
//! other text may hold anything, and does not pass.

/// What is told instead of any other text.
pub(crate) const ANYTHING_ELSE: &str = "refused by the provider";

/// Rules of the platform's own services, and those that every adapter has.
const RULES: [&str; 56] = [
    "continues a list that has changed since: begin anew",
    "grants no field",
    "grants no method",
    "has 16 credentials that have not ended: revoke one",
    "has a key, or the id of a key, twice",
    "has control characters",
    "has neither e-mail nor phone",
    "is a role that somebody has",
    "is known already",
    "is known by nothing",
    "is more than 30",
    "is more than two years after the beginning",
    "is named by an agreement",
    "is named by what the registry holds",
    "is no Ed25519 public key of 32 bytes",
    "is no code of an agency",
    "is no date such as 2027-06-30",
    "is no e-mail address",
    "is no phone number",
    "is no token of a page before",
    "is not a date",
    "is not a token of this query",
    "is not a UUID",
    "is not a value of the enumeration",
    "is not after the beginning",
    "is not that of the credential which it replaces",
    "is not well formed",
    "is not well formed, or may be the number of a person",
    "is only for withholding",
    "is past, or before the beginning",
    "is required",
    "is somebody else's, or there twice",
    "is still to come",
    "is taken",
    "is that of an agreement between others",
    "is that of another application",
    "is that of another contract",
    "is the contract that is in use",
    "lies before the opposite side",
    "may hold the number of a person",
    "names a method that the contract does not have",
    "names a purpose that the hub does not know",
    "names a role that is not there",
    "names no agency",
    "names no application",
    "names no data service",
    "names no issuer by its URL, or by a subject that may be the number of a person",
    "names no method of a service of the hub",
    "names no method of the hub's own services",
    "names no office",
    "names no purpose",
    "names no system of the agency that is not connected",
    AN_EARLIER_ONE_WAITS,
    NO_GOOD_CREDENTIAL,
    THE_HUBS_OWN,
    "would leave the hub without an administrator",
];

/// Why an agreement or a data service gets no new version now.
pub const AN_EARLIER_ONE_WAITS: &str = "an earlier one waits for its decision";
/// Why an application is not connected.
pub const NO_GOOD_CREDENTIAL: &str = "none for production is good now";
/// Why nothing is decided about an application.
pub const THE_HUBS_OWN: &str = "is the hub's own tool, which is not decided about";

/// Where agreements, applications and data services stand.
const STAGES: [&str; 17] = [
    "active",
    "approved",
    "connected",
    "deprecated",
    "draft",
    "in-use",
    "onboarding",
    "proposed",
    "refused",
    "requested",
    "retired",
    "revoked",
    "sandbox",
    "superseded",
    "suspended",
    "unspecified",
    "withdrawn",
];
const OR: &str = " or ";

/// Says at which stage something is, and at which it has to be.
pub fn stage(is: &str, has_to_be: &[String]) -> String {
    format!("is {is}, and has to be {}", has_to_be.join(OR))
}

/// Whether a text is a sentence of ours.
pub(crate) fn is_ours(text: &str) -> bool {
    RULES.contains(&text) || is_of_stages(text)
}

fn is_of_stages(text: &str) -> bool {
    let parts = text.strip_prefix("is ").and_then(|text| text.split_once(", and has to be "));
    parts.is_some_and(|(is, has_to_be)| {
        STAGES.contains(&is) && has_to_be.split(OR).all(|stage| STAGES.contains(&stage))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_ours_passes_and_nothing_beside_it() {
        let two = stage("approved", &["active".to_owned(), "suspended".to_owned()]);
        assert_eq!(two, "is approved, and has to be active or suspended");
        for ours in ["is required", NO_GOOD_CREDENTIAL, &two] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "is required: 092085000011",
            "is 092085000011, and has to be active",
            "is active, and has to be 092085000011",
            "is active, and has to be suspended or 092085000011",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
