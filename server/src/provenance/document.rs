//! The W3C PROV data model, as much of it as processing data needs: entities, activities, agents,
//! and how they relate. See <https://www.w3.org/TR/prov-dm/>.

use std::fmt;

/// Namespace of PROV itself.
pub const PROV: &str = "http://www.w3.org/ns/prov#";
/// Namespace of XML Schema's data types.
pub const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// A qualified name, `prefix:local`; an empty prefix is the default namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The prefix, declared in the document, or `prov`, `xsd`, or `_` for a blank one.
    pub prefix: String,
    /// The rest.
    pub local: String,
}

impl Name {
    /// `prefix:local`.
    pub fn new(prefix: impl Into<String>, local: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), local: local.into() }
    }

    /// A name of PROV itself.
    pub fn prov(local: &str) -> Self {
        Self::new("prov", local)
    }

    /// A data type of XML Schema.
    pub fn xsd(local: &str) -> Self {
        Self::new("xsd", local)
    }

    /// A name of the default namespace.
    pub fn plain(local: impl Into<String>) -> Self {
        Self::new("", local)
    }

    /// Splits a text at its first colon.
    pub fn split(text: &str) -> Self {
        match text.split_once(':') {
            Some((prefix, local)) => Self::new(prefix, local),
            None => Self::plain(text),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix.is_empty() {
            f.write_str(&self.local)
        } else {
            write!(f, "{}:{}", self.prefix, self.local)
        }
    }
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// A qualified name.
    Name(Name),
    /// A text in a language (`en`).
    Lang {
        /// The text.
        text: String,
        /// The language tag.
        lang: String,
    },
    /// A value of any other data type, as text.
    Typed {
        /// The value's text.
        text: String,
        /// Its data type.
        datatype: Name,
    },
}

impl Value {
    /// The value as plain text.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Lang { text, .. } | Self::Typed { text, .. } => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Bool(yes) => yes.to_string(),
            Self::Name(name) => name.to_string(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Attributes in order; a name may come several times with different values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(Name, Value)>);

impl Attributes {
    /// Adds a value, unless the name has it already.
    pub fn add(&mut self, name: Name, value: impl Into<Value>) {
        let pair = (name, value.into());
        if !self.0.contains(&pair) {
            self.0.push(pair);
        }
    }

    /// The first value of a name.
    pub fn get(&self, name: &Name) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The first value of a name of the default namespace, as text.
    pub fn text(&self, local: &str) -> Option<String> {
        self.get(&Name::plain(local)).map(Value::plain)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(Name, Value)> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names in the order of their first values, each with all its values.
    pub fn grouped(&self) -> Vec<(&Name, Vec<&Value>)> {
        let mut groups: Vec<(&Name, Vec<&Value>)> = Vec::new();
        for (name, value) in &self.0 {
            match groups.iter_mut().find(|(other, _)| *other == name) {
                Some((_, values)) => values.push(value),
                None => groups.push((name, vec![value])),
            }
        }
        groups
    }
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElementKind {
    /// A thing: a file, a collection, a set of parameters.
    Entity,
    /// Something that was done.
    Activity,
    /// Who or what was responsible.
    Agent,
}

impl ElementKind {
    /// All of them, in the order of PROV-JSON.
    pub const ALL: [Self; 3] = [Self::Entity, Self::Activity, Self::Agent];

    /// Its name in PROV-JSON and PROV-N.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Activity => "activity",
            Self::Agent => "agent",
        }
    }
}

/// An entity, activity or agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it is.
    pub kind: ElementKind,
    /// Its name.
    pub id: Name,
    /// When an activity began, as xsd:dateTime.
    pub start: Option<String>,
    /// When an activity ended, as xsd:dateTime.
    pub end: Option<String>,
    /// What else is known.
    pub attributes: Attributes,
}

impl Element {
    /// An element of which nothing else is known yet.
    pub fn new(kind: ElementKind, id: Name) -> Self {
        Self { kind, id, start: None, end: None, attributes: Attributes::default() }
    }

    /// Its `prov:label`, else its local name.
    pub fn label(&self) -> String {
        self.attributes
            .get(&Name::prov("label"))
            .map_or_else(|| self.id.local.clone(), Value::plain)
    }
}

/// How two elements relate. The first of [`Relation::from`] and [`Relation::to`] that PROV names
/// is `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationKind {
    /// An activity used an entity.
    Used,
    /// An entity was generated by an activity.
    WasGeneratedBy,
    /// An entity was derived from another.
    WasDerivedFrom,
    /// An activity was associated with an agent.
    WasAssociatedWith,
    /// An entity was attributed to an agent.
    WasAttributedTo,
    /// A collection had a member.
    HadMember,
}

