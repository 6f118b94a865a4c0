-- One encoding of times: INTEGER, milliseconds since 1970 in UTC, as the tables of migrations 2 and
-- 5 have it. Until now these seven tables had texts as of RFC 3339, which compare as texts, and
-- rightly only as long as all are written in the same way.
--
-- SQLite cannot change a column's type: each table is made anew and takes the place of the old.
-- Fractions of a millisecond are cut off. What prov_activities has of times stays as it is: those
-- are quotations from a log, kept letter by letter, and compared with nothing.

CREATE TABLE new_submissions (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,                 -- the night, YYYY-MM-DD
    prod_id TEXT NOT NULL,
    purpose TEXT NOT NULL,              -- what for, such as 'sequence 19102'
    attempt INTEGER NOT NULL,           -- counted from 1 for one purpose
    job_name TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,         -- the job's comment
    script TEXT NOT NULL,
    -- intended: recorded, outcome unknown; submitted: job_id is ours; refused: the scheduler said
    -- no; withdrawn: it was never asked; lost: it was asked and has no such job
    state TEXT NOT NULL
        CHECK (state IN ('intended', 'submitted', 'refused', 'withdrawn', 'lost')),
    job_id INTEGER CHECK ((state = 'submitted') <= (job_id IS NOT NULL)),
    message TEXT NOT NULL DEFAULT '',   -- why it was refused, is uncertain, or was given up
    author TEXT NOT NULL,               -- user@host:pid
    created INTEGER NOT NULL,
    touched INTEGER NOT NULL,           -- last sign of life of the command that submits it
    asked INTEGER,                      -- when the scheduler was asked; NULL: not yet
    settled INTEGER,                    -- when the state became what it is, unless 'intended'
    missing_since INTEGER,              -- first of the looks in a row that did not find the job
    end_state TEXT,                     -- how the job as a whole ended, as last seen
    UNIQUE (date, prod_id, purpose, attempt)
) STRICT;

INSERT INTO new_submissions
SELECT id, date, prod_id, purpose, attempt, job_name, token, script, state, job_id, message, author,
       CAST(round(unixepoch(created, 'subsec') * 1000) AS INTEGER),
       CAST(round(unixepoch(touched, 'subsec') * 1000) AS INTEGER),
       CAST(round(unixepoch(asked, 'subsec') * 1000) AS INTEGER),
       CAST(round(unixepoch(settled, 'subsec') * 1000) AS INTEGER),
       CAST(round(unixepoch(missing_since, 'subsec') * 1000) AS INTEGER),
       end_state
FROM submissions;

DROP TABLE submissions;
ALTER TABLE new_submissions RENAME TO submissions;
CREATE INDEX submissions_by_night ON submissions (date, prod_id);
CREATE INDEX submissions_by_name ON submissions (job_name);
-- Two commands at the same moment: the second's intent is refused by the database itself.
CREATE UNIQUE INDEX submissions_open ON submissions (date, prod_id, purpose)
    WHERE state = 'intended';

CREATE TABLE new_logbook (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,                 -- the night, YYYY-MM-DD
    prod_id TEXT NOT NULL,
    author TEXT NOT NULL,               -- cli:<unix user>, web:<user>, auto
    process TEXT NOT NULL,              -- user@host:pid of the program that did it
    action TEXT NOT NULL,               -- such as 'launch'
    plan TEXT NOT NULL CHECK (json_valid(plan)),
    begun INTEGER NOT NULL,
    ended INTEGER,                      -- NULL: under way, or its program died
    well INTEGER CHECK (well IN (0, 1)),
    outcome TEXT,                       -- one line
    CHECK ((ended IS NULL) = (outcome IS NULL) AND (ended IS NULL) = (well IS NULL))
) STRICT;

INSERT INTO new_logbook
SELECT id, date, prod_id, author, process, action, plan,
       CAST(round(unixepoch(begun, 'subsec') * 1000) AS INTEGER),
       CAST(round(unixepoch(ended, 'subsec') * 1000) AS INTEGER),
       well, outcome
FROM logbook;

DROP TABLE logbook;
ALTER TABLE new_logbook RENAME TO logbook;
CREATE INDEX logbook_by_night ON logbook (date, prod_id);

CREATE TABLE new_decisions (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,
    prod_id TEXT NOT NULL,
    run INTEGER NOT NULL,
    decision TEXT NOT NULL CHECK (json_valid(decision)),
    reason TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL,
    made INTEGER NOT NULL,
    undone_by TEXT,
    undone INTEGER,
    CHECK ((undone IS NULL) = (undone_by IS NULL))
) STRICT;

