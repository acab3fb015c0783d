//! The products that are given, and when children get them.

use crate::record::Vaccine;

const INTO_MUSCLE: &str = "Tiêm bắp";
const UNDER_SKIN: &str = "Tiêm dưới da";
const INTO_SKIN: &str = "Tiêm trong da";
const BY_MOUTH: &str = "Uống";

pub(super) static BCG: Vaccine = Vaccine {
    id: 1,
    code: "BCG",
    name: "BCG",
    manufacturer: "IVAC",
    target_diseases: &["Lao"],
    series_doses: 1,
    route: INTO_SKIN,
};
pub(super) static HEPATITIS_B: Vaccine = Vaccine {
    id: 2,
    code: "VGB",
    name: "Gene-HBvax",
    manufacturer: "VABIOTECH",
    target_diseases: &["Viêm gan B"],
    series_doses: 1,
    route: INTO_MUSCLE,
};
pub(super) static FIVE_IN_ONE: Vaccine = Vaccine {
    id: 3,
    code: "DPT-VGB-HIB",
    name: "SII 5 trong 1",
    manufacturer: "Serum Institute of India",
    target_diseases: &["Bạch hầu", "Ho gà", "Uốn ván", "Viêm gan B", "Hib"],
    series_doses: 3,
    route: INTO_MUSCLE,
};
pub(super) static ORAL_POLIO: Vaccine = Vaccine {
    id: 4,
    code: "OPV",
    name: "bOPV",
    manufacturer: "POLYVAC",
    target_diseases: &["Bại liệt"],
    series_doses: 3,
    route: BY_MOUTH,
};
pub(super) static POLIO: Vaccine = Vaccine {
    id: 5,
    code: "IPV",
    name: "Imovax Polio",
    manufacturer: "Sanofi Pasteur",
    target_diseases: &["Bại liệt"],
    series_doses: 2,
    route: INTO_MUSCLE,
};
pub(super) static MEASLES: Vaccine = Vaccine {
    id: 6,
    code: "SOI",
    name: "MVVAC",
    manufacturer: "POLYVAC",
    target_diseases: &["Sởi"],
    series_doses: 1,
    route: UNDER_SKIN,
};
pub(super) static MEASLES_RUBELLA: Vaccine = Vaccine {
    id: 7,
    code: "MR",
    name: "MRVAC",
    manufacturer: "POLYVAC",
    target_diseases: &["Sởi", "Rubella"],
    series_doses: 1,
    route: UNDER_SKIN,
};
pub(super) static THREE_IN_ONE: Vaccine = Vaccine {
    id: 8,
    code: "DPT",
    name: "DPT",
    manufacturer: "IVAC",
    target_diseases: &["Bạch hầu", "Ho gà", "Uốn ván"],
    series_doses: 1,
    route: INTO_MUSCLE,
};
pub(super) static ENCEPHALITIS: Vaccine = Vaccine {
    id: 9,
    code: "VNNB",
    name: "Jevax",
    manufacturer: "VABIOTECH",
    target_diseases: &["Viêm não Nhật Bản"],
    series_doses: 3,
    route: UNDER_SKIN,
};
pub(super) static TETANUS: Vaccine = Vaccine {
    id: 10,
    code: "UV",
    name: "VAT",
    manufacturer: "IVAC",
    target_diseases: &["Uốn ván"],
    series_doses: 2,
    route: INTO_MUSCLE,
};
pub(super) static COVID_MRNA: Vaccine = Vaccine {
    id: 11,
    code: "COVID19-MRNA",
    name: "Comirnaty",
    manufacturer: "Pfizer-BioNTech",
    target_diseases: &["COVID-19"],
    series_doses: 2,
    route: INTO_MUSCLE,
};
pub(super) static COVID_VECTOR: Vaccine = Vaccine {
    id: 12,
    code: "COVID19-VECTOR",
    name: "Vaxzevria",
    manufacturer: "AstraZeneca",
    target_diseases: &["COVID-19"],
    series_doses: 2,
    route: INTO_MUSCLE,
};

/// The products, in the order of their ids.
pub(crate) static VACCINES: [&Vaccine; 12] = [
    &BCG,
    &HEPATITIS_B,
    &FIVE_IN_ONE,
    &ORAL_POLIO,
    &POLIO,
    &MEASLES,
    &MEASLES_RUBELLA,
    &THREE_IN_ONE,
    &ENCEPHALITIS,
    &TETANUS,
    &COVID_MRNA,
    &COVID_VECTOR,
];

/// A dose of the expanded programme on immunization, with the days after birth when it is due.
pub(super) struct Due {
    pub vaccine: &'static Vaccine,
    pub dose_number: u8,
    pub days: u32,
}

const fn due(vaccine: &'static Vaccine, dose_number: u8, days: u32) -> Due {
    Due { vaccine, dose_number, days }
}

/// In the order of age.
pub(super) static CHILDHOOD: [Due; 16] = [
    due(&HEPATITIS_B, 1, 0),
    due(&BCG, 1, 14),
    due(&FIVE_IN_ONE, 1, 61),
    due(&ORAL_POLIO, 1, 61),
    due(&FIVE_IN_ONE, 2, 92),
    due(&ORAL_POLIO, 2, 92),
    due(&FIVE_IN_ONE, 3, 122),
    due(&ORAL_POLIO, 3, 122),
    due(&POLIO, 1, 153),
    due(&POLIO, 2, 274),
    due(&MEASLES, 1, 275),
    due(&ENCEPHALITIS, 1, 366),
    due(&ENCEPHALITIS, 2, 376),
    due(&MEASLES_RUBELLA, 1, 548),
    due(&THREE_IN_ONE, 1, 549),
    due(&ENCEPHALITIS, 3, 731),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_at_the_place_of_its_id_and_every_series_has_its_doses() {
        for (position, vaccine) in VACCINES.iter().enumerate() {
            assert_eq!(vaccine.id, position as i64 + 1);
        }
        for due in &CHILDHOOD {
            assert!((1..=due.vaccine.series_doses).contains(&due.dose_number), "{}", due.vaccine.code);
        }
        assert!(CHILDHOOD.is_sorted_by_key(|due| due.days));
    }
}
