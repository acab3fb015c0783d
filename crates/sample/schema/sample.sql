-- How a synthetic source was made. One row, in each of the two databases; written last, so that a database without it is
-- incomplete.
CREATE TABLE sample (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    -- In decimal, because it has 64 bits without a sign.
    seed       TEXT    NOT NULL,
    citizens   INTEGER NOT NULL,
    households INTEGER NOT NULL,
    parcels    INTEGER NOT NULL,
    -- Grows whenever the same seed would make another city.
    generation INTEGER NOT NULL
) STRICT;
