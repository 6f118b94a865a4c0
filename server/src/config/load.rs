//! From the parsed `sequencer.cfg` to its typed view: which keys are needed, and what the others
//! are when they are not set.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::model::{ProdId, Stage};

use super::site::{
    Cache, Directories, Flags, Lstchain, Mail, Output, Patterns, SiteConfig, Slurm, Webserver,
};
use super::{ConfigError, Ini};

/// What keys are where they are not set: section, key, value.
pub(super) const DEFAULTS: [(&str, &str, &str); 23] = [
    ("lstchain", "use_ff_heuristic_id", "False"),
    ("lstchain", "use_ff_heuristic_gain_selection", "False"),
    ("lstchain", "store_image_dl1ab", "True"),
    ("lstchain", "merge_dl1_datacheck", "True"),
    ("lstchain", "max_tries", "3"),
    ("PATTERN", "R0PREFIX", "LST-1.1"),
    ("PATTERN", "R0SUFFIX", ".fits.fz"),
    ("PATTERN", "DL1PREFIX", "dl1_LST-1"),
    ("PATTERN", "DL1SUFFIX", ".h5"),
    ("PATTERN", "DL1ABPREFIX", "dl1_LST-1"),
    ("PATTERN", "DL1ABSUFFIX", ".h5"),
    ("PATTERN", "DATACHECKPREFIX", "datacheck_dl1_LST-1"),
    ("PATTERN", "DATACHECKSUFFIX", ".h5"),
    ("PATTERN", "MUONPREFIX", "muons_LST-1"),
    ("PATTERN", "MUONSUFFIX", ".fits"),
    ("PATTERN", "DL2PREFIX", "dl2_LST-1"),
    ("PATTERN", "DL2SUFFIX", ".h5"),
    ("PATTERN", "INTERLEAVEDPREFIX", "interleaved_LST-1"),
    ("PATTERN", "INTERLEAVEDSUFFIX", ".h5"),
    ("LSTOSA", "end_of_activity", "NightFinished.txt"),
    ("LSTOSA", "gain_selection_check", "GainSelFinished.txt"),
    ("OUTPUT", "REPORTWIDTH", "160"),
    ("OUTPUT", "PADDING", "2"),
];

pub(super) fn load(file: &Path) -> Result<SiteConfig, ConfigError> {
    let wrap = |cause| ConfigError::Read { file: file.to_owned(), cause };
    let file = std::path::absolute(file).map_err(wrap)?;
    let text = crate::input_file::read_text(&file).map_err(wrap)?;
    let ini = Ini::parse(&text, &file)?;
    let site = Section { ini: &ini, name: "LST1" };
    let lstchain = Section { ini: &ini, name: "lstchain" };
    Ok(SiteConfig {
        directories: directories(&site)?,
        prod_id: site.optional("PROD_ID")?,
        dl1_prod_id: site.optional::<ProdId>("DL1_PROD_ID")?,
        dl2_prod_id: site.optional("DL2_PROD_ID")?,
        lstchain: executables(&lstchain)?,
        slurm: slurm(&Section { ini: &ini, name: "SLURM" })?,
        webserver: webserver(&Section { ini: &ini, name: "WEBSERVER" })?,
        cache: cache(&Section { ini: &ini, name: "CACHE" })?,
        database: Section { ini: &ini, name: "database" }.optional("path")?,
        mail: Mail { recipient: Section { ini: &ini, name: "mail" }.text("recipient")? },
        patterns: patterns(&Section { ini: &ini, name: "PATTERN" })?,
        flags: flags(&Section { ini: &ini, name: "LSTOSA" })?,
        output: output(&Section { ini: &ini, name: "OUTPUT" })?,
        version: Arc::default(),
        file,
        ini,
    })
}

fn default(section: &str, key: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|(s, k, _)| (*s, *k) == (section, key)).map(|(_, _, value)| *value)
}

/// A section while it is read.
struct Section<'a> {
    ini: &'a Ini,
    name: &'static str,
}

