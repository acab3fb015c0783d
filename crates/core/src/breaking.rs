//! What callers of a data service would lose by a new version of its contract.
//!
//! A caller relies on methods, on fields by number and by name (masks and JSON use names), on the values of enumerations, and on
//! requests that are good today being good tomorrow. The hub relies on classifications and subjects: a field that is less
//! guarded than before, or does not tell any more whose it is, is a break too.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use lgsp_proto::options::{Classification, FieldRules, Format, Subject};
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};

use crate::contract::{Problem, kind_name};

/// Everything of `old` that `new` does not keep, each thing once, by name.
pub fn breaks(old: &ServiceDescriptor, new: &ServiceDescriptor) -> Vec<Problem> {
    let mut look = Look::default();
    for method in old.methods() {
        match new.methods().find(|candidate| candidate.name() == method.name()) {
            Some(candidate) => look.method(&method, &candidate),
            None => look.note(method.full_name(), "is not there any more"),
        }
    }
    while let Some((old, new, way)) = look.left.pop() {
        look.message(&old, &new, way);
    }
    look.breaks.into_iter().collect()
}

/// Which way a message goes. Rules are about requests: an answer is not held against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Request,
    Answer,
}

#[derive(Default)]
struct Look {
    breaks: BTreeSet<Problem>,
    seen: BTreeSet<(String, Way)>,
    /// Messages that are seen and not looked at yet. A list and no recursion: how far messages hold messages is for the author of
    /// the contract to say.
    left: Vec<(MessageDescriptor, MessageDescriptor, Way)>,
    enumerations: BTreeSet<String>,
}

impl Look {
    fn note(&mut self, place: &str, found: impl Into<String>) {
        self.breaks.insert(Problem::new(place, found, ""));
    }

    fn method(&mut self, old: &MethodDescriptor, new: &MethodDescriptor) {
        let name = old.full_name();
        if old.is_client_streaming() != new.is_client_streaming() {
            self.note(name, "its request was not the same kind of stream");
        }
        if old.is_server_streaming() != new.is_server_streaming() {
            self.note(name, "its answer was not the same kind of stream");
        }
        let (before, after) = (lgsp_proto::options::method(old), lgsp_proto::options::method(new));
        if after.deadline_ms < before.deadline_ms {
            self.note(name, format!("its deadline was {} ms", before.deadline_ms));
        }
        if after.max_stream_messages < before.max_stream_messages {
            self.note(name, format!("its answers had up to {} messages", before.max_stream_messages));
        }
        if after.max_stream_bytes < before.max_stream_bytes {
            self.note(name, format!("its answers had up to {} bytes", before.max_stream_bytes));
        }
        self.exchanged(name, "takes", &old.input(), &new.input(), Way::Request);
        self.exchanged(name, "answers with", &old.output(), &new.output(), Way::Answer);
    }

    fn exchanged(
        &mut self,
        method: &str,
        what: &str,
        old: &MessageDescriptor,
        new: &MessageDescriptor,
        way: Way,
    ) {
        if old.full_name() == new.full_name() {
            return self.meet(old, new, way);
        }
        self.note(method, format!("{what} another message than `{}`", old.full_name()));
    }

    /// Leaves a message to be looked at once.
    fn meet(&mut self, old: &MessageDescriptor, new: &MessageDescriptor, way: Way) {
        if self.seen.insert((old.full_name().to_owned(), way)) {
            self.left.push((old.clone(), new.clone(), way));
        }
    }

    fn message(&mut self, old: &MessageDescriptor, new: &MessageDescriptor, way: Way) {
        for field in old.fields() {
            match new.get_field(field.number()) {
                Some(candidate) => self.field(&field, &candidate, way),
                None => self.gone(&field, new),
            }
        }
        if way == Way::Request {
            self.added(old, new);
            self.groups(old, new);
        }
    }

    fn gone(&mut self, field: &FieldDescriptor, new: &MessageDescriptor) {
        match new.get_field_by_name(field.name()) {
            Some(_) => self.note(field.full_name(), format!("its number was {}", field.number())),
            None => self.note(field.full_name(), "is not there any more"),
        }
    }

    fn field(&mut self, old: &FieldDescriptor, new: &FieldDescriptor, way: Way) {
        let name = old.full_name();
        if old.name() != new.name() {
            self.note(name, format!("the name of field {} was `{}`", old.number(), old.name()));
        }
        if old.json_name() != new.json_name() {
            self.note(name, format!("its name in JSON was `{}`", old.json_name()));
        }
        if shape(old) != shape(new) {
            self.note(name, format!("was {}", shape(old)));
        }
        if oneof(old) != oneof(new) {
            let before =
                oneof(old).map_or_else(|| "in no oneof".to_owned(), |name| format!("in oneof `{name}`"));
            self.note(name, format!("was {before}"));
        }
        self.kind(old, new, way);
        self.guards(old, new);
        if way == Way::Request {
            self.rules(old, new);
        }
    }

    fn kind(&mut self, old: &FieldDescriptor, new: &FieldDescriptor, way: Way) {
        match (old.kind(), new.kind()) {
            // An entry of a map has the name of its field; what it holds is looked at as any message's.
            (Kind::Message(a), Kind::Message(b)) if a.full_name() == b.full_name() => self.meet(&a, &b, way),
            (Kind::Enum(a), Kind::Enum(b)) if a.full_name() == b.full_name() => self.enumeration(&a, &b),
            (a, b) if kind_name(&a) == kind_name(&b) => {}
            (a, _) => self.note(old.full_name(), format!("its type was `{}`", kind_name(&a))),
        }
    }

