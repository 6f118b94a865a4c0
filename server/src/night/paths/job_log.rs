//! Names of the files that take the standard output and error of jobs.

use std::path::PathBuf;

use crate::model::{JobId, RunId, Subrun};

use super::NightPaths;

/// What Slurm writes for the number of the array task in a job that is no array.
const NO_ARRAY: u32 = u32::MAX - 1;

/// Which of a job's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output, `.out`.
    Output,
    /// Standard error, `.err`.
    Error,
}

impl Stream {
    /// The file's extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Output => "out",
            Self::Error => "err",
        }
    }
}

/// A job's log file, `RunRRRRR.SSSS_jobid_J.out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobLog {
    /// The run.
    pub run: RunId,
    /// The array's task, which is the subrun; `None` for a job that is no array.
    pub subrun: Option<Subrun>,
    /// The job.
    pub job: JobId,
    /// Output or error.
    pub stream: Stream,
}

impl JobLog {
    /// Reads a file name without directory; `None` if it is something else.
    pub fn parse(name: &str) -> Option<Self> {
        let (rest, stream) = match name.strip_suffix(".out") {
            Some(rest) => (rest, Stream::Output),
            None => (name.strip_suffix(".err")?, Stream::Error),
        };
        let (run, rest) = rest.strip_prefix("Run")?.split_once('.')?;
        let (task, job) = rest.split_once("_jobid_")?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(task) || !digits(job) {
            return None;
        }
        let task = task.parse().ok()?;
        Some(Self {
            run: run.parse().ok()?,
            subrun: (task != NO_ARRAY).then_some(Subrun(task)),
            job: JobId(job.parse().ok()?),
            stream,
        })
    }

    /// The file name without directory.
    pub fn name(&self) -> String {
        let task = self.subrun.unwrap_or(Subrun(NO_ARRAY));
        let (run, job, extension) = (self.run, self.job, self.stream.extension());
        format!("Run{run}.{task}_jobid_{job}.{extension}")
    }
}

impl NightPaths {
    /// A job's log file.
    pub fn job_log(&self, log: &JobLog) -> PathBuf {
        self.log_dir().join(log.name())
    }

    /// The pattern that tells the scheduler the log file's name, relative to the analysis
    /// directory: `log/RunRRRRR.%4a_jobid_%A.out`.
    pub fn job_log_pattern(run: RunId, stream: Stream) -> String {
        format!("log/Run{run}.%4a_jobid_%A.{}", stream.extension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_task_and_a_single_job_have_their_names() {
        let task = JobLog {
            run: RunId(19102),
            subrun: Some(Subrun(3)),
            job: JobId(34_567_001),
            stream: Stream::Error,
        };
        assert_eq!(task.name(), "Run19102.0003_jobid_34567001.err");
        let single = JobLog { run: RunId(19101), subrun: None, stream: Stream::Output, ..task };
        assert_eq!(single.name(), "Run19101.4294967294_jobid_34567001.out");
    }

    #[test]
    fn other_files_are_no_job_logs() {
        for name in [
            "",
            "job_information.csv",
            "Run19102.0003_jobid_.out",
            "Run19102.out",
            "Run19102.+3_jobid_1.out",
            "xRun19102.0003_jobid_1.out",
            "Run19102.0003_jobid_1.out~",
        ] {
            assert_eq!(JobLog::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_round_trip(
            run in 0u32..1_000_000,
            subrun in proptest::option::of(0u32..1_000_000),
            job: u64,
            error: bool,
        ) {
            let stream = if error { Stream::Error } else { Stream::Output };
            let log = JobLog { run: RunId(run), subrun: subrun.map(Subrun), job: JobId(job), stream };
            prop_assert_eq!(JobLog::parse(&log.name()), Some(log));
        }

        #[test]
        fn no_name_makes_it_panic(name in ".*") {
            let _ = JobLog::parse(&name);
        }
    }
}
