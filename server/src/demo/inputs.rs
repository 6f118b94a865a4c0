//! What is there before anything is processed: configuration, tools, raw files, summaries.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::internal::Cause;
use crate::model::{NightDate, RunType, Subrun};
use crate::night::paths::NightPaths;

use super::nights::{DemoNight, DemoRun};
use super::{DemoError, write};

/// The production that the demo's stand-ins work for.
const PROD_ID: &str = "v0.10.18";

/// Writes `sequencer.cfg` and `osa.toml` and reads the former back.
pub fn configuration(dir: &Path) -> Result<Arc<SiteConfig>, DemoError> {
    let lstchain = dir.join("lstchain/lstchain_standard_config.json").display().to_string();
    let models = dir.join("models").display().to_string();
    let base = dir.join("data").display().to_string();
    let cache = dir.join("cache").display().to_string();
    let www = dir.join("www/datacheck").display().to_string();
    let database = dir.join("data/OSA/osa.db").display().to_string();
    let settings: [(&str, &str); 15] = [
        ("BASE", &base),
        ("PROD_ID", PROD_ID),
        ("dl1a_config", &lstchain),
        ("dl1b_config", &lstchain),
        ("dl2_config", &lstchain),
        ("dl3_config", &lstchain),
        ("rf_models", &models),
        ("WALLTIME", "0:10:00"),
        ("HOST", ""),
        ("DATACHECK", &www),
        ("CTAPIPE_CACHE", &cache),
        ("CTAPIPE_SVC_PATH", &cache),
        ("MPLCONFIGDIR", &cache),
        ("path", &database),
        ("recipient", "shifter@localhost"),
    ];
    let file = dir.join("sequencer.cfg");
    write(&file, &with_values(include_str!("../../../configs/sequencer.cfg"), &settings))?;
    let bin = dir.join("bin").display().to_string();
    let own = super::database(dir).display().to_string();
    write(
        &dir.join("osa.toml"),
        &format!(
            "# Settings of the demo: everything on this machine.\n\
             scheduler = \"local\"\nlocal_cpus = 4\njob_path = [{bin:?}]\n\
             # A demo that is removed leaves nothing behind.\n\
             database = {own:?}\n\
             # The sign-in page tells the users and passwords that `osa demo` has made.\n\
             demo = true\n"
        ),
    )?;
    Ok(Arc::new(SiteConfig::load(&file)?))
}

/// Replaces the values of some keys, wherever they stand.
fn with_values(template: &str, settings: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for line in template.lines() {
        let key = line.split([':', '=']).next().unwrap_or("").trim();
        match settings.iter().find(|(name, _)| *name == key && !line.starts_with('#')) {
            Some((name, value)) => _ = writeln!(text, "{name}: {value}"),
            None => _ = writeln!(text, "{line}"),
        }
    }
    text
}

/// Links the stand-ins under the real executables' names, and sets how long they take.
pub fn tools(dir: &Path, tools: &Path) -> Result<(), DemoError> {
    let bin = dir.join("bin");
    run_tools(tools, "--install", &bin)?;
    write(
        &bin.join("standin.rules"),
        "# How the stand-ins behave, line by line: TOOL RUN[.SUBRUN] SETTINGS.\n\
         * * seconds=1..2\n\
         r0_to_dl1 * seconds=3..6\n\
         dl1ab 19104.0007 fail=catb\n",
    )
}

/// Has the stand-ins write their datacheck into a night whose subruns were made ready.
pub fn datacheck(tools: &Path, night: &Path) -> Result<(), DemoError> {
    run_tools(tools, "--fill", night)
}

