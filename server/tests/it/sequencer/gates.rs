//! What goes out, and what is said, in every state that a night may be in.

use std::fs;

use super::{forgotten, fresh, requested, runs};
use crate::support::{Case, TestSite};

/// One launch of a night.
struct Launch {
    name: &'static str,
    site: fn() -> TestSite,
    options: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
    /// The runs for which Slurm is asked for a job.
    asks_for: &'static [&'static str],
}

const GAIN_SELECTION: &str = "gain selection of 2024-11-28 has not finished";
const OUT_OF_TIME: &str = "77_0,LST1_19106,01:15:09,4509,01:15:09,00:00:00,,TIMEOUT,0:0\n";
const DATA: &[&str] = &["19102", "19103", "19104", "19106"];

/// A night whose gain selection goes on.
fn gain_selection() -> TestSite {
    let site = fresh();
    fs::remove_file(site.path("OSA/GainSel/20241128/GainSelFinished.txt")).unwrap();
    site
}

fn out_of_time() -> TestSite {
    let site = forgotten();
    site.slurm().set("sacct.csv", OUT_OF_TIME);
    site
}

const LAUNCHES: [Launch; 13] = [
    Launch {
        name: "without calibration there is no job for it and no dependency",
        site: fresh,
        options: &["--no-calib"],
        code: 0,
        says: &[],
        asks_for: DATA,
    },
    Launch {
        name: "calibration files that are there are not made again; one is vetoed, one closed",
        site: forgotten,
        options: &["--no-dl2"],
        code: 0,
        says: &[],
        asks_for: &["19102", "19106"],
    },
    Launch {
        name: "a second sequencer leaves the jobs alone, even forced",
        site: || {
            let site = fresh();
            site.sequencer(&[]).succeeds();
            assert_eq!(requested(&site).len(), 5);
            site
        },
        options: &["-f"],
        code: 0,
        says: &["are waiting or running: LST1_19101 (1000)"],
        asks_for: &[],
    },
    Launch {
        name: "if the calibration is refused no data goes out",
        site: || {
            let site = fresh();
            site.slurm().set("faults/sbatch", "refuse sbatch: error: Invalid account\n");
            site
        },
        options: &[],
        code: 1,
        says: &[
            "error: LST1_19101: refused by the scheduler",
            "Invalid account",
            "error: LST1_19102: not submitted",
        ],
        asks_for: &["19101"],
    },
    Launch {
        name: "without an answer to what is there nothing is submitted",
        site: || {
            let site = fresh();
            let fault = "always fail slurm_load_jobs error: Unable to contact";
            site.slurm().set("faults/squeue", fault);
            site
        },
        options: &[],
        code: 1,
        says: &["Unable to contact"],
        asks_for: &[],
    },
    Launch {
        name: "the gain selection goes on",
        site: gain_selection,
        options: &[],
        code: 0,
        says: &[GAIN_SELECTION],
        asks_for: &[],
    },
    Launch {
        name: "the gain selection goes on, forced",
        site: gain_selection,
        options: &["-f"],
        code: 0,
        says: &[GAIN_SELECTION],
        asks_for: &[],
    },
    Launch {
        name: "the gain selection goes on, without submitting",
        site: gain_selection,
        options: &["--no-submit"],
        code: 0,
        says: &[GAIN_SELECTION],
        asks_for: &[],
    },
    Launch {
        name: "the gain selection goes on, as a trial",
        site: gain_selection,
        options: &["-t"],
        code: 0,
        says: &[GAIN_SELECTION],
        asks_for: &[],
    },
    Launch {
        name: "the night is closed",
        site: || {
            let site = gain_selection();
            site.close_by_hand();
            site
        },
        options: &["--no-gainsel", "-f"],
        code: 0,
        says: &["The night 2024-11-28 is closed"],
        asks_for: &[],
    },
    Launch {
        name: "what ran out of time does not go out again by itself",
        site: out_of_time,
        options: &[],
        code: 0,
        says: &["ran out of time: LST1_19106 (77)"],
        asks_for: &[],
    },
    Launch {
        name: "what ran out of time goes out again when forced",
        site: out_of_time,
        options: &["--force-submit"],
        code: 0,
        says: &[],
        asks_for: &["19102", "19106"],
    },
    Launch {
        name: "the directory cannot be made",
        site: || {
            let site = fresh();
            site.write("running_analysis", "a file where the directory should be");
            site
        },
        options: &[],
        code: 1,
        says: &["cannot make the directory"],
        asks_for: &[],
    },
];

#[test]
fn only_what_the_gates_allow_goes_out_and_the_reason_is_reported() {
    for Launch { name, site, options, code, says, asks_for } in LAUNCHES {
        let _case = Case::named(name);
        let site = site();
        let (before, begun) = (requested(&site).len(), site.analysis().exists());
        let mut said = site.sequencer(options).exits(code);
        for text in says {
            said = said.says(text);
        }
        if asks_for.is_empty() {
            said.never_prints("Building");
            assert_eq!(site.slurm().calls("sbatch"), before);
            assert_eq!(site.analysis().exists(), begun, "nothing is written either");
        } else {
            let jobs = requested(&site);
            assert_eq!(runs(&jobs), asks_for);
            assert!(jobs.iter().all(|(_, after)| after.is_none()), "{jobs:?}");
        }
        if options.contains(&"--no-dl2") {
            assert!(site.script(19106).contains("'--no-dl2'"));
        }
    }
}
