-- Who may do what in the browser and through the JSON interface. Times are UTC in milliseconds
-- since 1970. No secret is here as it is: passwords, session ids and tokens only as their hashes.

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again, so that no session finds a namesake
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'shifter', 'admin')),
    password TEXT NOT NULL,             -- argon2id with its salt and parameters, as a PHC string
    created INTEGER NOT NULL,
    disabled INTEGER                    -- since when; NULL: may sign in
) STRICT;

-- One row for each browser in which somebody is signed in.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,                -- SHA-256 of what the browser's cookie holds
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    content TEXT NOT NULL,              -- JSON
    expires INTEGER NOT NULL            -- at the latest
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user);

-- Tokens of programs. A revoked one stays, to tell what it was.
CREATE TABLE api_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'shifter', 'admin')),
    owner INTEGER REFERENCES users (id) ON DELETE CASCADE, -- NULL: made on the command line
    hash TEXT NOT NULL UNIQUE,          -- SHA-256 of the token
    created INTEGER NOT NULL,
    expires INTEGER,                    -- NULL: never
    used INTEGER,                       -- last, to the minute
    revoked INTEGER
) STRICT;

CREATE UNIQUE INDEX api_tokens_live ON api_tokens (name) WHERE revoked IS NULL;

-- Sign-ins that failed or have not been decided yet, for some time. A name is kept as its hash: some
-- people type their password there.
CREATE TABLE sign_in_attempts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,                 -- SHA-256
    address TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX sign_in_attempts_by_time ON sign_in_attempts (at);