fn run_tools(tools: &Path, verb: &str, dir: &Path) -> Result<(), DemoError> {
    let wrong = |cause: Cause| DemoError::Tools { tools: tools.to_owned(), cause };
    let output = Command::new(tools).arg(verb).arg(dir).output();
    let output = output.map_err(|cause| wrong(cause.into()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(wrong(format!("{verb} failed: {said}").into()))
}

/// Writes what all nights share: configuration files, models, time calibration, systematics.
pub fn shared(config: &SiteConfig) -> Result<(), DemoError> {
    write(&config.lstchain.dl1a_config, "{}\n")?;
    write(&config.lstchain.rf_models.join("reg_energy.sav"), "model\n")?;
    let base = &config.directories.calib_base_dir;
    for (night, run) in [("20191124", "01625"), ("20210321", "04211")] {
        let name =
            format!("drs4_time_sampling_from_FF/{night}/pro/time_calibration.Run{run}.0000.h5");
        write(&base.join(name), "time calibration\n")?;
    }
    for night in ["20200725", "20240201"] {
        let name = format!("ffactor_systematics/{night}/pro/ffactor_systematics_{night}.h5");
        write(&base.join(name), "systematics\n")?;
    }
    Ok(())
}

/// Writes what the telescope left of a night.
pub fn night(paths: &NightPaths, night: &DemoNight) -> Result<(), DemoError> {
    write(&paths.run_summary(), &run_summary(night))?;
    write(&paths.run_catalogue(), &run_catalog(night))?;
    write(&paths.drive_log(), "")?;
    write(&paths.gain_selection_finished(), "")?;
    for run in &night.runs {
        for subrun in (0..run.subruns).map(Subrun) {
            write(&paths.r0_file(run.id, subrun), "raw\n")?;
        }
    }
    Ok(())
}

/// Nanoseconds since 1970 at which a run of the demo began: ten minutes each from 22:00 UTC.
fn begin(date: NightDate, index: usize) -> i64 {
    let evening = date.date().and_hms_opt(22, 0, 0).map_or(0, |time| time.and_utc().timestamp());
    (evening + 600 * i64::try_from(index).unwrap_or(0)) * 1_000_000_000
}

fn run_summary(night: &DemoNight) -> String {
    const COLUMNS: [(&str, &str); 10] = [
        ("run_id", "int64"),
        ("n_subruns", "int64"),
        ("run_type", "string"),
        ("ucts_timestamp", "int64"),
        ("run_start", "int64"),
        ("dragon_reference_time", "int64"),
        ("dragon_reference_module_id", "int16"),
        ("dragon_reference_module_index", "int16"),
        ("dragon_reference_counter", "uint64"),
        ("dragon_reference_source", "string"),
    ];
    let mut text = header(&COLUMNS);
    for (index, run) in night.runs.iter().enumerate() {
        let start = begin(night.date, index);
        let (id, subruns, run_type) = (run.id.0, run.subruns, &run.run_type);
        _ = writeln!(text, "{id},{subruns},{run_type},{start},{start},{start},90,0,863850400,ucts");
    }
    text
}

fn run_catalog(night: &DemoNight) -> String {
    const COLUMNS: [(&str, &str); 4] = [
        ("run_id", "int32"),
        ("source_name", "string"),
        ("source_ra", "float64"),
        ("source_dec", "float64"),
    ];
    let mut text = header(&COLUMNS);
    for (run, source) in night.runs.iter().filter_map(|run| Some((run, run.source?))) {
        _ = writeln!(text, "{},\"{source}\",83.633,22.014", run.id.0);
    }
    text
}

/// The first lines of a comma-delimited ECSV file.
fn header(columns: &[(&str, &str)]) -> String {
    let mut text = String::from("# %ECSV 1.0\n# ---\n# datatype:\n");
    for (name, datatype) in columns {
        _ = writeln!(text, "# - {{name: {name}, datatype: {datatype}}}");
    }
    text.push_str("# delimiter: ','\n# schema: astropy-2.0\n");
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    text + &names.join(",") + "\n"
}

/// Writes the summary of all runs ever.
pub fn merged_summary(config: &SiteConfig, nights: &[DemoNight]) -> Result<(), DemoError> {
    let mut text = String::from(
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: date, datatype: string}\n\
         # - {name: run_id, datatype: int64}\n# - {name: run_type, datatype: string}\n\
         # - {name: n_subruns, datatype: int64}\n# schema: astropy-2.0\n\
         date run_id run_type n_subruns\n",
    );
    for night in nights {
        for DemoRun { id, run_type, subruns, .. } in &night.runs {
            _ = writeln!(text, "{} {} {run_type} {subruns}", night.date, id.0);
        }
    }
    write(&config.directories.merged_summary, &text)
}

/// Whether a run is one that is processed.
pub fn is_data(run: &DemoRun) -> bool {
    run.run_type == RunType::Data
}
