//! `-t`: subrun 0 in the foreground, no scheduler.

use std::fs;

use super::{Said, Site, scripts};
use crate::support::executable;

/// Stands for all four executables of a subrun: writes the file that each would.
const TOOL: &str = r#"
for word in "$@"; do
    case $word in
        --input-file=*) in=${word#*=};;
        --output-dir=*) dir=${word#*=};;
        --output-file=*) out=${word#*=};;
    esac
done
name=${in##*/}
case $0 in
    *r0_to_dl1) run=${name#LST-1.1.}; out=$dir/dl1_LST-1.${run%.fits.fz}.h5
        [ -z "$FAIL" ] || exit 3;;
    *check_dl1) out=$dir/datacheck_$name;;
    *dl1_to_dl2) out=$dir/dl2_${name#dl1_};;
esac
mkdir -p "${out%/*}" && echo product > "$out"; echo a word on standard output"#;

fn site() -> Site {
    let site = Site::new();
    let tools = site.night.dir.path().join("tools");
    for name in
        ["lstchain_data_r0_to_dl1", "lstchain_dl1ab", "lstchain_check_dl1", "lstchain_dl1_to_dl2"]
    {
        executable(&tools.join(name), TOOL);
    }
    fs::write(site.night.dir.path().join("conf.json"), "{}").unwrap();
    let here = |name: &str| site.night.dir.path().join(name).display().to_string();
    site.night
        .configure("/software/lstchain/data/lstchain_standard_config.json", &here("conf.json"));
    site.night.configure("/data/models/prod5/zenith_20deg/20201023_v0.6.3", &here("tools"));
    site
}

#[test]
fn the_first_subrun_of_every_open_sequence_is_run_and_no_scheduler_is_asked() {
    let site = site();
    let tools = site.night.dir.path().join("tools");
    let output = site.command(&["-t"]).env("OSA_JOB_PATH", &tools).output().unwrap();
    let said = Said::of(output).well();
    let dl2 = |run: u32, subrun: u32| {
        let name = format!("model2/dl2_LST-1.Run{run}.{subrun:04}.h5");
        site.analysis().join(name)
    };
    assert!(dl2(19102, 0).exists() && dl2(19106, 0).exists(), "{}", said.err);
    assert!(!dl2(19106, 1).exists(), "only subrun 0");
    assert!(!dl2(19104, 0).exists(), "vetoed");
    let history = site.analysis().join("sequence_LST1_19106.0000.history");
    assert_eq!(fs::read_to_string(history).unwrap().lines().count(), 4);
    assert_eq!(scripts(&site.analysis()).len(), 5);
    assert!(!site.slurm.books().join("calls").exists());
    assert!(!site.night.path("OSA/osa.sqlite").exists());
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 8, "frame, announcement, table, and nothing of the tools: {lines:#?}");
}

#[test]
fn a_trial_that_fails_fails_the_command() {
    let site = site();
    let tools = site.night.dir.path().join("tools");
    let mut command = site.command(&["-t"]);
    let output = command.env("OSA_JOB_PATH", &tools).env("FAIL", "yes").output().unwrap();
    let said = Said::of(output).badly();
    assert!(said.err.contains("error: LST1_19106: subrun 0 failed"), "{}", said.err);
    assert!(said.out.contains("\nLST1    5"), "the table is printed all the same");
}
