//! Which contracts the hub takes, and what of a new version is a break.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use lgsp_core::breaking::breaks;
use lgsp_core::contract::{Contract, Problem};
use lgsp_core::{Checks, Plan};
use prost::Message;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto, field_descriptor_proto,
};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};

const SERVICE: &str = "example.v1.Shelf";
/// A contract as an agency would write it.
const SHELF: &str = r#"
syntax = "proto3";
package example.v1;
import "google/protobuf/timestamp.proto";
import "lgsp/options/v1/options.proto";

service Shelf {
  option (lgsp.options.v1.service) = {domain: "shelf" title_vi: "Kệ" title_en: "Shelf"};
  rpc GetBook(GetBookRequest) returns (Book) {
    option (lgsp.options.v1.method) = {deadline_ms: 5000};
  }
  rpc ListBooks(ListBooksRequest) returns (stream Book) {
    option (lgsp.options.v1.method) = {deadline_ms: 5000 max_stream_messages: 100 max_stream_bytes: 1000};
  }
}
enum Kind { KIND_UNSPECIFIED = 0; KIND_NOVEL = 1; }
message GetBookRequest {
  string isbn = 1 [(lgsp.options.v1.field) = {
    classification: CLASSIFICATION_PUBLIC required: true min_length: 1 max_length: 20
  }];
  string reader = 2 [(lgsp.options.v1.field) = {
    classification: CLASSIFICATION_PERSONAL format: FORMAT_PERSON_KEY subject: SUBJECT_PERSON one_of_group: "who"
  }];
  string card = 3 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PERSONAL one_of_group: "who"}];
  uint32 copies = 4 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PUBLIC range: {min: 0 max: 9}}];
}
message ListBooksRequest {
  repeated string shelves = 1 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PUBLIC max_items: 5}];
}
message Book {
  string title = 1 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PUBLIC}];
  Kind kind = 2 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_INTERNAL}];
  Loan loan = 3 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_SENSITIVE}];
  oneof size { uint32 pages = 4 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PUBLIC}]; }
  map<string, string> notes = 5 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_INTERNAL}];
  google.protobuf.Timestamp since = 6 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PUBLIC}];
}
message Loan {
  string reader = 1 [(lgsp.options.v1.field) = {
    classification: CLASSIFICATION_SENSITIVE subject: SUBJECT_PERSON
  }];
}
"#;

struct Texts(Vec<(&'static str, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self.0.iter().find(|(known, _)| *known == name);
        let (_, text) = text.ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, text)
    }
}

fn compile(texts: Vec<(&'static str, String)>, file: &str) -> Vec<u8> {
    let mut files = ChainFileResolver::new();
    files.add(Texts(texts));
    files.add(IncludeFileResolver::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")));
    files.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true).open_file(file).unwrap();
    compiler.encode_file_descriptor_set()
}

fn contract(text: &str) -> Contract {
    let set = compile(vec![("example/v1/shelf.proto", text.to_owned())], "example/v1/shelf.proto");
    Contract::read(&set, SERVICE).unwrap()
}

/// The contract with some text in the place of other.
fn with(changes: &[(&str, &str)]) -> Contract {
    let text = changes.iter().fold(SHELF.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old} is not in the contract");
        text.replacen(old, new, 1)
    });
    contract(&text)
}

/// What a change breaks, as `place: what`.
#[track_caller]
fn broken(changes: &[(&str, &str)], expect: &[&str]) {
    let (old, new) = (contract(SHELF), with(changes));
    let found = breaks(&old.service, &new.service);
    let found: Vec<String> = found
        .iter()
        .map(|problem| format!("{}: {}", problem.place.trim_start_matches("example.v1."), problem.found))
        .collect();
    assert_eq!(found, expect, "{changes:?}");
}

#[test]
fn what_is_added_breaks_nobody() {
    broken(&[], &[]);
    broken(&[("message Loan {", "message Loan { string desk = 2;")], &[]);
    broken(&[("KIND_NOVEL = 1;", "KIND_NOVEL = 1; KIND_ATLAS = 2;")], &[]);
    let method = "rpc Lend(GetBookRequest) returns (Book) {} rpc GetBook(";
    broken(&[("rpc GetBook(", method)], &[]);
    broken(
        &[("deadline_ms: 5000", "deadline_ms: 6000"), ("max_stream_bytes: 1000", "max_stream_bytes: 2000")],
        &[],
    );
}

