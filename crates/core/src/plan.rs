use std::collections::HashMap;

use lgsp_proto::options::v1::Subject;
use prost_reflect::{FieldDescriptor, Kind as Reflected, MessageDescriptor};

/// Deepest path of a field: decoders read no message that is nested deeper.
pub(crate) const DEEPEST: usize = 100;

/// What of an answer may leave: a field mask compiled to field numbers, ready to be walked on the wire bytes.
///
/// A field that no node names does not leave, whether the schema knows it or not. Messages that contain themselves
/// are carried as loops between nodes.
#[derive(Clone, Debug)]
pub struct Plan {
    nodes: Vec<Node>,
}

/// The fields of one message that may leave, in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Node {
    fields: Vec<FieldPlan>,
}

/// One field that may leave.
#[derive(Clone, Debug)]
pub struct FieldPlan {
    /// The field's number.
    pub number: u32,
    /// How its value is walked.
    pub kind: Kind,
    /// Whose data leaves with it.
    pub subject: Option<Subject>,
}

/// How a field's value lies on the wire. A value of another wire type is dropped like an unknown field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Varint; repeated ones may be packed.
    Varint {
        /// True if the field is repeated.
        packable: bool,
    },
    /// Eight bytes; repeated ones may be packed.
    Fixed64 {
        /// True if the field is repeated.
        packable: bool,
    },
    /// Four bytes; repeated ones may be packed.
    Fixed32 {
        /// True if the field is repeated.
        packable: bool,
    },
    /// A string or bytes: copied whole.
    Bytes,
    /// A message or a map's entry: walked by the node of this index.
    Message(usize),
}

/// Why a list of field paths is no mask of a message.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// A path does not exist.
    #[error("the answer has no field `{path}`")]
    UnknownField {
        /// The path as written.
        path: String,
    },
    /// Nothing would leave.
    #[error("the mask grants no field")]
    Empty,
    /// The hub filters no such contract.
    #[error(
        "the message `{message}` holds a group, an extension or google.protobuf.Any, which the hub cannot filter"
    )]
    Unfilterable {
        /// Full name of the message.
        message: String,
    },
}

impl Plan {
    /// The node of the answer message itself.
    pub const ROOT: usize = 0;

    /// Compiles field paths against the answer's message. `*` grants all that the contract knows; a path grants all
    /// below it.
    ///
    /// # Errors
    /// A path that does not exist, no path at all, or a message that cannot be filtered.
    pub fn compile(message: &MessageDescriptor, paths: &[String]) -> Result<Self, MaskError> {
        if paths.is_empty() {
            return Err(MaskError::Empty);
        }
        let mut compiler = Compiler::default();
        let parsed: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
        for path in parsed.iter().filter(|path| *path != &["*"]) {
            refuse_unknown(message, path)?;
        }
        compiler.nodes.push(Node::default());
        let whole = parsed.iter().any(|path| path == &["*"]);
        let root = if whole { compiler.whole(message)? } else { compiler.part(message, &parsed)? };
        // The root is the first node: the one reserved above takes the place of whatever was compiled last.
        compiler.nodes[Self::ROOT] = compiler.nodes[root].clone();
        Ok(Self { nodes: compiler.nodes })
    }

    /// A node by its index, as found in [`Kind::Message`].
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }
}

impl Node {
    /// The plan of a field; `None` if it may not leave.
    pub fn field(&self, number: u32) -> Option<&FieldPlan> {
        // Field numbers of most messages run from 1 without gaps, and masks of most agreements grant most of them.
        let guess = self.fields.get((number as usize).wrapping_sub(1)).filter(|field| field.number == number);
        guess.or_else(|| {
            let index = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
            self.fields.get(index)
        })
    }

    /// The fields that may leave.
    pub fn fields(&self) -> &[FieldPlan] {
        &self.fields
    }
}

#[derive(Default)]
struct Compiler {
    nodes: Vec<Node>,
    whole: HashMap<String, usize>,
    /// Those of `whole` that are not filled yet. A list and no recursion: how far messages hold messages is for the author of the
    /// contract to say.
    left: Vec<(usize, MessageDescriptor)>,
}

