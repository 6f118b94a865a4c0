//! `-t`: subrun 0 in the foreground, no scheduler.

use std::fs;

use super::forgotten;
use crate::support::{TestSite, executable};

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

fn site() -> TestSite {
    let site = forgotten().with_lstchain_files();
    let tools = site.dir().join("tools");
    for name in
        ["lstchain_data_r0_to_dl1", "lstchain_dl1ab", "lstchain_check_dl1", "lstchain_dl1_to_dl2"]
    {
        executable(&tools.join(name), TOOL);
    }
    site.with_env("OSA_JOB_PATH", tools.to_str().unwrap())
}

#[test]
fn the_first_subrun_of_every_open_sequence_is_run_and_no_scheduler_is_asked() {
    let site = site();
    let said = site.sequencer(&["-t"]).succeeds();
    let dl2 = |run: u32, subrun: u32| {
        let name = format!("model2/dl2_LST-1.Run{run}.{subrun:04}.h5");
        site.analysis().join(name)
    };
    assert!(dl2(19102, 0).exists() && dl2(19106, 0).exists(), "{said}");
    assert!(!dl2(19106, 1).exists(), "only subrun 0");
    assert!(!dl2(19104, 0).exists(), "vetoed");
    let history = site.analysis().join("sequence_LST1_19106.0000.history");
    assert_eq!(fs::read_to_string(history).unwrap().lines().count(), 4);
    assert_eq!(site.scripts().len(), 5);
    assert!(site.slurm().was_never_asked());
    assert!(!site.database().exists());
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 8, "frame, announcement, table, and nothing of the tools: {lines:#?}");
}

#[test]
fn a_trial_that_fails_fails_the_command() {
    // The table is printed all the same.
    site()
        .night_command("sequencer", &["-t"])
        .env("FAIL", "yes")
        .run()
        .fails()
        .says("error: LST1_19106: subrun 0 failed")
        .prints("\nLST1    5");
}
