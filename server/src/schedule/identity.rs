//! Which scheduler this is. Two schedulers may use the same numbers for different jobs, so what one
//! of them says proves nothing about jobs of the other.

use std::fmt;

/// A scheduler, as the ledger remembers where a job was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulerId {
    /// `slurm` or `local`.
    pub engine: String,
    /// Slurm's `ClusterName`; `None` if it is not known, or for the local scheduler.
    pub cluster: Option<String>,
}

impl SchedulerId {
    /// A scheduler without a cluster's name.
    pub fn new(engine: &str) -> Self {
        Self { engine: engine.to_owned(), cluster: None }
    }

    /// The same scheduler, on a cluster.
    #[must_use]
    pub fn on(self, cluster: Option<String>) -> Self {
        Self { cluster, ..self }
    }

    /// Are these surely two schedulers? A cluster whose name is unknown may be any.
    pub fn differs(&self, other: &Self) -> bool {
        let clusters = self.cluster.as_ref().zip(other.cluster.as_ref());
        self.engine != other.engine || clusters.is_some_and(|(a, b)| !a.eq_ignore_ascii_case(b))
    }

    /// Is this surely the other one? Only then does a job that it does not know not exist.
    pub fn is_surely(&self, other: &Self) -> bool {
        !self.differs(other) && (self.cluster.is_some() || other.cluster.is_none())
    }
}

impl fmt::Display for SchedulerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.engine.as_str(), &self.cluster) {
            ("slurm", Some(cluster)) => write!(f, "Slurm (cluster {cluster})"),
            ("slurm", None) => f.write_str("Slurm"),
            ("local", _) => f.write_str("the local scheduler"),
            (other, _) => f.write_str(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_clusters_tell_two_schedulers_apart() {
        let slurm = |cluster: &str| SchedulerId::new("slurm").on(Some(cluster.to_owned()));
        let (unnamed, local) = (SchedulerId::new("slurm"), SchedulerId::new("local"));
        assert!(slurm("lst").differs(&local) && unnamed.differs(&local));
        assert!(slurm("lst").differs(&slurm("test")));
        assert!(!slurm("lst").differs(&slurm("LST")), "accounting writes names in lower case");
        assert!(!slurm("lst").differs(&unnamed) && !unnamed.differs(&slurm("lst")));
        assert!(slurm("lst").is_surely(&slurm("lst")) && slurm("lst").is_surely(&unnamed));
        assert!(!unnamed.is_surely(&slurm("lst")), "it may be another cluster");
        assert!(unnamed.is_surely(&unnamed) && local.is_surely(&local));
    }
}
