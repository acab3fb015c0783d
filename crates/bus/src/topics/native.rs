//! ACLs by librdkafka's own functions, which rdkafka does not wrap.
//!
//! Everything that librdkafka gives us to keep is destroyed by the `Drop` of what owns it here; what it lends lives as long as its
//! owner. A question blocks until it is answered or [`PATIENCE`] is over.

#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{null, null_mut};
use std::time::Duration;

use rdkafka::bindings::*;
use rdkafka::client::Client;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::rights::{Acl, Operation, Pattern, Resource};
use crate::clients::Quiet;

/// How long the cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Every ACL of the cluster.
pub(super) fn describe(client: &Client<Quiet>) -> Result<BTreeSet<Acl>, KafkaError> {
    let found = list(client)?;
    if found.is_empty() {
        // librdkafka 2.12 drops the error of this answer. No ACL at all may mean that there is no authorizer, or that we may not
        // see any; and if neither, we are a superuser, who may delete.
        delete_none(client)?;
    }
    Ok(found)
}

/// What librdkafka gets to see of them.
fn list(client: &Client<Quiet>) -> Result<BTreeSet<Acl>, KafkaError> {
    let filter = Binding::filter(rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_ANY, None)?;
    let answer =
        ask(client, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBEACLS, |kafka, options, queue| {
            // SAFETY: all four are alive during the call, which copies the filter.
            unsafe { rd_kafka_DescribeAcls(kafka, filter.0, options, queue) }
        })?;
    // SAFETY: the event is alive; it is of the kind that was asked for, or the result is null. The array and what it points to
    // belong to the event and are only read here.
    unsafe {
        let (result, mut count) = (rd_kafka_event_DescribeAcls_result(answer.0), 0);
        if result.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
        }
        let bindings = rd_kafka_DescribeAcls_result_acls(result, &mut count);
        Ok(elements(bindings, count).iter().map(|binding| read(*binding)).collect())
    }
}

/// Deletes the ACLs of a topic that no cluster can have, for the error.
fn delete_none(client: &Client<Quiet>) -> Result<(), KafkaError> {
    let filter = Binding::filter(rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, Some(c"."))?;
    let answer = ask(client, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETEACLS, |kafka, options, queue| {
        // SAFETY: all are alive during the call, which copies the one filter.
        unsafe { rd_kafka_DeleteAcls(kafka, &mut { filter.0 }, 1, options, queue) }
    })?;
    // SAFETY: as in `list`. An error of null is no error; its code may be asked for all the same.
    unsafe {
        let (result, mut count) = (rd_kafka_event_DeleteAcls_result(answer.0), 0);
        if result.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
        }
        let responses = rd_kafka_DeleteAcls_result_responses(result, &mut count);
        for response in elements(responses, count) {
            failure(rd_kafka_error_code(rd_kafka_DeleteAcls_result_response_error(*response)))?;
        }
    }
    Ok(())
}

/// Makes ACLs. Those that are there already are no error.
pub(super) fn create(client: &Client<Quiet>, acls: &[Acl]) -> Result<(), KafkaError> {
    if acls.is_empty() {
        return Ok(());
    }
    let bindings = acls.iter().map(Binding::of).collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<_> = bindings.iter().map(|binding| binding.0).collect();
    let answer = ask(client, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATEACLS, |kafka, options, queue| {
        // SAFETY: all are alive during the call, which copies the bindings.
        unsafe { rd_kafka_CreateAcls(kafka, pointers.as_mut_ptr(), pointers.len(), options, queue) }
    })?;
    // SAFETY: as in `list`. An error of null is no error; its code may be asked for all the same.
    unsafe {
        let (result, mut count) = (rd_kafka_event_CreateAcls_result(answer.0), 0);
        if result.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
        }
        let results = rd_kafka_CreateAcls_result_acls(result, &mut count);
        for result in elements(results, count) {
            failure(rd_kafka_error_code(rd_kafka_acl_result_error(*result)))?;
        }
    }
    Ok(())
}

