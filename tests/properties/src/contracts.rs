//! Messages to hold properties against: those of the hub's contracts, and of two that have every shape and every rule.

use std::path::Path;
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

/// How deep paths of fields go.
const DEPTH: usize = 4;

/// A message, and the paths of its fields.
pub(crate) struct Contract {
    pub(crate) message: MessageDescriptor,
    pub(crate) paths: Vec<String>,
}

/// Answers, the one of every shape first.
pub(crate) static ANSWERS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    let shapes = compiled("../../crates/gateway/src/filter/tests", "shapes.proto", "shapes.Shapes");
    with(shapes, |method| method.output()).into_iter().map(Contract::of).collect()
});

/// Requests, the one of every rule first.
pub(crate) static REQUESTS: LazyLock<Vec<MessageDescriptor>> = LazyLock::new(|| {
    let checked = compiled("proto", "checked.proto", "checked.Checked");
    with(checked, |method| method.input())
});

fn with(
    first: MessageDescriptor,
    of: impl Fn(&MethodDescriptor) -> MessageDescriptor,
) -> Vec<MessageDescriptor> {
    let pool = lgsp_proto::pool();
    let services = lgsp_proto::services().filter_map(|name| pool.get_service_by_name(name));
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    std::iter::once(first).chain(methods.map(|method| of(&method))).collect()
}

fn compiled(folder: &str, file: &str, message: &str) -> MessageDescriptor {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([root.join(folder), root.join("../../proto")]).unwrap();
    let set = compiler.include_imports(true).open_file(file).unwrap().encode_file_descriptor_set();
    DescriptorPool::decode(set.as_slice()).unwrap().get_message_by_name(message).unwrap()
}

impl Contract {
    fn of(message: MessageDescriptor) -> Self {
        let mut paths = Vec::new();
        add_paths(&message, "", DEPTH, &mut paths);
        Self { message, paths }
    }
}

fn add_paths(message: &MessageDescriptor, above: &str, depth: usize, paths: &mut Vec<String>) {
    for field in message.fields() {
        let path = format!("{above}{}", field.name());
        if let Some(inner) = below(&field).filter(|_| depth > 1) {
            add_paths(&inner, &format!("{path}."), depth - 1, paths);
        }
        paths.push(path);
    }
}

/// The message that a path of a field leads to; below a map, its values.
pub(crate) fn below(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let Kind::Message(inner) = field.kind() else { return None };
    if !field.is_map() {
        return Some(inner);
    }
    inner.map_entry_value_field().kind().as_message().cloned()
}

/// What is left of paths below a field.
#[derive(Clone)]
pub(crate) enum Granted<'a> {
    All,
    Below(Vec<&'a str>),
}

impl<'a> Granted<'a> {
    /// What a list of paths says: all, if one of them is `*`.
    pub(crate) fn by(paths: &[&'a str]) -> Self {
        if paths.contains(&"*") { Self::All } else { Self::Below(paths.to_vec()) }
    }

    /// What they say of a field; `None`: it may not leave.
    pub(crate) fn of(&self, field: &str) -> Option<Self> {
        let Self::Below(paths) = self else { return Some(Self::All) };
        if paths.contains(&field) {
            return Some(Self::All);
        }
        let rest = |path: &&'a str| path.strip_prefix(field)?.strip_prefix('.');
        let rest: Vec<&str> = paths.iter().filter_map(rest).collect();
        (!rest.is_empty()).then_some(Self::Below(rest))
    }
}
