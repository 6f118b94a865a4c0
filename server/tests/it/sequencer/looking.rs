//! `-s` and `--no-submit`: the table, byte by byte, and nothing touched that is not asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{NO_SUBMIT, SIMULATE_SLURM, SIMULATE_TEST, Said, Site, scripts};
use crate::support::executable;

#[test]
fn without_scheduler_the_table_is_the_originals_to_the_byte() {
    let site = Site::golden();
    let before = site.everything();
    let said = site.run(&["-s", "-t"]).well();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST);
    assert_eq!(site.everything(), before, "-s writes nothing");
    assert!(!site.slurm.books().join("calls").exists(), "-t asks no scheduler");
}

#[test]
fn with_slurm_the_table_is_the_originals_to_the_byte() {
    let site = Site::golden();
    let before = site.everything();
    let said = site.run(&["-s"]).well();
    assert_eq!(said.out_at_golden_time(), SIMULATE_SLURM);
    assert_eq!(site.everything(), before, "-s writes nothing, not even books");
    assert_eq!((site.slurm.calls("sacct"), site.slurm.calls("squeue")), (1, 1));
    assert_eq!(site.slurm.calls("sbatch"), 0);
}

#[test]
fn a_simulation_leaves_the_books_as_they_are() {
    let site = Site::fresh();
    site.run(&[]).well();
    let before = site.everything();
    for arguments in [&["-s"][..], &["-s", "--json"], &["-s", "-v"]] {
        let said = site.run(arguments).well();
        assert!(said.out.contains("PENDING"), "{}", said.out);
        assert!(site.everything() == before, "{arguments:?} changed something");
    }
}

#[test]
fn a_simulation_wakes_no_local_scheduler() {
    let site = Site::golden();
    let before = site.everything();
    let output = site.command(&["-s"]).env("OSA_SCHEDULER", "local").output().unwrap();
    let said = Said::of(output).well();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST, "nothing was ever submitted");
    assert_eq!(site.everything(), before);
}

#[test]
fn no_submit_writes_scripts_and_says_so_where_the_original_does() {
    let site = Site::golden();
    let said = site.run(&["--no-submit"]).well();
    let theirs: String =
        NO_SUBMIT.split_inclusive('\n').filter(|line| !line.contains("WARNING")).collect();
    assert_eq!(said.out_at_golden_time(), theirs);
    assert_eq!(scripts(&site.analysis()), ["19101", "19102", "19103", "19104", "19106"]);
    let script = site.analysis().join("sequence_LST1_19102.sh");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o111, 0o111);
    let text = fs::read_to_string(&script).unwrap();
    assert!(text.contains(env!("CARGO_BIN_EXE_osa")), "{text}");
    assert!(site.analysis().join("log").is_dir());
    assert_eq!(site.slurm.calls("sbatch"), 0);
    site.run(&["--no-submit", "-t"]).well();
    assert_eq!(fs::read_to_string(&script).unwrap(), text, "the same again");
}

#[test]
fn json_holds_the_table_and_the_plan() {
    let site = Site::golden();
    let before = site.everything();
    let said = site.run(&["-s", "--json"]).well();
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["date"], "2024-11-28");
    let row = &report["sequences"][1];
    assert_eq!(row["run"], 19102);
    assert_eq!(row["state"], "FAILED");
    assert_eq!(row["percent"]["dl1"], 50);
    assert_eq!(row["counts"]["COMPLETED"], 2);
    assert_eq!(report["plan"]["gate"]["gate"], "active");
    assert_eq!(report["plan"]["jobs"][0]["name"], "LST1_19102");
    assert_eq!(site.everything(), before);
}

#[test]
fn verbose_simulation_shows_what_would_be_done() {
    let site = Site::fresh();
    let said = site.run(&["-s", "-v"]).well();
    assert!(said.err.contains("would submit LST1_19101\n"), "{}", said.err);
    assert!(said.err.contains("would submit LST1_19102, after sequence 19101"), "{}", said.err);
    assert!(said.err.contains("would write "), "{}", said.err);
    assert!(!site.analysis().exists());
}

#[test]
fn a_scheduler_that_does_not_answer_is_no_empty_table_with_a_good_conscience() {
    let site = Site::golden();
    site.slurm
        .set("faults/squeue", "always fail squeue: error: Unable to contact slurm controller");
    let said = site.run(&["-s"]).badly();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST, "what is known is shown");
    assert!(said.err.contains("Unable to contact slurm controller"), "{}", said.err);
    assert!(said.err.contains("hint: "), "{}", said.err);
}

#[test]
fn without_accounting_the_table_has_the_queue_and_says_so() {
    let site = Site::golden();
    site.slurm.set("faults/sacct", "always fail sacct: error: slurm_persist_conn_open");
    let said = site.run(&["-s"]).well();
    assert!(said.out.contains("  34567004  PENDING  "), "{}", said.out);
    assert!(said.err.contains("warning: Slurm's accounting does not answer"), "{}", said.err);
    assert!(said.err.contains("slurm_persist_conn_open"), "{}", said.err);
}

#[test]
fn a_source_with_a_blank_keeps_its_columns() {
    let site = Site::golden();
    let catalogue = site.night.path("monitoring/RunCatalog/RunCatalog_20241128.ecsv");
    let text = fs::read_to_string(&catalogue).unwrap();
    fs::write(&catalogue, text.replace("1ES1959+650", "BL Lac")).unwrap();
    let said = site.run(&["-s", "-t"]).well();
    let table: Vec<&str> = said.out.lines().skip(1).collect();
    let action = table[0].find("Action").unwrap();
    assert_eq!(&table[4][action..action + 4], "Veto");
    assert!(table[4].contains("  BL Lac  "));
    fs::remove_file(&catalogue).unwrap();
    let said = site.run(&["-s", "-t"]).well();
    assert!(said.out.lines().nth(3).unwrap().contains("  None    None"), "{}", said.out);
}

