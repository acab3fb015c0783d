/// Why a synthetic city could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More or fewer citizens than the generator is made for.
    #[error("a synthetic city has between {min} and {max} citizens, not {given}")]
    Citizens {
        /// What was asked for.
        given: u32,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A file could not be made, replaced or synchronised.
    #[error("the sample data could not be written to disk")]
    File(#[from] std::io::Error),
    /// SQLite refused a statement.
    #[error("the sample data could not be written to its database")]
    Database(#[from] sqlx::Error),
    /// PostgreSQL could not be reached, or refused a statement.
    #[error("the sample data could not be written to PostgreSQL")]
    Store(#[from] lgsp_store::Error),
    /// The database holds something under the name of a domain that is not a synthetic city.
    #[error(
        "the schema {schema} of the database holds other data, which would be lost; name another database"
    )]
    Occupied {
        /// The schema.
        schema: &'static str,
    },
    /// A FHIR server cannot be reached, or does not answer as it should.
    #[error("the sample data could not be written to the FHIR server: {0}")]
    Fhir(String),
    /// A FHIR server holds what must not be mixed with this city.
    #[error("the FHIR server holds {0}; name another one, or one that is empty")]
    OccupiedServer(&'static str),
    /// The process is being stopped.
    #[error("the sample data was not finished because the process is being stopped")]
    Interrupted,
}
