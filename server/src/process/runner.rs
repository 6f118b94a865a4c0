//! Runs the stages of a sequence: tries, history, and what is left where a try went wrong.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};

use crate::model::{HistoryLine, RunId, Subrun};
use crate::night::NightPaths;
use crate::provenance::capture::{self, ActivityRun, HASHED_UP_TO, Surroundings};

use super::begun::{self, Begun, FileStamp};
use super::child::{Children, Ending};
use super::history::{self, History};
use super::work::{Outputs, Work, Written};
use super::{ProcessError, Step, done, owner, veto};

/// Return code of a stage that says it ended well and has not written its product (`EX_SOFTWARE`).
pub const NO_PRODUCT: i32 = 70;
/// Return code of an executable that cannot be found, as shells have it.
pub const NOT_FOUND: i32 = 127;
/// Return code of an executable that cannot be started, as shells have it.
pub const NOT_STARTED: i32 = 126;

/// A calibration, or one subrun, that is to be worked on.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The night and production.
    pub paths: NightPaths,
    /// The run; for the calibration the `PEDCALIB` one.
    pub run: RunId,
    /// The subrun; `None` for the calibration.
    pub subrun: Option<Subrun>,
    /// Its stages, in order.
    pub works: Vec<Work>,
}

impl Sequence {
    /// `RRRRR` or `RRRRR.SSSS`.
    pub fn label(&self) -> String {
        match self.subrun {
            Some(subrun) => format!("{}.{subrun}", self.run),
            None => self.run.to_string(),
        }
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.paths.sequence_file(self.run, self.subrun, suffix)
    }

    fn history(&self) -> PathBuf {
        self.paths.history(self.run, self.subrun)
    }

    /// The stages that are still to be run; `say` is told why those are that one would not expect.
    /// Blocks on the disk.
    ///
    /// A subrun goes on after the last stage that ended with 0, if its product is there; what comes
    /// after a stage that must be run is run as well. A calibration stage is done if its file is
    /// there.
    pub fn todo(&self, say: &mut dyn FnMut(&str)) -> Result<Vec<&Work>, ProcessError> {
        let history = History::read(&self.history())?;
        for torn in &history.torn {
            say(&format!("line {} of the history is torn: {:?}", torn.number, torn.text));
        }
        let steps: Vec<Step> = self.works.iter().map(|work| work.step.clone()).collect();
        let mut done = done(&history.lines, &steps);
        for (index, work) in self.works.iter().enumerate().take(done) {
            if let Some(file) = work.outputs.missing(Written::Usually)? {
                say(&format!(
                    "{} ended well, but {} is not there: it is run again",
                    work.step.stage.title(),
                    file.display()
                ));
                done = index;
                break;
            }
        }
        let mut todo = Vec::new();
        for (index, work) in self.works.iter().enumerate() {
            let is_done = match work.outputs {
                Outputs::Subrun(_) => index < done,
                Outputs::Calibration(_) => work.outputs.missing(Written::Always)?.is_none(),
            };
            if !is_done {
                todo.push(work);
            }
        }
        Ok(todo)
    }
}

/// Runs sequences, one at a time. Blocks while it does.
#[derive(Debug)]
pub struct Runner {
    /// The PATH of children, in which executables are looked for as well.
    pub search_path: OsString,
    /// The time.
    pub clock: fn() -> DateTime<Utc>,
    /// Whether command lines are reported as well.
    pub verbose: bool,
    /// What the provenance of the stages says of this program and its machine.
    pub surroundings: Surroundings,
    /// The children, through which the runner is asked to stop.
    pub children: Children,
}

/// One try of one stage.
struct Try<'a> {
    sequence: &'a Sequence,
    work: &'a Work,
    program: &'a Path,
    extra: Option<&'static str>,
    /// Files of the run that belong to others.
    before: &'a [FileStamp],
    /// `try 1 of 3`.
    label: String,
}

