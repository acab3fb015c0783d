-- The source behind the health adapter.
--
-- Codes in integer columns are the numbers of the enums of lgsp.health.v1 and lgsp.record.v1. Dates are texts of which
-- the unknown end is left off: 1958, 1958-07, 1958-07-21. Moments are Unix microseconds. What the source does not know
-- is NULL.

-- Who answers for the records. One row.
CREATE TABLE source (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    name           TEXT    NOT NULL,
    agency_code    TEXT    NOT NULL,
    -- 1: all records are made up.
    synthetic      INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    schema_version INTEGER NOT NULL
) STRICT;

-- Hospitals, health stations, places of vaccination.
CREATE TABLE facility (
    facility_code TEXT PRIMARY KEY,
    name          TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A health-insurance card with what is printed on it. A person has one after the other, often under the same number;
-- which of them counts on a date follows from their days of validity.
CREATE TABLE insurance_card (
    card_id                 INTEGER PRIMARY KEY,
    -- 15 characters, or the social-insurance number alone.
    card_number             TEXT    NOT NULL CHECK (length(card_number) IN (10, 15)),
    -- The last 10 digits of the card's number.
    social_insurance_number TEXT    NOT NULL CHECK (length(social_insurance_number) = 10),
    -- The holder. Older cards were issued without a number of the person.
    personal_number         TEXT    CHECK (length(personal_number) = 12),
    old_identity_number     TEXT    CHECK (length(old_identity_number) = 9),
    full_name               TEXT    NOT NULL,
    date_of_birth           TEXT,
    -- First and last day of validity; NULL at the end: open.
    valid_from              TEXT    NOT NULL,
    valid_to                TEXT,
    -- Withdrawn or locked by the insurer from this day on; NULL: it is not.
    suspended_from          TEXT,
    benefit_code            TEXT,
    -- Where the holder is registered for first treatment.
    facility_code           TEXT    REFERENCES facility,
    five_years_from         TEXT,
    as_of_us                INTEGER NOT NULL
) STRICT;

CREATE INDEX insurance_card_by_number ON insurance_card (card_number);
CREATE INDEX insurance_card_by_social_insurance ON insurance_card (social_insurance_number);
CREATE INDEX insurance_card_by_person ON insurance_card (personal_number);
CREATE INDEX insurance_card_by_old_card ON insurance_card (old_identity_number);

CREATE TABLE patient (
    patient_id              INTEGER PRIMARY KEY,
    -- The patient's own number, which is passed on.
    patient_number          TEXT    NOT NULL UNIQUE,
    personal_number         TEXT    UNIQUE CHECK (length(personal_number) = 12),
    old_identity_number     TEXT    UNIQUE CHECK (length(old_identity_number) = 9),
    -- The card that was shown last, and the last 10 digits of its number.
    insurance_card_number   TEXT,
    social_insurance_number TEXT    CHECK (length(social_insurance_number) = 10),
    full_name               TEXT    NOT NULL,
    date_of_birth           TEXT,
    sex                     INTEGER NOT NULL DEFAULT 0 CHECK (sex BETWEEN 0 AND 2),
    -- The address that the patient gave. NULL ward: outside the city.
    line                    TEXT,
    ward_code               TEXT,
    -- The code that the record was written under, when it is an older one.
    former_ward_code        TEXT,
    -- The whole address as given, when it does not follow from line and ward.
    text                    TEXT,
    phone_number            TEXT,
    -- Whom to call.
    contact_name            TEXT,
    contact_relation        TEXT,
    contact_phone_number    TEXT,
    blood_type              TEXT,
    -- Kind and degree, when certified.
    disability              TEXT,
    pregnant                INTEGER NOT NULL DEFAULT 0 CHECK (pregnant IN (0, 1)),
    height_cm               REAL,
    weight_kg               REAL,
    -- Who keeps the record.
    facility_code           TEXT    REFERENCES facility,
    -- When the record last changed, and when the source last confirmed it.
    updated_us              INTEGER NOT NULL,
    as_of_us                INTEGER NOT NULL
) STRICT;

CREATE INDEX patient_by_social_insurance ON patient (social_insurance_number);
CREATE INDEX patient_by_insurance_card ON patient (insurance_card_number);

CREATE TABLE allergy (
    allergy_id  INTEGER PRIMARY KEY,
    patient_id  INTEGER NOT NULL REFERENCES patient,
    substance   TEXT    NOT NULL,
    reaction    TEXT,
    severity    INTEGER NOT NULL DEFAULT 0 CHECK (severity BETWEEN 0 AND 3),
    recorded_on TEXT
) STRICT;

CREATE INDEX allergy_by_patient ON allergy (patient_id);

CREATE TABLE condition (
    condition_id INTEGER PRIMARY KEY,
    patient_id   INTEGER NOT NULL REFERENCES patient,
    icd10_code   TEXT,
    title_vi     TEXT    NOT NULL,
    chronic      INTEGER NOT NULL DEFAULT 0 CHECK (chronic IN (0, 1)),
    since        TEXT,
    -- Until when; NULL: still.
    until        TEXT
) STRICT;

CREATE INDEX condition_by_patient ON condition (patient_id);

CREATE TABLE medication (
    medication_id     INTEGER PRIMARY KEY,
    patient_id        INTEGER NOT NULL REFERENCES patient,
    name              TEXT    NOT NULL,
    active_ingredient TEXT,
    dosage            TEXT,
    since             TEXT,
    -- The last day; NULL: in use.
    until             TEXT
) STRICT;

CREATE INDEX medication_by_patient ON medication (patient_id);

CREATE TABLE encounter (
    encounter_id  INTEGER PRIMARY KEY,
    patient_id    INTEGER NOT NULL REFERENCES patient,
    on_date       TEXT    NOT NULL,
    facility_code TEXT    REFERENCES facility,
    -- Main diagnosis.
    icd10_code    TEXT,
    inpatient     INTEGER NOT NULL DEFAULT 0 CHECK (inpatient IN (0, 1))
) STRICT;

-- Encounters are read newest first, and only the last of them.
CREATE INDEX encounter_by_patient ON encounter (patient_id, on_date, encounter_id);

-- The products that were given.
CREATE TABLE vaccine (
    vaccine_id      INTEGER PRIMARY KEY,
    -- In the national list.
    vaccine_code    TEXT    NOT NULL,
    -- Trade name.
    name            TEXT    NOT NULL,
    manufacturer    TEXT,
    -- ICD-10 codes or names, separated by semicolons.
    target_diseases TEXT,
    -- Doses of the whole series.
    series_doses    INTEGER,
    route           TEXT
) STRICT;

CREATE TABLE immunization (
    -- Pages end with this number, and it is passed on.
    immunization_id  INTEGER PRIMARY KEY,
    patient_id       INTEGER NOT NULL REFERENCES patient,
    vaccine_id       INTEGER NOT NULL REFERENCES vaccine,
    lot_number       TEXT,
    -- From 1.
    dose_number      INTEGER,
    on_date          TEXT    NOT NULL,
    facility_code    TEXT    REFERENCES facility,
    next_due_on      TEXT,
    adverse_reaction TEXT,
    as_of_us         INTEGER NOT NULL
) STRICT;

-- Lists are newest first.
CREATE INDEX immunization_by_patient ON immunization (patient_id, on_date, immunization_id);
