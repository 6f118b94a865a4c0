//! `sequencer` on the golden night, against the scripted Slurm.

mod crashes;
mod gates;
mod launching;
mod simulation;
mod trial;

use crate::support::{FakeSlurm, TestSite};

const SIMULATE_TEST: &str = include_str!("../../golden/table-simulate-test.txt");
const SIMULATE_SLURM: &str = include_str!("../../golden/table-simulate-slurm.txt");
const NO_SUBMIT: &str = include_str!("../../golden/sequencer-no-submit.txt");

/// The golden night with the answers of Slurm that the original saw.
fn golden() -> TestSite {
    TestSite::golden().with_slurm(FakeSlurm::golden())
}

/// The golden night, of whose jobs Slurm knows nothing any more.
fn forgotten() -> TestSite {
    TestSite::golden().with_slurm(FakeSlurm::holding())
}

/// A night that nobody has begun with, on a Slurm that lets jobs wait.
fn fresh() -> TestSite {
    TestSite::fresh().with_slurm(FakeSlurm::holding())
}

/// The jobs that Slurm was asked for, by the run of their script, with their dependency.
fn requested(site: &TestSite) -> Vec<(String, Option<String>)> {
    let calls = site.slurm().arguments("sbatch");
    let job = |call: &String| {
        let run = call.rsplit_once("sequence_LST1_").unwrap().1.trim_end_matches(".sh");
        let word = call.split(' ').find_map(|word| word.strip_prefix("--dependency=afterok:"));
        (run.to_owned(), word.map(ToOwned::to_owned))
    };
    let mut jobs: Vec<_> = calls.iter().map(job).collect();
    jobs.sort();
    jobs
}

/// The runs of these jobs.
fn runs(jobs: &[(String, Option<String>)]) -> Vec<&str> {
    jobs.iter().map(|(run, _)| run.as_str()).collect()
}