impl Runner {
    /// Works on a sequence and gives the return code of the stage that failed, else 0. What happens
    /// is reported on standard error; what the stages write goes to our own outputs.
    ///
    /// # Errors
    /// Nothing was run, or what became of it could not be written down; see [`ProcessError`].
    #[tracing::instrument(name = "sequence", skip_all, fields(date = %sequence.paths.date, run = %sequence.run, subrun = sequence.subrun.map(tracing::field::display)), err)]
    pub fn run(&mut self, sequence: &Sequence) -> Result<i32, ProcessError> {
        let say = |text: &str| say(sequence, text);
        if !sequence.file("begun").exists() && sequence.todo(&mut |_| ())?.is_empty() {
            say("everything is there already");
            return Ok(0);
        }
        let directory = sequence.paths.analysis_dir();
        std::fs::create_dir_all(&directory).map_err(ProcessError::file("make", &directory))?;
        let history = sequence.history();
        let ownership = owner::take(&history)?;
        if ownership.certain {
            let ended = owner::end_leftovers(&history)?;
            if ended > 0 {
                say(&format!("ended {ended} processes that an earlier, killed try had left"));
            }
        } else {
            say(
                "the file system knows no locks: cannot tell whether another process works on this",
            );
        }
        clear_killed_try(sequence)?;
        let todo = sequence.todo(&mut |text| say(text))?;
        todo.iter().flat_map(|work| &work.needs).try_for_each(super::work::Need::check)?;
        for work in todo.iter().filter(|work| matches!(work.outputs, Outputs::Subrun(_))) {
            work.outputs.present()?.iter().try_for_each(|file| begun::remove(file))?;
        }
        for work in &todo {
            let rc = self.stage(sequence, work)?;
            if rc != 0 {
                judge(sequence)?;
                return Ok(rc);
            }
        }
        say("all stages ended well");
        if veto::lift(&sequence.file("veto"))? {
            say("took back the veto");
        }
        Ok(0)
    }

    /// Tries a stage until it ends well or is not worth another try.
    #[tracing::instrument(skip_all, fields(run = %sequence.run, stage = work.step.stage.title()))]
    fn stage(&mut self, sequence: &Sequence, work: &Work) -> Result<i32, ProcessError> {
        let Some(program) = self.find(&work.program) else {
            return self.not_found(sequence, work);
        };
        let before = match work.outputs {
            Outputs::Subrun(_) => Vec::new(),
            Outputs::Calibration(_) => begun::stamps(work.outputs.present()?),
        };
        let tries = sequence.paths.config.lstchain.max_tries;
        let extra = work.second_chance.map(|extra| (Some(extra), format!("a last try, {extra}")));
        let regular = (1..=tries).map(|number| (None, format!("try {number} of {tries}")));
        let mut rc = 0;
        for (extra, label) in regular.chain(extra) {
            let attempt = Try { sequence, work, program: &program, extra, before: &before, label };
            let ending = self.attempt(&attempt)?;
            rc = ending.rc();
            if rc == 0 || rc == NOT_STARTED || matches!(ending, Ending::Stopped(_)) {
                break;
            }
        }
        Ok(rc)
    }

    /// The executable's path: a name is looked for on the PATH.
    fn find(&self, program: &str) -> Option<PathBuf> {
        let executable = |file: &PathBuf| {
            file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        };
        if program.contains('/') {
            return Some(PathBuf::from(program)).filter(executable);
        }
        let directories = std::env::split_paths(&self.search_path);
        directories.map(|directory| directory.join(program)).find(executable)
    }

    fn not_found(&self, sequence: &Sequence, work: &Work) -> Result<i32, ProcessError> {
        let config = &sequence.paths.config;
        say(
            sequence,
            &format!(
                "error: the executable {:?} cannot be found ({} in section [lstchain] of {})",
                work.program,
                work.step.stage.config_key(),
                config.file.display()
            ),
        );
        say(sequence, "hint: correct the key, or add its directory to job_path in osa.toml");
        self.write_down(sequence, work, NOT_FOUND)?;
        Ok(NOT_FOUND)
    }

    #[tracing::instrument(skip_all, fields(run = %attempt.sequence.run, attempt = attempt.label))]
    fn attempt(&mut self, attempt: &Try<'_>) -> Result<Ending, ProcessError> {
        let Try { sequence, work, .. } = *attempt;
        work.outputs.make_directories()?;
        let note = sequence.file("begun");
        if let Outputs::Calibration(_) = work.outputs {
            let lines = History::read(&sequence.history())?.lines.len();
            let begun = Begun { stage: work.step.stage, lines, before: attempt.before.to_vec() };
            begun.write(&note)?;
        }
        let title = work.step.stage.title();
        let begin = (self.clock)();
        say(
            sequence,
            &format!(
                "{title}: {}, {} begins at {} UTC",
                attempt.label,
                work.step.executable,
                begin.format("%Y-%m-%d %H:%M:%S")
            ),
        );
        if self.verbose {
            say(sequence, &work.command_line());
        }
        let ending = self.call(attempt)?;
        let seconds = ((self.clock)() - begin).as_seconds_f64();
        say(
            sequence,
            &format!("{title}: {} ended with {} after {seconds:.1} s", attempt.label, ending.rc()),
        );
        let cleaned = match ending.rc() {
            0 => {
                self.trace(sequence, work, begin);
                Ok(())
            }
            _ => clear(work, attempt.before),
        };
        self.write_down(sequence, work, ending.rc())?;
        cleaned?;
        begun::remove(&note)?;
        Ok(ending)
    }

