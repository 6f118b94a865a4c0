-- Who did what to a night, when, and what came of it. Times are UTC, RFC 3339.
CREATE TABLE logbook (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,                 -- the night, YYYY-MM-DD
    prod_id TEXT NOT NULL,
    author TEXT NOT NULL,               -- cli:<unix user>, web:<user>, auto
    process TEXT NOT NULL,              -- user@host:pid of the program that did it
    action TEXT NOT NULL,               -- such as 'launch'
    plan TEXT NOT NULL CHECK (json_valid(plan)),
    begun TEXT NOT NULL,
    ended TEXT,                         -- NULL: under way, or its program died
    well INTEGER CHECK (well IN (0, 1)),
    outcome TEXT,                       -- one line
    CHECK ((ended IS NULL) = (outcome IS NULL) AND (ended IS NULL) = (well IS NULL))
) STRICT;

CREATE INDEX logbook_by_night ON logbook (date, prod_id);

-- What people have decided about runs, beside the run summary, which is never edited. A decision
-- acts until it is undone; it is never deleted.
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,
    prod_id TEXT NOT NULL,
    run INTEGER NOT NULL,
    decision TEXT NOT NULL CHECK (json_valid(decision)),
    reason TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL,
    made TEXT NOT NULL,
    undone_by TEXT,
    undone TEXT,
    CHECK ((undone IS NULL) = (undone_by IS NULL))
) STRICT;

CREATE INDEX decisions_by_night ON decisions (date, prod_id);
