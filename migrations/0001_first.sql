-- What is about to be submitted, and what became of it. A row is written before the scheduler is
-- asked, so that a crash between leaves a question that can be answered by name and comment.
-- Times are UTC, RFC 3339.
CREATE TABLE submissions (
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
    created TEXT NOT NULL,
    touched TEXT NOT NULL,              -- last sign of life of the command that submits it
    asked TEXT,                         -- when the scheduler was asked; NULL: not yet
    settled TEXT,                       -- when the state became what it is, unless 'intended'
    missing_since TEXT,                 -- first of the looks in a row that did not find the job
    end_state TEXT,                     -- how the job as a whole ended, as last seen
    UNIQUE (date, prod_id, purpose, attempt)
) STRICT;

CREATE INDEX submissions_by_night ON submissions (date, prod_id);
CREATE INDEX submissions_by_name ON submissions (job_name);

-- Two commands at the same moment: the second's intent is refused by the database itself.
CREATE UNIQUE INDEX submissions_open ON submissions (date, prod_id, purpose)
    WHERE state = 'intended';
