-- Browsers in which a user has signed in. What strangers get wrong under the user's name does not
-- slow these down.
CREATE TABLE known_browsers (
    id TEXT NOT NULL,                   -- SHA-256 of what the browser's cookie holds
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen INTEGER NOT NULL,              -- last sign-in
    PRIMARY KEY (id, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX known_browsers_by_user ON known_browsers (user);

-- The address of an attempt is from now on its source: an address, `browser:` and the hash of a known
-- browser, or `session` for the current password of somebody who is signed in.
ALTER TABLE sign_in_attempts RENAME COLUMN address TO source;
