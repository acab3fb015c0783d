//! The hub's custom options, and how to read them from a descriptor.
//!
//! The readers work on descriptors of any pool that holds `lgsp/options/v1/options.proto`, whether compiled in or
//! decoded at run time. A descriptor without the option has the default rules.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MethodDescriptor, ServiceDescriptor};

/// Package `lgsp.options.v1`.
#[allow(missing_docs, clippy::all, rust_2018_idioms)]
pub mod v1 {
    tonic::include_proto!("lgsp.options.v1");
}

pub use v1::{Classification, FieldRules, Format, MethodRules, Range, ServiceRules, Subject};

const SERVICE: &str = "lgsp.options.v1.service";
const METHOD: &str = "lgsp.options.v1.method";
const FIELD: &str = "lgsp.options.v1.field";

/// Reads the rules of a service.
pub fn service(service: &ServiceDescriptor) -> ServiceRules {
    read(service.parent_pool(), &service.options(), SERVICE)
}

/// Reads the rules of a method.
pub fn method(method: &MethodDescriptor) -> MethodRules {
    read(method.parent_pool(), &method.options(), METHOD)
}

/// Reads the rules of a field.
pub fn field(field: &FieldDescriptor) -> FieldRules {
    read(field.parent_pool(), &field.options(), FIELD)
}

fn read<T: Message + Default>(pool: &DescriptorPool, options: &DynamicMessage, extension: &str) -> T {
    let Some(extension) = pool.get_extension_by_name(extension) else { return T::default() };
    if !options.has_extension(&extension) {
        return T::default();
    }
    match options.get_extension(&extension).as_message() {
        // A foreign pool may define the extension differently; then there are no rules that we can read.
        Some(rules) => rules.transcode_to().unwrap_or_default(),
        None => T::default(),
    }
}
