//! The index on PostgreSQL: the same tables and columns as in SQLite, but in partitions.

use lgsp_store::Migration;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "index", sql: INDEX },
    Migration { version: 2, name: "counts of days", sql: DAILY },
    Migration { version: 3, name: "when gateways began", sql: BEGAN },
    Migration { version: 4, name: "how many fields were released", sql: FIELDS },
    Migration { version: 5, name: "anomalies", sql: ANOMALIES },
];

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

/// The same counts as in SQLite, kept by the statement instead of the row: a batch counts a key once. What moves from `entry_caught`
/// to the partition of its month stays counted, because no statement about `entry` moves it. Nothing is taken away: what counts
/// nothing any more is told by nobody.
const DAILY: &str = "
ALTER TABLE entry ADD COLUMN environment TEXT NOT NULL DEFAULT '', ADD COLUMN bucket INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN dossier INTEGER NOT NULL DEFAULT 0;
CREATE TABLE daily (
    day         BIGINT  NOT NULL,
    platform    INTEGER NOT NULL,
    environment TEXT    NOT NULL,
    application TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    outcome     INTEGER NOT NULL,
    bucket      INTEGER NOT NULL,
    exchanges   BIGINT  NOT NULL,
    dossiers    BIGINT  NOT NULL,
    PRIMARY KEY (day, platform, environment, application, service, method, outcome, bucket)
);
CREATE FUNCTION count_came() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO daily SELECT (admitted_us + 25200000000) / 86400000000 AS day, platform, environment, application, service, method, outcome, bucket, count(*), sum(dossier)
    FROM came WHERE shown = 1 AND signed > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (day, platform, environment, application, service, method, outcome, bucket) DO UPDATE
    SET exchanges = daily.exchanges + excluded.exchanges, dossiers = daily.dossiers + excluded.dossiers;
    RETURN NULL;
END $$;
CREATE FUNCTION count_went() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE daily SET exchanges = daily.exchanges - less.exchanges, dossiers = daily.dossiers - less.dossiers FROM (
        SELECT (admitted_us + 25200000000) / 86400000000 AS day, platform, environment, application, service, method, outcome, bucket, count(*) AS exchanges, sum(dossier) AS dossiers
        FROM went WHERE shown = 1 AND signed > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ) AS less WHERE (daily.day, daily.platform, daily.environment, daily.application, daily.service, daily.method, daily.outcome, daily.bucket)
        = (less.day, less.platform, less.environment, less.application, less.service, less.method, less.outcome, less.bucket);
    RETURN NULL;
