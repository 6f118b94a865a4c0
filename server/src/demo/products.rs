//! What processing left behind: products, histories, logs.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::model::{JobId, Kind, Level, NightDate, RunId, RunType, Stage, Subrun};
use crate::night::paths::{JobLog, NightPaths, Stream};

use super::inputs::is_data;
use super::nights::{DRS4_EXISTS, DemoNight, DemoRun, Fate, KnownError};
use super::{DemoError, plot, write};

/// Writes a night's products, according to its fate.
pub fn night(paths: &NightPaths, night: &DemoNight) -> Result<(), DemoError> {
    match night.fate {
        Fate::Fresh => return Ok(()),
        Fate::CalibrationFailed => return failed_calibration(paths, night),
        Fate::Processed | Fate::Failing => calibration(paths, night)?,
    }
    for level in Level::ALL {
        let dir = paths.running_dir(level);
        std::fs::create_dir_all(&dir).map_err(|cause| super::write_error(&dir, cause))?;
    }
    for run in night.runs.iter().filter(|run| is_data(run)) {
        for subrun in 0..run.subruns {
            subrun_products(paths, run, Subrun(subrun))?;
        }
    }
    Ok(())
}

/// The runs that calibrate a night.
fn calibration_runs(night: &DemoNight) -> Option<(RunId, RunId)> {
    let last = |wanted: RunType| night.runs.iter().rev().find(|run| run.run_type == wanted);
    Some((last(RunType::Drs4)?.id, last(RunType::PedCalib)?.id))
}

/// Positions of the flat-field calibration's filter wheels.
const FILTERS: &str = "52";

/// Job number under which a run's logs were written.
pub fn job_number(run: RunId) -> u64 {
    u64::from(run.0) - 18_000
}

/// Says which version of a calibration is in use, as lstchain's scripts do.
fn in_use(directory: &std::path::Path, production: &str) -> Result<(), DemoError> {
    let link = NightPaths::in_use(directory);
    match std::os::unix::fs::symlink(production, &link) {
        Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(DemoError::Write { path: link, cause })
        }
        _ => Ok(()),
    }
}

fn calibration(paths: &NightPaths, night: &DemoNight) -> Result<(), DemoError> {
    let Some((drs4, pedcal)) = calibration_runs(night) else { return Ok(()) };
    let production = paths.prod_id.as_str();
    let pedestal = paths.drs4_dir(paths.date).join(production).join(NightPaths::drs4_name(drs4));
    let charge = paths.charge_dir(paths.date).join(production);
    let charge = charge.join(NightPaths::charge_name(pedcal, FILTERS));
    write(&pedestal, "pedestal\n")?;
    write(
        &paths.drs4_check_plot(paths.date, &paths.prod_id, drs4),
        &plot(&format!("DRS4 baseline of run {drs4}")),
    )?;
    write(&charge, "calibration\n")?;
    let check_plot = paths.charge_check_plot(paths.date, &paths.prod_id, pedcal, FILTERS);
    write(&check_plot, &plot(&format!("Charge calibration of run {pedcal}")))?;
    for directory in [paths.drs4_dir(paths.date), paths.charge_dir(paths.date)] {
        in_use(&directory, production)?;
    }
    let mut history = String::new();
    for (stage, run, file) in
        [(Stage::Drs4Baseline, drs4, &pedestal), (Stage::ChargeCalibration, pedcal, &charge)]
    {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        history += &line(paths, stage, &run.to_string(), name.as_deref(), 0);
    }
    write(&paths.history(pedcal, None), &history)?;
    write(&log(paths, pedcal, None, Stream::Output), "calibration done\n")
}

fn failed_calibration(paths: &NightPaths, night: &DemoNight) -> Result<(), DemoError> {
    let Some((drs4, pedcal)) = calibration_runs(night) else { return Ok(()) };
    let history = line(paths, Stage::Drs4Baseline, &drs4.to_string(), None, 1);
    write(&paths.history(pedcal, None), &history)?;
    write(&log(paths, pedcal, None, Stream::Output), "")?;
    write(&log(paths, pedcal, None, Stream::Error), &traceback(&DRS4_EXISTS))
}

