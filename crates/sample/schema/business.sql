-- The source behind the business adapter.
--
-- Codes in integer columns are the numbers of the enums of lgsp.business.v1 and lgsp.record.v1. Dates are texts of which
-- the unknown end is left off: 1958, 1958-07, 1958-07-21. Moments are Unix microseconds. What the register does not
-- know is NULL.

-- Who answers for the records. One row.
CREATE TABLE source (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    name           TEXT    NOT NULL,
    agency_code    TEXT    NOT NULL,
    -- 1: all records are made up.
    synthetic      INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    schema_version INTEGER NOT NULL
) STRICT;

-- Enterprises, and their branches and offices as records of their own.
CREATE TABLE enterprise (
    -- Lists are paged in this order.
    enterprise_id          INTEGER PRIMARY KEY,
    -- 10 digits, with -001 to -999 for a branch, or the 12 of an individual's personal number.
    enterprise_code        TEXT    NOT NULL UNIQUE CHECK (length(enterprise_code) IN (10, 12, 14)),
    -- Of a branch: the enterprise that it belongs to.
    parent_enterprise_code TEXT    CHECK (length(parent_enterprise_code) IN (10, 12)),
    name                   TEXT    NOT NULL,
    foreign_name           TEXT,
    short_name             TEXT,
    legal_form             INTEGER NOT NULL DEFAULT 0 CHECK (legal_form BETWEEN 0 AND 8),
    status                 INTEGER NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 5),
    registered_on          TEXT,
    -- The last registered change, and how many there were.
    changed_on             TEXT,
    change_count           INTEGER NOT NULL DEFAULT 0,
    dissolved_on           TEXT,
    -- The head office. NULL ward: outside the city.
    line                   TEXT,
    ward_code              TEXT,
    -- The code that the record was written under, when it is an older one.
    former_ward_code       TEXT,
    -- The whole address as registered, when it does not follow from line and ward.
    text                   TEXT,
    phone_number           TEXT,
    email                  TEXT,
    website                TEXT,
    charter_capital_vnd    INTEGER,
    tax_office             TEXT,
    employee_count         INTEGER,
    registration_office    TEXT,
    -- When the register last changed the record, and when it last confirmed it.
    updated_us             INTEGER NOT NULL,
    as_of_us               INTEGER NOT NULL
) STRICT;

CREATE INDEX enterprise_by_parent ON enterprise (parent_enterprise_code, enterprise_code);

-- Names that an enterprise had before.
CREATE TABLE former_name (
    former_name_id INTEGER PRIMARY KEY,
    enterprise_id  INTEGER NOT NULL REFERENCES enterprise,
    name           TEXT    NOT NULL,
    -- The last day it was in use.
    valid_to       TEXT
) STRICT;

CREATE INDEX former_name_by_enterprise ON former_name (enterprise_id);

-- Head offices that an enterprise had before.
CREATE TABLE former_address (
    former_address_id INTEGER PRIMARY KEY,
    enterprise_id     INTEGER NOT NULL REFERENCES enterprise,
    line              TEXT,
    ward_code         TEXT,
    former_ward_code  TEXT,
    text              TEXT,
    -- The last day it was in use.
    valid_to          TEXT
) STRICT;

CREATE INDEX former_address_by_enterprise ON former_address (enterprise_id);

-- Registered lines of business.
CREATE TABLE business_line (
    business_line_id INTEGER PRIMARY KEY,
    enterprise_id    INTEGER NOT NULL REFERENCES enterprise,
    -- In the Vietnam Standard Industrial Classification.
    code             TEXT    NOT NULL,
    title_vi         TEXT    NOT NULL,
    main             INTEGER NOT NULL DEFAULT 0 CHECK (main IN (0, 1))
) STRICT;

CREATE INDEX business_line_by_enterprise ON business_line (enterprise_id);

-- Who represents an enterprise by law now, and who did before.
CREATE TABLE representative (
    representative_id   INTEGER PRIMARY KEY,
    enterprise_id       INTEGER NOT NULL REFERENCES enterprise,
    personal_number     TEXT CHECK (length(personal_number) = 12),
    -- As older registrations have it.
    old_identity_number TEXT CHECK (length(old_identity_number) = 9),
    full_name           TEXT    NOT NULL,
    position            TEXT,
    date_of_birth       TEXT,
    sex                 INTEGER NOT NULL DEFAULT 0 CHECK (sex BETWEEN 0 AND 2),
    -- Contact address. NULL ward: outside the city.
    line                TEXT,
    ward_code           TEXT,
    former_ward_code    TEXT,
    text                TEXT,
    since               TEXT,
    -- The last day; NULL: no end is known. Whose term ends on a day to come represents it now.
    until               TEXT
) STRICT;

CREATE INDEX representative_by_enterprise ON representative (enterprise_id);
CREATE INDEX representative_by_person ON representative (personal_number, enterprise_id, until);
CREATE INDEX representative_by_old_card ON representative (old_identity_number, enterprise_id, until);

-- Members and founding shareholders: persons and enterprises.
CREATE TABLE member (
    member_id              INTEGER PRIMARY KEY,
    enterprise_id          INTEGER NOT NULL REFERENCES enterprise,
    personal_number        TEXT CHECK (length(personal_number) = 12),
    -- Of a member that is an enterprise.
    member_enterprise_code TEXT,
    name                   TEXT    NOT NULL,
    contribution_vnd       INTEGER,
    contribution_percent   REAL
) STRICT;

CREATE INDEX member_by_enterprise ON member (enterprise_id);
