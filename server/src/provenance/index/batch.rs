//! Rows of a piece of a log, gathered in memory and written together.

use std::collections::HashMap;

use md5::{Digest as _, Md5};
use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::super::record::{Kind, Record, Subject, Tag};
use super::super::scan::{LogLine, Refusal};

/// Rows of one statement, which are given to it as one text.
const ROWS: usize = 500;

/// An activity, as far as the piece tells.
#[derive(Debug, Serialize)]
struct Activity {
    id: i64,
    key: String,
    name: &'static str,
    run: i64,
    drs4: Option<i64>,
    started: Option<String>,
    ended: Option<String>,
    agent: Option<String>,
    script: Option<String>,
}

/// An entity.
#[derive(Debug, Serialize)]
struct Entity {
    id: i64,
    key: String,
    name: String,
    path: String,
    file: String,
    actual_path: Option<String>,
    kind: String,
    content_type: Option<String>,
    content_hash: Option<String>,
}

/// What was gathered.
#[derive(Debug, Default)]
pub struct Batch {
    activities: HashMap<String, Activity>,
    entities: HashMap<i64, Entity>,
    relations: Vec<(i64, bool, i64, String)>,
}

/// The number that stands for a key: the same in every log, and no two alike in practice.
pub fn id_of(key: &str) -> i64 {
    let digest = Md5::digest(key.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

impl Batch {
    /// Takes a line in. Sessions are many and long, and say nothing about lineage: they are not
    /// parsed; nor is what the piece says again of a file.
    pub fn take(&mut self, line: &LogLine<'_>) -> Result<(), Refusal> {
        let Some(tag) = Tag::parse(line.tag) else { return Ok(()) };
        if Record::is_session(line.body) {
            return Ok(());
        }
        if let Some(known) = entity_id(line.body).map(id_of).and_then(|id| self.entities.get(&id))
            && (known.content_hash.is_some()
                || memchr::memmem::find(line.body, b"content_hash").is_none())
        {
            return Ok(());
        }
        if let Some((activity, generated, entity, role)) = plain_relation(line.body) {
            self.relation(tag, activity, generated, entity, role);
            return Ok(());
        }
        let record = Record::parse(line.body).map_err(|error| (error.column(), error.problem()))?;
        self.record(tag, &record);
        Ok(())
    }

    fn record(&mut self, tag: Tag, record: &Record) {
        let text = |key| record.dict.text(key).map(str::to_owned);
        match record.kind {
            Kind::Session | Kind::Parameters => {}
            Kind::Start => {
                let activity = self.activity(tag, record.text("activity_id"));
                activity.started = text("startTime");
                activity.agent = text("agent_name");
                activity.script = text("script");
            }
            Kind::End => {
                self.activity(tag, record.text("activity_id")).ended = text("endTime");
            }
            Kind::Entity => {
                let (key, path) = (record.text("entity_id"), record.text("filepath"));
                let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                let entity = Entity {
                    id: id_of(key),
                    key: key.to_owned(),
                    name: record.text("name").to_owned(),
                    path: path.to_owned(),
                    file: file.to_owned(),
                    actual_path: text("actual_path"),
                    kind: record.text("type").to_owned(),
                    content_type: text("contentType"),
                    content_hash: text("content_hash"),
                };
                self.entities.insert(entity.id, entity);
            }
            Kind::Usage | Kind::Generation => {
                let generated = record.kind == Kind::Generation;
                let keys = match generated {
                    true => ["activity_id", "generated_id", "generated_role"],
                    false => ["activity_id", "used_id", "used_role"],
                };
                let [activity, entity, role] = keys.map(|key| record.text(key));
                self.relation(tag, activity, generated, entity, role);
            }
        }
    }

    fn activity(&mut self, tag: Tag, key: &str) -> &mut Activity {
        if !self.activities.contains_key(key) {
            let (run, drs4) = match tag.subject {
                Subject::Run(run) => (run, None),
                Subject::Calibration { drs4, pedcal } => (pedcal, Some(drs4)),
            };
            let activity = Activity {
                id: id_of(key),
                key: key.to_owned(),
                name: tag.activity.name(),
                run: run.0.into(),
                drs4: drs4.map(|run| run.0.into()),
                started: None,
                ended: None,
                agent: None,
                script: None,
            };
            self.activities.insert(key.to_owned(), activity);
        }
        self.activities.get_mut(key).unwrap_or_else(|| unreachable!("it was put in above"))
    }

    fn relation(&mut self, tag: Tag, activity: &str, generated: bool, entity: &str, role: &str) {
        self.activity(tag, activity);
        self.relations.push((id_of(activity), generated, id_of(entity), role.to_owned()));
    }

    /// Writes everything. What is known already is completed, not doubled.
    pub async fn write(self, db: &mut SqliteConnection, log: i64) -> Result<(), sqlx::Error> {
        let activities: Vec<Activity> = self.activities.into_values().collect();
        for rows in activities.chunks(ROWS) {
            let insert = sqlx::query!(
                "INSERT INTO prov_activities (id, log, key, name, run, drs4, started, ended, agent,
                                              script)
                 SELECT value ->> 'id', ?2, value ->> 'key', value ->> 'name', value ->> 'run',
                        value ->> 'drs4', value ->> 'started', value ->> 'ended',
                        value ->> 'agent', value ->> 'script'
                 FROM json_each(?1) WHERE true
                 ON CONFLICT (id) DO UPDATE SET started = coalesce(excluded.started, started),
                     ended = coalesce(excluded.ended, ended),
                     agent = coalesce(excluded.agent, agent),
                     script = coalesce(excluded.script, script)",
                Json(rows),
                log,
            );
            insert.execute(&mut *db).await?;
        }
        let mut entities: Vec<Entity> = self.entities.into_values().collect();
        entities.sort_unstable_by_key(|entity| entity.id);
        for rows in entities.chunks(ROWS) {
            let insert = sqlx::query!(
                "INSERT INTO prov_entities (id, key, name, path, file, actual_path, type,
                                            content_type, content_hash)
                 SELECT value ->> 'id', value ->> 'key', value ->> 'name', value ->> 'path',
                        value ->> 'file', value ->> 'actual_path', value ->> 'kind',
                        value ->> 'content_type', value ->> 'content_hash'
                 FROM json_each(?1) WHERE true
                 ON CONFLICT (id) DO UPDATE SET
                     actual_path = coalesce(excluded.actual_path, actual_path),
                     content_hash = coalesce(excluded.content_hash, content_hash)",
                Json(rows),
            );
            insert.execute(&mut *db).await?;
        }
        let mut relations = self.relations;
        relations.sort_unstable();
        relations.dedup();
        for rows in relations.chunks(ROWS) {
            let insert = sqlx::query!(
                "INSERT OR IGNORE INTO prov_relations (activity, generated, entity, role)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)",
                Json(rows),
            );
            insert.execute(&mut *db).await?;
        }
        Ok(())
    }
}

