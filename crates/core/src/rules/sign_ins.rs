//! Whose an account at an issuer is.

use std::sync::Arc;

use lgsp_proto::registry::v1 as wire;

use super::{Application, Rules, RulesError};
use crate::PersonId;
use crate::sign_in::{is_issuer, is_subject};

/// A person as an issuer's token names one.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The hub's own tool, with what the person's roles open.
    pub application: Arc<Application>,
    /// The person.
    pub person: PersonId,
}

impl Rules {
    /// The person whom an issuer calls so.
    pub fn sign_in(&self, issuer: &str, subject: &str) -> Option<&SignedIn> {
        self.sign_ins.get(issuer)?.get(subject)
    }

    pub(super) fn add_sign_in(
        &mut self,
        sign_in: &wire::SignIn,
        application: &Arc<Application>,
        person: &PersonId,
    ) -> Result<(), RulesError> {
        // The subject is the person's own, and stays out of what is told.
        let bad = |problem: &str| RulesError::Invalid {
            what: "sign-in",
            name: format!("of {person}"),
            problem: problem.to_owned(),
        };
        if !is_issuer(&sign_in.issuer) {
            return Err(bad("its issuer is not the URL of one"));
        }
        if !is_subject(&sign_in.subject) {
            return Err(bad("its subject is not well formed, or may be the number of a person"));
        }
        let of_issuer = self.sign_ins.entry(sign_in.issuer.clone()).or_default();
        let signed_in = SignedIn { application: application.clone(), person: person.clone() };
        match of_issuer.insert(sign_in.subject.clone(), signed_in) {
            Some(_) => Err(bad("is there twice")),
            None => Ok(()),
        }
    }
}
