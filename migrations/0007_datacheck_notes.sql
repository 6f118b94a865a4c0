-- Who has looked at which data quality, and what they noted. A note is never deleted: one that is
-- withdrawn stays, with who withdrew it. Times are UTC, RFC 3339.
CREATE TABLE datacheck_notes (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,                 -- the night, YYYY-MM-DD
    prod_id TEXT NOT NULL,
    run INTEGER,                        -- NULL: about the night as a whole
    sheet TEXT,                         -- the sheet of figures; NULL: about all of them
    text TEXT NOT NULL,                 -- empty: looked at, nothing to say
    author TEXT NOT NULL,               -- web:<user>, web:<user>/<token>, token:<name>
    made TEXT NOT NULL,
    withdrawn_by TEXT,
    withdrawn TEXT,
    CHECK ((withdrawn IS NULL) = (withdrawn_by IS NULL))
) STRICT;

CREATE INDEX datacheck_notes_by_night ON datacheck_notes (date, prod_id);
