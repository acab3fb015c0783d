//! What methods and fields are called in their contracts.

use std::collections::BTreeMap;

use lgsp_proto::{options, pool};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::cli::client::Method;
use crate::client::session::Session;
use crate::client::{Lang, reflection};

/// What an agreement writes for all fields.
const EVERY_FIELD: &str = "*";
/// How contracts call what a list goes on with.
const NEXT_PAGE: &str = "next_page_token";

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
            message = field.as_ref().and_then(message_of);
        }
        let whole = titles.join(" › ");
        // All of it was let through. A title may have a comma of its own.
        let parts: Vec<String> = message.iter().flat_map(data).map(|field| self.title(&field)).collect();
        if parts.is_empty() { whole } else { format!("{whole} ({})", parts.join("; ")) }
    }

    /// The fields that a path of an entry lets through, one by one: those of each record for `*`, and those of a record that is named
    /// whole. What is a record in them, such as an address, is told whole, with its parts in its title.
    pub(super) fn each(&self, service: &str, method: &str, path: &str) -> Vec<String> {
        let Some(known) = self.known(service, method) else { return vec![path.to_owned()] };
        if path == EVERY_FIELD {
            let mut each = Vec::new();
            data(&known.output()).for_each(|field| each.extend(parts(&field, field.name())));
            return each;
        }
        let mut message = Some(known.output());
        let mut last = None;
        for name in path.split('.') {
            last = message.as_ref().and_then(|message| message.get_field_by_name(name));
            message = last.as_ref().and_then(message_of);
        }
        match last {
            Some(field) => parts(&field, path),
            None => vec![path.to_owned()],
        }
    }

    /// A field by its title, and by its path for whoever looks it up.
    pub(super) fn with_path(&self, service: &str, method: &str, path: &str) -> String {
        match self.known(service, method) {
            Some(_) => format!("{path}  {}", self.field(service, method, path)),
            None => path.to_owned(),
        }
    }

    fn known(&self, service: &str, method: &str) -> Option<&MethodDescriptor> {
        self.methods.get(&(service.to_owned(), method.to_owned()))?.as_ref()
    }

    fn title(&self, field: &FieldDescriptor) -> String {
        let rules = options::field(field);
        let title = self.one_of(&rules.title_vi, &rules.title_en, &field.name().replace('_', " "));
        // How it is written is for whoever programs.
        title.split_once(" (GeoJSON)").map_or(title.clone(), |(title, rest)| format!("{title}{rest}"))
    }

    /// In the language of the report; a contract without the title has names, which are English.
    fn one_of(&self, vi: &str, en: &str, name: &str) -> String {
        let title = self.lang.pick(en, vi);
        if title.is_empty() { name.to_owned() } else { title.to_owned() }
    }
}

/// The fields of a message that are about somebody or something: where a list goes on is not.
fn data(message: &MessageDescriptor) -> impl Iterator<Item = FieldDescriptor> {
    message.fields().filter(|field| field.name() != NEXT_PAGE).collect::<Vec<_>>().into_iter()
}

fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !message.full_name().starts_with("google.protobuf.") => Some(message),
        _ => None,
    }
}

/// The field itself, or those that are in it.
fn parts(field: &FieldDescriptor, path: &str) -> Vec<String> {
    match message_of(field) {
        Some(message) => data(&message).map(|part| format!("{path}.{}", part.name())).collect(),
        None => vec![path.to_owned()],
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

    #[test]
    fn what_was_let_through_is_told_field_by_field() {
        let titles = titles(Lang::Vi);
        let each = |path| titles.each(POPULATION, "GetCitizen", path);
        let all = each("*");
        assert!(all.contains(&"citizen.full_name".to_owned()), "{all:?}");
        assert!(all.contains(&"citizen.permanent_address".to_owned()), "{all:?}");
        assert!(each("citizen.permanent_address").contains(&"citizen.permanent_address.line".to_owned()));
        assert_eq!(each("citizen"), all);
        assert_eq!(each("citizen.full_name"), ["citizen.full_name"]);
        assert_eq!(each("citizen.gone"), ["citizen.gone"]);
        assert_eq!(titles.each("a.v1.B", "C", "*"), ["*"], "nobody knows its contract");
    }

    #[test]
    fn a_citizen_is_told_of_data_and_not_of_how_it_travels() {
        let land = "lgsp.land.v1.LandService";
        let mut titles = Titles::new(Lang::Vi);
        let service = pool().get_service_by_name(land).expect("a contract of ours");
        for method in service.methods() {
            titles.learn_built_in(land, method.name());
            for field in method.output().fields() {
                let told = titles.field(land, method.name(), field.name());
                assert!(!told.contains("GeoJSON"), "{told}");
            }
            for path in titles.each(land, method.name(), "*") {
                assert!(!path.contains("page_token"), "{path}");
            }
        }
    }
}
