//! What methods and fields are called in their contracts.

use std::collections::BTreeMap;

use lgsp_proto::{options, pool};
use prost_reflect::{FieldDescriptor, Kind, MethodDescriptor};

use crate::cli::client::Method;
use crate::client::session::Session;
use crate::client::{Lang, reflection};

/// What an agreement writes for all fields.
const EVERY_FIELD: &str = "*";

/// Titles of the methods that a report speaks of.
pub(super) struct Titles {
    lang: Lang,
    methods: BTreeMap<(String, String), Option<MethodDescriptor>>,
}

impl Titles {
    pub(super) fn new(lang: Lang) -> Self {
        Self { lang, methods: BTreeMap::new() }
    }

    /// Looks a method up: in the contracts of this program, else in what the hub tells by reflection. One that is not there any more
    /// is called by its name.
    pub(super) async fn learn(&mut self, session: &Session, service: &str, method: &str) {
        let key = (service.to_owned(), method.to_owned());
        if self.methods.contains_key(&key) {
            return;
        }
        let known = match built_in(service, method) {
            Some(known) => Some(known),
            None => {
                let wanted = Method { service: service.to_owned(), method: method.to_owned() };
                reflection::method(session, &wanted).await.ok()
            }
        };
        self.methods.insert(key, known);
    }

    /// The same, of the contracts of this program alone.
    #[cfg(test)]
    pub(super) fn learn_built_in(&mut self, service: &str, method: &str) {
        self.methods.insert((service.to_owned(), method.to_owned()), built_in(service, method));
    }

    pub(super) fn method(&self, service: &str, method: &str) -> String {
        let Some(known) = self.known(service, method) else { return method.to_owned() };
        let rules = options::method(known);
        self.one_of(&rules.title_vi, &rules.title_en, method)
    }

    /// The titles of a field and of what it is part of; of one that has fields itself, those too.
    pub(super) fn field(&self, service: &str, method: &str, path: &str) -> String {
        if path == EVERY_FIELD {
            return self
                .lang
                .pick("every field of the contract", "mọi trường của hợp đồng dữ liệu")
                .to_owned();
        }
        let Some(known) = self.known(service, method) else { return path.to_owned() };
        let mut message = Some(known.output());
        let mut titles = Vec::new();
        for name in path.split('.') {
            let field = message.as_ref().and_then(|message| message.get_field_by_name(name));
            titles.push(field.as_ref().map_or_else(|| name.to_owned(), |field| self.title(field)));
            message = field.and_then(|field| match field.kind() {
                Kind::Message(message) => Some(message),
                _ => None,
            });
        }
        let whole = titles.join(" › ");
        // All of it was let through. A title may have a comma of its own.
        let parts: Vec<String> =
            message.iter().flat_map(|message| message.fields()).map(|field| self.title(&field)).collect();
        if parts.is_empty() { whole } else { format!("{whole} ({})", parts.join("; ")) }
    }

    fn known(&self, service: &str, method: &str) -> Option<&MethodDescriptor> {
        self.methods.get(&(service.to_owned(), method.to_owned()))?.as_ref()
    }

    fn title(&self, field: &FieldDescriptor) -> String {
        let rules = options::field(field);
        self.one_of(&rules.title_vi, &rules.title_en, &field.name().replace('_', " "))
    }

    /// In the language of the report; a contract without the title has names, which are English.
    fn one_of(&self, vi: &str, en: &str, name: &str) -> String {
        let title = self.lang.pick(en, vi);
        if title.is_empty() { name.to_owned() } else { title.to_owned() }
    }
}

fn built_in(service: &str, method: &str) -> Option<MethodDescriptor> {
    pool().get_service_by_name(service)?.methods().find(|it| it.name() == method)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POPULATION: &str = "lgsp.population.v1.PopulationService";

    fn titles(lang: Lang) -> Titles {
        let mut titles = Titles::new(lang);
        titles.learn_built_in(POPULATION, "GetCitizen");
        titles
    }

    #[test]
    fn a_field_is_called_as_its_contract_calls_it_with_what_it_is_part_of() {
        let field = |lang, path: &str| titles(lang).field(POPULATION, "GetCitizen", path);
        assert_eq!(field(Lang::Vi, "citizen.full_name"), "Công dân › Họ và tên");
        assert_eq!(field(Lang::En, "citizen.full_name"), "Citizen › Full name");
        let whole = field(Lang::Vi, "citizen");
        assert!(whole.starts_with("Công dân (") && whole.contains("; Họ và tên; "), "{whole}");
        let address = field(Lang::Vi, "citizen.permanent_address");
        assert_eq!(
            address,
            "Công dân › Nơi thường trú (Số nhà, đường, ấp, khu vực; Phường, xã; Địa chỉ đầy đủ)"
        );
        assert_eq!(field(Lang::Vi, "citizen.gone"), "Công dân › gone");
        assert_eq!(field(Lang::En, "*"), "every field of the contract");
        assert_eq!(titles(Lang::Vi).method(POPULATION, "GetCitizen"), "Tra cứu công dân");
        assert_eq!(titles(Lang::Vi).method("a.v1.B", "C"), "C");
    }
}
