//! Processes that submit: killed at any step, and several at the same moment.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Night, submitted};
use crate::support::{Case, FakeSlurm};

/// Name of the variable that tells [`a_plan_is_submitted_in_order`] that it is the child of another
/// test, and where.
const CHILD: &str = "OSA_TEST_SUBMISSION";

/// This test is also the program that other tests start, to kill it in the middle.
#[tokio::test]
async fn a_plan_is_submitted_in_order() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let verdicts = Night::on(FakeSlurm::at(Path::new(&dir))).submit().await;
        println!("verdicts: {verdicts:?}");
        return;
    }
    let night = Night::new();
    let verdicts = night.submit().await;
    assert!(submitted(&verdicts), "{verdicts:?}");
    night.assert_each_once().await;
}

/// Starts a process that submits the plan of the night.
fn child(night: &Night) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "submission::crashes::a_plan_is_submitted_in_order", "--nocapture"])
        .env(CHILD, night.dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The promise: kill -9 at any step of a submission, and no job is lost or there twice.
#[tokio::test]
async fn killed_at_any_step_every_job_is_submitted_once() {
    for (tool, faults) in [
        ("sacct", "kill-parent"),             // before anything is recorded
        ("sbatch", "kill-parent-before"),     // recorded; the scheduler has nothing
        ("sbatch", "kill-parent-after"),      // accepted; the answer is not recorded
        ("sbatch", "ok\nkill-parent-before"), // between two jobs of the plan
        ("sbatch", "ok\nkill-parent-after"),
        ("sbatch", "ok\nok\nkill-parent-after"),
    ] {
        let _case = Case::named(format!("{tool}: {faults:?}"));
        let night = Night::new().with_grace(200);
        night.slurm.set(&format!("faults/{tool}"), faults);
        night.plan();
        let killed = child(&night).wait_with_output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
        night.submit_until_done().await;
        night.assert_each_once().await;
    }
}

#[tokio::test]
async fn two_commands_at_the_same_moment_submit_each_job_once() {
    for _ in 0..4 {
        let night = Night::new();
        night.plan();
        let commands: Vec<_> = (0..3).map(|_| child(&night)).collect();
        for command in commands {
            let output = command.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(night.slurm.calls("sbatch"), 3);
        night.assert_each_once().await;
    }
}
