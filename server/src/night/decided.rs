//! Decisions acting on what was observed. This is the only place where they do: everything else
//! sees runs and sequences as decided.

use crate::model::{Choice, Decision, Kind, RunId, RunType, Subrun};

use super::Observation;

/// Type of a run that nobody processes.
const EXCLUDED: &str = "EDATA";

/// Memory and time of a run's jobs; `None`: as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Memory a processor, such as `12GB`.
    pub memory: Option<String>,
    /// Walltime, such as `2:30:00`.
    pub walltime: Option<String>,
}

impl Observation {
    /// The observation as people have decided about its runs; decisions that were undone do not
    /// act. Those about runs that are not in the run summary have no effect.
    #[must_use]
    pub fn decided(mut self, decisions: Vec<Decision>) -> Self {
        let acting = decisions.into_iter().filter(|decision| decision.undone.is_none());
        self.decisions = acting.collect();
        for decision in &self.decisions {
            let run = decision.run;
            let observed = self.runs.iter_mut().filter(|observed| observed.id == run);
            let data = |kind| kind == Kind::Data;
            match &decision.choice {
                Choice::Exclude => {
                    observed.for_each(|run| run.run_type = RunType::Other(EXCLUDED.into()));
                    self.sequences.retain(|sequence| sequence.run != run || !data(sequence.kind));
                }
                Choice::DropLastSubrun { subrun } => {
                    observed.for_each(|run| run.subruns = run.subruns.min(subrun.0));
                    for sequence in &mut self.sequences {
                        if sequence.run == run && data(sequence.kind) {
                            sequence.subruns = sequence.subruns.min(subrun.0);
                        }
                    }
                    self.sequences.retain(|sequence| !data(sequence.kind) || sequence.subruns > 0);
                }
                Choice::Veto | Choice::Resources { .. } => {}
            }
        }
        // As if the run summary had said so.
        let data = self.sequences.iter_mut().filter(|sequence| sequence.kind == Kind::Data);
        for (number, sequence) in (2..).zip(data) {
            sequence.number = number;
        }
        self
    }

    /// The decisions that act on a run, oldest first.
    pub fn decisions_on(&self, run: RunId) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(move |decision| decision.run == run)
    }

    /// The memory and time that people have decided a run's jobs get.
    pub fn resources(&self, run: RunId) -> Resources {
        let mut resources = Resources::default();
        for decision in self.decisions_on(run) {
            if let Choice::Resources { memory, walltime } = &decision.choice {
                resources.memory = memory.clone().or(resources.memory);
                resources.walltime = walltime.clone().or(resources.walltime);
            }
        }
        resources
    }

    /// Whether a subrun was left out.
    pub fn is_dropped(&self, run: RunId, subrun: Option<u32>) -> bool {
        self.dropped().any(|(other, left)| other == run && Some(left.0) == subrun)
    }

    /// The subruns that were left out, whose files and tasks do not count.
    pub fn dropped(&self) -> impl Iterator<Item = (RunId, Subrun)> + '_ {
        self.decisions.iter().filter_map(|decision| match &decision.choice {
            Choice::DropLastSubrun { subrun } => Some((decision.run, *subrun)),
            _ => None,
        })
    }
}
