use lgsp_core::{Fault, Violation};
use prost::Message;
use tonic::{Code, Status};

/// Renders a fault for the bus, with its `google.rpc` details.
pub fn status(fault: Fault) -> Status {
    let details = fault.to_rpc(None).encode_to_vec().into();
    Status::with_details(Code::from_i32(fault.code() as i32), fault.message(), details)
}

/// A field of the request breaks a rule. The rule is told, the value never.
pub fn invalid(field: &str, rule: impl ToString) -> Fault {
    Fault::invalid(vec![Violation { field: field.to_owned(), rule: rule.to_string() }])
}
