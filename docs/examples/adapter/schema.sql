-- The native schema of the vehicle domain. Codes are the numbers of the contract's enums; dates are texts of which the unknown
-- end is left off: 2019, 2019-03, 2019-03-07; moments are Unix microseconds. What the register does not know is NULL.

-- Who answers for the records. One row.
CREATE TABLE source (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    name           TEXT    NOT NULL,
    agency_code    TEXT    NOT NULL,
    -- 1: all records are made up.
    synthetic      INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    schema_version INTEGER NOT NULL
) STRICT;

CREATE TABLE vehicle (
    -- Without dots, dashes and spaces.
    plate         TEXT    PRIMARY KEY,
    kind          INTEGER NOT NULL,
    make          TEXT,
    registered_on TEXT,
    owner_number  TEXT,
    owner_name    TEXT,
    as_of_us      INTEGER NOT NULL
) STRICT;

CREATE INDEX vehicle_owner ON vehicle (owner_number, plate);
