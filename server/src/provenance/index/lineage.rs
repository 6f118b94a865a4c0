//! Where something came from, and what was made of it.

use std::collections::{HashMap, HashSet};

use crate::hint::Hint;
use crate::model::RunId;
use crate::store::{Store, StoreError};

use super::super::document::{Document, Name, Relation, RelationKind};
use super::super::document_of;
use super::super::graph::Direction;
use super::super::literal::Dict;
use super::batch::id_of;
use super::rows::{self, Found, list};

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
        Ok(match start {
            Start::Path(path) => [vec![], self.at(path).await?],
            Start::Name(name) => {
                let named =
                    sqlx::query_scalar!("SELECT id FROM prov_entities WHERE file = ?", name);
                [vec![], named.fetch_all(self.store.readers()).await?]
            }
            Start::Hash(hash) => {
                let hash = hash.to_lowercase();
                let with = sqlx::query_scalar!(
                    "SELECT id FROM prov_entities WHERE content_hash = ?",
                    hash,
                );
                match with.fetch_all(self.store.readers()).await? {
                    found if found.is_empty() => [vec![], self.entity(&hash).await?],
                    found => [vec![], found],
                }
            }
            Start::Run(run) => {
                let of_run = sqlx::query_scalar!(
                    "SELECT id FROM prov_activities WHERE run = ?1 OR drs4 = ?1",
                    run.0,
                );
                [of_run.fetch_all(self.store.readers()).await?, vec![]]
            }
            Start::Activity(id) => [self.activity(id).await?, vec![]],
            Start::Id(id) => {
                let id = id.strip_prefix("id:").unwrap_or(id);
                let found = [self.activity(id).await?, self.entity(id).await?];
                match found.iter().all(Vec::is_empty) {
                    true => [vec![], self.at(id).await?],
                    false => found,
                }
            }
        })
    }

    /// The files that are, or were, at a path.
    async fn at(&self, path: &str) -> Result<Vec<i64>, sqlx::Error> {
        let files = sqlx::query_scalar!(
            "SELECT id FROM prov_entities WHERE path = ?1 OR actual_path = ?1",
            path,
        );
        files.fetch_all(self.store.readers()).await
    }

    /// The number of an activity, if the index has it.
    async fn activity(&self, key: &str) -> Result<Vec<i64>, sqlx::Error> {
        let activity = sqlx::query_scalar!(
            "SELECT id FROM prov_activities WHERE id = ? AND key = ?",
            id_of(key),
            key,
        );
        activity.fetch_all(self.store.readers()).await
    }

    /// The number of an entity, if the index has it.
    async fn entity(&self, key: &str) -> Result<Vec<i64>, sqlx::Error> {
        let entity = sqlx::query_scalar!(
            "SELECT id FROM prov_entities WHERE id = ? AND key = ?",
            id_of(key),
            key,
        );
        entity.fetch_all(self.store.readers()).await
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
        let relations = match from {
            ACTIVITIES => rows::of_activities(self.store.readers(), ids, generated).await,
            _ => rows::of_entities(self.store.readers(), ids, generated).await,
        };
        let to = 1 - from;
        let mut new = Vec::new();
        for relation in self.store.wrap(relations)? {
            let end = if to == ACTIVITIES { relation.activity } else { relation.entity };
            if self.nodes[to].insert(end) {
                new.push(end);
            }
            let Found { activity, entity, role } = relation;
            self.relations.insert((activity, generated, entity, role));
        }
        Ok(new)
    }

    /// PROV identifiers of activities and entities.
    async fn names(&self, ids: &Ends) -> Result<Vec<String>, sqlx::Error> {
        let activities = sqlx::query_scalar!(
            r#"SELECT key AS "key!" FROM (SELECT value AS wanted FROM json_each(?))
               JOIN prov_activities ON id = wanted"#,
            list(&ids[ACTIVITIES]),
        );
        let entities = sqlx::query_scalar!(
            r#"SELECT key AS "key!" FROM (SELECT value AS wanted FROM json_each(?))
               JOIN prov_entities ON id = wanted"#,
            list(&ids[ENTITIES]),
        );
        let mut keys = activities.fetch_all(self.store.readers()).await?;
        keys.extend(entities.fetch_all(self.store.readers()).await?);
        let mut names: Vec<_> = keys.into_iter().map(|key| format!("id:{key}")).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The activities, or the entities, that were found.
    fn found(&self, what: usize) -> Vec<i64> {
        self.nodes[what].iter().copied().collect()
    }

    /// What was found, as records from which a document is made like from a log's.
    async fn document(&self, agents: bool) -> Result<Document, sqlx::Error> {
        let mut keys = HashMap::new();
        let mut records = Vec::new();
        let mut by = Vec::new();
        for mut row in rows::activities(self.store.readers(), &self.found(ACTIVITIES)).await? {
            row.agent = row.agent.filter(|_| agents);
            by.extend(row.agent.clone().map(|agent| (row.key.clone(), agent)));
            keys.insert(row.id, row.key.clone());
            records.extend(row.records());
        }
        for row in rows::entities(self.store.readers(), &self.found(ENTITIES)).await? {
            keys.insert(row.id, row.key.clone());
            records.push(row.record());
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
}