impl Compiler {
    /// All that the contract knows of a message.
    fn whole(&mut self, message: &MessageDescriptor) -> Result<usize, MaskError> {
        let root = self.node_of(message);
        while let Some((index, message)) = self.left.pop() {
            refuse_unfilterable(&message)?;
            let mut fields = Vec::new();
            for field in message.fields() {
                let kind = match field.kind() {
                    Reflected::Message(inner) => Kind::Message(self.node_of(&inner)),
                    scalar => scalar_kind(&scalar, &field),
                };
                fields.push(plan_of(&field, kind));
            }
            self.fill(index, fields);
        }
        Ok(root)
    }

    /// The node of a whole message, which is filled later if it is new.
    fn node_of(&mut self, message: &MessageDescriptor) -> usize {
        if let Some(known) = self.whole.get(message.full_name()) {
            return *known;
        }
        let index = self.reserve();
        self.whole.insert(message.full_name().to_owned(), index);
        self.left.push((index, message.clone()));
        index
    }

    /// The parts of a message that paths name. Each path has at least one segment left.
    fn part(&mut self, message: &MessageDescriptor, paths: &[Vec<&str>]) -> Result<usize, MaskError> {
        refuse_unfilterable(message)?;
        let index = self.reserve();
        let mut below: HashMap<u32, (FieldDescriptor, Vec<Vec<&str>>, bool)> = HashMap::new();
        for path in paths {
            let unknown = || MaskError::UnknownField { path: path.join(".") };
            let (name, rest) = path.split_first().ok_or_else(unknown)?;
            let field = message.get_field_by_name(name).ok_or_else(unknown)?;
            let entry = below.entry(field.number()).or_insert_with(|| (field.clone(), Vec::new(), false));
            if rest.is_empty() {
                entry.2 = true;
            } else {
                entry.1.push(rest.to_vec());
            }
        }
        let mut fields = Vec::new();
        for (field, rest, all) in below.into_values() {
            let kind = match field.kind() {
                Reflected::Message(inner) if all => Kind::Message(self.whole(&inner)?),
                Reflected::Message(inner) => Kind::Message(self.below(&field, &inner, &rest)?),
                _ if !rest.is_empty() => return Err(MaskError::UnknownField { path: rest[0].join(".") }),
                scalar => scalar_kind(&scalar, &field),
            };
            fields.push(plan_of(&field, kind));
        }
        self.fill(index, fields);
        Ok(index)
    }

    /// What paths name below a message field. Below a map, they name parts of its values; its keys go with them.
    fn below(
        &mut self,
        field: &FieldDescriptor,
        inner: &MessageDescriptor,
        paths: &[Vec<&str>],
    ) -> Result<usize, MaskError> {
        if !field.is_map() {
            return self.part(inner, paths);
        }
        let value = inner.map_entry_value_field();
        let Reflected::Message(message) = value.kind() else {
            return Err(MaskError::UnknownField { path: paths[0].join(".") });
        };
        let index = self.reserve();
        let key = inner.map_entry_key_field();
        let kind = Kind::Message(self.part(&message, paths)?);
        let fields = vec![plan_of(&key, scalar_kind(&key.kind(), &key)), plan_of(&value, kind)];
        self.fill(index, fields);
        Ok(index)
    }