/// Asks and waits for the answer, on a queue of its own.
fn ask(
    client: &Client<Quiet>,
    operation: rd_kafka_admin_op_t,
    send: impl FnOnce(*mut rd_kafka_t, *const rd_kafka_AdminOptions_t, *mut rd_kafka_queue_t),
) -> Result<Event, KafkaError> {
    let kafka = client.native_ptr();
    let patience = PATIENCE.as_millis() as c_int;
    // SAFETY: the client is borrowed for longer than any of this lives. Neither function returns null for a living client and
    // a known operation. A message about the time-out is not asked for: its buffer has no length.
    let (options, queue) = unsafe {
        let options = AdminOptions(rd_kafka_AdminOptions_new(kafka, operation));
        failure(rd_kafka_AdminOptions_set_request_timeout(options.0, patience, null_mut(), 0))?;
        (options, Queue(rd_kafka_queue_new(kafka)))
    };
    send(kafka, options.0, queue.0);
    // The request's own time-out answers first.
    let longest = patience.saturating_add(1_000);
    // SAFETY: the queue is alive. What it gives is ours to destroy; null means that nothing came.
    let answer = Event(unsafe { rd_kafka_queue_poll(queue.0, longest) });
    if answer.0.is_null() {
        return Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
    }
    // SAFETY: the event is alive.
    failure(unsafe { rd_kafka_event_error(answer.0) })?;
    Ok(answer)
}

fn failure(code: rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    match code {
        rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(KafkaError::AdminOp(code.into())),
    }
}

struct AdminOptions(*mut rd_kafka_AdminOptions_t);
struct Queue(*mut rd_kafka_queue_t);
struct Event(*mut rd_kafka_event_t);
struct Binding(*mut rd_kafka_AclBinding_t);

// SAFETY of each: the pointer is null, which these functions take, or its owner's alone, and is not used after this.
impl Drop for AdminOptions {
    fn drop(&mut self) {
        unsafe { rd_kafka_AdminOptions_destroy(self.0) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        unsafe { rd_kafka_queue_destroy(self.0) }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        unsafe { rd_kafka_event_destroy(self.0) }
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        if !self.0.is_null() {
            unsafe { rd_kafka_AclBinding_destroy(self.0) }
        }
    }
}

impl Binding {
    /// A filter that lets through what is about a resource, or about any of its kind.
    fn filter(kind: rd_kafka_ResourceType_t, name: Option<&CStr>) -> Result<Self, KafkaError> {
        // SAFETY: null is any name, principal and host; a name is copied. A message about what is wrong is not asked for.
        let filter = Self(unsafe {
            rd_kafka_AclBindingFilter_new(
                kind,
                name.map_or(null(), CStr::as_ptr),
                rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_ANY,
                null(),
                null(),
                rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_ANY,
                rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
                null_mut(),
                0,
            )
        });
        filter.known()
    }

    /// An ACL as the hub declares them.
    fn of(acl: &Acl) -> Result<Self, KafkaError> {
        use rd_kafka_AclPermissionType_t::*;
        let (kind, name) = match &acl.resource {
            Resource::Topic(name) => (rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, name),
            Resource::Group(name) => (rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_GROUP, name),
            Resource::Cluster(name) => (rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_BROKER, name),
            Resource::Other(name) => (rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_UNKNOWN, name),
        };
        let pattern = match acl.pattern {
            Pattern::Literal => rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
            Pattern::Prefixed => rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
            Pattern::Other => rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_UNKNOWN,
        };
        let permission =
            if acl.allowed { RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW } else { RD_KAFKA_ACL_PERMISSION_TYPE_DENY };
        let [name, principal, host] =
            [name, &acl.principal, &acl.host].map(|text| CString::new(text.as_str()));
        let (name, principal, host) = (name?, principal?, host?);
        // SAFETY: the texts end with a zero and live during the call, which copies them.
        let binding = Self(unsafe {
            rd_kafka_AclBinding_new(
                kind,
                name.as_ptr(),
                pattern,
                principal.as_ptr(),
                host.as_ptr(),
                native_operation(acl.operation),
                permission,
                null_mut(),
                0,
            )
        });
        binding.known()
    }

