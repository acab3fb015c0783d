//! What every contract keeps to.

use std::collections::HashSet;

use lgsp_proto::options::{self, Classification, Format};
use lgsp_proto::{DESCRIPTOR_SET, contract_sha256, descriptor_set_of, pool, services};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, ServiceDescriptor};

const DOMAINS: [&str; 5] = ["population", "land", "health", "education", "business"];
const PROVENANCE: &str = "lgsp.record.v1.Provenance";

fn our_services() -> impl Iterator<Item = ServiceDescriptor> {
    pool().services().filter(|service| service.full_name().starts_with("lgsp."))
}

fn domain_services() -> impl Iterator<Item = ServiceDescriptor> {
    our_services().filter(|service| DOMAINS.iter().any(|domain| in_domain(service.full_name(), domain)))
}

fn domain_messages() -> impl Iterator<Item = MessageDescriptor> {
    pool()
        .all_messages()
        .filter(|message| DOMAINS.iter().any(|domain| in_domain(message.full_name(), domain)))
}

fn in_domain(full_name: &str, domain: &str) -> bool {
    full_name.starts_with(&format!("lgsp.{domain}.v1."))
}

fn holds_provenance(message: &MessageDescriptor, seen: &mut HashSet<String>) -> bool {
    if message.full_name() == PROVENANCE {
        return true;
    }
    if !seen.insert(message.full_name().to_owned()) {
        return false;
    }
    message.fields().filter_map(|field| message_of(&field)).any(|inner| holds_provenance(&inner, seen))
}

fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    field.kind().as_message().cloned()
}

#[test]
fn the_five_data_services_and_their_methods_are_there() {
    let methods: Vec<String> = domain_services()
        .flat_map(|service| service.methods().map(|method| method.full_name().to_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(methods.len(), 17, "{methods:#?}");
    assert_eq!(domain_services().count(), 5);
}

#[test]
fn every_service_has_a_domain_and_titles() {
    for service in our_services() {
        let rules = options::service(&service);
        let name = service.full_name();
        assert!(!rules.domain.is_empty(), "{name} has no domain");
        assert!(
            rules.domain.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()),
            "{name}: bad domain"
        );
        assert!(!rules.title_vi.is_empty() && !rules.title_en.is_empty(), "{name} has no title");
        let is_domain = DOMAINS.contains(&rules.domain.as_str());
        assert_eq!(rules.platform, !is_domain, "{name} is either a data service or a platform service");
    }
}

#[test]
fn every_method_has_titles_and_a_deadline_and_every_stream_has_limits() {
    for method in our_services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let rules = options::method(&method);
        let name = method.full_name();
        assert!(!rules.title_vi.is_empty() && !rules.title_en.is_empty(), "{name} has no title");
        assert!(rules.deadline_ms > 0, "{name} has no deadline");
        assert!(!method.is_client_streaming(), "{name}: client streams are not carried");
        let bounded = rules.max_stream_messages > 0 && rules.max_stream_bytes > 0;
        assert_eq!(bounded, method.is_server_streaming(), "{name}: streams, and only streams, have limits");
    }
}

#[test]
fn every_answer_of_a_domain_carries_provenance() {
    for method in domain_services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let output = method.output();
        assert!(holds_provenance(&output, &mut HashSet::new()), "{} has no provenance", output.full_name());
    }
}

#[test]
fn every_field_of_a_domain_has_a_classification() {
    let unclassified: Vec<String> = domain_messages()
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .filter(|field| options::field(field).classification() == Classification::Unspecified)
        .map(|field| field.full_name().to_owned())
        .collect();
    assert!(unclassified.is_empty(), "without a classification: {unclassified:#?}");
}

/// Reports to citizens call what left by these titles.
#[test]
fn every_field_of_a_domain_and_of_the_shapes_they_share_has_titles() {
    let shared = pool().all_messages().filter(|message| in_domain(message.full_name(), "record"));
    let untitled: Vec<String> = domain_messages()
        .chain(shared)
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .filter(|field| {
            let rules = options::field(field);
            rules.title_vi.is_empty() || rules.title_en.is_empty()
        })
        .map(|field| field.full_name().to_owned())
        .collect();
    assert!(untitled.is_empty(), "without a title: {untitled:#?}");
}

