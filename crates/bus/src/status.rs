use bytes::Bytes;
use lgsp_core::{ExchangeId, Fault};
use prost::Message;
use tonic::{Code, Status};

/// The status that a provider answers a fault with, details included.
pub fn status(fault: &Fault) -> Status {
    build(fault, None)
}

/// The status that a caller gets, with the exchange's id in `RequestInfo`.
pub fn status_of_exchange(fault: &Fault, exchange: ExchangeId) -> Status {
    build(fault, Some(exchange))
}

fn build(fault: &Fault, exchange: Option<ExchangeId>) -> Status {
    let details = Bytes::from(fault.to_rpc(exchange).encode_to_vec());
    Status::with_details(Code::from_i32(fault.code() as i32), fault.message(), details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lgsp_core::Reason;

    #[test]
    fn a_fault_of_a_provider_reads_back_as_itself() {
        for reason in
            [Reason::NotFound, Reason::SourceUnavailable, Reason::AdapterOverloaded, Reason::StreamTooLong]
        {
            let status = status(&Fault::new(reason));
            let back = Fault::of_provider(status.code() as i32, Some(status.details()));
            assert_eq!(back.reason(), reason);
        }
    }
}
