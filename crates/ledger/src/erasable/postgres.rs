//! The store on PostgreSQL: the same tables and columns as in SQLite.

use lgsp_store::Migration;

pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "erasable parts", sql: ERASABLE }];

/// Columns mean what they mean in SQLite.
const ERASABLE: &str = "
CREATE TABLE erasable (
    number      BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exchange_id BYTEA   NOT NULL,
    phase       INTEGER NOT NULL,
    part        BIGINT  NOT NULL,
    platform    INTEGER NOT NULL,
    admitted_us BIGINT  NOT NULL,
    value       BYTEA
);
CREATE UNIQUE INDEX erasable_key ON erasable (exchange_id, phase, part);
CREATE INDEX erasable_age ON erasable (platform, admitted_us) WHERE value IS NOT NULL;

CREATE TABLE mark (
    exchange_id BYTEA   NOT NULL,
    kind        INTEGER NOT NULL,
    until_us    BIGINT  NOT NULL,
    PRIMARY KEY (exchange_id, kind)
);

CREATE TABLE carried_out (
    id   INTEGER PRIMARY KEY CHECK (id = 0),
    next BIGINT NOT NULL
);

CREATE TABLE expired (
    platform  INTEGER PRIMARY KEY,
    before_us BIGINT NOT NULL
);

CREATE TABLE destroyed (
    month TEXT PRIMARY KEY
);

CREATE TABLE seek_key (
    id  INTEGER PRIMARY KEY CHECK (id = 0),
    key BYTEA NOT NULL
);

CREATE TABLE decided (
    leaf BIGINT PRIMARY KEY
)
";
