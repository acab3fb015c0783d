//! The index on PostgreSQL: the same tables and columns as in SQLite, but in partitions.

use lgsp_store::Migration;

pub(super) const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "index", sql: INDEX }];

/// Columns mean what they mean in SQLite. `entry_caught` and `sought_caught` have what is of no month that has a partition.
const INDEX: &str = "
CREATE TABLE entry (
    leaf        BIGINT  NOT NULL,
    exchange_id BYTEA   NOT NULL,
    phase       INTEGER NOT NULL,
    part        BIGINT  NOT NULL,
    signed      INTEGER NOT NULL,
    shown       INTEGER NOT NULL,
    platform    INTEGER NOT NULL,
    admitted_us BIGINT  NOT NULL,
    application TEXT    NOT NULL,
    agency      TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    purpose     TEXT    NOT NULL,
    agreement   TEXT    NOT NULL,
    credential  BYTEA   NOT NULL,
    outcome     INTEGER NOT NULL,
    segment     BIGINT  NOT NULL,
    byte        BIGINT  NOT NULL,
    CONSTRAINT entry_key PRIMARY KEY (exchange_id, phase, part)
) PARTITION BY RANGE (exchange_id);
CREATE TABLE entry_caught PARTITION OF entry DEFAULT;
CREATE INDEX entry_shown ON entry (admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_application ON entry (application, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_agency ON entry (agency, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_service ON entry (service, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_agreement ON entry (agreement, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0 AND agreement <> '';
CREATE INDEX entry_not_served ON entry (outcome, admitted_us, exchange_id, leaf, platform, shown) WHERE shown > 0 AND outcome <> 1;
CREATE INDEX entry_under_way ON entry (admitted_us) WHERE shown = 2;
CREATE INDEX entry_abandoned ON entry (admitted_us) WHERE phase = 4;
CREATE INDEX entry_act ON entry (leaf) WHERE phase = 6;

CREATE TABLE span (
    month    BIGINT PRIMARY KEY,
    first_us BIGINT NOT NULL,
    last_us  BIGINT NOT NULL
);

CREATE TABLE sought (
    kind        INTEGER NOT NULL,
    value       BYTEA   NOT NULL,
    admitted_us BIGINT  NOT NULL,
    exchange_id BYTEA   NOT NULL,
    leaf        BIGINT  NOT NULL,
    asked       INTEGER NOT NULL,
    PRIMARY KEY (kind, value, admitted_us, exchange_id, leaf)
) PARTITION BY RANGE (admitted_us);
CREATE TABLE sought_caught PARTITION OF sought DEFAULT;

CREATE TABLE gateway (
    instance        TEXT   PRIMARY KEY,
    first           BIGINT NOT NULL,
    last            BIGINT NOT NULL,
    received        BIGINT NOT NULL,
    last_entered_us BIGINT NOT NULL,
    gaps            BYTEA  NOT NULL
);
CREATE INDEX gateway_latest ON gateway (last_entered_us, instance);

CREATE TABLE progress (
    id          INTEGER PRIMARY KEY CHECK (id = 0),
    leaves      BIGINT NOT NULL,
    segment     BIGINT NOT NULL,
    byte        BIGINT NOT NULL,
    incarnation BYTEA  NOT NULL
);

CREATE TABLE next_offset (
    partition INTEGER PRIMARY KEY,
    next      BIGINT NOT NULL
);

CREATE TABLE usage (
    day       TEXT   NOT NULL,
    agreement TEXT   NOT NULL,
    gateway   TEXT   NOT NULL,
    used      BIGINT NOT NULL,
    last_us   BIGINT NOT NULL,
    PRIMARY KEY (day, agreement, gateway)
);

CREATE TABLE built_under (
    id     INTEGER PRIMARY KEY CHECK (id = 0),
    key_id BYTEA NOT NULL
);

CREATE TABLE expired (
    platform  INTEGER PRIMARY KEY,
    before_us BIGINT NOT NULL
)
";
