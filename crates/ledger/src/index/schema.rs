use lgsp_store::Migration;

/// The index. It holds nothing that the log does not hold, but for the offsets, and these only save reading again.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "entries", sql: ENTRIES },
    Migration { version: 2, name: "usage", sql: USAGE },
    Migration { version: 3, name: "what entries are found by", sql: SOUGHT },
    Migration { version: 4, name: "what is signed", sql: SIGNED },
    Migration { version: 5, name: "the store of erasable parts", sql: KEPT },
    Migration { version: 6, name: "counts of days", sql: DAILY },
    Migration { version: 7, name: "when gateways began", sql: BEGAN },
    Migration { version: 8, name: "how many fields were released", sql: FIELDS },
    Migration { version: 9, name: "anomalies", sql: ANOMALIES },
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

/// How many exchanges of a day ended how, and how long they took: what is shown and signed of `entry`, counted. The database itself
/// keeps the two in step, whatever comes, gives way, is archived or brought back.
///
/// `day`: from 1970-01-01, in Asia/Ho_Chi_Minh. `bucket`: of the time that the exchange took. `dossier`: 1 if it named one.
const DAILY: &str = "
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
    byte        INTEGER NOT NULL,
    environment TEXT    NOT NULL,
    bucket      INTEGER NOT NULL,
    dossier     INTEGER NOT NULL
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

CREATE TABLE daily (
    day         INTEGER NOT NULL,
    platform    INTEGER NOT NULL,
    environment TEXT    NOT NULL,
    application TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    outcome     INTEGER NOT NULL,
    bucket      INTEGER NOT NULL,
    exchanges   INTEGER NOT NULL,
    dossiers    INTEGER NOT NULL,
    PRIMARY KEY (day, platform, environment, application, service, method, outcome, bucket)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER entry_came AFTER INSERT ON entry WHEN NEW.shown = 1 AND NEW.signed > 0 BEGIN
    INSERT INTO daily VALUES ((NEW.admitted_us + 25200000000) / 86400000000, NEW.platform, NEW.environment, NEW.application, NEW.service, NEW.method, NEW.outcome, NEW.bucket, 1, NEW.dossier)
    ON CONFLICT DO UPDATE SET exchanges = exchanges + 1, dossiers = dossiers + excluded.dossiers;
END;
CREATE TRIGGER entry_went AFTER DELETE ON entry WHEN OLD.shown = 1 AND OLD.signed > 0 BEGIN
    UPDATE daily SET exchanges = exchanges - 1, dossiers = dossiers - OLD.dossier
    WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket);
    DELETE FROM daily WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket) AND exchanges = 0;
END;
CREATE TRIGGER entry_was AFTER UPDATE ON entry WHEN OLD.shown = 1 AND OLD.signed > 0 BEGIN
    UPDATE daily SET exchanges = exchanges - 1, dossiers = dossiers - OLD.dossier
    WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket);
    DELETE FROM daily WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket) AND exchanges = 0;
END;
CREATE TRIGGER entry_is AFTER UPDATE ON entry WHEN NEW.shown = 1 AND NEW.signed > 0 BEGIN
    INSERT INTO daily VALUES ((NEW.admitted_us + 25200000000) / 86400000000, NEW.platform, NEW.environment, NEW.application, NEW.service, NEW.method, NEW.outcome, NEW.bucket, 1, NEW.dossier)
    ON CONFLICT DO UPDATE SET exchanges = exchanges + 1, dossiers = dossiers + excluded.dossiers;
END;

DELETE FROM sought;
DELETE FROM gateway;
DELETE FROM usage;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// When a gateway entered something first: told from the log anew.
const BEGAN: &str = "
ALTER TABLE gateway ADD COLUMN first_entered_us INTEGER NOT NULL DEFAULT 0;
DELETE FROM entry;
DELETE FROM sought;
DELETE FROM gateway;
DELETE FROM usage;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// `fields`: how many fields the mask let through in the exchange that it ends. `month`: of its moment, in Asia/Ho_Chi_Minh. Counts are
/// kept of months as of days, so that those of a year are read from twelve. All is told from the log anew.
const FIELDS: &str = "
ALTER TABLE entry ADD COLUMN fields INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN month INTEGER NOT NULL DEFAULT 0;
DELETE FROM entry;
DROP TRIGGER entry_came;
DROP TRIGGER entry_went;
DROP TRIGGER entry_was;
DROP TRIGGER entry_is;
CREATE TABLE monthly (
    month       INTEGER NOT NULL,
    platform    INTEGER NOT NULL,
    environment TEXT    NOT NULL,
    application TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    outcome     INTEGER NOT NULL,
    bucket      INTEGER NOT NULL,
    exchanges   INTEGER NOT NULL,
    dossiers    INTEGER NOT NULL,
    PRIMARY KEY (month, platform, environment, application, service, method, outcome, bucket)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER entry_came AFTER INSERT ON entry WHEN NEW.shown = 1 AND NEW.signed > 0 BEGIN
    INSERT INTO daily VALUES ((NEW.admitted_us + 25200000000) / 86400000000, NEW.platform, NEW.environment, NEW.application, NEW.service, NEW.method, NEW.outcome, NEW.bucket, 1, NEW.dossier)
    ON CONFLICT DO UPDATE SET exchanges = exchanges + 1, dossiers = dossiers + excluded.dossiers;
    INSERT INTO monthly VALUES (NEW.month, NEW.platform, NEW.environment, NEW.application, NEW.service, NEW.method, NEW.outcome, NEW.bucket, 1, NEW.dossier)
    ON CONFLICT DO UPDATE SET exchanges = exchanges + 1, dossiers = dossiers + excluded.dossiers;
END;
CREATE TRIGGER entry_went AFTER DELETE ON entry WHEN OLD.shown = 1 AND OLD.signed > 0 BEGIN
    UPDATE daily SET exchanges = exchanges - 1, dossiers = dossiers - OLD.dossier WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket);
    DELETE FROM daily WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket) AND exchanges = 0;
    UPDATE monthly SET exchanges = exchanges - 1, dossiers = dossiers - OLD.dossier WHERE (month, platform, environment, application, service, method, outcome, bucket) = (OLD.month, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket);
    DELETE FROM monthly WHERE (month, platform, environment, application, service, method, outcome, bucket) = (OLD.month, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket) AND exchanges = 0;
