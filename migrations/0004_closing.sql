-- Closings of nights: what was done, step by step, by whom. Times are UTC, RFC 3339.
CREATE TABLE closings (
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
    started TEXT NOT NULL,
    ended TEXT
) STRICT;

CREATE INDEX closings_by_night ON closings (date, prod_id);

-- Every step, recorded before and after; steps of earlier attempts are kept.
CREATE TABLE closing_steps (
    closing INTEGER NOT NULL REFERENCES closings (id),
    attempt INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    started TEXT,
    ended TEXT,
    detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (closing, attempt, position)
) STRICT, WITHOUT ROWID;

-- Who does what only one may do at a time. A lock counts as long as its very process lives, known
-- by number, start and boot of the machine: neither a crash nor a reboot leaves one behind.
CREATE TABLE locks (
    name TEXT PRIMARY KEY,              -- such as 'close 2024-11-28 v0.1.0'
    token TEXT NOT NULL,                -- tells two holders in one process apart
    pid INTEGER NOT NULL,
    start INTEGER NOT NULL,             -- of the process, in ticks since the machine's start
    boot TEXT NOT NULL,                 -- which start of the machine
    author TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT, WITHOUT ROWID;