    /// Writes the provenance of a stage that has ended well. That it cannot be written is reported and
    /// no failure: the product is good.
    fn trace(&self, sequence: &Sequence, work: &Work, started: DateTime<Utc>) {
        let paths = &sequence.paths;
        let log = paths.provenance_log();
        let written =
            work.trace.describe().map_err(|error| error.to_string()).and_then(|(tag, files)| {
                let (ended, surroundings) = ((self.clock)(), &self.surroundings);
                let hashed_up_to = HASHED_UP_TO;
                let run =
                    ActivityRun { tag, paths, files, started, ended, surroundings, hashed_up_to };
                capture::activity(&log, &run).map_err(|error| error.to_string())
            });
        if let Err(problem) = written {
            say(
                sequence,
                &format!("error: the provenance of this stage is not written: {problem}"),
            );
        }
    }

    /// Runs the executable once and looks whether it has done what it says.
    fn call(&mut self, attempt: &Try<'_>) -> Result<Ending, ProcessError> {
        let Try { sequence, work, program, .. } = *attempt;
        let mut command = Command::new(program);
        command
            .args(&work.arguments)
            .args(attempt.extra)
            .env("PATH", &self.search_path)
            .env(owner::MARK, sequence.history());
        let ending = match self.children.run(&mut command) {
            Ok(ending) => ending,
            Err(cause) => {
                say(sequence, &format!("error: cannot start {}: {cause}", program.display()));
                Ending::Own(NOT_STARTED)
            }
        };
        if ending == Ending::Own(0)
            && let Some(file) = work.outputs.missing(Written::Always)?
        {
            say(sequence, &format!("error: it ended with 0 and did not write {}", file.display()));
            for other in begun::changed(work.outputs.present()?, attempt.before) {
                say(sequence, &format!("it wrote {}: is PROD_ID right?", other.display()));
            }
            return Ok(Ending::Own(NO_PRODUCT));
        }
        Ok(ending)
    }

    fn write_down(&self, sequence: &Sequence, work: &Work, rc: i32) -> Result<(), ProcessError> {
        let line = HistoryLine {
            run: sequence.label(),
            executable: work.step.executable.clone(),
            prod_id: work.step.prod_id.to_string(),
            when: history::format_time((self.clock)()),
            input: work.input.clone(),
            config: work.config.clone(),
            rc,
        };
        history::append(&sequence.history(), &line)
    }
}

/// One line on standard error.
fn say(sequence: &Sequence, text: &str) {
    eprintln!("osa: {} {text}", sequence.label());
}

/// Removes what a try that did not end well has written.
fn clear(work: &Work, before: &[FileStamp]) -> Result<(), ProcessError> {
    let files = begun::changed(work.outputs.present()?, before);
    files.iter().try_for_each(|file| begun::remove(file))
}

/// Removes what a calibration try has left that was killed together with its owner.
fn clear_killed_try(sequence: &Sequence) -> Result<(), ProcessError> {
    let note = sequence.file("begun");
    let Some(begun) = Begun::read(&note)? else { return Ok(()) };
    let lines = History::read(&sequence.history())?.lines.len();
    let work = sequence.works.iter().find(|work| work.step.stage == begun.stage);
    if let Some(work) = work.filter(|_| lines <= begun.lines) {
        say(sequence, &format!("{}: an earlier try was killed", work.step.stage.title()));
        clear(work, &begun.before)?;
    }
    begun::remove(&note)
}

/// Sets the veto if the sequence has failed twice in the same way.
fn judge(sequence: &Sequence) -> Result<(), ProcessError> {
    let history = History::read(&sequence.history())?;
    if let Some(line) = history.lines.last().filter(|_| veto::is_due(&history.lines)) {
        let flag = sequence.file("veto");
        veto::set(&flag, line)?;
        let text = format!("failed twice in the same way: {} is set", flag.display());
        say(sequence, &text);
    }
    Ok(())
}
