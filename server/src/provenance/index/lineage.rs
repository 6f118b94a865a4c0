//! Where something came from, and what was made of it.

use std::collections::{HashMap, HashSet};

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::hint::Hint;
use crate::model::RunId;
use crate::store::{Store, StoreError};

use super::super::document::{Document, Name, Relation, RelationKind};
use super::super::document_of;
use super::super::graph::Direction;
use super::super::literal::Dict;
use super::batch::id_of;

/// More activities and entities than this are no answer that anybody can use.
const MOST: usize = 20_000;

/// Where a lineage begins. Texts are compared as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A file, by its whole path.
    Path(String),
    /// Files of that name, wherever they are.
    Name(String),
    /// Files that held this: SHA-256, or the MD5 that the original calls the hash.
    Hash(String),
    /// Everything that was done to a run, or with it.
    Run(RunId),
    /// An activity, by its id.
    Activity(String),
    /// Whatever has that id or path: an entity, else an activity, else a file.
    Id(String),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where to begin; one or more.
    pub starts: Vec<Start>,
    /// Which way to go.
    pub direction: Direction,
    /// How many relations to follow, from an entity to an activity or back; `None`: all.
    pub depth: Option<usize>,
    /// Whether to name the agents.
    pub agents: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// Nothing of that kind is in the index.
    #[error("the provenance index knows {0}")]
    Unknown(String),
    /// Too much is in it.
    #[error("that leads to more than {MOST} activities and entities: ask for a smaller depth")]
    TooMuch,
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hint for LineageError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some(
                "the newest sixty nights are in it; `osa provenance --date` adds an older one"
                    .into(),
            ),
            Self::TooMuch => None,
            Self::Store(error) => error.hint(),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The activities and entities, and what was used and generated.
    pub document: Document,
    /// PROV identifiers of where it begins.
    pub start: Vec<String>,
}

/// Answers a question from the index.
pub async fn lineage(store: &Store, question: &Question) -> Result<Lineage, LineageError> {
    let wrap = |cause| LineageError::Store(store.error(cause));
    let mut walk =
        Walk { store, relations: HashSet::new(), nodes: [HashSet::new(), HashSet::new()] };
    let mut begin: Ends = [vec![], vec![]];
    for start in &question.starts {
        let found = walk.begin(start).await.map_err(wrap)?;
        if found.iter().all(Vec::is_empty) {
            return Err(LineageError::Unknown(nothing(start)));
        }
        for (all, found) in begin.iter_mut().zip(found) {
            all.extend(found);
        }
    }
    let start = begin.clone();
    walk.follow(begin, question).await?;
    let names = walk.names(&start).await.map_err(wrap)?;
    let document = walk.document(question.agents).await.map_err(wrap)?;
    Ok(Lineage { document, start: names })
}

fn nothing(start: &Start) -> String {
    match start {
        Start::Path(path) => format!("no file {path}"),
        Start::Name(name) => format!("no file named {name}"),
        Start::Hash(hash) => format!("no file that held what has the hash {hash}"),
        Start::Run(run) => format!("no activity of run {run}"),
        Start::Activity(id) => format!("no activity {id}"),
        Start::Id(id) => format!("neither entity nor activity nor file {id}"),
    }
}

/// Activities, and entities.
type Ends = [Vec<i64>; 2];

/// Place of the activities in [`Ends`].
const ACTIVITIES: usize = 0;
/// Place of the entities.
const ENTITIES: usize = 1;

struct Walk<'a> {
    store: &'a Store,
    /// Activity, whether it generated, entity, role.
    relations: HashSet<(i64, bool, i64, String)>,
    nodes: [HashSet<i64>; 2],
}

