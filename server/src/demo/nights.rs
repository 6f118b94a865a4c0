//! Which nights the demo has, and the outcome of each.

use crate::model::{JobState, NightDate, RunId, RunType, Stage};

/// The outcome of a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Observed, and nothing has been started.
    Fresh,
    /// Every product is there.
    Processed,
    /// Processed, but for what [`KnownError`]s say.
    Failing,
    /// The calibration failed, so that nothing else could begin.
    CalibrationFailed,
}

/// One run of a night.
#[derive(Clone, Debug)]
pub struct DemoRun {
    /// Its number.
    pub id: RunId,
    /// Its type.
    pub run_type: RunType,
    /// How many subruns it has.
    pub subruns: u32,
    /// What was observed.
    pub source: Option<&'static str>,
    /// What went wrong with it.
    pub error: Option<&'static KnownError>,
}

/// A night.
#[derive(Clone, Debug)]
pub struct DemoNight {
    /// Its date.
    pub date: NightDate,
    /// The outcome of it.
    pub fate: Fate,
    /// Its runs, in order.
    pub runs: Vec<DemoRun>,
    /// One sentence for whoever reads the list.
    pub story: &'static str,
}

impl DemoNight {
    /// Whether subruns of it were processed before the demo begins.
    pub fn has_products(&self) -> bool {
        matches!(self.fate, Fate::Processed | Fate::Failing)
    }

    /// Number of its subruns.
    pub fn subruns(&self) -> u32 {
        self.runs.iter().map(|run| run.subruns).sum()
    }
}

/// One of the errors that shifters know, as it looks on disk and with the scheduler.
#[derive(Debug)]
pub struct KnownError {
    /// The stage that fails; `None` if the job never got to one.
    pub stage: Option<Stage>,
    /// Return code of that stage as its history has it; `None` if it was ended from outside.
    pub rc: Option<i32>,
    /// State of the task.
    pub state: JobState,
    /// Exit code and signal of the task.
    pub exit: (i32, i32),
    /// Which subruns fail, given their number.
    pub fails: fn(subrun: u32, subruns: u32) -> bool,
    /// Last lines of the job's standard error.
    pub sign: &'static str,
}

const TABLE_EXISTS: KnownError = KnownError {
    stage: Some(Stage::Dl1ab),
    rc: Some(1),
    state: JobState::Failed,
    exit: (1, 0),
    fails: |subrun, _| subrun == 3,
    sign: "ValueError: Table /dl1/monitoring/telescope/catB/calibration already exists in output file, use append or overwrite",
};

const LAST_SUBRUN: KnownError = KnownError {
    stage: Some(Stage::Dl1ab),
    rc: Some(1),
    state: JobState::Failed,
    exit: (1, 0),
    fails: |subrun, subruns| subrun + 1 == subruns,
    sign: "tables.exceptions.NoSuchNodeError: group ``/dl1/event/telescope/monitoring`` does not have a child named ``/pedestal``",
};

const DRIVE_LOG: KnownError = KnownError {
    stage: Some(Stage::R0ToDl1),
    rc: Some(1),
    state: JobState::Failed,
    exit: (1, 0),
    fails: |subrun, subruns| subrun >= subruns / 2,
    sign: "ValueError: A value (1732665605.21) in x_new is above the interpolation range's maximum value (1732665600.0).",
};

const ENVIRONMENT: KnownError = KnownError {
    stage: None,
    rc: None,
    state: JobState::Failed,
    exit: (1, 0),
    fails: |subrun, _| subrun == 0 || subrun == 4,
    sign: "FileNotFoundError: [Errno 2] No such file or directory: 'datasequence'",
};

const LOCKING: KnownError = KnownError {
    stage: Some(Stage::CheckDl1),
    rc: Some(1),
    state: JobState::Failed,
    exit: (1, 0),
    fails: |subrun, _| subrun == 2,
    sign: "OSError: Unable to open file (unable to lock file, errno = 11, error message = 'Resource temporarily unavailable')",
};

const WALLTIME: KnownError = KnownError {
    stage: Some(Stage::R0ToDl1),
    rc: None,
    state: JobState::Timeout,
    exit: (0, 15),
    fails: |subrun, _| subrun == 1,
    sign: "slurmstepd: error: *** JOB 1007 ON node01 CANCELLED AT 2024-11-27T09:31:12 DUE TO TIME LIMIT ***",
};

const MEMORY: KnownError = KnownError {
    stage: Some(Stage::Dl1ToDl2),
    rc: None,
    state: JobState::OutOfMemory,
    exit: (0, 125),
    fails: |subrun, _| subrun == 5,
    sign: "slurmstepd: error: Detected 1 oom_kill event in StepId=1008.batch. Some of the step tasks have been OOM Killed.",
};

/// What the DRS4 baseline tool says when an earlier try left its file behind.
pub const DRS4_EXISTS: KnownError = KnownError {
    stage: Some(Stage::Drs4Baseline),
    rc: Some(1),
    state: JobState::Failed,
    exit: (1, 0),
    fails: |_, _| true,
    sign: "ctapipe.core.tool.ToolConfigurationError: Output file exists already, use --overwrite to replace it",
};

