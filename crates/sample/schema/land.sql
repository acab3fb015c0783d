-- The source database of the land adapter: a city's cadastre. Borders are in WGS 84.
--
-- Dates are ISO text with unknown parts left out: '1958', '1958-07', '1958-07-21'. Times are seconds since 1970 UTC. Codes are
-- the numbers of the enums in lgsp.land.v1. NULL is "not known to the cadastre".

-- Facts about the database: schema_version, seed, citizens, households, parcels, as_of, synthetic, and
-- largest_extent_degrees: no parcel is longer, in latitude or longitude.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE parcels (
    parcel_id              TEXT NOT NULL PRIMARY KEY,  -- UUID
    ward_code              TEXT NOT NULL,              -- the ward in use now that it lies in
    parcel_key             TEXT NOT NULL,              -- the last key; of a divided parcel it may be under a former ward code
    map_sheet              INTEGER NOT NULL,           -- of parcel_key
    parcel_number          INTEGER NOT NULL,           -- of parcel_key
    status                 INTEGER NOT NULL,           -- ParcelStatus
    address                TEXT NOT NULL,
    area_m2                REAL NOT NULL,
    certified_area_m2      REAL,
    use_origin             INTEGER,                    -- UseOrigin
    certificate_serial     TEXT,                       -- NULL: no certificate was issued
    certificate_register   TEXT,
    certificate_issued_on  TEXT,
    certificate_issuer     TEXT,
    disputed               INTEGER NOT NULL DEFAULT 0,
    planned_use_code       TEXT,
    geometry               TEXT NOT NULL,              -- GeoJSON Polygon: [longitude, latitude], anticlockwise, closed
    centre_lat             REAL NOT NULL,
    centre_lon             REAL NOT NULL,
    min_lat                REAL NOT NULL,
    max_lat                REAL NOT NULL,
    min_lon                REAL NOT NULL,
    max_lon                REAL NOT NULL,
    source_epsg            INTEGER NOT NULL,
    map_scale              INTEGER NOT NULL,
    measured_on            TEXT,
    valid_from             TEXT,
    valid_to               TEXT,
    updated_at             INTEGER NOT NULL
);

-- The parcels of a ward that are in use, in the order of their map sheets.
CREATE UNIQUE INDEX parcels_by_key ON parcels (ward_code, map_sheet, parcel_number) WHERE status = 1;
-- For a box, ask min_lat BETWEEN :south - :largest_extent AND :north, and the other three sides as they are.
CREATE INDEX parcels_by_box ON parcels (min_lat, max_lat, min_lon, max_lon) WHERE status = 1;

-- Every key that a parcel has or had. No two parcels ever had the same one.
CREATE TABLE parcel_keys (
    ward_code     TEXT NOT NULL,                       -- as written in the key: in use now or formerly
    map_sheet     INTEGER NOT NULL,
    parcel_number INTEGER NOT NULL,
    parcel_id     TEXT NOT NULL REFERENCES parcels (parcel_id),
    valid_from    TEXT,
    valid_to      TEXT,                                -- last day; NULL: in use
    PRIMARY KEY (ward_code, map_sheet, parcel_number)
) WITHOUT ROWID;

CREATE INDEX parcel_keys_by_parcel ON parcel_keys (parcel_id);

CREATE TABLE land_uses (
    parcel_id TEXT NOT NULL REFERENCES parcels (parcel_id),
    position  INTEGER NOT NULL,
    code      TEXT NOT NULL,
    title_vi  TEXT NOT NULL,
    area_m2   REAL NOT NULL,
    until     TEXT,                                    -- NULL: lasting
    PRIMARY KEY (parcel_id, position)
) WITHOUT ROWID;

-- Who holds the right of use now. A divided parcel has none.
CREATE TABLE owners (
    parcel_id           TEXT NOT NULL REFERENCES parcels (parcel_id),
    position            INTEGER NOT NULL,
    kind                INTEGER NOT NULL,              -- OwnerKind
    personal_number     TEXT,
    old_identity_number TEXT,                          -- as older certificates have it
    enterprise_code     TEXT,
    name                TEXT NOT NULL,
    share_numerator     INTEGER NOT NULL,
    share_denominator   INTEGER NOT NULL,
    since               TEXT,
    PRIMARY KEY (parcel_id, position)
) WITHOUT ROWID;

CREATE INDEX owners_by_person ON owners (personal_number, parcel_id) WHERE personal_number IS NOT NULL;
CREATE INDEX owners_by_old_identity ON owners (old_identity_number, parcel_id) WHERE old_identity_number IS NOT NULL;
CREATE INDEX owners_by_enterprise ON owners (enterprise_code, parcel_id) WHERE enterprise_code IS NOT NULL;

CREATE TABLE restrictions (
    parcel_id TEXT NOT NULL REFERENCES parcels (parcel_id),
    position  INTEGER NOT NULL,
    kind      INTEGER NOT NULL,                        -- RestrictionKind
    holder    TEXT,
    since     TEXT,
    until     TEXT,                                    -- NULL: open
    PRIMARY KEY (parcel_id, position)
) WITHOUT ROWID;

-- Which parcels became which, by division or merging.
CREATE TABLE parcel_successions (
    predecessor_id TEXT NOT NULL REFERENCES parcels (parcel_id),
    successor_id   TEXT NOT NULL REFERENCES parcels (parcel_id),
    PRIMARY KEY (predecessor_id, successor_id)
) WITHOUT ROWID;

CREATE INDEX parcel_successions_by_successor ON parcel_successions (successor_id);