INSERT INTO new_decisions
SELECT id, date, prod_id, run, decision, reason, author,
       CAST(round(unixepoch(made, 'subsec') * 1000) AS INTEGER),
       undone_by,
       CAST(round(unixepoch(undone, 'subsec') * 1000) AS INTEGER)
FROM decisions;

DROP TABLE decisions;
ALTER TABLE new_decisions RENAME TO decisions;
CREATE INDEX decisions_by_night ON decisions (date, prod_id);

CREATE TABLE new_closings (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,                 -- the night, YYYY-MM-DD
    prod_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('close', 'reopen')),
    seq INTEGER,                        -- the one run that is closed; NULL: the night
    options TEXT NOT NULL,              -- JSON
    author TEXT NOT NULL,
    plan TEXT NOT NULL,                 -- JSON, of the last attempt
    jobs TEXT NOT NULL DEFAULT '[]',    -- JSON: the jobs of the first attempt's plan
    -- running: begun, and under way if its lock is held; failed: it may be begun again; done
    state TEXT NOT NULL CHECK (state IN ('running', 'failed', 'done')),
    attempt INTEGER NOT NULL,
    message TEXT NOT NULL DEFAULT '',   -- why it failed
    after_submission INTEGER NOT NULL,  -- the last row of submissions when it was begun
    started INTEGER NOT NULL,
    ended INTEGER
) STRICT;

INSERT INTO new_closings
SELECT id, date, prod_id, kind, seq, options, author, plan, jobs, state, attempt, message,
       after_submission,
       CAST(round(unixepoch(started, 'subsec') * 1000) AS INTEGER),
       CAST(round(unixepoch(ended, 'subsec') * 1000) AS INTEGER)
FROM closings;

-- Every step, recorded before and after; steps of earlier attempts are kept. The reference follows
-- the new table when that takes its name.
CREATE TABLE new_closing_steps (
    closing INTEGER NOT NULL REFERENCES new_closings (id),
    attempt INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    started INTEGER,
    ended INTEGER,
    detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (closing, attempt, position)
) STRICT, WITHOUT ROWID;

INSERT INTO new_closing_steps
SELECT closing, attempt, position, name, title, state,
       CAST(round(unixepoch(started, 'subsec') * 1000) AS INTEGER),
       CAST(round(unixepoch(ended, 'subsec') * 1000) AS INTEGER),
       detail
FROM closing_steps;

DROP TABLE closing_steps;
DROP TABLE closings;
ALTER TABLE new_closings RENAME TO closings;
ALTER TABLE new_closing_steps RENAME TO closing_steps;
CREATE INDEX closings_by_night ON closings (date, prod_id);

-- Who does what only one may do at a time. A lock counts as long as its very process lives, known
-- by number, start and boot of the machine: neither a crash nor a reboot leaves one behind.
CREATE TABLE new_locks (
    name TEXT PRIMARY KEY,              -- such as 'close 2024-11-28 v0.1.0'
    token TEXT NOT NULL,                -- tells two holders in one process apart
    pid INTEGER NOT NULL,
    start INTEGER NOT NULL,             -- of the process, in ticks since the machine's start
    boot TEXT NOT NULL,                 -- which start of the machine
    author TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO new_locks
SELECT name, token, pid, start, boot, author,
       CAST(round(unixepoch(since, 'subsec') * 1000) AS INTEGER)
FROM locks;

DROP TABLE locks;
ALTER TABLE new_locks RENAME TO locks;

-- Who has looked at which data quality, and what they noted. A note is never deleted: one that is
-- withdrawn stays, with who withdrew it.
CREATE TABLE new_datacheck_notes (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,                 -- the night, YYYY-MM-DD
    prod_id TEXT NOT NULL,
    run INTEGER,                        -- NULL: about the night as a whole
    sheet TEXT,                         -- the sheet of figures; NULL: about all of them
    text TEXT NOT NULL,                 -- empty: looked at, nothing to say
    author TEXT NOT NULL,               -- web:<user>, web:<user>/<token>, token:<name>
    made INTEGER NOT NULL,
    withdrawn_by TEXT,
    withdrawn INTEGER,
    CHECK ((withdrawn IS NULL) = (withdrawn_by IS NULL))
) STRICT;

INSERT INTO new_datacheck_notes
SELECT id, date, prod_id, run, sheet, text, author,
       CAST(round(unixepoch(made, 'subsec') * 1000) AS INTEGER),
       withdrawn_by,
       CAST(round(unixepoch(withdrawn, 'subsec') * 1000) AS INTEGER)
FROM datacheck_notes;

DROP TABLE datacheck_notes;
ALTER TABLE new_datacheck_notes RENAME TO datacheck_notes;
CREATE INDEX datacheck_notes_by_night ON datacheck_notes (date, prod_id);