    fn enumeration(&mut self, old: &EnumDescriptor, new: &EnumDescriptor) {
        if !self.enumerations.insert(old.full_name().to_owned()) {
            return;
        }
        let values: Vec<_> = new.values().collect();
        let kept: HashSet<(&str, i32)> = values.iter().map(|value| (value.name(), value.number())).collect();
        for value in old.values() {
            if !kept.contains(&(value.name(), value.number())) {
                let place = format!("{}.{}", old.full_name(), value.name());
                self.note(&place, format!("the value {} is not there any more", value.number()));
            }
        }
    }

    /// What the hub relies on to guard the data and to tell whose it was.
    fn guards(&mut self, old: &FieldDescriptor, new: &FieldDescriptor) {
        let (before, after) = (lgsp_proto::options::field(old), lgsp_proto::options::field(new));
        if severity(after.classification()) < severity(before.classification()) {
            let was = before.classification().as_str_name();
            self.note(old.full_name(), format!("its classification was {was}"));
        }
        let was_subject = before.subject() != Subject::Unspecified;
        if was_subject && before.subject() != after.subject() {
            let was = before.subject().as_str_name();
            self.note(old.full_name(), format!("it identified a subject, {was}"));
        }
    }

    /// Requests that were good must stay good.
    fn rules(&mut self, old: &FieldDescriptor, new: &FieldDescriptor) {
        let (before, after) = (lgsp_proto::options::field(old), lgsp_proto::options::field(new));
        let mut note = |tightened: bool, what: String| {
            if tightened {
                self.note(old.full_name(), what);
            }
        };
        note(after.required && !before.required, "was not required".to_owned());
        note(after.min_length > before.min_length, format!("could be as short as {}", before.min_length));
        note(
            is_lower_bound(after.max_length, before.max_length),
            format!("could be as long as {}", bound(before.max_length)),
        );
        note(
            is_lower_bound(after.max_items, before.max_items),
            format!("could have {} items", bound(before.max_items)),
        );
        note(is_narrower(&after, &before), "could be in a wider range".to_owned());
        let format = before.format().as_str_name();
        note(!takes(after.format(), before.format()), format!("its format was {format}"));
    }

    /// A field that must be set and was not there before.
    fn added(&mut self, old: &MessageDescriptor, new: &MessageDescriptor) {
        for field in new.fields().filter(|field| old.get_field(field.number()).is_none()) {
            if lgsp_proto::options::field(&field).required {
                self.note(field.full_name(), "is new and required");
            }
        }
    }

    /// One of a group must be set: a new group asks for more than before, and so does one that a field has left.
    fn groups(&mut self, old: &MessageDescriptor, new: &MessageDescriptor) {
        let before = groups(old);
        for (name, after) in groups(new) {
            if before.get(&name).is_none_or(|before| !before.is_subset(&after)) {
                let what = format!("one of the group `{name}` was not required, or could be another field");
                self.note(new.full_name(), what);
            }
        }
    }
}

/// The numbers of the fields of which one must be set, by the name of their group.
fn groups(message: &MessageDescriptor) -> BTreeMap<String, BTreeSet<u32>> {
    let mut groups: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for field in message.fields() {
        let name = lgsp_proto::options::field(&field).one_of_group;
        if !name.is_empty() {
            groups.entry(name).or_default().insert(field.number());
        }
    }
    groups
}

/// Repeated, map, or single, and whether it can be told from its default.
fn shape(field: &FieldDescriptor) -> &'static str {
    if field.is_map() {
        return "a map";
    }
    match field.cardinality() {
        Cardinality::Repeated => "repeated",
        Cardinality::Optional | Cardinality::Required if field.supports_presence() => "single, with presence",
        Cardinality::Optional | Cardinality::Required => "single",
    }
}

/// The oneof that a field is in. One that `optional` makes is none.
fn oneof(field: &FieldDescriptor) -> Option<String> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    oneof.map(|oneof| oneof.name().to_owned())
}

/// How strictly a field is guarded. One that says nothing is not guarded at all.
fn severity(classification: Classification) -> u8 {
    match classification {
        Classification::Public => 1,
        Classification::Internal => 2,
        Classification::Personal => 3,
        Classification::Sensitive => 4,
        Classification::Unspecified => 0,
    }
}

/// Whether one bound lets less through than another; 0 is none.
fn is_lower_bound(after: u32, before: u32) -> bool {
    after > 0 && (before == 0 || after < before)
}

fn bound(most: u32) -> String {
    if most == 0 { "any".to_owned() } else { most.to_string() }
}

fn is_narrower(after: &FieldRules, before: &FieldRules) -> bool {
    let Some(after) = &after.range else { return false };
    before.range.as_ref().is_none_or(|before| after.min > before.min || after.max < before.max)
}

/// Whether one format takes all that another takes.
fn takes(after: Format, before: Format) -> bool {
    let one_of_two = matches!(before, Format::PersonalNumber | Format::OldIdentityCard);
    after == before || after == Format::Unspecified || (after == Format::PersonKey && one_of_two)
}