impl Walk<'_> {
    async fn begin(&self, start: &Start) -> Result<Ends, sqlx::Error> {
        let by_path = "SELECT id FROM prov_entities WHERE path = ?1 OR actual_path = ?1";
        Ok(match start {
            Start::Path(path) => [vec![], self.ids(by_path, path).await?],
            Start::Name(name) => {
                [vec![], self.ids("SELECT id FROM prov_entities WHERE file = ?1", name).await?]
            }
            Start::Hash(hash) => {
                let hash = hash.to_lowercase();
                let by_content = "SELECT id FROM prov_entities WHERE content_hash = ?1";
                match self.ids(by_content, &hash).await? {
                    found if found.is_empty() => [vec![], self.known(ENTITIES, &hash).await?],
                    found => [vec![], found],
                }
            }
            Start::Run(run) => {
                let query = "SELECT id FROM prov_activities WHERE run = ?1 OR drs4 = ?1";
                let rows = sqlx::query_scalar(query).bind(i64::from(run.0));
                [rows.fetch_all(&self.store.pool).await?, vec![]]
            }
            Start::Activity(id) => [self.known(ACTIVITIES, id).await?, vec![]],
            Start::Id(id) => {
                let id = id.strip_prefix("id:").unwrap_or(id);
                let found = [self.known(ACTIVITIES, id).await?, self.known(ENTITIES, id).await?];
                match found.iter().all(Vec::is_empty) {
                    true => [vec![], self.ids(by_path, id).await?],
                    false => found,
                }
            }
        })
    }

    async fn ids(&self, query: &'static str, value: &str) -> Result<Vec<i64>, sqlx::Error> {
        sqlx::query_scalar(query).bind(value.to_owned()).fetch_all(&self.store.pool).await
    }

    /// The number of a key, if the index has it.
    async fn known(&self, what: usize, key: &str) -> Result<Vec<i64>, sqlx::Error> {
        let query = match what {
            ACTIVITIES => "SELECT id FROM prov_activities WHERE id = ?1 AND key = ?2",
            _ => "SELECT id FROM prov_entities WHERE id = ?1 AND key = ?2",
        };
        let query = sqlx::query_scalar(query).bind(id_of(key)).bind(key.to_owned());
        query.fetch_all(&self.store.pool).await
    }

    /// Follows relations level by level, each once.
    async fn follow(&mut self, mut ends: Ends, question: &Question) -> Result<(), LineageError> {
        let back = question.direction == Direction::Back;
        for (seen, ends) in self.nodes.iter_mut().zip(&ends) {
            seen.extend(ends);
        }
        if question.starts.iter().any(|start| matches!(start, Start::Run(_))) {
            // What was done to a run includes both what was used and what was made.
            let activities = ends[ACTIVITIES].clone();
            let other = self.step(ACTIVITIES, &activities, back).await?;
            ends[ENTITIES].extend(other);
        }
        let mut level = 0;
        while !ends.iter().all(Vec::is_empty) && question.depth.is_none_or(|depth| level < depth) {
            // Going back, an activity leads to what it used, an entity to what generated it.
            let entities = self.step(ACTIVITIES, &ends[ACTIVITIES], !back).await?;
            let activities = self.step(ENTITIES, &ends[ENTITIES], back).await?;
            ends = [activities, entities];
            if self.nodes.iter().map(HashSet::len).sum::<usize>() > MOST {
                return Err(LineageError::TooMuch);
            }
            level += 1;
        }
        Ok(())
    }

    /// Follows the relations of one kind from some activities or entities; what is new at their
    /// other ends.
    async fn step(
        &mut self,
        from: usize,
        ids: &[i64],
        generated: bool,
    ) -> Result<Vec<i64>, LineageError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = match from {
            ACTIVITIES => {
                "SELECT activity, entity, role FROM (SELECT value AS wanted FROM json_each(?1)) CROSS JOIN prov_relations
                 ON activity = wanted AND generated = ?2"
            }
            _ => {
                "SELECT activity, entity, role FROM (SELECT value AS wanted FROM json_each(?1)) CROSS JOIN prov_relations
                 INDEXED BY prov_relations_by_entity
                 ON entity = wanted AND generated = ?2"
            }
        };
        let rows = sqlx::query(query).bind(list(ids)).bind(generated).fetch_all(&self.store.pool);
        let rows = rows.await.map_err(|cause| self.store.error(cause))?;
        let mut new = Vec::new();
        for row in rows {
            let read = || {
                Ok::<_, sqlx::Error>((
                    row.try_get(0)?,
                    row.try_get(1)?,
                    row.try_get::<String, _>(2)?,
                ))
            };
            let (activity, entity, role) = read().map_err(|cause| self.store.error(cause))?;
            let to = 1 - from;
            let end = if to == ACTIVITIES { activity } else { entity };
            if self.nodes[to].insert(end) {
                new.push(end);
            }
            self.relations.insert((activity, generated, entity, role));
        }
        Ok(new)
    }

    /// PROV identifiers of activities and entities.
    async fn names(&self, ids: &Ends) -> Result<Vec<String>, sqlx::Error> {
        let mut names = Vec::new();
        for (ids, query) in ids.iter().zip([
            "SELECT key FROM (SELECT value AS wanted FROM json_each(?1)) JOIN prov_activities ON id = wanted",
            "SELECT key FROM (SELECT value AS wanted FROM json_each(?1)) JOIN prov_entities ON id = wanted",
        ]) {
            let keys = sqlx::query_scalar(query).bind(list(ids)).fetch_all(&self.store.pool);
            let keys: Vec<String> = keys.await?;
            names.extend(keys.into_iter().map(|key| format!("id:{key}")));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What was found, as records from which a document is made like from a log's.
    async fn document(&self, agents: bool) -> Result<Document, sqlx::Error> {
        let mut keys = HashMap::new();
        let mut records = Vec::new();
        let query = "SELECT id, key, name, run, started, ended, agent, script
             FROM (SELECT value AS wanted FROM json_each(?1)) JOIN prov_activities ON id = wanted
             ORDER BY started, key";
        let mut by = Vec::new();
        for row in self.rows(query, ACTIVITIES).await? {
            let key: String = row.try_get("key")?;
            let agent: Option<String> = row.try_get("agent")?;
            records.extend(activity(&row, &key, agent.as_deref().filter(|_| agents))?);
            by.extend(agent.filter(|_| agents).map(|agent| (key.clone(), agent)));
            keys.insert(row.try_get::<i64, _>("id")?, key);
        }
        let query = "SELECT id, key, name, path, actual_path, type, content_type, content_hash
             FROM (SELECT value AS wanted FROM json_each(?1)) JOIN prov_entities ON id = wanted ORDER BY path, key";
        for row in self.rows(query, ENTITIES).await? {
            let key: String = row.try_get("key")?;
            records.push(entity(&row, &key)?);
            keys.insert(row.try_get::<i64, _>("id")?, key);
        }
        let mut relations: Vec<_> = self
            .relations
            .iter()
            .filter_map(|(activity, generated, entity, role)| {
                Some((*generated, keys.get(activity)?, keys.get(entity)?, role))
            })
            .collect();
        relations.sort_unstable();
        records.extend(relations.into_iter().map(|(generated, activity, entity, role)| {
            let [of, as_what] = match generated {
                true => ["generated_id", "generated_role"],
                false => ["used_id", "used_role"],
            };
            let record = Dict::default().with("activity_id", activity.as_str());
            record.with(of, entity.as_str()).with(as_what, role.as_str())
        }));
        let mut document = document_of(&records);
        for (activity, agent) in by {
            let [activity, agent] = [activity, agent].map(|key| Name::new("id", key));
            let relation = Relation::new(RelationKind::WasAssociatedWith, activity, agent);
            document.relations.push(relation);
        }
        Ok(document)
    }

    async fn rows(&self, query: &'static str, what: usize) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let ids: Vec<_> = self.nodes[what].iter().copied().collect();
        sqlx::query(query).bind(list(&ids)).fetch_all(&self.store.pool).await
    }
}

/// The records of an activity, as a log has them.
fn activity(row: &SqliteRow, key: &str, agent: Option<&str>) -> Result<Vec<Dict>, sqlx::Error> {
    let text = |column: &str| row.try_get::<Option<String>, _>(column);
    let run = u32::try_from(row.try_get::<i64, _>("run")?).unwrap_or_default();
    let mut start = Dict::default()
        .with("activity_id", key)
        .with("name", row.try_get::<String, _>("name")?)
        .with("run", RunId(run).to_string());
    for (name, value) in [
        ("startTime", text("started")?),
        ("script", text("script")?),
        ("agent_name", agent.map(str::to_owned)),
    ] {
        if let Some(value) = value {
            start.set(name, value);
        }
    }
    let end = text("ended")?;
    let end = end.map(|time| Dict::default().with("activity_id", key).with("endTime", time));
    Ok([start].into_iter().chain(end).collect())
}

fn entity(row: &SqliteRow, key: &str) -> Result<Dict, sqlx::Error> {
    let mut record = Dict::default().with("entity_id", key);
    for (name, column) in [
        ("name", "name"),
        ("filepath", "path"),
        ("actual_path", "actual_path"),
        ("type", "type"),
        ("contentType", "content_type"),
        ("content_hash", "content_hash"),
    ] {
        if let Some(value) = row.try_get::<Option<String>, _>(column)? {
            record.set(name, value);
        }
    }
    if record.get("content_hash").is_some() {
        record.set("content_hash_type", "sha256");
    }
    Ok(record)
}

/// Numbers as SQLite's `json_each` takes them.
fn list(ids: &[i64]) -> String {
    let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
    format!("[{}]", ids.join(","))
}