#[test]
fn every_main_record_has_fifteen_to_thirty_fields() {
    for record in [
        "lgsp.population.v1.Citizen",
        "lgsp.land.v1.Parcel",
        "lgsp.health.v1.PatientSummary",
        "lgsp.education.v1.Student",
        "lgsp.business.v1.Enterprise",
    ] {
        let fields = pool().get_message_by_name(record).expect(record).fields().count();
        assert!((15..=30).contains(&fields), "{record} has {fields} fields");
    }
}

#[test]
fn every_request_of_a_domain_names_who_or_where() {
    for method in domain_services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let input = method.input();
        let demanded = input.fields().any(|field| {
            let rules = options::field(&field);
            rules.required || !rules.one_of_group.is_empty()
        });
        assert!(demanded, "{} may be empty", input.full_name());
    }
}

#[test]
fn rules_fit_the_types_of_their_fields() {
    for message in pool().all_messages().filter(|message| message.full_name().starts_with("lgsp.")) {
        for field in message.fields() {
            let rules = options::field(&field);
            let name = field.full_name();
            let textual = field.kind() == Kind::String;
            let numeric = !matches!(field.kind(), Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Bool);
            assert!(
                textual || rules.format() == Format::Unspecified,
                "{name}: a format on what is no string"
            );
            assert!(textual || rules.subject.eq(&0), "{name}: a subject on what is no string");
            assert!(textual || field.kind() == Kind::Bytes || rules.max_length == 0, "{name}: a length");
            assert!(numeric || rules.range.is_none(), "{name}: a range on what is no number");
            assert!(
                field.is_list() || field.is_map() || rules.max_items == 0,
                "{name}: items of what is no list"
            );
        }
    }
}

#[test]
fn contracts_of_domains_hold_nothing_that_a_field_mask_cannot_see_through() {
    for message in domain_messages() {
        for field in message.fields() {
            assert!(!field.is_group(), "{} is a group", field.full_name());
            let inner = message_of(&field);
            let any = inner.is_some_and(|inner| inner.full_name() == "google.protobuf.Any");
            assert!(!any, "{} is an Any", field.full_name());
        }
        assert_eq!(message.extensions().count(), 0, "{} is extended", message.full_name());
    }
}

#[test]
fn one_page_token_convention_holds_everywhere() {
    for message in pool().all_messages().filter(|message| message.full_name().starts_with("lgsp.")) {
        let size = message.get_field_by_name("page_size");
        let token = message.get_field_by_name("page_token");
        assert_eq!(
            size.is_some(),
            token.is_some(),
            "{}: page_size and page_token come together",
            message.full_name()
        );
        if let Some(size) = size {
            assert_eq!(size.kind(), Kind::Int32, "{}", size.full_name());
            assert!(
                options::field(&size).range.is_some_and(|range| range.min == 0.0),
                "{}",
                size.full_name()
            );
        }
    }
}

#[test]
fn options_are_read_from_a_pool_that_was_decoded_at_run_time() {
    for service in services() {
        let set = descriptor_set_of(service).expect("a service has its descriptor set");
        let foreign = DescriptorPool::decode(set).expect("a descriptor set is complete in itself");
        let decoded = foreign.get_service_by_name(service).expect("the set holds its service");
        let compiled = pool().get_service_by_name(service).expect("the pool holds all services");
        assert_eq!(options::service(&decoded), options::service(&compiled));
        for (one, other) in decoded.methods().zip(compiled.methods()) {
            assert_eq!(options::method(&one), options::method(&other));
            for (one, other) in one.input().fields().zip(other.input().fields()) {
                assert_eq!(options::field(&one), options::field(&other));
            }
        }
    }
    let foreign = DescriptorPool::decode(DESCRIPTOR_SET).expect("the set of all contracts decodes");
    let key = foreign.get_message_by_name("lgsp.population.v1.GetCitizenRequest").expect("it is in the set");
    let rules = options::field(&key.get_field_by_name("personal_number").expect("the request has it"));
    assert_eq!(rules.format(), Format::PersonKey);
    assert!(rules.required);
}

#[test]
fn a_descriptor_set_holds_one_service_and_has_a_digest_of_its_own() {
    let digests: HashSet<[u8; 32]> = services()
        .map(|service| contract_sha256(descriptor_set_of(service).expect("it is listed")))
        .collect();
    assert_eq!(digests.len(), services().count());
    assert_eq!(descriptor_set_of("lgsp.population.v1.NoService"), None);
}
