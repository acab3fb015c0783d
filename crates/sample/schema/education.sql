-- The source behind the education adapter.
--
-- Codes in integer columns are the numbers of the enums of lgsp.education.v1 and lgsp.record.v1. Dates are texts of
-- which the unknown end is left off: 1958, 1958-07, 1958-07-21. Moments are Unix microseconds. What the source does not
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

CREATE TABLE school (
    school_code TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    -- In use now.
    ward_code   TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE student (
    student_id          INTEGER PRIMARY KEY,
    -- The Ministry's.
    student_code        TEXT    NOT NULL UNIQUE,
    personal_number     TEXT    UNIQUE CHECK (length(personal_number) = 12),
    old_identity_number TEXT    UNIQUE CHECK (length(old_identity_number) = 9),
    full_name           TEXT    NOT NULL,
    date_of_birth       TEXT,
    sex                 INTEGER NOT NULL DEFAULT 0 CHECK (sex BETWEEN 0 AND 2),
    ethnicity           TEXT,
    -- Where the student lives, as the school knows it. NULL ward: outside the city.
    line                TEXT,
    ward_code           TEXT,
    -- The code that the record was written under, when it is an older one.
    former_ward_code    TEXT,
    -- The whole address as given, when it does not follow from line and ward.
    text                TEXT,
    disabled            INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    -- Groups that give a right to support, separated by semicolons.
    policy_groups       TEXT,
    -- When the record last changed, and when the source last confirmed it.
    updated_us          INTEGER NOT NULL,
    as_of_us            INTEGER NOT NULL
) STRICT;

-- One school year of a student at a school; two in a year when the student moved.
CREATE TABLE enrolment (
    enrolment_id   INTEGER PRIMARY KEY,
    student_id     INTEGER NOT NULL REFERENCES student,
    -- 2025-2026
    school_year    TEXT    NOT NULL CHECK (length(school_year) = 9),
    school_code    TEXT    NOT NULL REFERENCES school,
    level          INTEGER NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 5),
    -- 1 to 12; 0 in pre-school.
    grade          INTEGER NOT NULL DEFAULT 0 CHECK (grade BETWEEN 0 AND 12),
    class_name     TEXT,
    status         INTEGER NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 5),
    -- When the student entered this school, and when the student left it.
    enrolled_on    TEXT,
    left_on        TEXT,
    -- Of finished years.
    conduct_rating TEXT,
    study_rating   TEXT
) STRICT;

CREATE INDEX enrolment_by_student ON enrolment (student_id, school_year);
-- Whether a school has handed in a year is asked for.
CREATE INDEX enrolment_by_school ON enrolment (school_code, school_year);

-- Parents and guardians.
CREATE TABLE guardian (
    guardian_id     INTEGER PRIMARY KEY,
    student_id      INTEGER NOT NULL REFERENCES student,
    personal_number TEXT CHECK (length(personal_number) = 12),
    full_name       TEXT    NOT NULL,
    relation        TEXT,
    phone_number    TEXT
) STRICT;

CREATE INDEX guardian_by_student ON guardian (student_id);

-- The register of diplomas. Holders who left school before the database was made have no student record.
CREATE TABLE diploma (
    diploma_id          INTEGER PRIMARY KEY,
    student_id          INTEGER REFERENCES student,
    -- As printed, without spaces. Not unique: a serial may have been printed twice.
    serial_number       TEXT    NOT NULL,
    register_number     TEXT,
    -- The holder as printed; older diplomas have no number of the person.
    personal_number     TEXT CHECK (length(personal_number) = 12),
    old_identity_number TEXT CHECK (length(old_identity_number) = 9),
    full_name           TEXT    NOT NULL,
    date_of_birth       TEXT,
    kind                INTEGER NOT NULL DEFAULT 0 CHECK (kind BETWEEN 0 AND 2),
    graduation_year     INTEGER,
    rating              TEXT,
    issuer              TEXT,
    issued_on           TEXT,
    revoked             INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
    as_of_us            INTEGER NOT NULL
) STRICT;

CREATE INDEX diploma_by_serial ON diploma (serial_number);
CREATE INDEX diploma_by_student ON diploma (student_id);
