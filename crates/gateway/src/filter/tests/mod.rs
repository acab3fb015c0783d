//! Holds the filter against a slow reference that decodes, clears fields, and looks again.

mod reference;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use lgsp_core::Plan;
use proptest::prelude::*;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Error, MOST_SUBJECTS, Subjects, filter};

static SHAPES: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler =
        protox::Compiler::new([root.join("src/filter/tests"), root.join("../../proto")]).unwrap();
    let set = compiler.include_imports(true).open_file("shapes.proto").unwrap().encode_file_descriptor_set();
    DescriptorPool::decode(set.as_slice()).unwrap().get_message_by_name("shapes.Shapes").unwrap()
});

fn plan(paths: &[&str]) -> Plan {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    Plan::compile(&SHAPES, &paths).unwrap()
}

fn run(plan: &Plan, message: &[u8]) -> Result<(Vec<u8>, BTreeSet<String>), Error> {
    let (mut out, mut subjects) = (Vec::new(), Subjects::default());
    filter(plan, message, &mut out, &mut subjects)?;
    Ok((out, subjects.to_refs().into_iter().map(|subject| subject.value).collect()))
}

fn decode(bytes: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(SHAPES.clone(), bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_leaves_is_what_clearing_fields_would_leave(seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let bytes = reference::message(&SHAPES, &mut random, 0).encode_to_vec();
        let paths = reference::paths(&SHAPES, &mut random);

        let (out, subjects) = run(&Plan::compile(&SHAPES, &paths).unwrap(), &bytes).unwrap();
        // Decoded again, because an empty list that was set differs from none in memory only.
        let expected = reference::masked(&decode(&bytes), &paths);
        // Not prop_assert_eq: `Debug` of a message that can hold itself does not end.
        prop_assert!(decode(&out) == expected, "mask {:?}", paths);
        prop_assert_eq!(subjects, reference::subjects(&expected));
        prop_assert_eq!(out.len(), expected.encoded_len(), "lengths are written as short as they can be");
    }

    #[test]
    fn a_message_split_over_several_fields_is_filtered_in_all_its_pieces(first: u64, second: u64) {
        let mut random = StdRng::seed_from_u64(first);
        let paths = reference::paths(&SHAPES, &mut random);
        let mut bytes = Vec::new();
        for seed in [first, second] {
            let mut piece = reference::message(&SHAPES, &mut StdRng::seed_from_u64(seed), 0);
            // Of two members of a oneof the later wins; the filter knows no oneofs, and no encoder writes two.
            reference::clear_oneofs(&mut piece);
            bytes.extend(piece.encode_to_vec());
        }

        let (out, _) = run(&Plan::compile(&SHAPES, &paths).unwrap(), &bytes).unwrap();
        prop_assert!(decode(&out) == reference::masked(&decode(&bytes), &paths), "mask {:?}", paths);
    }

    #[test]
    fn damaged_bytes_are_refused_or_filtered_and_never_grow(seed: u64, at: usize, damage: u8) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut bytes = reference::message(&SHAPES, &mut random, 0).encode_to_vec();
        if !bytes.is_empty() {
            let at = at % bytes.len();
            bytes[at] = damage;
        }
        let paths = reference::paths(&SHAPES, &mut random);
        if let Ok((out, _)) = run(&Plan::compile(&SHAPES, &paths).unwrap(), &bytes) {
            prop_assert!(out.len() <= bytes.len());
        }
    }
}

#[test]
fn fields_that_the_contract_does_not_know_do_not_leave() {
    // Fields 21 to 24 in every wire type, a group with a group inside included.
    let unknown = [
        0xa8, 0x01, 0x05, 0xb2, 0x01, 0x01, b'x', 0xbb, 0x01, 0x0b, 0x08, 0x01, 0x0c, 0xbc, 0x01, 0xc5, 0x01,
        1, 2, 3, 4,
    ];
    let bytes = [&[0x08, 0x07][..], &unknown, &[0x2a, 0x01, b'y']].concat();
    assert_eq!(run(&plan(&["*"]), &bytes).unwrap().0, [0x08, 0x07, 0x2a, 0x01, b'y']);
}

#[test]
fn a_value_of_another_wire_type_does_not_leave() {
    let number_as_text = [0x0a, 0x01, b'x'];
    let text_as_number = [0x28, 0x05];
    let (out, _) = run(&plan(&["*"]), &[&number_as_text[..], &text_as_number].concat()).unwrap();
    assert!(out.is_empty());
}

#[test]
fn malformed_bytes_are_an_error() {
    let eleven_bytes = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let cases: [(&str, &[u8]); 9] = [
        ("a varint without an end", &[0x08, 0x80]),
        ("a varint that is too long", &eleven_bytes),
        ("a length beyond the end", &[0x2a, 0x05, b'x']),
        ("a length that overflows", &[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ("field number 0", &[0x00, 0x01]),
        ("a wire type that does not exist", &[0x0f]),
        ("the end of a group that never began", &[0x0c]),
        ("a group that never ends", &[0xbb, 0x01, 0x08, 0x01]),
        ("packed values cut in the middle", &[0x4a, 0x03, 1, 2, 3]),
    ];
    for (what, bytes) in cases {
        assert_eq!(run(&plan(&["*"]), bytes), Err(Error::Malformed), "{what}");
    }
}

#[test]
fn nesting_beyond_what_decoders_accept_is_an_error() {
    let mut bytes = Vec::new();
    for _ in 0..150 {
        let mut outer = vec![0xa2, 0x01];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.extend(&bytes);
        bytes = outer;
    }
    assert_eq!(run(&plan(&["*"]), &bytes), Err(Error::Malformed));
}

#[test]
fn more_subjects_than_one_entry_names_are_an_error() {
    let person = |number: usize| {
        let text = format!("{number:012}");
        [&[0x82, 0x7d, 0x0c][..], text.as_bytes()].concat()
    };
    let many: Vec<u8> = (0..MOST_SUBJECTS).flat_map(person).collect();
    assert_eq!(run(&plan(&["person"]), &many).unwrap().1.len(), MOST_SUBJECTS);
    let too_many = [many, person(MOST_SUBJECTS)].concat();
    assert_eq!(run(&plan(&["person"]), &too_many), Err(Error::TooManySubjects));
    assert!(run(&plan(&["text"]), &too_many).unwrap().0.is_empty(), "none of them leaves");
}
