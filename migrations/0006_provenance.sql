-- Index of the nights' prov.log files. It holds nothing that cannot be read from them again.
CREATE TABLE prov_logs (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    inode INTEGER NOT NULL,
    mark TEXT NOT NULL,                 -- hash of its beginning and of the end of what is indexed
    complete INTEGER NOT NULL,          -- bytes that are indexed, up to the end of a line
    lines INTEGER NOT NULL,             -- lines up to there, empty ones included
    bad INTEGER NOT NULL                -- how many of them are torn or no records
) STRICT;

-- The first bad lines of each log.
CREATE TABLE prov_bad_lines (
    log INTEGER NOT NULL REFERENCES prov_logs (id),
    line INTEGER NOT NULL,              -- from 1
    place INTEGER NOT NULL,             -- column, from 1, in bytes
    problem TEXT NOT NULL,
    PRIMARY KEY (log, line)
) STRICT, WITHOUT ROWID;

-- Activities of single subruns or calibrations. The id is made of the key.
CREATE TABLE prov_activities (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES prov_logs (id),
    key TEXT NOT NULL,                  -- activity_id of the records
    name TEXT NOT NULL,                 -- r0_to_dl1, ...
    run INTEGER NOT NULL,               -- of a calibration, its pedestal and flat-field run
    drs4 INTEGER,                       -- of a calibration, its DRS4 run
    started TEXT,
    ended TEXT,                         -- NULL: no record says that it has ended
    agent TEXT,
    script TEXT
) STRICT;
CREATE INDEX prov_activities_by_run ON prov_activities (run);
CREATE INDEX prov_activities_by_drs4 ON prov_activities (drs4) WHERE drs4 IS NOT NULL;
CREATE INDEX prov_activities_by_log ON prov_activities (log);

-- Files, of all nights: one file is one entity. The id is made of the key.
CREATE TABLE prov_entities (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,                  -- entity_id of the records: MD5 of the path
    name TEXT NOT NULL,                 -- what it is, such as DL1SubrunDataset
    path TEXT NOT NULL,
    file TEXT NOT NULL,                 -- the path's last part
    actual_path TEXT,                   -- where the file was, if not there
    type TEXT NOT NULL,
    content_type TEXT,
    content_hash TEXT                   -- SHA-256 of what the file held when it was last seen
) STRICT;
CREATE INDEX prov_entities_by_path ON prov_entities (path);
CREATE INDEX prov_entities_by_file ON prov_entities (file);
CREATE INDEX prov_entities_by_actual_path ON prov_entities (actual_path) WHERE actual_path IS NOT NULL;
CREATE INDEX prov_entities_by_content ON prov_entities (content_hash) WHERE content_hash IS NOT NULL;

-- What an activity used and generated.
CREATE TABLE prov_relations (
    activity INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    generated INTEGER NOT NULL,         -- 1: generated; 0: used
    role TEXT NOT NULL,
    PRIMARY KEY (activity, generated, entity, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX prov_relations_by_entity ON prov_relations (entity, generated, activity);
