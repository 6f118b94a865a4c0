//! The jobs of a closing: provenance, run-wise merging, datacheck, and their scripts.

use std::path::{Path, PathBuf};

use crate::launch::{ScriptError, ScriptOptions, command_script};
use crate::model::{ClosingJob, Kind, Level, RunId, Stage};
use crate::night::NightPaths;

use super::plan::Grounds;

/// Executables of lstchain that the configuration does not name.
const MERGE_HDF5: &str = "lstchain_merge_hdf5_files";
const MERGE_MUONS: &str = "lstchain_merge_muon_files";
const LONGTERM: &str = "lstchain_longterm_dl1_check";
const TRANSPARENCY: &str = "lstchain_cherenkov_transparency";

/// Plans the jobs of the data runs `runs`; what is done is left out, with what `done` says.
pub(super) fn plan(grounds: &Grounds<'_>, runs: &[RunId]) -> Vec<ClosingJob> {
    let planner = Planner { grounds };
    let mut jobs: Vec<ClosingJob> = runs.iter().flat_map(|run| planner.of_run(*run)).collect();
    if grounds.options.seq.is_none() {
        planner.of_night(runs, &mut jobs);
    }
    jobs
}

struct Planner<'a> {
    grounds: &'a Grounds<'a>,
}

impl Planner<'_> {
    fn paths(&self) -> &NightPaths {
        self.grounds.paths
    }

    /// The jobs of a run that are left to be done.
    fn of_run(&self, run: RunId) -> Vec<ClosingJob> {
        let has = |level| self.grounds.survey.present.contains(&(run, level));
        let config = &self.paths().config.lstchain;
        let all = [
            self.provenance(run),
            has(Level::Dl1ab).then(|| self.merge(run, Level::Dl1ab)).flatten(),
            has(Level::Muons).then(|| self.merge(run, Level::Muons)).flatten(),
            (has(Level::Dl2) && !self.grounds.options.no_dl2)
                .then(|| self.merge(run, Level::Dl2))
                .flatten(),
            (has(Level::Datacheck) && config.merge_dl1_datacheck)
                .then(|| self.check(run))
                .flatten(),
        ];
        let fresh = self.grounds.survey.moves(run);
        let wanted = |job: &ClosingJob| fresh || !self.is_done(job);
        all.into_iter().flatten().filter(wanted).collect()
    }

    fn is_done(&self, job: &ClosingJob) -> bool {
        let Grounds { done, own, .. } = self.grounds;
        done.contains(&job.purpose) || own.as_ref().is_some_and(|own| !own.contains(&job.purpose))
    }

    /// The long-term datacheck, and what is added to it.
    fn of_night(&self, runs: &[RunId], jobs: &mut Vec<ClosingJob>) {
        let Grounds { survey, .. } = self.grounds;
        let any = runs.iter().any(|run| survey.present.contains(&(*run, Level::Datacheck)));
        if !any || !self.paths().config.lstchain.merge_dl1_datacheck {
            return;
        }
        let checks: Vec<String> = jobs
            .iter()
            .filter(|job| job.name.starts_with("close_check_dl1_"))
            .map(|job| job.name.clone())
            .collect();
        let (Some(datacheck), Some(muons)) = (self.dir(Level::Datacheck), self.dir(Level::Muons))
        else {
            return;
        };
        let output = self.paths().longterm_file("h5").display().to_string();
        let mut longterm = self.job("longterm", None, "long-term datacheck of the night");
        longterm.argv = vec![
            LONGTERM.into(),
            format!("--input-dir={datacheck}"),
            format!("--output-file={output}"),
            format!("--muons-dir={muons}"),
            "--batch".into(),
        ];
        longterm.output = Some(output.clone());
        let renewed = !checks.is_empty() || !self.is_done(&longterm);
        longterm.depends_on = checks;
        let mut transparency =
            self.job("transparency", None, "transparency of the air, into the long-term datacheck");
        transparency.argv = vec![
            TRANSPARENCY.into(),
            format!("--update-datacheck-file={output}"),
            format!("--input-dir={datacheck}"),
        ];
        if renewed {
            transparency.depends_on.push(longterm.name.clone());
            jobs.push(longterm);
        }
        if renewed || !self.is_done(&transparency) {
            jobs.push(transparency);
        }
    }

    /// A job without its command.
    fn job(&self, what: &str, run: Option<RunId>, title: &str) -> ClosingJob {
        let date = self.paths().date.compact();
        let about = run.map_or_else(|| date.clone(), |run| run.to_string());
        let name = format!("close_{what}_{about}");
        let purpose = match run {
            Some(run) => format!("close {date} {what} {run}"),
            None => format!("close {date} {what}"),
        };
        ClosingJob {
            script: self.paths().closing_script(&name).display().to_string(),
            name,
            purpose,
            run,
            title: title.to_owned(),
            argv: Vec::new(),
            output: None,
            depends_on: Vec::new(),
        }
    }

    fn dir(&self, level: Level) -> Option<String> {
        self.paths().final_dir(level).map(|dir| dir.display().to_string())
    }

    fn provenance(&self, run: RunId) -> Option<ClosingJob> {
        let runs = self.grounds.calibration?;
        if !self.grounds.survey.provenance {
            return None;
        }
        let paths = self.paths();
        let mut job = self.job("provprocess", Some(run), "provenance of the run");
        job.argv = vec![
            self.grounds.script.program.display().to_string(),
            "provprocess".into(),
            "-c".into(),
            paths.config.file.display().to_string(),
        ];
        job.argv.extend([
            runs.drs4.to_string(),
            runs.pedcal.to_string(),
            run.to_string(),
            paths.date.compact(),
            paths.prod_id.to_string(),
        ]);
        if self.grounds.options.no_dl2 {
            job.argv.push("--no-dl2".into());
        }
        Some(job)
    }

    fn merge(&self, run: RunId, level: Level) -> Option<ClosingJob> {
        let (what, title, tool) = match level {
            Level::Muons => ("merge_muons", "muon rings of the run in one file", MERGE_MUONS),
            Level::Dl2 => ("merge_dl2", "DL2 of the run in one file", MERGE_HDF5),
            _ => ("merge_dl1", "DL1b of the run in one file", MERGE_HDF5),
        };
        let paths = self.paths();
        let directory = paths.final_dir(level)?;
        let output = directory.join(paths.product_name(level, run, None)).display().to_string();
        let mut job = self.job(what, Some(run), title);
        job.argv = vec![
            tool.into(),
            format!("--input-dir={}", directory.display()),
            format!("--output-file={output}"),
        ];
        if level != Level::Muons {
            job.argv.extend(["--no-image".into(), "--no-progress".into()]);
        }
        job.argv.push(format!("--run-number={run}"));
        job.argv.push(format!("--pattern={}", pattern(paths, level)));
        job.output = Some(output);
        Some(job)
    }

    fn check(&self, run: RunId) -> Option<ClosingJob> {
        let paths = self.paths();
        let directory = paths.final_dir(Level::Datacheck)?;
        let run_wise = directory.join(paths.product_name(Level::Datacheck, run, None));
        let name = paths.product_name(Level::Datacheck, run, None);
        let suffix = &paths.config.patterns.datachecksuffix;
        let all = name.strip_suffix(suffix.as_str()).map(|stem| format!("{stem}.*{suffix}"))?;
        let mut job = self.job("check_dl1", Some(run), "datacheck of the run, with its plots");
        job.argv = vec![
            paths.config.lstchain.executables.get(&Stage::CheckDl1)?.clone(),
            format!("--input-file={}", directory.join(all).display()),
            format!("--output-dir={}", directory.display()),
            format!("--muons-dir={}", self.dir(Level::Muons)?),
        ];
        job.output = Some(run_wise.display().to_string());
        Some(job)
    }
}

/// Names of the subrun files of a level, as the shell matches them; not those of run-wise files.
fn pattern(paths: &NightPaths, level: Level) -> String {
    let example = paths.product_name(level, RunId(0), None);
    example.replacen("Run00000", "Run*.*", 1)
}

/// The text of a job's script.
///
/// # Errors
/// A value would break a directive.
pub fn script(
    paths: &NightPaths,
    job: &ClosingJob,
    options: &ScriptOptions,
) -> Result<String, ScriptError> {
    let slurm = &paths.config.slurm;
    let log = |extension: &str| NightPaths::closing_log_pattern(&job.name, extension);
    let directives = vec![
        ("job-name", job.name.clone()),
        ("time", slurm.walltime.clone()),
        ("chdir", paths.analysis_dir().display().to_string()),
        ("output", log("out")),
        ("error", log("err")),
        ("partition", slurm.partition(Kind::Data)),
        ("mem-per-cpu", slurm.memory(Kind::Data).to_owned()),
        ("account", slurm.account.clone().unwrap_or_default()),
    ];
    let leftovers: Vec<PathBuf> = job.output.iter().map(|file| Path::new(file).into()).collect();
    command_script(&paths.config, options, directives, &leftovers, &job.argv)
}
