-- The original's table of processed nights, in a database of its own (`database` in sequencer.cfg).
-- Its times are texts, as the original writes them.
CREATE TABLE IF NOT EXISTS processing (
    telescope TEXT,
    date TEXT,
    prod_id TEXT,
    start TEXT,
    end TEXT,
    is_finished INTEGER
);
