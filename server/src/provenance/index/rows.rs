//! Rows of the index, as questions about lineage read them.

use sqlx::SqliteExecutor;

use crate::model::RunId;

use super::super::literal::Dict;

/// A relation that was followed.
pub struct Found {
    pub activity: i64,
    pub entity: i64,
    pub role: String,
}

/// An activity of the index. Its times are as the log has them.
pub struct Activity {
    pub id: i64,
    pub key: String,
    name: String,
    run: u32,
    started: Option<String>,
    ended: Option<String>,
    pub agent: Option<String>,
    script: Option<String>,
}

impl Activity {
    /// Its records, as a log has them.
    pub fn records(self) -> impl Iterator<Item = Dict> {
        let mut start = Dict::default()
            .with("activity_id", self.key.as_str())
            .with("name", self.name)
            .with("run", RunId(self.run).to_string());
        for (name, value) in
            [("startTime", self.started), ("script", self.script), ("agent_name", self.agent)]
        {
            if let Some(value) = value {
                start.set(name, value);
            }
        }
        let end = self.ended.map(|time| {
            Dict::default().with("activity_id", self.key.as_str()).with("endTime", time)
        });
        [start].into_iter().chain(end)
    }
}

/// An entity of the index.
pub struct Entity {
    pub id: i64,
    pub key: String,
    name: String,
    path: String,
    actual_path: Option<String>,
    kind: String,
    content_type: Option<String>,
    content_hash: Option<String>,
}

impl Entity {
    /// Its record, as a log has it.
    pub fn record(self) -> Dict {
        let mut record = Dict::default()
            .with("entity_id", self.key)
            .with("name", self.name)
            .with("filepath", self.path);
        if let Some(actual_path) = self.actual_path {
            record.set("actual_path", actual_path);
        }
        record.set("type", self.kind);
        if let Some(content_type) = self.content_type {
            record.set("contentType", content_type);
        }
        if let Some(content_hash) = self.content_hash {
            record.set("content_hash", content_hash);
            record.set("content_hash_type", "sha256");
        }
        record
    }
}

/// What some activities used or generated.
pub async fn of_activities(
    from: impl SqliteExecutor<'_>,
    ids: &[i64],
    generated: bool,
) -> Result<Vec<Found>, sqlx::Error> {
    let relations = sqlx::query_as!(
        Found,
        r#"SELECT activity AS "activity!", entity AS "entity!", role AS "role!"
           FROM (SELECT value AS wanted FROM json_each(?1)) CROSS JOIN prov_relations
           ON activity = wanted AND generated = ?2"#,
        list(ids),
        generated,
    );
    relations.fetch_all(from).await
}

/// What used or generated some entities.
pub async fn of_entities(
    from: impl SqliteExecutor<'_>,
    ids: &[i64],
    generated: bool,
) -> Result<Vec<Found>, sqlx::Error> {
    let relations = sqlx::query_as!(
        Found,
        r#"SELECT activity AS "activity!", entity AS "entity!", role AS "role!"
           FROM (SELECT value AS wanted FROM json_each(?1)) CROSS JOIN prov_relations
           INDEXED BY prov_relations_by_entity
           ON entity = wanted AND generated = ?2"#,
        list(ids),
        generated,
    );
    relations.fetch_all(from).await
}

/// Some activities, in the order in which they began.
pub async fn activities(
    from: impl SqliteExecutor<'_>,
    ids: &[i64],
) -> Result<Vec<Activity>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Activity,
        r#"SELECT id AS "id!", key AS "key!", name AS "name!", run AS "run!: u32",
                  started AS "started?", ended AS "ended?", agent AS "agent?",
                  script AS "script?"
           FROM (SELECT value AS wanted FROM json_each(?)) JOIN prov_activities ON id = wanted
           ORDER BY started, key"#,
        list(ids),
    );
    rows.fetch_all(from).await
}

/// Some entities, by path.
pub async fn entities(
    from: impl SqliteExecutor<'_>,
    ids: &[i64],
) -> Result<Vec<Entity>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Entity,
        r#"SELECT id AS "id!", key AS "key!", name AS "name!", path AS "path!",
                  actual_path AS "actual_path?", type AS "kind!",
                  content_type AS "content_type?", content_hash AS "content_hash?"
           FROM (SELECT value AS wanted FROM json_each(?)) JOIN prov_entities ON id = wanted
           ORDER BY path, key"#,
        list(ids),
    );
    rows.fetch_all(from).await
}

/// Numbers as SQLite's `json_each` takes them.
pub fn list(ids: &[i64]) -> String {
    let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
    format!("[{}]", ids.join(","))
}