impl RelationKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Used,
        Self::WasGeneratedBy,
        Self::WasDerivedFrom,
        Self::WasAssociatedWith,
        Self::WasAttributedTo,
        Self::HadMember,
    ];

    /// Its name in PROV-JSON, PROV-N and PROV-O.
    pub fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::WasGeneratedBy => "wasGeneratedBy",
            Self::WasDerivedFrom => "wasDerivedFrom",
            Self::WasAssociatedWith => "wasAssociatedWith",
            Self::WasAttributedTo => "wasAttributedTo",
            Self::HadMember => "hadMember",
        }
    }

    /// Names of its two ends in PROV-JSON, `from` then `to`.
    pub fn ends(self) -> [&'static str; 2] {
        match self {
            Self::Used => ["activity", "entity"],
            Self::WasGeneratedBy => ["entity", "activity"],
            Self::WasDerivedFrom => ["generatedEntity", "usedEntity"],
            Self::WasAssociatedWith => ["activity", "agent"],
            Self::WasAttributedTo => ["entity", "agent"],
            Self::HadMember => ["collection", "entity"],
        }
    }

    /// Names of what else it may refer to, in PROV-JSON, in the order of PROV-N.
    pub fn others(self) -> &'static [&'static str] {
        match self {
            Self::WasDerivedFrom => &["activity", "generation", "usage"],
            Self::WasAssociatedWith => &["plan"],
            _ => &[],
        }
    }

    /// Whether it may have a time.
    pub fn has_time(self) -> bool {
        matches!(self, Self::Used | Self::WasGeneratedBy)
    }
}

/// A relation of two elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// What it says.
    pub kind: RelationKind,
    /// Its own name, if it has one.
    pub id: Option<Name>,
    /// The end that PROV names first.
    pub from: Name,
    /// The other end; PROV lets it be unknown.
    pub to: Option<Name>,
    /// What else it refers to: as long as [`RelationKind::others`], or empty.
    pub others: Vec<Option<Name>>,
    /// When it happened, as xsd:dateTime.
    pub time: Option<String>,
    /// What else is known.
    pub attributes: Attributes,
}

impl Relation {
    /// A relation of which nothing else is known yet.
    pub fn new(kind: RelationKind, from: Name, to: Name) -> Self {
        let attributes = Attributes::default();
        Self { kind, id: None, from, to: Some(to), others: Vec::new(), time: None, attributes }
    }

    /// The same with a `prov:role`.
    #[must_use]
    pub fn with_role(mut self, role: &str) -> Self {
        self.attributes.add(Name::prov("role"), role);
        self
    }

    /// Its `prov:role`.
    pub fn role(&self) -> Option<String> {
        self.attributes.get(&Name::prov("role")).map(Value::plain)
    }

    /// What else it refers to, by name.
    pub fn other_ends(&self) -> impl Iterator<Item = (&'static str, &Name)> {
        let others = self.kind.others().iter().zip(&self.others);
        others.filter_map(|(key, name)| Some((*key, name.as_ref()?)))
    }
}

/// A provenance document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Prefixes and their namespaces; an empty prefix is the default namespace.
    pub namespaces: Vec<(String, String)>,
    /// Elements, in order, each name once a kind.
    pub elements: Vec<Element>,
    /// Relations, in order.
    pub relations: Vec<Relation>,
}

impl Document {
    /// The element of that kind and name, made if there is none.
    pub fn element(&mut self, kind: ElementKind, id: &Name) -> &mut Element {
        let found = self.elements.iter().position(|e| e.kind == kind && e.id == *id);
        let index = found.unwrap_or_else(|| {
            self.elements.push(Element::new(kind, id.clone()));
            self.elements.len() - 1
        });
        &mut self.elements[index]
    }

    /// The element of that kind and name.
    pub fn find(&self, kind: ElementKind, id: &Name) -> Option<&Element> {
        self.elements.iter().find(|e| e.kind == kind && e.id == *id)
    }

    /// Elements of a kind.
    pub fn of_kind(&self, kind: ElementKind) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| element.kind == kind)
    }

    /// The namespace of a prefix: a declared one, else PROV's or XML Schema's own.
    pub fn namespace(&self, prefix: &str) -> Option<&str> {
        let declared = self.namespaces.iter().find(|(name, _)| name == prefix);
        declared.map(|(_, iri)| iri.as_str()).or(match prefix {
            "prov" => Some(PROV),
            "xsd" => Some(XSD),
            _ => None,
        })
    }

    /// The same document with everything in a fixed order, and without names of relations that
    /// were only numbers: two documents say the same if these are equal.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut same = self.clone();
        same.namespaces.sort();
        for element in &mut same.elements {
            element.attributes.0.sort();
        }
        for relation in &mut same.relations {
            relation.attributes.0.sort();
            relation.id.take_if(|id| id.prefix == "_");
            if relation.others.iter().all(Option::is_none) {
                relation.others.clear();
            }
        }
        let key = |e: &Element| (e.kind, e.id.clone());
        same.elements.sort_by_key(key);
        same.relations.sort_by_cached_key(|relation| format!("{relation:?}"));
        same
    }
}

/// Whether a text is an xsd:dateTime: `2024-11-28T22:14:05`, with or without fraction and zone.
pub fn is_date_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
        || chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok()
}
