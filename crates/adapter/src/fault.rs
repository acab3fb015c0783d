use lgsp_core::{Fault, Violation};
use tonic::Status;

/// Renders a fault for the bus, with its `google.rpc` details. What was known beyond that ends here.
pub fn status(fault: Fault) -> Status {
    lgsp_bus::status(&fault)
}

/// A field of the request breaks a rule. The rule is told, the value never.
pub fn invalid(field: &str, rule: impl ToString) -> Fault {
    Fault::invalid(vec![Violation { field: field.to_owned(), rule: rule.to_string() }])
}