    fn reserve(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    fn fill(&mut self, index: usize, mut fields: Vec<FieldPlan>) {
        fields.sort_by_key(|field| field.number);
        self.nodes[index] = Node { fields };
    }
}

fn plan_of(field: &FieldDescriptor, kind: Kind) -> FieldPlan {
    let subject = lgsp_proto::options::field(field).subject();
    FieldPlan { number: field.number(), kind, subject: (subject != Subject::Unspecified).then_some(subject) }
}

fn scalar_kind(kind: &Reflected, field: &FieldDescriptor) -> Kind {
    let packable = field.is_list();
    match kind {
        Reflected::Double | Reflected::Fixed64 | Reflected::Sfixed64 => Kind::Fixed64 { packable },
        Reflected::Float | Reflected::Fixed32 | Reflected::Sfixed32 => Kind::Fixed32 { packable },
        Reflected::String | Reflected::Bytes => Kind::Bytes,
        Reflected::Int32
        | Reflected::Int64
        | Reflected::Uint32
        | Reflected::Uint64
        | Reflected::Sint32
        | Reflected::Sint64
        | Reflected::Bool
        | Reflected::Enum(_) => Kind::Varint { packable },
        Reflected::Message(_) => unreachable!("messages are compiled to nodes"),
    }
}

/// Refuses a path that does not exist, also below one that is granted whole: whoever wrote it meant something else.
fn refuse_unknown(message: &MessageDescriptor, path: &[&str]) -> Result<(), MaskError> {
    let unknown = || MaskError::UnknownField { path: path.join(".") };
    let mut at = Some(message.clone());
    for (depth, name) in path.iter().enumerate() {
        // Nothing is decoded that lies deeper, and whoever makes a message hold itself could go on for ever.
        let within = at.take().filter(|_| depth < DEEPEST).ok_or_else(unknown)?;
        let field = within.get_field_by_name(name).ok_or_else(unknown)?;
        at = leads_to(&field);
    }
    Ok(())
}

/// The message that a path goes on in below a field; below a map, its values.
fn leads_to(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let Reflected::Message(inner) = field.kind() else { return None };
    if field.is_map() { inner.map_entry_value_field().kind().as_message().cloned() } else { Some(inner) }
}

fn refuse_unfilterable(message: &MessageDescriptor) -> Result<(), MaskError> {
    let any = message.full_name() == "google.protobuf.Any";
    let extensible = message.extension_ranges().len() > 0;
    let group = message.fields().any(|field| field.is_group());
    if any || extensible || group {
        return Err(MaskError::Unfilterable { message: message.full_name().to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, field_descriptor_proto};

    use super::*;

    fn refused(paths: &[&str]) -> String {
        let answer = lgsp_proto::pool().get_message_by_name("lgsp.population.v1.GetCitizenResponse").unwrap();
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        Plan::compile(&answer, &paths).unwrap_err().to_string()
    }

    #[test]
    fn a_path_that_does_not_exist_is_refused_also_below_or_beside_what_is_granted_whole() {
        for granted in ["*", "citizen", "citizen.full_name"] {
            let said = refused(&[granted, "citizen.nickname"]);
            assert!(said.contains("`citizen.nickname`"), "beside {granted}: {said}");
        }
        assert!(refused(&["citizen.full_name.first"]).contains("`citizen.full_name.first`"));
    }

    #[test]
    fn of_several_paths_that_do_not_exist_the_first_is_told() {
        assert!(refused(&["citizen.b", "citizen.a", "nobody", "citizen.c"]).contains("`citizen.b`"));
    }

    #[test]
    fn a_path_deeper_than_anything_that_is_decoded_is_refused() {
        // A message that holds itself, as a provider's contract may.
        let again = FieldDescriptorProto {
            name: Some("again".to_owned()),
            number: Some(1),
            r#type: Some(field_descriptor_proto::Type::Message.into()),
            type_name: Some(".M".to_owned()),
            ..FieldDescriptorProto::default()
        };
        let message =
            DescriptorProto { name: Some("M".to_owned()), field: vec![again], ..DescriptorProto::default() };
        let file = FileDescriptorProto {
            name: Some("m.proto".to_owned()),
            message_type: vec![message],
            ..FileDescriptorProto::default()
        };
        let mut pool = prost_reflect::DescriptorPool::new();
        pool.add_file_descriptor_proto(file).unwrap();
        let message = pool.get_message_by_name("M").unwrap();
        let path = |depth: usize| vec!["again"; depth].join(".");
        assert!(Plan::compile(&message, &[path(DEEPEST)]).is_ok());
        for depth in [DEEPEST + 1, 200_000] {
            assert!(Plan::compile(&message, &[path(depth)]).is_err());
        }
    }
}