/// The id at the beginning of an entity's record, where it stands as a rule.
fn entity_id(body: &[u8]) -> Option<&str> {
    let after = body.strip_prefix(b"{'entity_id': '")?;
    std::str::from_utf8(&after[..memchr::memchr(b'\'', after)?]).ok()
}

/// Activity, whether it generated, entity and role of a usage or generation that is written the way it
/// always is: most lines of a log are such, and need no parser.
fn plain_relation(body: &[u8]) -> Option<(&str, bool, &str, &str)> {
    if !body.starts_with(b"{'activity_id': '") || memchr::memchr2(b'"', b'\\', body).is_some() {
        return None;
    }
    // Without double quotes and backslashes, every second part is a key or a text.
    let mut parts = std::str::from_utf8(body).ok()?.split('\'').skip(3).step_by(2);
    let (activity, id, entity, as_what, role) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let generated = match (id, as_what) {
        ("used_id", "used_role") => false,
        ("generated_id", "generated_role") => true,
        _ => return None,
    };
    (parts.next()? == "session_tag" && parts.nth(1).is_none())
        .then_some((activity, generated, entity, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_relation_says_the_same_as_when_it_is_parsed() {
        let plain = b"{'activity_id': 'a1', 'used_id': 'e1', 'used_role': 'Some role', 'session_tag': 'dl1ab:1'}";
        assert_eq!(plain_relation(plain), Some(("a1", false, "e1", "Some role")));
        for other in [
            "{'activity_id': 'a1', 'used_id': 'e1', 'used_role': \"it's\", 'session_tag': 'x:1'}",
            "{'activity_id': 'a1', 'used_id': 'e1', 'session_tag': 'dl1ab:1'}",
            "{'activity_id': 'a1', 'name': 'dl1ab', 'startTime': 't', 'session_tag': 'dl1ab:1'}",
            "{'activity_id': 'a1', 'used_id': 'e1', 'used_role': 'r', 'session_tag': 'x:1', 'more': 'm'}",
        ] {
            assert_eq!(plain_relation(other.as_bytes()), None, "{other}");
        }
    }
}
