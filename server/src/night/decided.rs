//! Decisions acting on what was observed. This is the only place where they do: everything else
//! sees runs and sequences as decided.

use crate::model::{Choice, Decision, Kind, RunId, RunType, Subrun};

use super::Observation;

/// Type of a run that nobody processes.
const DISCARDED: &str = "EDATA";

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
                Choice::Discard => {
                    observed.for_each(|run| run.run_type = RunType::Other(DISCARDED.into()));
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
                Choice::Veto | Choice::Unveto { .. } | Choice::Resources { .. } => {}
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

    /// The subruns that were left out, whose files do not count.
    pub fn dropped(&self) -> impl Iterator<Item = (RunId, Subrun)> + '_ {
        self.decisions.iter().filter_map(|decision| match &decision.choice {
            Choice::DropLastSubrun { subrun } => Some((decision.run, *subrun)),
            _ => None,
        })
    }
}
