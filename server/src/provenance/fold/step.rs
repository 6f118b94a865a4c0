//! One stage of one run: its subruns as one activity.

use std::collections::{HashMap, HashSet};

use crate::model::RunId;

use super::super::digest::md5_hex;
use super::super::literal::{Dict, Literal};
use super::super::record::{Activity, Kind, Record};

/// A collection of one kind of subrun files.
struct Collection {
    /// Name of the entity that is a member.
    member: &'static str,
    /// Its own name.
    name: &'static str,
    /// Its role in usages and generations.
    role: &'static str,
    /// What its id ends in before it is hashed.
    mark: &'static str,
    /// Whether the id is made of the last member's path rather than of the directory.
    by_member: bool,
}

const R0: Collection = Collection {
    member: "R0SubrunDataset",
    name: "R0Collection",
    role: "R0 Collection",
    mark: "r0",
    by_member: true,
};
const DL1: Collection = Collection {
    member: "DL1SubrunDataset",
    name: "DL1Collection",
    role: "DL1 Collection",
    mark: "dl1",
    by_member: false,
};
const MUONS: Collection = Collection {
    member: "MuonsSubrunDataset",
    name: "MuonsCollection",
    role: "Muons Collection",
    mark: "muons",
    by_member: false,
};
const CHECK: Collection = Collection {
    member: "DL1CheckSubrunDataset",
    name: "DL1CheckCollection",
    role: "DL1Checks Collection",
    mark: "check",
    by_member: false,
};
const DL2: Collection = Collection {
    member: "DL2SubrunDataset",
    name: "DL2Collection",
    role: "DL2 Collection",
    mark: "dl2",
    by_member: true,
};

/// What is said about collections, in the original's order.
enum Statement {
    Is(&'static Collection),
    Used(&'static Collection),
    Generated(&'static Collection),
}

impl Statement {
    fn collection(&self) -> &'static Collection {
        let (Self::Is(collection) | Self::Used(collection) | Self::Generated(collection)) = self;
        collection
    }
}

/// What a stage says at its end.
fn statements(activity: Activity) -> &'static [Statement] {
    use Statement::{Generated, Is, Used};
    match activity {
        Activity::Drs4Pedestal | Activity::CalibrateCharge => &[],
        Activity::R0ToDl1 => {
            &[Is(&R0), Used(&R0), Is(&DL1), Is(&MUONS), Generated(&MUONS), Generated(&DL1)]
        }
        Activity::Dl1ab => &[Is(&DL1), Generated(&DL1), Used(&DL1)],
        Activity::Dl1Datacheck => {
            &[Is(&DL1), Is(&MUONS), Used(&DL1), Used(&MUONS), Is(&CHECK), Generated(&CHECK)]
        }
        Activity::Dl1ToDl2 => &[Is(&DL1), Used(&DL1), Is(&DL2), Generated(&DL2)],
    }
}

/// A stage, gathered record by record; what later subruns repeat is not kept.
#[derive(Clone, Debug)]
pub(super) struct Step {
    activity: Activity,
    id: String,
    start: Option<Dict>,
    records: Vec<Dict>,
    end: Option<Dict>,
    parameters: bool,
    /// Names of entities kept: of several files of one name, the original keeps the first.
    names: HashSet<String>,
    /// Usages (`true`) and generations kept.
    relations: HashSet<(bool, String)>,
    /// Ids of subrun files, their paths by name, and the last path seen under each name.
    members: HashSet<String>,
    files: HashMap<String, Vec<String>>,
    paths: HashMap<String, String>,
    /// The subrun file that names each activity that has not yet ended, and those of all ended.
    running: HashMap<String, String>,
    ended: HashSet<String>,
}

impl Step {
    pub fn new(activity: Activity) -> Self {
        Self {
            activity,
            id: String::new(),
            start: None,
            records: Vec::new(),
            end: None,
            parameters: false,
            names: HashSet::new(),
            relations: HashSet::new(),
            members: HashSet::new(),
            files: HashMap::new(),
            paths: HashMap::new(),
            running: HashMap::new(),
            ended: HashSet::new(),
        }
    }

    pub fn activity(&self) -> Activity {
        self.activity
    }

