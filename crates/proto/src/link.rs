use std::panic::catch_unwind;

use prost::Message;
use prost_reflect::{DescriptorError, DescriptorPool, Kind, MessageDescriptor};
use prost_types::FileDescriptorSet;

/// Why a descriptor set does not link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The bytes are no descriptor set.
    #[error("the bytes are no descriptor set")]
    Malformed(#[source] prost::DecodeError),
    /// A file is written in something newer than proto3.
    #[error("`{file}` is written in `{syntax}`; known are proto2 and proto3")]
    Syntax {
        /// The file.
        file: String,
        /// What it names as its syntax.
        syntax: String,
    },
    /// Its files do not fit together.
    #[error(transparent)]
    Invalid(#[from] DescriptorError),
    /// The entries of a map have no key or no value that a map could have.
    #[error("`{message}` is no entry of a map")]
    NoEntry {
        /// The message.
        message: String,
    },
    /// Its files fit together so badly that what is wrong could not be told.
    #[error("its files do not fit together")]
    Broken,
}

/// Links an encoded `google.protobuf.FileDescriptorSet`, whoever made it.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn link(set: &[u8]) -> Result<DescriptorPool, LinkError> {
    let files = FileDescriptorSet::decode(set).map_err(LinkError::Malformed)?;
    let known = |syntax: &str| matches!(syntax, "proto2" | "proto3");
    if let Some(file) = files.file.into_iter().find(|file| !file.syntax.as_deref().is_none_or(known)) {
        let syntax = file.syntax.unwrap_or_default();
        return Err(LinkError::Syntax { file: file.name.unwrap_or_default(), syntax });
    }
    // prost-reflect panics at some sets that no compiler would write.
    let linked = catch_unwind(|| DescriptorPool::decode(set));
    let pool = linked.map_err(|_payload| LinkError::Broken)??;
    let broken = pool.all_messages().find(|message| message.is_map_entry() && !is_entry(message));
    if let Some(message) = broken {
        return Err(LinkError::NoEntry { message: message.full_name().to_owned() });
    }
    Ok(pool)
}

/// prost-reflect believes whoever says that a message is an entry, and panics when its key or its value is looked up.
fn is_entry(message: &MessageDescriptor) -> bool {
    let (Some(key), Some(value)) = (message.get_field(1), message.get_field(2)) else { return false };
    let is_key = match key.kind() {
        Kind::Double | Kind::Float | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => false,
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64
        | Kind::Bool
        | Kind::String => true,
    };
    is_key && !key.is_list() && !value.is_list() && message.fields().len() == 2
}

#[cfg(test)]
mod tests {
    use prost_types::{DescriptorProto, FileDescriptorProto, MessageOptions};

    use super::*;

    fn refused(change: impl FnOnce(&mut FileDescriptorProto)) -> LinkError {
        let message = DescriptorProto { name: Some("M".to_owned()), ..DescriptorProto::default() };
        let mut file = FileDescriptorProto {
            name: Some("m.proto".to_owned()),
            message_type: vec![message],
            ..FileDescriptorProto::default()
        };
        link(&FileDescriptorSet { file: vec![file.clone()] }.encode_to_vec()).unwrap();
        change(&mut file);
        link(&FileDescriptorSet { file: vec![file] }.encode_to_vec()).unwrap_err()
    }

    #[test]
    fn a_contract_in_an_edition_is_refused_with_its_file() {
        let error = refused(|file| file.syntax = Some("editions".to_owned()));
        assert!(matches!(&error, LinkError::Syntax { .. }), "{error:?}");
        assert!(error.to_string().contains("`m.proto`"), "{error}");
    }

    #[test]
    fn a_contract_that_defines_a_name_twice_is_refused() {
        refused(|file| file.message_type.push(file.message_type[0].clone()));
    }

    #[test]
    fn an_entry_of_a_map_without_key_and_value_is_refused() {
        let entry = MessageOptions { map_entry: Some(true), ..MessageOptions::default() };
        let error = refused(|file| file.message_type[0].options = Some(entry));
        assert_eq!(error.to_string(), "`M` is no entry of a map");
    }

    #[test]
    fn bytes_that_are_no_contract_are_refused() {
        assert!(matches!(link(b"no contract").unwrap_err(), LinkError::Malformed(_)));
    }
}
