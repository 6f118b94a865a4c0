-- The queue of the local scheduler. Times are UTC in milliseconds since 1970.

-- What whoever submitted last asked of the engine; the supervisor reads it again and again.
CREATE TABLE local_settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cpus INTEGER NOT NULL,              -- processors in use at once
    grace_ms INTEGER NOT NULL,          -- between SIGTERM and SIGKILL
    idle_ms INTEGER NOT NULL            -- the supervisor ends after that long without work
) STRICT;

-- Numbers count from 1 and are never used again.
CREATE TABLE local_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    comment TEXT NOT NULL,
    script BLOB NOT NULL,               -- path, as submitted
    body BLOB,                          -- its text when it was submitted; NULL once all has ended
    environment BLOB,                   -- NAME=value, each ended by a zero byte; NULL likewise
    directory BLOB NOT NULL,            -- working directory, absolute
    output TEXT NOT NULL,               -- patterns of file names
    error TEXT,
    array TEXT,                         -- as directed; NULL: one task, no array
    array_limit INTEGER,                -- tasks of it at once
    cpus INTEGER NOT NULL,              -- of each task
    memory_per_cpu INTEGER,             -- bytes
    walltime_ms INTEGER,                -- NULL: unlimited
    -- why no task may begin yet, in Slurm's word; empty: they may
    hold TEXT NOT NULL CHECK (hold IN ('', 'Dependency', 'DependencyNeverSatisfied')),
    submitted INTEGER NOT NULL
) STRICT;

CREATE INDEX local_jobs_waiting ON local_jobs (id) WHERE hold = 'Dependency';
CREATE INDEX local_jobs_kept ON local_jobs (id) WHERE body IS NOT NULL;

-- afterok: every task of the parent must have ended well.
CREATE TABLE local_dependencies (
    job INTEGER NOT NULL REFERENCES local_jobs (id),
    parent INTEGER NOT NULL REFERENCES local_jobs (id),
    PRIMARY KEY (job, parent)
) STRICT, WITHOUT ROWID;

-- A task waits (PENDING), is claimed by a supervisor (CONFIGURING) and belongs to a runner process
-- (RUNNING) until it has ended. Whoever changes the state names the state, claim or runner that it
-- changes from, so that of two who try only one does.
CREATE TABLE local_tasks (
    job INTEGER NOT NULL REFERENCES local_jobs (id),
    task INTEGER NOT NULL,              -- index in the array; 0 outside arrays
    state TEXT NOT NULL,                -- in Slurm's words
    claim TEXT NOT NULL DEFAULT '',     -- token of the supervisor's order to run it
    runner_pid INTEGER,                 -- process that runs it; also its session
    runner_start INTEGER,               -- when that began, in ticks since the machine's start
    runner_boot TEXT,                   -- which start of the machine
    cancel_asked INTEGER,
    started INTEGER,
    ended INTEGER,
    exit_code INTEGER,
    exit_signal INTEGER,
    cpu_ms INTEGER,                     -- processor time really used
    max_rss INTEGER,                    -- bytes
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job, task),
    CHECK ((state IN ('PENDING', 'CONFIGURING', 'RUNNING')) = (ended IS NULL)),
    CHECK (state <> 'RUNNING' OR (runner_pid IS NOT NULL AND started IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX local_tasks_open ON local_tasks (state, job, task) WHERE ended IS NULL;
CREATE INDEX local_tasks_ended ON local_tasks (ended) WHERE ended IS NOT NULL;