impl Section<'_> {
    fn wrong(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        self.ini.key_error(self.name, key, problem)
    }

    /// The value if it is set or has a default. Values end up in job scripts and command lines: one line each.
    fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        let value = self.ini.get(self.name, key)?;
        if value.as_ref().is_some_and(|value| value.contains(char::is_control)) {
            return Err(self.wrong(
                key,
                "has a line break or another control character; write the value in one line and \
                 do not indent the line after it",
            ));
        }
        Ok(value.or_else(|| default(self.name, key).map(str::to_owned)))
    }

    fn needed(&self, key: &str, what: &str) -> Result<String, ConfigError> {
        self.text(key)?.ok_or_else(|| {
            let state = match (self.ini.has_section(self.name), self.ini.line(self.name, key)) {
                (false, _) => "the section is missing",
                (true, None) => "is missing",
                (true, Some(_)) => "has no value",
            };
            self.wrong(key, format!("{state}; set it to {what}"))
        })
    }

    fn optional<T: FromStr<Err: Display>>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.text(key)? else { return Ok(None) };
        let parsed = value.parse().map_err(|problem| self.wrong(key, format!("{problem}")))?;
        Ok(Some(parsed))
    }

    /// A needed directory or file; absolute, since jobs run in directories of their own.
    fn path(&self, key: &str, what: &str) -> Result<PathBuf, ConfigError> {
        let path = PathBuf::from(self.needed(key, what)?);
        if path.is_absolute() {
            return Ok(path);
        }
        let problem = format!(
            "{} is a relative path; write it from the root on, since jobs run in other directories",
            path.display()
        );
        Err(self.wrong(key, problem))
    }

    /// A number of at least `least`.
    fn number<T>(&self, key: &str, least: T) -> Result<Option<T>, ConfigError>
    where
        T: FromStr + Display + PartialOrd,
    {
        let Some(value) = self.text(key)? else { return Ok(None) };
        match value.parse::<T>() {
            Ok(number) if number >= least => Ok(Some(number)),
            _ => {
                let problem = format!("{value:?} is not a whole number of at least {least}");
                Err(self.wrong(key, problem))
            }
        }
    }

    fn needed_number<T>(&self, key: &str, least: T) -> Result<T, ConfigError>
    where
        T: FromStr + Display + PartialOrd,
    {
        self.number(key, least)?.ok_or_else(|| self.wrong(key, "is missing; set it to a number"))
    }

    /// A yes or no in any of Python's spellings.
    fn switch(&self, key: &str) -> Result<bool, ConfigError> {
        let value = self.needed(key, "True or False")?;
        match value.to_lowercase().as_str() {
            "1" | "yes" | "true" | "on" => Ok(true),
            "0" | "no" | "false" | "off" => Ok(false),
            _ => Err(self.wrong(key, format!("{value:?} is neither True nor False"))),
        }
    }

    /// A part of a file name.
    fn name(&self, key: &str) -> Result<String, ConfigError> {
        let value = self.needed(key, "a part of file names")?;
        if value.contains('/') {
            return Err(self.wrong(key, format!("{value:?} is not a part of a file name")));
        }
        Ok(value)
    }
}

fn directories(site: &Section<'_>) -> Result<Directories, ConfigError> {
    Ok(Directories {
        r0_dir: site.path("R0_DIR", "the directory of raw files")?,
        drive_dir: site.path("DRIVE_DIR", "the directory of drive logs")?,
        run_summary_dir: site.path("RUN_SUMMARY_DIR", "the directory of run summaries")?,
        run_catalog: site.path("RUN_CATALOG", "the directory of source catalogues")?,
        pedestal_finder_dir: site
            .path("PEDESTAL_FINDER_DIR", "the directory of interleaved pedestal ids")?,
        analysis_dir: site.path("ANALYSIS_DIR", "the directory of the running analysis")?,
        calib_base_dir: site.path("CALIB_BASE_DIR", "the directory above all calibrations")?,
        calib_dir: site.path("CALIB_DIR", "the directory of charge calibrations")?,
        pedestal_dir: site.path("PEDESTAL_DIR", "the directory of DRS4 baselines")?,
        dl1_dir: site.path("DL1_DIR", "the directory of final DL1 files")?,
        dl2_dir: site.path("DL2_DIR", "the directory of final DL2 files")?,
        osa_dir: site.path("OSA_DIR", "the directory of the on-site analysis' own files")?,
        closer_dir: site.path("CLOSER_DIR", "the directory of flags of closed nights")?,
        longterm_dir: site.path("LONGTERM_DIR", "the directory of the long-term datacheck")?,
        merged_summary: site.path("MERGED_SUMMARY", "the file with all runs ever taken")?,
        gain_selection_flag_dir: site
            .path("GAIN_SELECTION_FLAG_DIR", "the directory of flags of the gain selection")?,
    })
}