END;
CREATE TRIGGER entry_was AFTER UPDATE ON entry WHEN OLD.shown = 1 AND OLD.signed > 0 BEGIN
    UPDATE daily SET exchanges = exchanges - 1, dossiers = dossiers - OLD.dossier WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket);
    DELETE FROM daily WHERE (day, platform, environment, application, service, method, outcome, bucket) = ((OLD.admitted_us + 25200000000) / 86400000000, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket) AND exchanges = 0;
    UPDATE monthly SET exchanges = exchanges - 1, dossiers = dossiers - OLD.dossier WHERE (month, platform, environment, application, service, method, outcome, bucket) = (OLD.month, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket);
    DELETE FROM monthly WHERE (month, platform, environment, application, service, method, outcome, bucket) = (OLD.month, OLD.platform, OLD.environment, OLD.application, OLD.service, OLD.method, OLD.outcome, OLD.bucket) AND exchanges = 0;
END;
CREATE TRIGGER entry_is AFTER UPDATE ON entry WHEN NEW.shown = 1 AND NEW.signed > 0 BEGIN
    INSERT INTO daily VALUES ((NEW.admitted_us + 25200000000) / 86400000000, NEW.platform, NEW.environment, NEW.application, NEW.service, NEW.method, NEW.outcome, NEW.bucket, 1, NEW.dossier)
    ON CONFLICT DO UPDATE SET exchanges = exchanges + 1, dossiers = dossiers + excluded.dossiers;
    INSERT INTO monthly VALUES (NEW.month, NEW.platform, NEW.environment, NEW.application, NEW.service, NEW.method, NEW.outcome, NEW.bucket, 1, NEW.dossier)
    ON CONFLICT DO UPDATE SET exchanges = exchanges + 1, dossiers = dossiers + excluded.dossiers;
END;

DELETE FROM sought;
DELETE FROM gateway;
DELETE FROM usage;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// What the rules for anomalies have looked at, and found. `sought_at`: what entries are found by, in the order of time.
///
/// `entries`: grows with what comes to a day or changes of it; `evaluated`: what it was when the rules looked. `rules`: the digest of their
/// options. `whole`: the day was over. `body`: none of what is known by an annotation alone. `stands`: the rule finds it. `said_at`: the leaf
/// of the last annotation, which has `status`; -1 without one.
const ANOMALIES: &str = "
CREATE INDEX sought_at ON sought (admitted_us, kind, exchange_id, asked);
CREATE TABLE looked_day (
    day       INTEGER PRIMARY KEY,
    entries   INTEGER NOT NULL,
    evaluated INTEGER NOT NULL DEFAULT 0,
    rules     BLOB,
    whole     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO looked_day (day, entries) SELECT day, sum(exchanges) FROM daily WHERE platform = 0 AND exchanges > 0 GROUP BY day;

CREATE TABLE finding (
    id          BLOB    PRIMARY KEY,
    day         INTEGER NOT NULL,
    rule        INTEGER NOT NULL,
    environment TEXT    NOT NULL,
    application TEXT    NOT NULL,
    kind        INTEGER NOT NULL,
    whom        BLOB,
    body        BLOB,
    stands      INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    said_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_day ON finding (day, id);
CREATE INDEX finding_whom ON finding (kind, whom, day) WHERE whom IS NOT NULL;

CREATE TABLE annotation (
    leaf       INTEGER PRIMARY KEY,
    anomaly    BLOB    NOT NULL,
    act_id     BLOB    NOT NULL,
    entered_us INTEGER NOT NULL,
    status     INTEGER NOT NULL,
    by_whom    TEXT    NOT NULL,
    copy       BLOB    NOT NULL
) STRICT;
CREATE INDEX annotation_of ON annotation (anomaly, leaf)
";
