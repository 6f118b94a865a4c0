//! What is needed, what has a default, and what an operator reads when something is wrong.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::hint::Hint;
use crate::model::Kind;

const GOLDEN: &str = include_str!("../../../tests/golden/sequencer.cfg");

fn write(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sequencer.cfg");
    fs::write(&file, text).unwrap();
    (dir, file)
}

fn site(text: &str) -> SiteConfig {
    let (_dir, file) = write(text);
    load(&file).unwrap()
}

/// The error for the golden file with `from` replaced, the file's directory left out.
fn problem(from: &str, to: &str) -> String {
    assert!(GOLDEN.contains(from), "{from:?} is not in the golden file");
    let (dir, file) = write(&GOLDEN.replace(from, to));
    let error = load(&file).unwrap_err().to_string();
    error.replace(&format!("{}/", dir.path().display()), "")
}

#[test]
fn the_originals_example_is_read() {
    let site = site(GOLDEN);
    let analysis = "/fefs/aswg/data/real/running_analysis";
    assert_eq!(site.directories.analysis_dir, Path::new(analysis));
    assert_eq!(site.prod_id.unwrap().as_str(), "v0.1.0");
    assert_eq!(site.dl1_prod_id.unwrap().as_str(), "tailcut84");
    assert_eq!(site.lstchain.executables[&Stage::R0ToDl1], "lstchain_data_r0_to_dl1");
    assert_eq!(site.lstchain.max_tries, 3);
    assert!(site.lstchain.store_image_dl1ab && !site.lstchain.use_ff_heuristic_id);
    assert_eq!(site.slurm.partition_data, "short, long");
    assert_eq!(site.slurm.partition(Kind::Data), "short,long");
    assert_eq!(site.slurm.memory(Kind::Calibration), "3GB");
    assert_eq!(site.slurm.starttime_days_sacct, None);
    assert_eq!(site.slurm.account.as_deref(), Some("dpps"));
    assert_eq!(site.database.as_deref(), Some(Path::new("/fefs/aswg/data/real/OSA/osa.db")));
    let cache: Vec<&str> = site.cache.0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(cache, ["CTAPIPE_CACHE", "CTAPIPE_SVC_PATH", "MPLCONFIGDIR"]);
    assert_eq!((site.output.report_width, site.output.padding), (160, 2));
}

#[test]
fn the_shipped_file_has_the_keys_and_values_of_the_originals_example() {
    let shipped = site(include_str!("../../../../configs/sequencer.cfg")).effective();
    let golden = site(GOLDEN).effective();
    let pairs = |keys: &[super::super::EffectiveKey]| {
        keys.iter()
            .map(|k| (k.section.clone(), k.key.clone(), k.value.clone()))
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(pairs(&shipped), pairs(&golden));
}

#[test]
fn what_only_names_files_and_flags_has_defaults() {
    let start = GOLDEN.find("[WEBSERVER]").unwrap();
    let site = site(&GOLDEN[..start]);
    let full = self::site(GOLDEN);
    assert_eq!(format!("{:?}", site.patterns), format!("{:?}", full.patterns));
    assert_eq!(format!("{:?}", site.flags), format!("{:?}", full.flags));
    assert_eq!(format!("{:?}", site.output), format!("{:?}", full.output));
    assert_eq!((site.webserver.host, site.database, site.mail.recipient), (None, None, None));
    assert!(site.cache.0.is_empty());
}

#[test]
fn an_empty_production_means_the_version_and_sub_productions_follow() {
    let text = GOLDEN
        .replace("PROD_ID: v0.1.0", "PROD_ID")
        .replace("DL1_PROD_ID: tailcut84", "DL1_PROD_ID:");
    let site = site(&text);
    assert_eq!((site.prod_id, site.dl1_prod_id), (None, None));
}

#[test]
fn every_fault_names_file_line_key_and_what_to_do() {
    insta::assert_snapshot!(
        [
            problem("R0_DIR: %(BASE)s/R0\n", ""),
            problem("R0_DIR: %(BASE)s/R0\n", "R0_DIR\n"),
            problem("[SLURM]", "[slurm]"),
            problem("%(BASE)s/R0", "%(BAES)s/R0"),
            problem("BASE: /fefs/aswg/data/real", "BASE: data/real"),
            problem("PROD_ID: v0.1.0", "PROD_ID: ../v0.1.0"),
            problem("max_tries: 3", "max_tries: 0"),
            problem("store_image_dl1ab: True", "store_image_dl1ab: maybe"),
            problem("WALLTIME: 1:15:00", "WALLTIME: one hour"),
            problem("MEMSIZE_DATA: 6GB", "MEMSIZE_DATA: 6GB\n  #SBATCH\n  --exclusive"),
            problem("r0_to_dl1: lstchain_data_r0_to_dl1\n", ""),
            problem("STARTTIME_DAYS_SACCT:", "STARTTIME_DAYS_SACCT: -1"),
            problem("CTAPIPE_CACHE:", "CTAPIPE CACHE:"),
            problem("DL1PREFIX: dl1_LST-1", "DL1PREFIX: ../dl1"),
        ]
        .join("\n")
    );
}

#[test]
fn a_missing_file_is_named_with_a_hint() {
    let error = load(Path::new("/nowhere/sequencer.cfg")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/sequencer.cfg"), "{error}");
    assert!(error.hint().unwrap().contains("OSA_CONFIG"));
}

#[test]
fn the_file_is_absolute_since_jobs_name_it() {
    let (_dir, file) = write(GOLDEN);
    assert!(load(&file).unwrap().file.is_absolute());
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count());
    let relative = Path::new(&up).join(file.strip_prefix("/").unwrap());
    assert!(load(&relative).unwrap().file.is_absolute());
}

#[test]
fn what_is_in_effect_includes_the_defaults_and_says_so() {
    let text = GOLDEN.replace("PADDING: 2\n", "").replace("REPORTWIDTH: 160", "REPORTWIDTH:");
    let keys = site(&text).effective();
    let find = |key: &str| keys.iter().find(|found| found.key == key).unwrap();
    assert_eq!((find("PADDING").value.as_deref(), find("PADDING").line), (Some("2"), None));
    let width = find("REPORTWIDTH");
    assert_eq!((width.value.as_deref(), width.line), (Some("160"), None));
    assert_eq!(find("R0_DIR").value.as_deref(), Some("/fefs/aswg/data/real/R0"));
    assert!(find("R0_DIR").line.is_some());
    assert!(find("formatters").value.as_ref().unwrap().contains("%(levelname)s"));
}
