-- The source behind the land adapter.
--
-- Codes in integer columns are the numbers of the enums of lgsp.land.v1. Dates are texts of which the unknown end is
-- left off: 2003, 2003-11, 2003-11-05. Moments are Unix microseconds. What the cadastre does not know is NULL.

-- Who answers for the records. One row.
CREATE TABLE source (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    name           TEXT    NOT NULL,
    agency_code    TEXT    NOT NULL,
    -- 1: all records are made up.
    synthetic      INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    schema_version INTEGER NOT NULL
) STRICT;

CREATE TABLE parcel (
    -- Lists are paged in this order.
    parcel_id         INTEGER PRIMARY KEY,
    -- The stable id: lower-case, hyphenated.
    uuid              TEXT    NOT NULL UNIQUE CHECK (length(uuid) = 36),
    -- The key in use now, or at the end of the parcel's life.
    ward_code         TEXT    NOT NULL,
    map_sheet         INTEGER NOT NULL,
    parcel_number     INTEGER NOT NULL,
    -- The ward's code that the record was written under, when it is an older one.
    former_ward_code  TEXT,
    address           TEXT,
    area_m2           REAL    NOT NULL,
    certified_area_m2 REAL,
    use_origin        INTEGER NOT NULL DEFAULT 0 CHECK (use_origin BETWEEN 0 AND 5),
    certificate_serial    TEXT,
    certificate_register  TEXT,
    certificate_issued_on TEXT,
    certificate_issuer    TEXT,
    disputed          INTEGER NOT NULL DEFAULT 0 CHECK (disputed IN (0, 1)),
    planned_use_code  TEXT,
    -- GeoJSON geometry (RFC 7946) in WGS 84: a Polygon or a MultiPolygon.
    geometry          TEXT    NOT NULL,
    centre_latitude   REAL    NOT NULL,
    centre_longitude  REAL    NOT NULL,
    -- Bounding box of the geometry, degrees. The bound on its size is what makes a search by place a short range of
    -- the index below.
    south             REAL    NOT NULL,
    west              REAL    NOT NULL,
    north             REAL    NOT NULL CHECK (north - south BETWEEN 0 AND 0.05),
    east              REAL    NOT NULL CHECK (east - west BETWEEN 0 AND 0.05),
    source_epsg       INTEGER NOT NULL,
    map_scale         INTEGER,
    measured_on       TEXT,
    -- 1 in use, 2 divided, 3 merged.
    status            INTEGER NOT NULL DEFAULT 1 CHECK (status BETWEEN 1 AND 3),
    valid_from        TEXT,
    valid_to          TEXT,
    -- When the cadastre last changed the record, and when it last confirmed it.
    updated_us        INTEGER NOT NULL,
    as_of_us          INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX parcel_by_key ON parcel (ward_code, map_sheet, parcel_number) WHERE status = 1;
CREATE INDEX parcel_ended_by_key ON parcel (ward_code, map_sheet, parcel_number) WHERE status <> 1;
CREATE INDEX parcel_by_ward ON parcel (ward_code, parcel_id) WHERE status = 1;
CREATE INDEX parcel_by_box ON parcel (west, east, south, north) WHERE status = 1;
-- PostgreSQL has an index for places, which the line above cannot match; what follows the colon is for it alone.
-- postgres: CREATE INDEX parcel_by_place ON parcel USING gist (box(point(west, south), point(east, north))) WHERE status = 1;

-- Keys that a parcel had before.
CREATE TABLE former_key (
    parcel_id     INTEGER NOT NULL REFERENCES parcel,
    ward_code     TEXT    NOT NULL,
    map_sheet     INTEGER NOT NULL,
    parcel_number INTEGER NOT NULL,
    -- The last day it was in use.
    valid_to      TEXT    NOT NULL,
    PRIMARY KEY (ward_code, map_sheet, parcel_number, parcel_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX former_key_by_parcel ON former_key (parcel_id);

-- Who holds the right of use now, and who held it before.
CREATE TABLE owner (
    owner_id            INTEGER PRIMARY KEY,
    parcel_id           INTEGER NOT NULL REFERENCES parcel,
    kind                INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 5),
    personal_number     TEXT CHECK (length(personal_number) = 12),
    -- As older certificates have it.
    old_identity_number TEXT CHECK (length(old_identity_number) = 9),
    enterprise_code     TEXT,
    name                TEXT    NOT NULL,
    share_numerator     INTEGER NOT NULL DEFAULT 1,
    share_denominator   INTEGER NOT NULL DEFAULT 1,
    since               TEXT,
    -- The last day; NULL: no end is known. Who holds it to a day to come holds it now.
    until               TEXT
) STRICT;

CREATE INDEX owner_by_parcel ON owner (parcel_id);
CREATE INDEX owner_by_person ON owner (personal_number, parcel_id, until);
CREATE INDEX owner_by_old_card ON owner (old_identity_number, parcel_id, until);
CREATE INDEX owner_by_enterprise ON owner (enterprise_code, parcel_id, until);

CREATE TABLE land_use (
    land_use_id INTEGER PRIMARY KEY,
    parcel_id   INTEGER NOT NULL REFERENCES parcel,
    code        TEXT    NOT NULL,
    title_vi    TEXT    NOT NULL,
    area_m2     REAL    NOT NULL,
    -- Last day of the right; NULL: lasting.
    until       TEXT
) STRICT;

CREATE INDEX land_use_by_parcel ON land_use (parcel_id);

CREATE TABLE restriction (
    restriction_id INTEGER PRIMARY KEY,
    parcel_id      INTEGER NOT NULL REFERENCES parcel,
    kind           INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    holder         TEXT,
    since          TEXT,
    until          TEXT
) STRICT;

CREATE INDEX restriction_by_parcel ON restriction (parcel_id);

-- Which parcel became which.
CREATE TABLE lineage (
    predecessor_uuid TEXT NOT NULL,
    successor_uuid   TEXT NOT NULL,
    PRIMARY KEY (predecessor_uuid, successor_uuid)
) STRICT, WITHOUT ROWID;

CREATE INDEX lineage_by_successor ON lineage (successor_uuid);