#[test]
fn what_callers_read_must_stay_where_it_was() {
    let title = "string title = 1 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PUBLIC}];";
    broken(&[(title, "")], &["Book.title: is not there any more"]);
    broken(&[("string title = 1", "string title = 9")], &["Book.title: its number was 1"]);
    broken(
        &[("string title = 1", "string name = 1")],
        &["Book.title: its name in JSON was `title`", "Book.title: the name of field 1 was `title`"],
    );
    broken(&[("string title = 1", "bytes title = 1")], &["Book.title: its type was `string`"]);
    broken(&[("Kind kind = 2", "int32 kind = 2")], &["Book.kind: its type was `example.v1.Kind`"]);
    broken(&[("Loan loan = 3", "GetBookRequest loan = 3")], &["Book.loan: its type was `example.v1.Loan`"]);
    broken(&[("string title = 1", "repeated string title = 1")], &["Book.title: was single"]);
    broken(&[("string title = 1", "optional string title = 1")], &["Book.title: was single"]);
    broken(
        &[("map<string, string> notes", "map<string, int32> notes")],
        &["Book.NotesEntry.value: its type was `string`"],
    );
    broken(&[("oneof size {", "oneof extent {")], &["Book.pages: was in oneof `size`"]);
    broken(&[("KIND_NOVEL = 1;", "")], &["Kind.KIND_NOVEL: the value 1 is not there any more"]);
    broken(&[("KIND_NOVEL = 1;", "KIND_POEM = 1;")], &["Kind.KIND_NOVEL: the value 1 is not there any more"]);
}

#[test]
fn methods_must_stay_what_they_were() {
    broken(&[("rpc GetBook(", "rpc FetchBook(")], &["Shelf.GetBook: is not there any more"]);
    broken(
        &[("rpc GetBook(GetBookRequest) returns (Book)", "rpc GetBook(ListBooksRequest) returns (Loan)")],
        &[
            "Shelf.GetBook: answers with another message than `example.v1.Book`",
            "Shelf.GetBook: takes another message than `example.v1.GetBookRequest`",
        ],
    );
    broken(
        &[("returns (stream Book)", "returns (Book)")],
        &["Shelf.ListBooks: its answer was not the same kind of stream"],
    );
    broken(&[("deadline_ms: 5000", "deadline_ms: 500")], &["Shelf.GetBook: its deadline was 5000 ms"]);
    broken(
        &[(
            "max_stream_messages: 100 max_stream_bytes: 1000",
            "max_stream_messages: 10 max_stream_bytes: 100",
        )],
        &[
            "Shelf.ListBooks: its answers had up to 100 messages",
            "Shelf.ListBooks: its answers had up to 1000 bytes",
        ],
    );
}

#[test]
fn data_is_never_guarded_less_and_always_tells_whose_it_is() {
    broken(
        &[(
            "Loan loan = 3 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_SENSITIVE}]",
            "Loan loan = 3 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_PUBLIC}]",
        )],
        &["Book.loan: its classification was CLASSIFICATION_SENSITIVE"],
    );
    broken(
        &[(
            "classification: CLASSIFICATION_SENSITIVE subject: SUBJECT_PERSON",
            "classification: CLASSIFICATION_SENSITIVE",
        )],
        &["Loan.reader: it identified a subject, SUBJECT_PERSON"],
    );
    let stricter = "Kind kind = 2 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_SENSITIVE}]";
    broken(
        &[("Kind kind = 2 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_INTERNAL}]", stricter)],
        &[],
    );
}

#[test]
fn requests_that_were_good_stay_good() {
    broken(
        &[("card = 3 [(lgsp.options.v1.field) = {", "card = 3 [(lgsp.options.v1.field) = {required: true ")],
        &["GetBookRequest.card: was not required"],
    );
    broken(&[("max_length: 20", "max_length: 10")], &["GetBookRequest.isbn: could be as long as 20"]);
    broken(&[("min_length: 1", "min_length: 5")], &["GetBookRequest.isbn: could be as short as 1"]);
    broken(&[("max_length: 20", "")], &[]);
    broken(
        &[("range: {min: 0 max: 9}", "range: {min: 1 max: 9}")],
        &["GetBookRequest.copies: could be in a wider range"],
    );
    broken(&[("range: {min: 0 max: 9}", "range: {min: 0 max: 99}")], &[]);
    broken(&[("max_items: 5", "max_items: 4")], &["ListBooksRequest.shelves: could have 5 items"]);
    broken(
        &[("FORMAT_PERSON_KEY", "FORMAT_PERSONAL_NUMBER")],
        &["GetBookRequest.reader: its format was FORMAT_PERSON_KEY"],
    );
    broken(&[("format: FORMAT_PERSON_KEY", "")], &[]);
    broken(
        &[("CLASSIFICATION_PERSONAL one_of_group: \"who\"", "CLASSIFICATION_PERSONAL")],
        &["GetBookRequest: one of the group `who` was not required, or could be another field"],
    );
    broken(
        &[(
            "uint32 copies = 4",
            "string desk = 5 [(lgsp.options.v1.field) = {required: true}]; uint32 copies = 4",
        )],
        &["GetBookRequest.desk: is new and required"],
    );
    // An answer is not held against such rules.
    broken(
        &[(
            "string title = 1 [(lgsp.options.v1.field) = {",
            "string title = 1 [(lgsp.options.v1.field) = {required: true max_length: 3 ",
        )],
        &[],
    );
}