    pub fn is_empty(&self) -> bool {
        self.start.is_none() && self.records.is_empty()
    }

    pub fn take(&mut self, record: Record, run: RunId) {
        if self.id.is_empty() {
            let subject = record.text("session_tag").split_once(':');
            let subject = subject.map_or_else(|| run.to_string(), |(_, of)| of.to_owned());
            self.id = format!("{}_{subject}", self.activity.name());
        }
        let Record { kind, mut dict } = record;
        let own = dict.text("activity_id").unwrap_or_default().to_owned();
        if kind != Kind::Entity && kind != Kind::Session {
            dict.set("activity_id", self.id.as_str());
        }
        match kind {
            Kind::Session => {}
            Kind::Start => {
                self.start.get_or_insert(dict);
            }
            Kind::Parameters => {
                if !std::mem::replace(&mut self.parameters, true) {
                    self.records.push(dict);
                }
            }
            Kind::Entity => self.entity(dict),
            Kind::Usage => self.relation(&own, true, dict),
            Kind::Generation => self.relation(&own, false, dict),
            Kind::End => {
                let member = self.running.remove(&own).unwrap_or(own);
                self.ended.insert(member);
                self.end = Some(dict);
            }
        }
    }

    fn entity(&mut self, dict: Dict) {
        let text = |key| dict.text(key).unwrap_or_default().to_owned();
        let (id, name) = (text("entity_id"), text("name"));
        if name.contains("Subrun") {
            if self.members.insert(id) {
                self.files.entry(name.clone()).or_default().push(text("filepath"));
            }
            self.paths.insert(name, text("filepath"));
        } else if self.names.insert(name) {
            self.records.push(dict);
        }
    }

    fn relation(&mut self, own: &str, used: bool, dict: Dict) {
        let key = if used { "used_id" } else { "generated_id" };
        let entity = dict.text(key).unwrap_or_default().to_owned();
        if self.members.contains(&entity) {
            self.running.entry(own.to_owned()).or_insert(entity);
        } else if self.relations.insert((used, entity)) {
            self.records.push(dict);
        }
    }

    /// What was gathered, as records.
    pub fn records(&self) -> Vec<Dict> {
        let mut records: Vec<_> =
            self.start.iter().chain(&self.records).chain(&self.end).cloned().collect();
        records.extend(statements(self.activity).iter().filter_map(|said| self.say(said)));
        records
    }

    /// Paths of the files in the collection with that id, by subrun; none if there is no such
    /// collection.
    pub fn members_of(&self, id: &str) -> Option<Vec<&str>> {
        let collections = statements(self.activity).iter().map(Statement::collection);
        let is_it =
            |collection: &&Collection| self.place(collection).is_some_and(|(other, _)| other == id);
        let files = self.files.get(collections.into_iter().find(is_it)?.member)?;
        let mut files: Vec<_> = files.iter().map(String::as_str).collect();
        files.sort_unstable();
        Some(files)
    }

    /// Id and directory of a collection; none if the stage has no such files.
    fn place(&self, collection: &Collection) -> Option<(String, &str)> {
        let last = self.paths.get(collection.member)?;
        let directory = last.rfind('/').map_or("", |slash| &last[..=slash]);
        let hashed = if collection.by_member { last } else { directory };
        Some((md5_hex(format!("{hashed}{}", collection.mark).as_bytes()), directory))
    }

    /// A record about a collection; none if the stage has no such files.
    fn say(&self, statement: &Statement) -> Option<Dict> {
        let collection = statement.collection();
        let (id, directory) = self.place(collection)?;
        let size = i64::try_from(self.ended.len()).unwrap_or(i64::MAX);
        let related = |id_key: &str, role_key: &str| {
            Dict::default()
                .with("activity_id", self.id.as_str())
                .with(id_key, id.as_str())
                .with(role_key, collection.role)
        };
        Some(match statement {
            Statement::Is(_) => Dict::default()
                .with("entity_id", id.as_str())
                .with("name", collection.name)
                .with("type", "SetCollection")
                .with("size", Literal::Int(size))
                .with("filepath", directory),
            Statement::Used(_) => related("used_id", "used_role"),
            Statement::Generated(_) => related("generated_id", "generated_role"),
        })
    }
}
