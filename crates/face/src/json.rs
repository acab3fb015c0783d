//! Protobuf's own JSON of any message: names in camel case (or as the contract writes them), 64-bit integers as texts, nothing of
//! what has its default.

use bytes::Bytes;
use lgsp_core::{Fault, Reason};
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::error::Category;

use crate::problems;

/// Encodes a message that came as JSON.
///
/// # Errors
/// [`Reason::Malformed`] for what is no JSON, with the place; [`Reason::InvalidField`] with every field that the contract does not
/// have or that has another type. Neither holds a value.
pub fn to_message(input: &MessageDescriptor, json: &[u8]) -> Result<Bytes, Fault> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let read = DynamicMessage::deserialize(input.clone(), &mut deserializer);
    let read = read.and_then(|message| deserializer.end().map(|()| message));
    match read {
        Ok(message) => Ok(message.encode_to_vec().into()),
        Err(error) => Err(refusal(input, json, &error)),
    }
}

/// Writes a message as JSON.
///
/// # Errors
/// [`Reason::AdapterFailed`] for bytes that are no such message.
pub fn of_message(output: &MessageDescriptor, message: &[u8]) -> Result<Vec<u8>, Fault> {
    let failed = |error: &dyn std::error::Error| Fault::new(Reason::AdapterFailed).because(error.to_string());
    let message = DynamicMessage::decode(output.clone(), message).map_err(|error| failed(&error))?;
    serde_json::to_vec(&message).map_err(|error| failed(&error))
}

/// The parser's own text may hold a piece of the message: only the place is told, or what is looked up again.
fn refusal(input: &MessageDescriptor, json: &[u8], error: &serde_json::Error) -> Fault {
    let malformed = |said: String| Fault::new(Reason::Malformed).saying(said);
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            malformed(format!("not JSON at line {}, column {}", error.line(), error.column()))
        }
        Category::Data => match serde_json::from_slice(json) {
            Ok(value) => {
                let found = problems::find(input, &value);
                if found.is_empty() {
                    malformed("the JSON is no such message".to_owned())
                } else {
                    Fault::invalid(found)
                }
            }
            Err(error) => malformed(format!("not JSON at line {}, column {}", error.line(), error.column())),
        },
    }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::population::v1::{GetCitizenRequest, VerifyCitizenRequest};

    use super::*;

    fn message(name: &str) -> MessageDescriptor {
        lgsp_proto::pool().get_message_by_name(name).expect("of a contract")
    }

    fn refused(json: &str) -> Fault {
        to_message(&message("lgsp.population.v1.VerifyCitizenRequest"), json.as_bytes()).expect_err("refused")
    }

    fn named(json: &str) -> Vec<(String, String)> {
        let fault = refused(json);
        assert_eq!(fault.reason(), Reason::InvalidField, "{fault}");
        fault.violations().iter().map(|violation| (violation.field.clone(), violation.rule.clone())).collect()
    }

    #[test]
    fn a_message_is_the_same_by_its_json_whichever_names_it_uses() {
        let expected = GetCitizenRequest { personal_number: "092085000011".to_owned() }.encode_to_vec();
        let input = message("lgsp.population.v1.GetCitizenRequest");
        for json in [r#"{"personalNumber":"092085000011"}"#, r#" {"personal_number": "092085000011"} "#] {
            assert_eq!(to_message(&input, json.as_bytes()).unwrap(), expected);
        }
        assert_eq!(of_message(&input, &expected).unwrap(), br#"{"personalNumber":"092085000011"}"#);
    }

    #[test]
    fn a_64_bit_integer_is_a_text_and_may_come_as_either() {
        let page = message("lgsp.business.v1.Enterprise");
        let (name, large) = ("charterCapitalVnd", i64::MAX);
        for json in [format!(r#"{{"{name}":{large}}}"#), format!(r#"{{"{name}":"{large}"}}"#)] {
            let read = to_message(&page, json.as_bytes()).unwrap();
            let written = String::from_utf8(of_message(&page, &read).unwrap()).unwrap();
            assert_eq!(written, format!(r#"{{"{name}":"{large}"}}"#));
        }
    }

    #[test]
    fn a_field_that_the_contract_does_not_have_is_named_with_its_place() {
        let found = named(r#"{"personalNumbr": "1", "dateOfBirth": {"yaer": 1}}"#);
        let rule = "is not in the contract".to_owned();
        let expected = ["date_of_birth.yaer", "personalNumbr"];
        assert_eq!(found, expected.map(|field| (field.to_owned(), rule.clone())));
    }

    #[test]
    fn a_value_of_another_type_is_named_and_never_quoted() {
        let found = named(
            r#"{"personalNumber": 92085000011, "dateOfBirth": {"year": "neunzehn"}, "sex": "092085000011"}"#,
        );
        let expected = [
            ("date_of_birth.year", "is no whole number of 32 bits"),
            ("personal_number", "is no text"),
            ("sex", "is no value of Sex"),
        ];
        assert_eq!(found, expected.map(|(field, rule)| (field.to_owned(), rule.to_owned())));
    }

    #[test]
    fn a_name_that_may_be_a_persons_number_is_not_repeated() {
        let fault = refused(r#"{"092085000011": 1}"#);
        let said = format!("{fault} {:?}", fault.violations());
        assert!(said.contains("is not in the contract") && !said.contains("0920"), "{said}");
    }

    #[test]
    fn what_is_no_json_is_malformed_with_its_place() {
        let input = message("lgsp.population.v1.GetCitizenRequest");
        let deep = "[".repeat(100_000);
        for json in ["", "{", "{\"personalNumber\": \"092085000011\"", "{} {}", "\u{0}", &deep] {
            let fault = to_message(&input, json.as_bytes()).expect_err("refused");
            let said = fault.message();
            assert_eq!(fault.reason(), Reason::Malformed, "{said}");
            assert!(!said.contains("0920"), "{said}");
        }
        for json in ["[]", "1", "null", "\"092085000011\""] {
            assert_eq!(named(json), [(String::new(), "is no object".to_owned())], "{json}");
        }
    }

    #[test]
    fn an_answer_that_does_not_decode_is_the_providers_failure() {
        let output = message("lgsp.population.v1.VerifyCitizenRequest");
        let cut = VerifyCitizenRequest { full_name: "x".to_owned(), ..Default::default() }.encode_to_vec();
        let fault = of_message(&output, &cut[..cut.len() - 1]).expect_err("refused");
        assert_eq!(fault.reason(), Reason::AdapterFailed);
    }
}
