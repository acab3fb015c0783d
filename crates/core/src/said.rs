//! What a provider may say of a field, or of where something stands: whole sentences of the hub's own, which hold no value. Any
//! other text may hold anything, and does not pass. The registry says nothing else: a [`Rule`] that is not listed does not compile.

use std::borrow::Cow;

/// What is told instead of any other text.
pub(crate) const ANYTHING_ELSE: &str = "refused by the provider";

/// A sentence of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(Cow<'static, str>);

/// The [`Rule`](crate::said::Rule) of a sentence that is listed.
#[macro_export]
macro_rules! rule {
    ($sentence:literal) => {
        const { $crate::said::Rule::listed($sentence) }
    };
}

impl Rule {
    /// For [`rule!`](crate::rule), which has it looked up when the program is compiled.
    ///
    /// # Panics
    /// The sentence is not listed.
    pub const fn listed(sentence: &'static str) -> Self {
        let mut at = 0;
        while at < RULES.len() {
            if are_same(RULES[at].as_bytes(), sentence.as_bytes()) {
                return Self(Cow::Borrowed(sentence));
            }
            at += 1;
        }
        panic!("the sentence is not listed in said.rs: its reader would never see it")
    }

    /// Says at which stage something is, and at which it has to be.
    pub fn stage(is: &str, has_to_be: &[String]) -> Self {
        Self(format!("is {is}, and has to be {}", has_to_be.join(OR)).into())
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.0.into_owned()
    }
}

const fn are_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Rules of the platform's own services, and those that every adapter has.
const RULES: &[&str] = &[
    "an earlier one waits for its decision",
    "asks for more counts than one answer tells: ask for a shorter period",
    "breaks callers: CheckService tells why",
    "cannot be granted of this answer",
    "comes and goes with the hub",
    "continues a list that has changed since: begin anew",
    "does not fit the data service",
    "does not hold together with the other rules",
    "grants no field",
    "grants no method",
    "has 16 credentials that have not ended: revoke one",
    "has a key, or the id of a key, twice",
    "has control characters",
    "has ended, or was replaced already",
    "has neither e-mail nor phone",
    "has no key any more: a decision has destroyed it already",
    "has no key here: there is none to destroy",
    "has no provider that the monitor knows: name its links",
    "has taken an earlier step",
    "is a role that somebody has",
    "is about who would confirm it",
    "is activated by the hub's operator",
    "is archived: an operator can bring it back with lgsp ledger restore",
    "is after the end",
    "is checked by the agency that owns it or the hub's operator",
    "is confirmed by nobody whom the proposer made known, or who made the proposer known",
    "is connected by another application",
    "is decided about by the agency that owns the data service",
    "is decided about by the hub's operator",
    "is earlier than was announced",
    "is ended by either agency or the hub's operator",
    "is ended by the agency that owns it or the hub's operator",
    "is in the past",
    "is issued by the application's agency",
    "is known already",
    "is known by nothing",
    "is less than 30 days away, and agreements use it",
    "is more than 30",
    "is more than 30 days ahead",
    "is more than 7 days after the beginning",
    "is more than two years after the beginning",
    "is named by an agreement",
    "is named by what the registry holds",
    "is no Ed25519 public key of 32 bytes",
    "is no code of an agency",
    "is no date such as 2027-06-30",
    "is no e-mail address",
    "is no field of the answer",
    "is no link that the monitor knows",
    "is no phone number",
    "is no rule of alerts",
    "is no token of a page before",
    "is not 1 to 366 days after `since`",
    "is not a UUID",
    "is not a date",
    "is not a token of this query",
    "is not a value of the enumeration",
    "is not after the beginning",
    "is not after the beginning, or in the past",
    "is not midnight in Asia/Ho_Chi_Minh",
    "is not that of the credential which it replaces",
    "is not well formed",
    "is not well formed, or may be the number of a person",
    "is offered and withdrawn by the agency that owns it",
    "is only for withholding",
    "is not over for a day",
    "is past, or before the beginning",
    "is proposed by the application's agency",
    "is put by its agency or the hub's operator",
    "is put by the hub's operator",
    "is requested by its own agency",
    "is required",
    "is resolved, or does not fire yet",
    "is revoked already",
    "is revoked by the application's agency or the hub's operator",
    "is somebody else's, or there twice",
    "is still to come",
    "is still to come, and would end the version in force now",
    "is suspended by its agency or the hub's operator",
    "is taken",
    "is that of an agreement between others",
    "is that of another application",
    "is that of another contract",
    "is that of no change yet",
    "is the contract that is in use",
    "is the hub's own tool, which is not decided about",
    "is unfit: CheckService tells why",
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
    "none for production is good now",
    "of the hub's own tool is issued by the hub's operator",
    "of the past is told to operators, auditors and administrators",
    "would be more than one record holds",
    "would leave the hub without an administrator",
];

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
        let two: String = Rule::stage("approved", &["active".to_owned(), "suspended".to_owned()]).into();
        assert_eq!(two, "is approved, and has to be active or suspended");
        for ours in ["is required", "none for production is good now", &two] {
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