END $$;
CREATE TRIGGER entry_came AFTER INSERT ON entry REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION count_came();
CREATE TRIGGER entry_is AFTER UPDATE ON entry REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION count_came();
CREATE TRIGGER entry_was AFTER UPDATE ON entry REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION count_went();
CREATE TRIGGER entry_went AFTER DELETE ON entry REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION count_went();
TRUNCATE entry, sought, span, gateway, usage;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// When a gateway entered something first: told from the log anew.
const BEGAN: &str = "
ALTER TABLE gateway ADD COLUMN first_entered_us BIGINT NOT NULL DEFAULT 0;
TRUNCATE entry, sought, span, gateway, usage, daily;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// As in SQLite.
const FIELDS: &str = "
ALTER TABLE entry ADD COLUMN fields INTEGER NOT NULL DEFAULT 0, ADD COLUMN month BIGINT NOT NULL DEFAULT 0;
CREATE TABLE monthly (
    month       BIGINT  NOT NULL,
    platform    INTEGER NOT NULL,
    environment TEXT    NOT NULL,
    application TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    outcome     INTEGER NOT NULL,
    bucket      INTEGER NOT NULL,
    exchanges   BIGINT  NOT NULL,
    dossiers    BIGINT  NOT NULL,
    PRIMARY KEY (month, platform, environment, application, service, method, outcome, bucket)
);
CREATE OR REPLACE FUNCTION count_came() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO daily SELECT (admitted_us + 25200000000) / 86400000000 AS day, platform, environment, application, service, method, outcome, bucket, count(*), sum(dossier)
    FROM came WHERE shown = 1 AND signed > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (day, platform, environment, application, service, method, outcome, bucket) DO UPDATE
    SET exchanges = daily.exchanges + excluded.exchanges, dossiers = daily.dossiers + excluded.dossiers;
    INSERT INTO monthly SELECT month AS month, platform, environment, application, service, method, outcome, bucket, count(*), sum(dossier)
    FROM came WHERE shown = 1 AND signed > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (month, platform, environment, application, service, method, outcome, bucket) DO UPDATE
    SET exchanges = monthly.exchanges + excluded.exchanges, dossiers = monthly.dossiers + excluded.dossiers;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION count_went() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE daily SET exchanges = daily.exchanges - less.exchanges, dossiers = daily.dossiers - less.dossiers FROM (
        SELECT (admitted_us + 25200000000) / 86400000000 AS day, platform, environment, application, service, method, outcome, bucket, count(*) AS exchanges, sum(dossier) AS dossiers
        FROM went WHERE shown = 1 AND signed > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ) AS less WHERE (daily.day, daily.platform, daily.environment, daily.application, daily.service, daily.method, daily.outcome, daily.bucket)
        = (less.day, less.platform, less.environment, less.application, less.service, less.method, less.outcome, less.bucket);
    UPDATE monthly SET exchanges = monthly.exchanges - less.exchanges, dossiers = monthly.dossiers - less.dossiers FROM (
        SELECT month AS month, platform, environment, application, service, method, outcome, bucket, count(*) AS exchanges, sum(dossier) AS dossiers
        FROM went WHERE shown = 1 AND signed > 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ) AS less WHERE (monthly.month, monthly.platform, monthly.environment, monthly.application, monthly.service, monthly.method, monthly.outcome, monthly.bucket)
        = (less.month, less.platform, less.environment, less.application, less.service, less.method, less.outcome, less.bucket);
    RETURN NULL;
END $$;
TRUNCATE entry, sought, span, gateway, usage, daily;
UPDATE progress SET leaves = 0, segment = 0, byte = 0
";

/// As in SQLite.
const ANOMALIES: &str = "
CREATE INDEX sought_at ON sought (admitted_us, kind, exchange_id, asked);
CREATE TABLE looked_day (
    day       BIGINT  PRIMARY KEY,
    entries   BIGINT  NOT NULL,
    evaluated BIGINT  NOT NULL DEFAULT 0,
    rules     BYTEA,
    whole     INTEGER NOT NULL DEFAULT 0
);
INSERT INTO looked_day (day, entries) SELECT day, sum(exchanges) FROM daily WHERE platform = 0 AND exchanges > 0 GROUP BY day;

CREATE TABLE finding (
    id          BYTEA   PRIMARY KEY,
    day         BIGINT  NOT NULL,
    rule        INTEGER NOT NULL,
    environment TEXT    NOT NULL,
    application TEXT    NOT NULL,
    kind        INTEGER NOT NULL,
    whom        BYTEA,
    body        BYTEA,
    stands      INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    said_at     BIGINT  NOT NULL
);
CREATE INDEX finding_day ON finding (day, id);
CREATE INDEX finding_whom ON finding (kind, whom, day) WHERE whom IS NOT NULL;

CREATE TABLE annotation (
    leaf       BIGINT  PRIMARY KEY,
    anomaly    BYTEA   NOT NULL,
    act_id     BYTEA   NOT NULL,
    entered_us BIGINT  NOT NULL,
    status     INTEGER NOT NULL,
    by_whom    TEXT    NOT NULL,
    copy       BYTEA   NOT NULL
);
CREATE INDEX annotation_of ON annotation (anomaly, leaf)
";
