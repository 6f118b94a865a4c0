-- What is about to be submitted, and what became of it. A row is written before the scheduler is
-- asked, so that a crash between leaves a question that can be answered by name and comment.
CREATE TABLE submissions (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL,                 -- the night, YYYY-MM-DD
    prod_id TEXT NOT NULL,
    purpose TEXT NOT NULL,              -- what for, such as 'sequence 19102'
    attempt INTEGER NOT NULL,           -- counted from 1 for one purpose
    job_name TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,         -- the job's comment
    script TEXT NOT NULL,
    -- intended: recorded, outcome unknown; submitted: job_id is ours; refused, lost: no such job
    state TEXT NOT NULL CHECK (state IN ('intended', 'submitted', 'refused', 'lost')),
    job_id INTEGER,
    message TEXT NOT NULL DEFAULT '',   -- why it was refused or given up
    author TEXT NOT NULL,               -- user@host:pid
    created TEXT NOT NULL,
    settled TEXT,
    UNIQUE (date, prod_id, purpose, attempt)
) STRICT;

CREATE INDEX submissions_by_night ON submissions (date, prod_id);
