use lgsp_store::Migration;

/// The index. It holds nothing that the log does not hold, but for the offsets, and these only save reading again.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "entries", sql: ENTRIES },
    Migration { version: 2, name: "usage", sql: USAGE },
    Migration { version: 3, name: "what entries are found by", sql: SOUGHT },
    Migration { version: 4, name: "what is signed", sql: SIGNED },
    Migration { version: 5, name: "the store of erasable parts", sql: KEPT },
];

/// `shown`: the entry that tells how its exchange ended; a final one wins over `abandoned`.
const ENTRIES: &str = "
CREATE TABLE entry (
    leaf        INTEGER PRIMARY KEY,
    exchange_id BLOB    NOT NULL,
    phase       INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    shown       INTEGER NOT NULL,
    platform    INTEGER NOT NULL,
    admitted_us INTEGER NOT NULL,
    application TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    outcome     INTEGER NOT NULL,
    segment     INTEGER NOT NULL,
    byte        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_key ON entry (exchange_id, phase, part);
CREATE INDEX entry_shown ON entry (admitted_us, exchange_id) WHERE shown = 1;
CREATE INDEX entry_application ON entry (application, admitted_us, exchange_id) WHERE shown = 1;
CREATE INDEX entry_service ON entry (service, admitted_us, exchange_id) WHERE shown = 1;
CREATE INDEX entry_not_served ON entry (outcome, admitted_us, exchange_id) WHERE shown = 1 AND outcome <> 1;
CREATE INDEX entry_abandoned ON entry (exchange_id) WHERE phase = 4;

CREATE TABLE gateway (
    instance        TEXT    PRIMARY KEY,
    first           INTEGER NOT NULL,
    last            INTEGER NOT NULL,
    received        INTEGER NOT NULL,
    last_entered_us INTEGER NOT NULL,
    gaps            BLOB    NOT NULL
) STRICT;
CREATE INDEX gateway_latest ON gateway (last_entered_us);

CREATE TABLE progress (
    id          INTEGER PRIMARY KEY CHECK (id = 0),
    leaves      INTEGER NOT NULL,
    segment     INTEGER NOT NULL,
    byte        INTEGER NOT NULL,
    incarnation BLOB    NOT NULL
) STRICT;

CREATE TABLE next_offset (
    partition INTEGER PRIMARY KEY,
    next      INTEGER NOT NULL
) STRICT
";

/// How many exchanges agreements have used on the last days, by gateway.
const USAGE: &str = "
CREATE TABLE usage (
    day       TEXT    NOT NULL,
    agreement TEXT    NOT NULL,
    gateway   TEXT    NOT NULL,
    used      INTEGER NOT NULL,
    last_us   INTEGER NOT NULL,
    PRIMARY KEY (day, agreement, gateway)
) STRICT, WITHOUT ROWID
";

/// What auditors search by. All is made anew from the log and the erasable parts; what was read of the topic stays known.
///
/// `shown`: 1 the entry that tells how its exchange ended, where a final one wins over `abandoned`; 2 the opening of a stream until
/// there is such an entry; 0 any other. Counts read the indexes alone.
const SOUGHT: &str = "
DROP TABLE entry;
CREATE TABLE entry (
    leaf        INTEGER PRIMARY KEY,
    exchange_id BLOB    NOT NULL,
    phase       INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    shown       INTEGER NOT NULL,
    platform    INTEGER NOT NULL,
    admitted_us INTEGER NOT NULL,
    application TEXT    NOT NULL,
    agency      TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    purpose     TEXT    NOT NULL,
    agreement   TEXT    NOT NULL,
    credential  BLOB    NOT NULL,
    outcome     INTEGER NOT NULL,
    segment     INTEGER NOT NULL,
    byte        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_key ON entry (exchange_id, phase, part);
CREATE INDEX entry_shown ON entry (admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_application ON entry (application, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_agency ON entry (agency, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_service ON entry (service, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_agreement ON entry (agreement, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0 AND agreement <> '';
CREATE INDEX entry_not_served ON entry (outcome, admitted_us, exchange_id, leaf, platform, shown) WHERE shown > 0 AND outcome <> 1;
CREATE INDEX entry_under_way ON entry (admitted_us) WHERE shown = 2;
CREATE INDEX entry_abandoned ON entry (exchange_id) WHERE phase = 4;
CREATE INDEX entry_act ON entry (leaf) WHERE phase = 6;

CREATE TABLE sought (
    kind        INTEGER NOT NULL,
    value       BLOB    NOT NULL,
    admitted_us INTEGER NOT NULL,
    exchange_id BLOB    NOT NULL,
    leaf        INTEGER NOT NULL,
    asked       INTEGER NOT NULL,
    PRIMARY KEY (kind, value, admitted_us, exchange_id, leaf)
) STRICT, WITHOUT ROWID;

DELETE FROM gateway;
DELETE FROM usage;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// Whether entries are signed: what counts is told from the log anew. Of each key there is one row, that of a signed entry rather
/// than of an unsigned one. `signed`: 0 no, 1 there was no key to tell by, 2 yes.
const SIGNED: &str = "
DROP TABLE entry;
CREATE TABLE entry (
    leaf        INTEGER PRIMARY KEY,
    exchange_id BLOB    NOT NULL,
    phase       INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    signed      INTEGER NOT NULL,
    shown       INTEGER NOT NULL,
    platform    INTEGER NOT NULL,
    admitted_us INTEGER NOT NULL,
    application TEXT    NOT NULL,
    agency      TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    purpose     TEXT    NOT NULL,
    agreement   TEXT    NOT NULL,
    credential  BLOB    NOT NULL,
    outcome     INTEGER NOT NULL,
    segment     INTEGER NOT NULL,
    byte        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_key ON entry (exchange_id, phase, part);
CREATE INDEX entry_shown ON entry (admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_application ON entry (application, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_agency ON entry (agency, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_service ON entry (service, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0;
CREATE INDEX entry_agreement ON entry (agreement, admitted_us, exchange_id, leaf, platform, outcome, shown) WHERE shown > 0 AND agreement <> '';
CREATE INDEX entry_not_served ON entry (outcome, admitted_us, exchange_id, leaf, platform, shown) WHERE shown > 0 AND outcome <> 1;
CREATE INDEX entry_under_way ON entry (admitted_us) WHERE shown = 2;
CREATE INDEX entry_abandoned ON entry (exchange_id) WHERE phase = 4;
CREATE INDEX entry_act ON entry (leaf) WHERE phase = 6;

DELETE FROM sought;
DELETE FROM gateway;
DELETE FROM usage;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// Of which store of erasable parts it is.
const KEPT: &str = "
CREATE TABLE built_under (
    id     INTEGER PRIMARY KEY CHECK (id = 0),
    key_id BLOB NOT NULL
) STRICT;

CREATE TABLE expired (
    platform  INTEGER PRIMARY KEY,
    before_us INTEGER NOT NULL
) STRICT
";
