-- The source database of the population adapter: a city's register of citizens and households.
--
-- Dates are ISO text with unknown parts left out: '1958', '1958-07', '1958-07-21'. Times are seconds since 1970 UTC. Codes are
-- the numbers of the enums in lgsp.population.v1. NULL is "not known to the register".

-- Facts about the database: schema_version, seed, citizens, households, parcels, as_of, synthetic.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE citizens (
    personal_number     TEXT NOT NULL PRIMARY KEY,
    old_identity_number TEXT,
    full_name           TEXT NOT NULL,
    other_name          TEXT,
    date_of_birth       TEXT NOT NULL,
    sex                 INTEGER NOT NULL,          -- lgsp.record.v1.Sex
    ethnicity           TEXT,
    religion            TEXT,
    nationality_code    TEXT NOT NULL,
    marital_status      INTEGER,                   -- MaritalStatus
    household_number    TEXT,
    relation_to_head    INTEGER,                   -- Relation
    residence_kind      INTEGER,                   -- ResidenceKind: how the citizen lives in that household
    moved_in_on         TEXT,                      -- since when in that household
    father_number       TEXT,
    father_name         TEXT,
    mother_number       TEXT,
    mother_name         TEXT,
    spouse_number       TEXT,
    spouse_name         TEXT,
    blood_type          TEXT,
    occupation          TEXT,
    phone_number        TEXT,
    life_status         INTEGER NOT NULL,          -- LifeStatus
    date_of_death       TEXT,
    card_issued_on      TEXT,                      -- NULL: no identity card
    card_expires_on     TEXT,                      -- NULL: valid for life
    card_issuer         TEXT,
    updated_at          INTEGER NOT NULL
);

CREATE UNIQUE INDEX citizens_by_old_identity ON citizens (old_identity_number) WHERE old_identity_number IS NOT NULL;
-- The head (1) sorts first.
CREATE INDEX citizens_by_household ON citizens (household_number, relation_to_head, personal_number);

-- The addresses of citizens, at most one per role.
-- Roles: 1 permanent, 2 temporary, 3 current, 4 birth registration, 5 hometown. 1 and 2 are also the ResidenceKind.
CREATE TABLE addresses (
    personal_number  TEXT NOT NULL REFERENCES citizens (personal_number),
    role             INTEGER NOT NULL CHECK (role BETWEEN 1 AND 5),
    line             TEXT,                         -- house number and street, hamlet or area
    ward_code        TEXT,                         -- in use now; NULL: outside the city
    former_ward_code TEXT,                         -- as the record was written, if before 1 July 2025; may equal ward_code
    text             TEXT NOT NULL,                -- the whole address as written
    since            TEXT,
    PRIMARY KEY (personal_number, role)
) WITHOUT ROWID;

-- The residents of a ward, paged by (personal_number, role).
CREATE INDEX addresses_by_ward ON addresses (ward_code, personal_number, role) WHERE role IN (1, 2);

CREATE TABLE households (
    household_number     TEXT NOT NULL PRIMARY KEY,
    head_personal_number TEXT NOT NULL REFERENCES citizens (personal_number),
    line                 TEXT NOT NULL,
    ward_code            TEXT NOT NULL,
    former_ward_code     TEXT,
    text                 TEXT NOT NULL,
    registered_on        TEXT NOT NULL,
    updated_at           INTEGER NOT NULL
);