#[track_caller]
fn unfit(contract: &Contract, expect: &[&str]) {
    let mut found: Vec<String> =
        contract.unfit().into_iter().map(|problem| format!("{}: {}", problem.place, problem.found)).collect();
    found.sort();
    assert_eq!(found, expect);
}

#[test]
fn what_the_hub_cannot_carry_or_filter_is_refused_by_name() {
    unfit(&contract(SHELF), &[]);
    unfit(
        &with(&[
            (
                "import \"google/protobuf/timestamp.proto\";",
                "import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/any.proto\";",
            ),
            ("google.protobuf.Timestamp since", "google.protobuf.Any since"),
        ]),
        &["google.protobuf.Any: may hold anything, which the hub cannot filter"],
    );
    unfit(
        &with(&[("rpc GetBook(GetBookRequest)", "rpc GetBook(stream GetBookRequest)")]),
        &["example.v1.Shelf.GetBook: takes a stream of requests, which the hub does not carry"],
    );
    unfit(
        &with(&[("{deadline_ms: 5000}", "{}"), ("max_stream_messages: 100", "")]),
        &[
            "example.v1.Shelf.GetBook: its method `GetBook` has no deadline",
            "example.v1.Shelf.ListBooks: its streaming method `ListBooks` has no limits",
        ],
    );
    unfit(
        &with(&[(
            "Kind kind = 2 [(lgsp.options.v1.field) = {classification: CLASSIFICATION_INTERNAL}]",
            "Kind kind = 2",
        )]),
        &["example.v1.Book.kind: has no classification"],
    );
    unfit(
        &with(&[("title_en: \"Shelf\"", "title_en: \"Shelf\" platform: true")]),
        &["example.v1.Shelf: is a service of the hub itself"],
    );
}

#[test]
fn groups_extensions_and_closed_enumerations_are_refused() {
    let old = r#"
        syntax = "proto2";
        package old.v1;
        message Old {
          optional Mood mood = 1;
          optional group Part = 2 { optional string name = 3; }
          extensions 100 to 200;
        }
        enum Mood { GOOD = 1; }
    "#;
    let text = SHELF
        .replace(
            "import \"google/protobuf/timestamp.proto\";",
            "import \"google/protobuf/timestamp.proto\"; import \"old.proto\";",
        )
        .replace("Loan loan = 3", "old.v1.Old loan = 3");
    let texts = vec![("shelf.proto", text), ("old.proto", old.to_owned())];
    let contract = Contract::read(&compile(texts, "shelf.proto"), SERVICE).unwrap();
    unfit(
        &contract,
        &[
            "old.proto: is not of proto3",
            "old.v1.Old.Part.name: has no classification",
            "old.v1.Old.mood: has no classification",
            "old.v1.Old.part: has no classification",
            "old.v1.Old.part: is a group, which the hub cannot filter",
            "old.v1.Old: may be extended, which the hub cannot filter",
        ],
    );
}

#[test]
fn names_of_the_hub_are_nobodys_and_its_options_mean_what_they_mean() {
    let text = SHELF.replace("package example.v1;", "package lgsp.ledger.v9;");
    let set = compile(vec![("own.proto", text)], "own.proto");
    let contract = Contract::read(&set, "lgsp.ledger.v9.Shelf").unwrap();
    unfit(&contract, &["lgsp.ledger.v9.Shelf: its package belongs to the hub"]);

    let options = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/lgsp/options/v1/options.proto"),
    );
    let options = options.unwrap().replace("bool required = 3;", "bool required = 30; bool relaxed = 3;");
    let texts = vec![("shelf.proto", SHELF.to_owned()), ("lgsp/options/v1/options.proto", options)];
    let contract = Contract::read(&compile(texts, "shelf.proto"), SERVICE).unwrap();
    unfit(&contract, &["lgsp.options.v1.FieldRules.relaxed: is not what the hub has under this name"]);
}

