//! `-s` and `--no-submit`: the table, byte by byte, and nothing touched that is not asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{NO_SUBMIT, SIMULATE_SLURM, SIMULATE_TEST, forgotten, fresh, golden, requested, runs};
use crate::support::{Case, OSA, SUMMARY, executable};

#[test]
fn without_scheduler_the_table_is_the_originals_to_the_byte() {
    let site = golden();
    let before = site.everything();
    let said = site.sequencer(&["-s", "-t"]).succeeds();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST);
    assert_eq!(site.everything(), before, "-s writes nothing");
    assert!(site.slurm().was_never_asked(), "-t asks no scheduler");
}

#[test]
fn with_slurm_the_table_is_the_originals_to_the_byte() {
    let site = golden();
    let before = site.everything();
    let said = site.sequencer(&["-s"]).succeeds();
    assert_eq!(said.out_at_golden_time(), SIMULATE_SLURM);
    assert_eq!(site.everything(), before, "-s writes nothing, not even a database");
    assert_eq!((site.slurm().calls("sacct"), site.slurm().calls("squeue")), (1, 1));
    assert_eq!(site.slurm().calls("sbatch"), 0);
}

#[test]
fn a_simulation_leaves_the_database_as_it_is() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    let before = site.everything();
    for arguments in [&["-s"][..], &["-s", "--json"], &["-s", "-v"]] {
        site.sequencer(arguments).succeeds().prints("PENDING");
        assert!(site.everything() == before, "{arguments:?} changed something");
    }
}

#[test]
fn a_simulation_wakes_no_local_scheduler() {
    let site = golden();
    let before = site.everything();
    let command = site.night_command("sequencer", &["-s"]).env("OSA_SCHEDULER", "local");
    let said = command.run().succeeds();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST, "nothing was ever submitted");
    assert_eq!(site.everything(), before);
}

#[test]
fn no_submit_writes_scripts_and_says_so_where_the_original_does() {
    let site = golden();
    let said = site.sequencer(&["--no-submit"]).succeeds();
    let theirs: String =
        NO_SUBMIT.split_inclusive('\n').filter(|line| !line.contains("WARNING")).collect();
    assert_eq!(said.out_at_golden_time(), theirs);
    assert_eq!(site.scripts(), ["19101", "19102", "19103", "19104", "19106"]);
    let script = site.analysis().join("sequence_LST1_19102.sh");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o111, 0o111);
    let text = site.script(19102);
    assert!(text.contains(OSA), "{text}");
    assert!(site.analysis().join("log").is_dir());
    assert_eq!(site.slurm().calls("sbatch"), 0);
    site.sequencer(&["--no-submit", "-t"]).succeeds();
    assert_eq!(site.script(19102), text, "the same again");
}

#[test]
fn json_holds_the_table_and_the_plan() {
    let site = golden();
    let before = site.everything();
    let report: Value = site.sequencer(&["-s", "--json"]).succeeds().json();
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
    let site = fresh();
    site.sequencer(&["-s", "-v"])
        .succeeds()
        .says("would submit LST1_19101\n")
        .says("would submit LST1_19102, after sequence 19101")
        .says("would write ");
    assert!(!site.analysis().exists());
}

#[test]
fn a_scheduler_that_does_not_answer_is_no_empty_table_with_a_good_conscience() {
    let site = golden();
    site.slurm()
        .set("faults/squeue", "always fail squeue: error: Unable to contact slurm controller");
    let said = site.sequencer(&["-s"]).fails();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST, "what is known is shown");
    said.says("Unable to contact slurm controller").says("hint: ");
}

#[test]
fn without_accounting_the_table_has_the_queue_and_says_so() {
    let site = golden();
    site.slurm().set("faults/sacct", "always fail sacct: error: slurm_persist_conn_open");
    let said = site.sequencer(&["-s"]).succeeds();
    assert!(said.out.contains("  34567004  PENDING  "), "{}", said.out);
    said.says("warning: Slurm's accounting does not answer").says("slurm_persist_conn_open");
}

#[test]
fn a_source_with_a_blank_keeps_its_columns() {
    let site = golden();
    let catalogue = "monitoring/RunCatalog/RunCatalog_20241128.ecsv";
    site.replace(catalogue, "1ES1959+650", "BL Lac");
    let said = site.sequencer(&["-s", "-t"]).succeeds();
    let table: Vec<&str> = said.out.lines().skip(1).collect();
    let action = table[0].find("Action").unwrap();
    assert_eq!(&table[4][action..action + 4], "Veto");
    assert!(table[4].contains("  BL Lac  "));
    fs::remove_file(site.path(catalogue)).unwrap();
    let said = site.sequencer(&["-s", "-t"]).succeeds();
    assert!(said.out.lines().nth(3).unwrap().contains("  None    None"), "{said}");
}

#[test]
fn a_closed_night_is_still_shown() {
    let site = golden();
    site.close_by_hand();
    let said = site.sequencer(&["-s", "-t"]).succeeds();
    assert_eq!(said.out_at_golden_time(), SIMULATE_TEST);
    said.says("The night 2024-11-28 is closed");
}