fn run(id: u32, run_type: RunType, subruns: u32, source: Option<&'static str>) -> DemoRun {
    DemoRun { id: RunId(id), run_type, subruns, source, error: None }
}

fn data(id: u32, subruns: u32, source: &'static str) -> DemoRun {
    run(id, RunType::Data, subruns, Some(source))
}

fn failing(id: u32, subruns: u32, source: &'static str, error: &'static KnownError) -> DemoRun {
    DemoRun { error: Some(error), ..data(id, subruns, source) }
}

/// The two calibration runs that a night begins with.
fn calibration(first: u32) -> [DemoRun; 2] {
    [run(first, RunType::Drs4, 4, None), run(first + 1, RunType::PedCalib, 4, None)]
}

fn night(date: &str, fate: Fate, story: &'static str, runs: Vec<DemoRun>) -> Option<DemoNight> {
    Some(DemoNight { date: date.parse().ok()?, fate, runs, story })
}

/// All nights of the demo, oldest first; `large` adds the one of 40 runs × 150 subruns.
pub fn all(large: bool) -> Vec<DemoNight> {
    let nights = [
        night(
            "2024-11-23",
            Fate::CalibrationFailed,
            "the calibration failed, and nothing else could begin",
            [&calibration(18880)[..], &[data(18882, 6, "Crab"), data(18883, 5, "Mrk501")]].concat(),
        ),
        large.then(large_night).flatten(),
        night(
            "2024-11-25",
            Fate::Processed,
            "processed, ready to be closed",
            [
                &calibration(18990)[..],
                &[
                    data(18992, 8, "Crab"),
                    data(18993, 12, "BL Lac"),
                    run(18994, RunType::Other("ERRPEDCALIB".into()), 1, None),
                    data(18995, 9, "1ES1959+650"),
                ],
            ]
            .concat(),
        ),
        night(
            "2024-11-26",
            Fate::Failing,
            "each error that shifters know, one in each run",
            [
                &calibration(19050)[..],
                &[
                    failing(19052, 8, "Crab", &TABLE_EXISTS),
                    failing(19053, 7, "Crab", &LAST_SUBRUN),
                    failing(19054, 8, "Mrk421", &DRIVE_LOG),
                    failing(19055, 6, "Mrk421", &ENVIRONMENT),
                    failing(19056, 6, "BL Lac", &LOCKING),
                    failing(19057, 7, "BL Lac", &WALLTIME),
                    failing(19058, 9, "M87", &MEMORY),
                    data(19059, 6, "M87"),
                ],
            ]
            .concat(),
        ),
        night(
            "2024-11-27",
            Fate::Fresh,
            "without its own calibration: it uses the one of the night before",
            vec![data(19090, 5, "Crab"), data(19091, 4, "Mrk421")],
        ),
        night(
            "2024-11-28",
            Fate::Fresh,
            "fresh, the night that `make serve` launches",
            [
                &calibration(19100)[..],
                &[
                    data(19102, 14, "Crab"),
                    data(19103, 18, "Mrk421"),
                    data(19104, 16, "1ES1959+650"),
                    run(19105, RunType::Other("ERRPEDCALIB".into()), 1, None),
                    data(19106, 12, "Crab"),
                ],
            ]
            .concat(),
        ),
        night(
            "2024-11-29",
            Fate::Fresh,
            "fresh, for you to launch",
            [&calibration(19120)[..], &[data(19122, 6, "Crab"), data(19123, 8, "NGC1275")]]
                .concat(),
        ),
    ];
    nights.into_iter().flatten().collect()
}

fn large_night() -> Option<DemoNight> {
    const SOURCES: [&str; 5] = ["Crab", "Mrk421", "BL Lac", "1ES1959+650", "PG1553+113"];
    let runs = (0..40u32).map(|i| data(18902 + i, 150, SOURCES[i as usize / 8]));
    let runs = calibration(18900).into_iter().chain(runs).collect();
    night("2024-11-24", Fate::Processed, "large: 40 runs of 150 subruns, 48,000 files", runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_a_night_of_every_fate_and_every_known_error() {
        let nights = all(true);
        for fate in [Fate::Fresh, Fate::Processed, Fate::Failing, Fate::CalibrationFailed] {
            assert!(nights.iter().any(|night| night.fate == fate), "{fate:?}");
        }
        let errors: usize =
            nights.iter().flat_map(|night| &night.runs).filter(|run| run.error.is_some()).count();
        assert_eq!(errors, 7, "with the calibration's own, the eight of the handbook");
        let large: u32 = nights
            .iter()
            .find(|night| night.runs.len() == 42)
            .map(|night| {
                night.runs.iter().filter(|r| r.run_type == RunType::Data).map(|r| r.subruns).sum()
            })
            .unwrap();
        assert_eq!(large, 40 * 150);
    }
}