#[test]
fn what_is_no_contract_of_the_service_is_said_so() {
    let found = |set: &[u8], service: &str| Contract::read(set, service).unwrap_err().found;
    let set = compile(vec![("shelf.proto", SHELF.to_owned())], "shelf.proto");
    assert!(found(b"no protobuf", SERVICE).starts_with("its descriptor set does not link"));
    assert!(found(&set, "example.v1.Desk").contains("is not in its descriptor set"));
    assert!(found(&vec![0; 1_000_000], SERVICE).contains("1000000 bytes"));
}

/// A contract of which nothing but its extent is wrong, or right: `methods` take and answer with `M0`, and `M0`… hold what `holds` says.
fn extent(methods: usize, messages: usize, holds: impl Fn(usize) -> Vec<usize>) -> Contract {
    let message = |number: usize| DescriptorProto {
        name: Some(format!("M{number}")),
        field: holds(number).into_iter().zip(1..).map(|(held, at)| field(held, at)).collect(),
        ..DescriptorProto::default()
    };
    let method = |number: usize| MethodDescriptorProto {
        name: Some(format!("Get{number}")),
        input_type: Some(".example.v1.M0".to_owned()),
        output_type: Some(".example.v1.M0".to_owned()),
        ..MethodDescriptorProto::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Shelf".to_owned()),
        method: (0..methods).map(method).collect(),
        ..ServiceDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("example/v1/shelf.proto".to_owned()),
        package: Some("example.v1".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: (0..messages).map(message).collect(),
        service: vec![service],
        ..FileDescriptorProto::default()
    };
    let set = FileDescriptorSet { file: vec![file] }.encode_to_vec();
    assert!(set.len() < 900_000, "a registration takes no more than that, and this has {}", set.len());
    Contract::read(&set, SERVICE).unwrap()
}

fn field(held: usize, number: i32) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(format!("f{number}")),
        number: Some(number),
        label: Some(field_descriptor_proto::Label::Optional.into()),
        r#type: Some(field_descriptor_proto::Type::Message.into()),
        type_name: Some(format!(".example.v1.M{held}")),
        ..FieldDescriptorProto::default()
    }
}

/// What is wrong with the extent of a contract, in files and registrations alike.
fn too_large(contract: &Contract) -> Vec<String> {
    let said = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.found).collect::<Vec<_>>();
    let is_extent = |found: &String| !found.contains("has no classification") && !found.contains("deadline");
    let found: Vec<String> = said(contract.unfit()).into_iter().filter(is_extent).collect();
    assert_eq!(said(contract.uncarried()).into_iter().filter(is_extent).collect::<Vec<_>>(), found);
    found
}

#[test]
fn more_methods_than_a_check_records_are_refused() {
    let none = |_| Vec::new();
    assert_eq!(too_large(&extent(200, 1, none)), [""; 0]);
    assert_eq!(too_large(&extent(201, 1, none)), ["has 201 methods"]);
}

#[test]
fn messages_nested_deeper_than_decoders_read_are_refused_and_those_that_hold_themselves_are_not() {
    let chain = |last: usize| {
        extent(1, last + 1, move |number| Vec::from_iter((number < last).then_some(number + 1)))
    };
    assert_eq!(too_large(&chain(100)), [""; 0]);
    let found = "`example.v1.M101` is nested deeper in it than 100 messages";
    assert_eq!(too_large(&chain(101)), [found]);
    assert_eq!(too_large(&chain(15_000)), [found]);
    let circle = extent(1, 90, |number| vec![(number + 1) % 90, number]);
    assert_eq!(too_large(&circle), [""; 0]);
}

#[test]
fn what_the_methods_reach_is_bounded_altogether() {
    // Each of the messages below the first is named once, and reached by every method twice: 1 + n + n × 1.
    let star = |methods: usize| {
        extent(methods, 251, |number| if number == 0 { (1..=250).collect() } else { Vec::new() })
    };
    assert_eq!(too_large(&star(49)), [""; 0]);
    assert_eq!(too_large(&star(50)), ["its methods reach more than 50000 messages and fields"]);
}

#[test]
fn however_far_messages_hold_messages_no_stack_overflows() {
    let last = 15_000;
    let deep = extent(1, last + 1, |number| Vec::from_iter((number < last).then_some(number + 1)));
    let message = deep.method("Get0").unwrap().input();
    Checks::compile(&message).request(&[]).unwrap();
    Plan::compile(&message, &["*".to_owned()]).unwrap();
    let other = extent(1, last, |number| Vec::from_iter((number < last - 1).then_some(number + 1)));
    let found = breaks(&deep.service, &other.service);
    assert_eq!(
        found.iter().map(|problem| problem.place.as_str()).collect::<Vec<_>>(),
        ["example.v1.M14999.f1"]
    );
}
