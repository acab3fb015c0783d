//! Made-up persons as FHIR has them. All of it is synthetic, and says so in its tag.

use serde_json::{Value, json};

pub const PERSONAL_NUMBER: &str = "http://fhir.ehealth.gov.vn/core/sid/national_id";
pub const INSURANCE_CARD: &str = "http://fhir.ehealth.gov.vn/core/sid/insurance_number";
pub const SOCIAL_INSURANCE: &str = "urn:lgsp:social-insurance-number";
pub const OLD_CARD: &str = "urn:lgsp:old-identity-card";

/// The person of the tests on the fake server.
pub const AN: &str = "092058000017";

pub fn searchset(resources: impl IntoIterator<Item = Value>) -> Value {
    let entries: Vec<Value> = resources.into_iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries })
}

pub fn with_next(mut bundle: Value, url: &str) -> Value {
    bundle["link"] = json!([{ "relation": "self", "url": "x" }, { "relation": "next", "url": url }]);
    bundle
}

pub fn batch_response(bundles: impl IntoIterator<Item = Value>) -> Value {
    let entries =
        bundles.into_iter().map(|bundle| json!({ "resource": bundle, "response": { "status": "200 OK" } }));
    json!({ "resourceType": "Bundle", "type": "batch-response", "entry": entries.collect::<Vec<_>>() })
}

pub fn outcome(code: &str, text: &str) -> Value {
    let issue = json!({ "severity": "error", "code": code, "diagnostics": text });
    json!({ "resourceType": "OperationOutcome", "issue": [issue] })
}

pub fn tagged(mut resource: Value) -> Value {
    let tag = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST" });
    resource["meta"] = json!({ "lastUpdated": "2026-06-01T08:30:00.000+07:00", "tag": [tag] });
    resource
}

pub fn patient(id: &str, number: &str) -> Value {
    tagged(json!({
        "resourceType": "Patient",
        "id": id,
        "identifier": [{ "system": PERSONAL_NUMBER, "value": number }],
        "name": [{ "use": "official", "text": "Nguyễn Văn An", "family": "Nguyễn", "given": ["Văn", "An"] }],
        "gender": "male",
        "birthDate": "1958-07",
    }))
}

/// A patient with all that the adapter reads of one.
pub fn patient_in_full(id: &str, number: &str, old_card: &str, card: &str, facility: &str) -> Value {
    let mut patient = patient(id, number);
    let social_insurance = &card[card.len() - 10..];
    patient["identifier"] = json!([
        { "system": PERSONAL_NUMBER, "value": number },
        { "system": OLD_CARD, "value": old_card },
        { "system": INSURANCE_CARD, "value": card },
        { "system": SOCIAL_INSURANCE, "value": social_insurance },
    ]);
    patient["active"] = json!(true);
    patient["telecom"] = json!([{ "system": "phone", "value": "0912 345 678", "use": "mobile" }]);
    patient["address"] = json!([{
        "use": "home",
        "line": ["12 Hai Bà Trưng"],
        "extension": [
            { "url": "urn:lgsp:ward-code", "valueCode": "31120" },
            { "url": "urn:lgsp:former-ward-code", "valueCode": "31117" },
        ],
    }]);
    patient["contact"] = json!([{
        "relationship": [{
            "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C" }],
            "text": "vợ",
        }],
        "name": { "text": "Trần Thị Bình" },
        "telecom": [{ "system": "phone", "value": "+84987654321" }],
    }]);
    patient["managingOrganization"] = json!({ "reference": format!("Organization/{facility}") });
    patient["extension"] = json!([{
        "url": "http://hl7.org/fhir/StructureDefinition/patient-disability",
        "valueCodeableConcept": { "text": "vận động, mức độ nhẹ" },
    }]);
    patient
}

pub fn facility(id: &str) -> Value {
    let code = json!([{ "system": "urn:lgsp:facility", "value": id }]);
    tagged(
        json!({ "resourceType": "Organization", "id": id, "identifier": code, "name": "Trạm y tế Cái Khế" }),
    )
}

pub fn coverage(id: &str, patient: &str, card: &str, status: &str, period: (&str, &str)) -> Value {
    let facility = json!({
        "identifier": { "system": "urn:lgsp:facility", "value": "92001" },
        "display": "Trạm y tế Cái Khế",
    });
    let class = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/coverage-class", "code": "class",
    }] });
    tagged(json!({
        "resourceType": "Coverage",
        "id": id,
        "status": status,
        "identifier": [
            { "system": INSURANCE_CARD, "value": card },
            { "system": SOCIAL_INSURANCE, "value": card[card.len() - 10..] },
        ],
        "beneficiary": { "reference": format!("Patient/{patient}") },
        "payor": [{ "display": "Bảo hiểm xã hội Việt Nam" }],
        "period": { "start": period.0, "end": period.1 },
        "class": [{ "type": class, "value": "4" }],
        "extension": [
            { "url": "urn:lgsp:registered-facility", "valueReference": facility },
            { "url": "urn:lgsp:five-years-from", "valueDate": "2025-03-01" },
        ],
    }))
}

pub fn allergy(id: &str, patient: &str) -> Value {
    tagged(json!({
        "resourceType": "AllergyIntolerance",
        "id": id,
        "clinicalStatus": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active",
        }] },
        "code": { "text": "Penicillin" },
        "patient": { "reference": format!("Patient/{patient}") },
        "recordedDate": "2019-05",
        "reaction": [
            { "manifestation": [{ "text": "nổi mề đay" }], "severity": "mild" },
            { "manifestation": [{ "text": "khó thở" }], "severity": "severe" },
        ],
    }))
}

pub fn dose(id: &str, patient: &str, day: &str) -> Value {
    tagged(json!({
        "resourceType": "Immunization",
        "id": id,
        "status": "completed",
        "vaccineCode": { "coding": [{ "system": "urn:lgsp:vaccine", "code": "VX07" }], "text": "Quinvaxem" },
        "patient": { "reference": format!("Patient/{patient}") },
        "occurrenceDateTime": day,
        "manufacturer": { "display": "Berna Biotech" },
        "lotNumber": "L-1",
        "route": { "text": "tiêm bắp" },
        "performer": [{ "actor": {
            "identifier": { "system": "urn:lgsp:facility", "value": "92001" }, "display": "Trạm y tế Cái Khế",
        } }],
        "protocolApplied": [{
            "targetDisease": [{ "text": "Bạch hầu" }],
            "doseNumberPositiveInt": 2,
            "seriesDosesPositiveInt": 3,
        }],
        "reaction": [{ "detail": { "display": "sốt nhẹ" } }],
        "extension": [{ "url": "urn:lgsp:next-due", "valueDate": "2027-01-15" }],
    }))
}