fn executables(lstchain: &Section<'_>) -> Result<Lstchain, ConfigError> {
    const STAGES: [Stage; 6] = [
        Stage::Drs4Baseline,
        Stage::ChargeCalibration,
        Stage::R0ToDl1,
        Stage::Dl1ab,
        Stage::CheckDl1,
        Stage::Dl1ToDl2,
    ];
    let named = STAGES.into_iter().map(|stage| {
        let what = format!("the executable for the stage {}", stage.title());
        Ok((stage, lstchain.needed(stage.config_key(), &what)?))
    });
    let config = |key, stage| {
        lstchain.needed(key, &format!("the lstchain configuration for {stage}")).map(PathBuf::from)
    };
    Ok(Lstchain {
        executables: named.collect::<Result<BTreeMap<_, _>, ConfigError>>()?,
        dl1a_config: config("dl1a_config", "DL1a")?,
        dl1b_config: config("dl1b_config", "DL1b")?,
        dl2_config: config("dl2_config", "DL2")?,
        rf_models: lstchain.needed("rf_models", "the directory of the trained models")?.into(),
        store_image_dl1ab: lstchain.switch("store_image_dl1ab")?,
        merge_dl1_datacheck: lstchain.switch("merge_dl1_datacheck")?,
        use_ff_heuristic_id: lstchain.switch("use_ff_heuristic_id")?,
        use_ff_heuristic_gain_selection: lstchain.switch("use_ff_heuristic_gain_selection")?,
        max_tries: lstchain.needed_number("max_tries", 1)?,
    })
}

fn slurm(slurm: &Section<'_>) -> Result<Slurm, ConfigError> {
    let partition = |key| slurm.needed(key, "a partition, or several such as 'short, long'");
    let memory = |key| slurm.needed(key, "memory per processor such as 6GB");
    let walltime = slurm.needed("WALLTIME", "the longest time of a job such as 1:15:00")?;
    if !walltime.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '-')) {
        let problem = format!("{walltime:?} is not a time such as 1:15:00 or 2-00:00:00");
        return Err(slurm.wrong("WALLTIME", problem));
    }
    Ok(Slurm {
        partition_pedcalib: partition("PARTITION_PEDCALIB")?,
        partition_data: partition("PARTITION_DATA")?,
        memsize_pedcalib: memory("MEMSIZE_PEDCALIB")?,
        memsize_data: memory("MEMSIZE_DATA")?,
        walltime,
        account: slurm.text("ACCOUNT")?,
        starttime_days_sacct: slurm.number("STARTTIME_DAYS_SACCT", 0)?,
    })
}

fn webserver(webserver: &Section<'_>) -> Result<Webserver, ConfigError> {
    Ok(Webserver {
        host: webserver.text("HOST")?,
        datacheck: webserver.text("DATACHECK")?.map(PathBuf::from),
    })
}

fn cache(cache: &Section<'_>) -> Result<Cache, ConfigError> {
    let mut variables = Vec::new();
    for key in cache.ini.keys(cache.name) {
        let Some(value) = cache.text(key)? else { continue };
        let name = key.to_uppercase();
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(good) || name.starts_with(|c: char| c.is_ascii_digit()) {
            let problem = "is no name of an environment variable (letters, digits and '_')";
            return Err(cache.wrong(key, problem));
        }
        variables.push((name, value));
    }
    Ok(Cache(variables))
}

fn patterns(pattern: &Section<'_>) -> Result<Patterns, ConfigError> {
    Ok(Patterns {
        r0prefix: pattern.name("R0PREFIX")?,
        r0suffix: pattern.name("R0SUFFIX")?,
        dl1prefix: pattern.name("DL1PREFIX")?,
        dl1suffix: pattern.name("DL1SUFFIX")?,
        dl1abprefix: pattern.name("DL1ABPREFIX")?,
        dl1absuffix: pattern.name("DL1ABSUFFIX")?,
        datacheckprefix: pattern.name("DATACHECKPREFIX")?,
        datachecksuffix: pattern.name("DATACHECKSUFFIX")?,
        muonprefix: pattern.name("MUONPREFIX")?,
        muonsuffix: pattern.name("MUONSUFFIX")?,
        dl2prefix: pattern.name("DL2PREFIX")?,
        dl2suffix: pattern.name("DL2SUFFIX")?,
        interleavedprefix: pattern.name("INTERLEAVEDPREFIX")?,
        interleavedsuffix: pattern.name("INTERLEAVEDSUFFIX")?,
    })
}

fn flags(lstosa: &Section<'_>) -> Result<Flags, ConfigError> {
    Ok(Flags {
        end_of_activity: lstosa.name("end_of_activity")?,
        gain_selection_check: lstosa.name("gain_selection_check")?,
    })
}

fn output(output: &Section<'_>) -> Result<Output, ConfigError> {
    Ok(Output {
        report_width: output.needed_number("REPORTWIDTH", 1)?,
        padding: output.needed_number("PADDING", 0)?,
    })
}

#[cfg(test)]
mod tests;