    /// librdkafka makes none of what it does not know.
    fn known(self) -> Result<Self, KafkaError> {
        if self.0.is_null() { Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidArgument)) } else { Ok(self) }
    }
}

/// The elements of an array of librdkafka's, which may be null when it is empty.
///
/// # Safety
/// There are `count` of them, and they live for as long as they are used.
unsafe fn elements<'a, T>(first: *mut *const T, count: usize) -> &'a [*const T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's word.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// # Safety
/// The binding is alive.
unsafe fn read(binding: *const rd_kafka_AclBinding_t) -> Acl {
    use rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW;
    // SAFETY: the caller's word; the texts belong to the binding and are copied.
    unsafe {
        let name = text(rd_kafka_AclBinding_name(binding));
        let resource = match rd_kafka_AclBinding_restype(binding) {
            rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC => Resource::Topic(name),
            rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_GROUP => Resource::Group(name),
            rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_BROKER => Resource::Cluster(name),
            _ => Resource::Other(name),
        };
        let pattern = match rd_kafka_AclBinding_resource_pattern_type(binding) {
            rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_LITERAL => Pattern::Literal,
            rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_PREFIXED => Pattern::Prefixed,
            _ => Pattern::Other,
        };
        Acl {
            principal: text(rd_kafka_AclBinding_principal(binding)),
            operation: operation(rd_kafka_AclBinding_operation(binding)),
            resource,
            pattern,
            host: text(rd_kafka_AclBinding_host(binding)),
            allowed: rd_kafka_AclBinding_permission_type(binding) == RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
        }
    }
}

/// # Safety
/// It is null, or a text that ends with a zero.
unsafe fn text(native: *const c_char) -> String {
    if native.is_null() {
        return String::new();
    }
    // SAFETY: the caller's word.
    unsafe { CStr::from_ptr(native) }.to_string_lossy().into_owned()
}

/// Each operation beside librdkafka's.
const OPERATIONS: [(Operation, rd_kafka_AclOperation_t); 11] = {
    use rd_kafka_AclOperation_t::*;
    [
        (Operation::All, RD_KAFKA_ACL_OPERATION_ALL),
        (Operation::Read, RD_KAFKA_ACL_OPERATION_READ),
        (Operation::Write, RD_KAFKA_ACL_OPERATION_WRITE),
        (Operation::Create, RD_KAFKA_ACL_OPERATION_CREATE),
        (Operation::Delete, RD_KAFKA_ACL_OPERATION_DELETE),
        (Operation::Alter, RD_KAFKA_ACL_OPERATION_ALTER),
        (Operation::Describe, RD_KAFKA_ACL_OPERATION_DESCRIBE),
        (Operation::ClusterAction, RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION),
        (Operation::DescribeConfigs, RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS),
        (Operation::AlterConfigs, RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS),
        (Operation::IdempotentWrite, RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE),
    ]
};

fn native_operation(ours: Operation) -> rd_kafka_AclOperation_t {
    let known = OPERATIONS.iter().find(|(known, _)| *known == ours);
    known.map_or(rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_UNKNOWN, |(_, native)| *native)
}

fn operation(native: rd_kafka_AclOperation_t) -> Operation {
    let known = OPERATIONS.iter().find(|(_, known)| *known == native);
    known.map_or(Operation::Other, |(ours, _)| *ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::topics::rights::declared_acls;

    #[test]
    fn what_is_declared_reads_back_as_itself() {
        for acl in declared_acls(&Options::default()) {
            let binding = Binding::of(&acl).unwrap();
            // SAFETY: the binding is alive.
            assert_eq!(unsafe { read(binding.0) }, acl);
        }
    }

    #[test]
    fn what_librdkafka_does_not_know_or_cannot_hold_is_refused() {
        let acl = declared_acls(&Options::default()).pop_first().unwrap();
        let unknown = Acl { operation: Operation::Other, ..acl.clone() };
        assert!(Binding::of(&unknown).is_err());
        assert!(Binding::of(&Acl { host: "a\0b".to_owned(), ..acl }).is_err());
    }
}
