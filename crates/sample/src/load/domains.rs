use super::rows::{self, Ids, Rows, business, education, health, land, population};
use super::{
    BUSINESS_DATABASE, EDUCATION_DATABASE, HEALTH_DATABASE, LAND_DATABASE, POPULATION_DATABASE, Summary,
};
use crate::Home;

/// What a domain's source holds, and who answers for it.
pub(super) struct Domain {
    /// The name of the domain, and of its schema in PostgreSQL.
    pub name: &'static str,
    /// The file in SQLite.
    pub file: &'static str,
    /// The tables, as SQLite has them.
    pub schema: &'static str,
    source: &'static str,
    agency_code: &'static str,
    catalogue: fn() -> Vec<Rows<'static>>,
    /// The rows of a batch of homes.
    pub rows: for<'a> fn(&'a [Home], &mut Ids) -> Vec<Rows<'a>>,
}

/// The domains, in the order in which they are written.
pub(super) static DOMAINS: [Domain; 5] = [
    Domain {
        name: "population",
        file: POPULATION_DATABASE,
        schema: include_str!("../../schema/population.sql"),
        source: "csdl-dancu-cantho",
        agency_code: "G01.30.92",
        catalogue: Vec::new,
        rows: population::rows,
    },
    Domain {
        name: "land",
        file: LAND_DATABASE,
        schema: include_str!("../../schema/land.sql"),
        source: "csdl-datdai-cantho",
        agency_code: "H13.04",
        catalogue: Vec::new,
        rows: land::rows,
    },
    Domain {
        name: "health",
        file: HEALTH_DATABASE,
        schema: include_str!("../../schema/health.sql"),
        source: "csdl-yte-cantho",
        agency_code: "H13.06",
        catalogue: health::catalogue,
        rows: health::rows,
    },
    Domain {
        name: "education",
        file: EDUCATION_DATABASE,
        schema: include_str!("../../schema/education.sql"),
        source: "csdl-giaoduc-cantho",
        agency_code: "H13.07",
        catalogue: education::catalogue,
        rows: education::rows,
    },
    Domain {
        name: "business",
        file: BUSINESS_DATABASE,
        schema: include_str!("../../schema/business.sql"),
        source: "csdl-doanhnghiep-cantho",
        agency_code: "H13.05",
        catalogue: Vec::new,
        rows: business::rows,
    },
];

/// The table of every database that says how the city was made.
pub(super) const SAMPLE_SCHEMA: &str = include_str!("../../schema/sample.sql");

impl Domain {
    /// What stands before all homes: who answers for the records, and the lists that these refer to.
    pub(super) fn first_rows(&self) -> Vec<Rows<'static>> {
        let mut all = vec![rows::source(self.source, self.agency_code)];
        all.extend((self.catalogue)());
        all
    }
}

/// What is written last, so that a source without it is incomplete.
pub(super) fn last_rows(summary: &Summary) -> Rows<'static> {
    rows::sample(summary)
}