#[test]
fn a_closed_night_is_still_shown() {
    let site = Site::golden();
    site.night.write("OSA/Closer/20241128/v0.1.0/NightFinished.txt", "host:1");
    let said = site.run(&["-s", "-t"]).well();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST);
    assert!(said.err.contains("The night 2024-11-28 is closed"), "{}", said.err);
}

#[test]
fn a_night_without_runs_is_told_on_the_last_line() {
    let site = Site::new();
    let summary = site.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
    let text = fs::read_to_string(&summary).unwrap();
    let header = text.split_inclusive("dragon_reference_source\n").next().unwrap();
    fs::write(&summary, header).unwrap();
    for arguments in [&["-s"][..], &["-s", "-t"], &[], &["--no-submit"], &["-t"], &["-s", "-v"]] {
        let said = site.run(arguments).well();
        let last = "No runs found for this date. Nothing to do. Exiting.";
        assert_eq!(said.err.lines().last(), Some(last), "{arguments:?}: {}", said.err);
    }
    assert_eq!(site.slurm.calls("sbatch"), 0);
}

#[test]
fn a_missing_run_summary_is_made_but_not_by_a_simulation() {
    let site = Site::golden();
    let summary = site.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
    let copy = site.night.dir.path().join("copy.ecsv");
    fs::rename(&summary, &copy).unwrap();
    let said = site.run(&["-s", "-t"]).badly();
    assert!(said.err.contains("RunSummary_20241128.ecsv is missing"), "{}", said.err);
    assert!(said.err.contains("hint: make it with lstchain_create_run_summary"), "{}", said.err);

    let tools = site.night.dir.path().join("tools");
    let body = format!("cp '{}' '{}'", copy.display(), summary.display());
    executable(&tools.join("lstchain_create_run_summary"), &body);
    let output = site.command(&["--no-submit", "-t"]).env("OSA_JOB_PATH", &tools).output();
    let said = Said::of(output.unwrap()).well();
    assert!(said.out.contains("19102  6"), "{}", said.out);
}

#[test]
fn only_lst1_is_processed() {
    let site = Site::new();
    for telescope in ["ST", "LST2", "all"] {
        let output = site.night.osa().args(["sequencer", "-s", "-t", telescope]).output().unwrap();
        let said = Said::of(output).badly();
        assert!(said.err.contains(&format!("only LST1 is processed here, not {telescope}")));
    }
    let output = site.night.osa().args(["sequencer", "-s", "-t", "MAGIC"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "no telescope that the original knows");
}

#[test]
fn a_job_of_another_night_with_the_same_name_is_not_ours() {
    // The calibration run of an earlier night is this night's sequence 1 too.
    let site = Site::new();
    let summary = site.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
    let text = fs::read_to_string(&summary).unwrap();
    fs::write(&summary, text.replace("PEDCALIB", "ERRPEDCALIB").replace("ERRERR", "ERR")).unwrap();
    let calibration = site.night.path("monitoring/PixelCalibration/Cat-A/calibration");
    fs::remove_dir_all(calibration).unwrap();
    let mut earlier = site.night.osa();
    earlier.args(["sequencer", "-d", "2024-11-27", "LST1"]);
    for (name, value) in site.command(&[]).get_envs() {
        earlier.env(name, value.unwrap_or_default());
    }
    Said::of(earlier.output().unwrap()).well();
    assert_eq!(site.slurm.calls("sbatch"), 2, "calibration 19091 and data 19092");
    let said = site.run(&["-s"]).well();
    let row = said.out.lines().find(|line| line.contains("PEDCALIB")).unwrap();
    assert!(row.contains("  19091  "), "{}", said.out);
    assert!(row.contains("None    None   None   None"), "its job is of the other night: {row}");
}

#[test]
fn a_wrong_run_summary_is_told_with_file_and_line() {
    let site = Site::fresh();
    let summary = site.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
    let good = fs::read_to_string(&summary).unwrap();
    let line_of = |text: &str, what: &str| text.lines().position(|l| l.contains(what)).unwrap() + 1;
    let wrong = [
        ("cut off", good[..good.len() - 40].to_owned(), "19106,4"),
        ("a wrong type", good.replace("19103,5,", "19103,five,"), "19103,five"),
        ("a run twice, otherwise", good.replace("19104,7,", "19103,7,"), "19103,7,"),
    ];
    for (what, text, where_) in wrong {
        fs::write(&summary, &text).unwrap();
        for arguments in [&["-s"][..], &[]] {
            let said = site.run(arguments).badly();
            let named = format!("{}:{}", summary.display(), line_of(&text, where_));
            assert!(said.err.contains(&named), "{what}: {named}: {}", said.err);
        }
    }
    assert_eq!(site.slurm.calls("sbatch"), 0);
}

#[test]
fn runs_of_any_length_are_shown_and_launched_as_they_are() {
    let site = Site::fresh();
    let summary = site.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
    let text = fs::read_to_string(&summary).unwrap();
    let text = text.replace("19103,5,", "19103,0,").replace("19104,7,", "19104,10000,");
    fs::write(&summary, text).unwrap();
    let said = site.run(&["-s", "-t"]).well();
    assert!(!said.out.contains("19103") && said.err.contains("19103"), "{}{}", said.out, said.err);
    assert!(said.out.contains("  19104  10000    "), "{}", said.out);
    site.run(&["--no-submit", "-t"]).well();
    let script = site.analysis().join("sequence_LST1_19104.sh");
    assert!(fs::read_to_string(script).unwrap().contains("#SBATCH --array=0-9999\n"));
}