/// A line as Python tools end with.
fn traceback(error: &KnownError) -> String {
    format!(
        "Traceback (most recent call last):\n  File \"<stand-in>\", line 1, in <module>\n{}\n",
        error.sign
    )
}

fn log(paths: &NightPaths, run: RunId, subrun: Option<Subrun>, stream: Stream) -> PathBuf {
    paths.job_log(&JobLog { run, subrun, job: JobId(job_number(run)), stream })
}

/// A history line of the demo; `name` is the input file.
fn line(paths: &NightPaths, stage: Stage, run: &str, name: Option<&str>, rc: i32) -> String {
    let lstchain = &paths.config.lstchain;
    let tool = lstchain.executables.get(&stage).map_or("None", String::as_str);
    let (prod_id, config) = match stage {
        Stage::Dl1ToDl2 => (paths.dl2_prod_id(), Some(&lstchain.dl2_config)),
        Stage::Dl1ab => (paths.dl1_prod_id(), Some(&lstchain.dl1b_config)),
        Stage::CheckDl1 => (paths.dl1_prod_id(), None),
        Stage::R0ToDl1 => (&paths.prod_id, Some(&lstchain.dl1a_config)),
        Stage::Drs4Baseline | Stage::ChargeCalibration => (&paths.prod_id, None),
    };
    let config = config.and_then(|file| file.file_name()).map(|name| name.to_string_lossy());
    format!(
        "{run} {tool} {prod_id} {} {} {} {rc}\n",
        when(paths.date),
        name.unwrap_or("None"),
        config.as_deref().unwrap_or("None"),
    )
}

/// The morning after, when the demo's nights were processed.
fn when(date: NightDate) -> String {
    let morning = date.date().succ_opt().unwrap_or(date.date());
    format!("{} 09:12", NightDate::new(morning))
}

/// What a stage leaves behind.
fn outputs(stage: Stage) -> &'static [Level] {
    match stage {
        Stage::R0ToDl1 => &[Level::Dl1, Level::Muons, Level::Interleaved],
        Stage::Dl1ab => &[Level::Dl1ab],
        Stage::CheckDl1 => &[Level::Datacheck],
        Stage::Dl1ToDl2 => &[Level::Dl2],
        Stage::Drs4Baseline | Stage::ChargeCalibration => &[],
    }
}

fn subrun_products(paths: &NightPaths, run: &DemoRun, subrun: Subrun) -> Result<(), DemoError> {
    let error = run.error.filter(|error| (error.fails)(subrun.0, run.subruns));
    let id = format!("{}.{subrun}", run.id);
    let mut history = String::new();
    let mut out = String::new();
    let never_began = error.is_some_and(|error| error.stage.is_none());
    for stage in Kind::Data.stages(true) {
        if never_began {
            break;
        }
        let input = match stage {
            Stage::R0ToDl1 => paths.r0_file(run.id, subrun),
            _ => paths.analysis_dir().join(paths.product_name(Level::Dl1ab, run.id, Some(subrun))),
        };
        let input = input.file_name().map(|name| name.to_string_lossy().into_owned());
        if let Some(error) = error.filter(|error| error.stage == Some(*stage)) {
            _ = writeln!(out, "{}: {id}", stage.config_key());
            if let Some(rc) = error.rc {
                history += &line(paths, *stage, &id, input.as_deref(), rc);
            }
            break;
        }
        history += &line(paths, *stage, &id, input.as_deref(), 0);
        _ = writeln!(out, "{}: {id} done", stage.config_key());
        for level in outputs(*stage) {
            let file =
                paths.running_dir(*level).join(paths.product_name(*level, run.id, Some(subrun)));
            write(&file, "product\n")?;
        }
    }
    if !history.is_empty() {
        write(&paths.history(run.id, Some(subrun)), &history)?;
    }
    write(&log(paths, run.id, Some(subrun), Stream::Output), &out)?;
    match error {
        Some(error) => write(&log(paths, run.id, Some(subrun), Stream::Error), &traceback(error)),
        None => Ok(()),
    }
}
