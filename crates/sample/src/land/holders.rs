//! Who holds parcels besides the people of the city.

use lgsp_identifiers::EnterpriseCode;

use crate::business::trades::COMPANY;

/// Serials of the synthetic enterprises: 1899 is no prefix that a real one of the city begins with (assumed).
const FIRST_SERIAL: u32 = 189_900_000;

/// How many enterprises hold land.
const ENTERPRISES: u32 = 200;

/// The code and name of one of the synthetic enterprises.
pub(super) fn enterprise(index: u32) -> (EnterpriseCode, String) {
    let index = index % ENTERPRISES;
    // One serial in eleven has no check digit: the next one has.
    let serials = FIRST_SERIAL + 10 * index..;
    let code = serials.take(10).find_map(EnterpriseCode::from_serial);
    let code = code.expect("of ten serials in a row at most two are without a check digit");
    let trade = COMPANY[index as usize % COMPANY.len()];
    (code, format!("Công ty TNHH {} Mẫu {:03}", trade.name, index + 1))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_synthetic_enterprise_has_a_code_of_its_own() {
        let codes: HashSet<_> = (0..ENTERPRISES).map(|index| enterprise(index).0).collect();
        assert_eq!(codes.len(), ENTERPRISES as usize);
        assert!(codes.iter().all(|code| code.as_str().starts_with("1899")));
    }
}