#[test]
fn a_night_without_runs_is_reported_on_the_last_line() {
    let site = forgotten();
    let text = site.read(SUMMARY);
    let header = text.split_inclusive("dragon_reference_source\n").next().unwrap();
    site.write(SUMMARY, header);
    for arguments in [&["-s"][..], &["-s", "-t"], &[], &["--no-submit"], &["-t"], &["-s", "-v"]] {
        let _case = Case::named(arguments.join(" "));
        let said = site.sequencer(arguments).succeeds();
        assert_eq!(said.last_word(), "No runs found for this date. Nothing to do. Exiting.");
    }
    assert_eq!(site.slurm().calls("sbatch"), 0);
}

#[test]
fn a_missing_run_summary_is_made_but_not_by_a_simulation() {
    let site = golden();
    let (summary, copy) = (site.path(SUMMARY), site.dir().join("copy.ecsv"));
    fs::rename(&summary, &copy).unwrap();
    site.sequencer(&["-s", "-t"])
        .fails()
        .says("RunSummary_20241128.ecsv is missing")
        .says("hint: make it with lstchain_create_run_summary");

    let tools = site.dir().join("tools");
    let body = format!("cp '{}' '{}'", copy.display(), summary.display());
    executable(&tools.join("lstchain_create_run_summary"), &body);
    let command = site.night_command("sequencer", &["--no-submit", "-t"]);
    command.env("OSA_JOB_PATH", &tools).run().succeeds().prints("19102  6");
}

#[test]
fn only_lst1_is_processed() {
    let site = forgotten();
    for telescope in ["ST", "LST2", "all"] {
        let said = site.run(["sequencer", "-s", "-t", telescope]).fails();
        said.says(&format!("only LST1 is processed here, not {telescope}"));
    }
    // No telescope that the original knows.
    site.run(["sequencer", "-s", "-t", "MAGIC"]).exits(2);
}

#[test]
fn a_job_of_another_night_with_the_same_name_is_not_ours() {
    // The calibration run of an earlier night is this night's sequence 1 too.
    let site = forgotten();
    site.replace(SUMMARY, "PEDCALIB", "ERRPEDCALIB");
    site.write(SUMMARY, &site.read(SUMMARY).replace("ERRERR", "ERR"));
    fs::remove_dir_all(site.path("monitoring/PixelCalibration/Cat-A/calibration")).unwrap();
    site.run(["sequencer", "-d", "2024-11-27", "LST1"]).succeeds();
    assert_eq!(site.slurm().calls("sbatch"), 2, "calibration 19091 and data 19092");
    let said = site.sequencer(&["-s"]).succeeds();
    let row = said.out.lines().find(|line| line.contains("PEDCALIB")).unwrap();
    assert!(row.contains("  19091  "), "{said}");
    assert!(row.contains("None    None   None   None"), "its job is of the other night: {row}");
}

#[test]
fn a_wrong_run_summary_is_reported_with_file_and_line() {
    let site = fresh();
    let (summary, good) = (site.path(SUMMARY), site.read(SUMMARY));
    let line_of = |text: &str, what: &str| text.lines().position(|l| l.contains(what)).unwrap() + 1;
    let wrong = [
        ("cut off", good[..good.len() - 40].to_owned(), "19106,4"),
        ("the calibration", good.replace("19101,4,", "19101,four,"), "19101,four"),
    ];
    for (what, text, where_) in wrong {
        let _case = Case::named(what);
        site.write(SUMMARY, &text);
        for arguments in [&["-s"][..], &[]] {
            let named = format!("{}:{}", summary.display(), line_of(&text, where_));
            site.sequencer(arguments).fails().says(&named);
        }
    }
    assert_eq!(site.slurm().calls("sbatch"), 0);
}

#[test]
fn a_wrong_row_of_the_run_summary_keeps_only_its_run_back() {
    for (from, to, left) in [
        ("19103,5,", "19103,five,", &["19101", "19102", "19104", "19106"][..]),
        ("19104,7,", "19103,7,", &["19101", "19102", "19106"]),
    ] {
        let site = fresh();
        site.replace(SUMMARY, from, to);
        let text = site.read(SUMMARY);
        let line = text.lines().position(|line| line.contains(to)).unwrap() + 1;
        let named = format!("{}:{line}", site.path(SUMMARY).display());
        site.sequencer(&["-s"]).succeeds().says(&named).never_prints("19103");
        site.sequencer(&[]).exits(1).says("run 19103 is left out: ").says(&named);
        assert_eq!(runs(&requested(&site)), left);
        site.run(["why", "2024-11-28"]).succeeds().prints(&named);
        let closing = site.night_command("closer", &["-s", "-t"]).run();
        assert!(closing.out.contains("a line of the run summary cannot be read"), "{closing}");
    }
}

#[test]
fn runs_of_any_length_are_shown_and_launched_as_they_are() {
    let site = fresh();
    site.replace(SUMMARY, "19103,5,", "19103,0,");
    site.replace(SUMMARY, "19104,7,", "19104,10000,");
    site.sequencer(&["-s", "-t"])
        .succeeds()
        .never_prints("19103")
        .says("19103")
        .prints("  19104  10000    ");
    site.sequencer(&["--no-submit", "-t"]).succeeds();
    assert!(site.script(19104).contains("#SBATCH --array=0-9999\n"));
}
