-- The source behind the population adapter.
--
-- Codes in integer columns are the numbers of the enums of lgsp.population.v1 and lgsp.record.v1. Dates are texts of
-- which the unknown end is left off: 1958, 1958-07, 1958-07-21. Moments are Unix microseconds. What the register
-- does not know is NULL.

-- Who answers for the records. One row.
CREATE TABLE source (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    name           TEXT    NOT NULL,
    agency_code    TEXT    NOT NULL,
    -- 1: all records are made up.
    synthetic      INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    schema_version INTEGER NOT NULL
) STRICT;

CREATE TABLE household (
    household_id     INTEGER PRIMARY KEY,
    number           TEXT    NOT NULL UNIQUE,
    -- citizen_id of the head.
    head_id          INTEGER NOT NULL,
    line             TEXT,
    -- In use now.
    ward_code        TEXT    NOT NULL,
    -- The code that the record was written under, when it is an older one.
    former_ward_code TEXT,
    registered_on    TEXT,
    as_of_us         INTEGER NOT NULL
) STRICT;

CREATE TABLE citizen (
    citizen_id          INTEGER PRIMARY KEY,
    personal_number     TEXT    NOT NULL UNIQUE CHECK (length(personal_number) = 12),
    old_identity_number TEXT    UNIQUE CHECK (length(old_identity_number) = 9),
    full_name           TEXT    NOT NULL,
    other_name          TEXT,
    date_of_birth       TEXT,
    sex                 INTEGER NOT NULL CHECK (sex BETWEEN 0 AND 2),
    ethnicity           TEXT,
    religion            TEXT,
    nationality_code    TEXT    NOT NULL DEFAULT 'VN',
    marital_status      INTEGER NOT NULL DEFAULT 0 CHECK (marital_status BETWEEN 0 AND 4),
    household_id        INTEGER REFERENCES household,
    relation_to_head    INTEGER NOT NULL DEFAULT 0 CHECK (relation_to_head BETWEEN 0 AND 9),
    -- Parents and spouse as the citizen's own record names them; older records hold only the name.
    father_number       TEXT,
    father_name         TEXT,
    mother_number       TEXT,
    mother_name         TEXT,
    spouse_number       TEXT,
    spouse_name         TEXT,
    blood_type          TEXT,
    occupation          TEXT,
    phone_number        TEXT,
    life_status         INTEGER NOT NULL DEFAULT 1 CHECK (life_status BETWEEN 0 AND 3),
    date_of_death       TEXT,
    card_issued_on      TEXT,
    card_expires_on     TEXT,
    card_issuer         TEXT,
    -- When the register last changed the record, and when it last confirmed it.
    updated_us          INTEGER NOT NULL,
    as_of_us            INTEGER NOT NULL
) STRICT;

CREATE INDEX citizen_by_household ON citizen (household_id);

-- A citizen's addresses, at most one of a kind.
CREATE TABLE address (
    -- Lists of a ward are paged in this order.
    address_id       INTEGER PRIMARY KEY,
    citizen_id       INTEGER NOT NULL REFERENCES citizen,
    -- 1 permanent, 2 temporary, 3 current, 4 place of birth registration, 5 hometown.
    kind             INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 5),
    line             TEXT,
    -- In use now. NULL for a place outside the city, which has only its text.
    ward_code        TEXT,
    -- The code that the record was written under, when it is an older one.
    former_ward_code TEXT,
    -- The whole address as registered, when it does not follow from line and ward.
    text             TEXT,
    since            TEXT,
    UNIQUE (citizen_id, kind)
) STRICT;

CREATE INDEX address_by_ward ON address (ward_code, address_id) WHERE kind IN (1, 2);
