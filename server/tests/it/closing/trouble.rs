//! Jobs that fail, vanish or are refused, a scheduler that is silent, and two closers at once.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use super::jobs::once;
use super::{assert_no_job_twice, on_local, on_slurm};
use crate::support::{Case, CommandOutput, TestSite};

/// Takes one mail, as an SMTP server does, and gives what it was told.
fn mail_server() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answer = stream.try_clone().unwrap();
        let mut told = String::new();
        let mut data = false;
        answer.write_all(b"220 ready\r\n").unwrap();
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            told.push_str(&line);
            told.push('\n');
            let reply = match (data, line.split([' ', ':']).next().unwrap()) {
                (true, ".") => {
                    data = false;
                    "250 taken\r\n"
                }
                (true, _) => continue,
                (false, "DATA") => {
                    data = true;
                    "354 go on\r\n"
                }
                (false, "QUIT") => {
                    answer.write_all(b"221 bye\r\n").unwrap();
                    break;
                }
                (false, _) => "250 fine\r\n",
            };
            answer.write_all(reply.as_bytes()).unwrap();
        }
        told
    };
    (address, thread::spawn(serve))
}

fn a_failure_leaves_the_night_open(site: &TestSite) {
    site.rules("check_dl1 19102 fail=error times=1\n");
    let (address, mail) = mail_server();
    site.night_command("closer", &[])
        .env("OSA_MAIL_HOST", &address)
        .env("OSA_MAIL_FROM", "osa@example.org")
        .run()
        .fails()
        .says("close_check_dl1_19102: job ")
        .says("ended as FAILED; see ")
        .says("/log/close_check_dl1_19102_jobid_")
        .never_says("close_longterm") // it only was behind the failed one
        .says("submits only the jobs that have failed")
        .says("your@email.com was warned by mail");
    assert!(!site.flag().exists());
    let mail = mail.join().unwrap();
    for part in [
        "MAIL FROM:<osa@example.org>",
        "RCPT TO:<your@email.com>",
        "Subject: osa: closing 2024-11-28 (v0.1.0) failed",
        "close_check_dl1_19102",
    ] {
        assert!(mail.contains(part), "{part:?} is not in {mail}");
    }
    let mut expected = once();
    assert_eq!(site.submitted(), expected);
    site.closer(&[]).succeeds().says("The night 2024-11-28 is closed.");
    for again in ["check_dl1 19102", "longterm", "transparency"] {
        expected.insert(again.to_owned(), 2);
    }
    assert_eq!(site.submitted(), expected, "what ended well is not done again");
}

#[test]
fn on_slurm_a_failed_job_is_named_warned_of_and_alone_submitted_again() {
    a_failure_leaves_the_night_open(&on_slurm());
}

#[test]
fn on_the_local_scheduler_a_failed_job_is_named_warned_of_and_alone_submitted_again() {
    a_failure_leaves_the_night_open(&on_local());
}

#[test]
fn a_mail_that_nobody_takes_changes_nothing() {
    let site = on_slurm();
    site.rules("merge_muons 19102 fail=error times=1\n");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    site.night_command("closer", &[])
        .env("OSA_MAIL_HOST", free.to_string())
        .run()
        .fails()
        .says("close_merge_muons_19102")
        .says("warning: no mail was sent");
    site.closer(&[]).succeeds();
}

#[test]
fn a_job_that_is_refused_is_reported_and_submitted_by_the_next_closer() {
    let site = on_slurm();
    site.slurm().set("faults/sbatch", "ok\nrefuse sbatch: error: Invalid account\n");
    site.closer(&[]).fails().says("Invalid account");
    assert!(!site.flag().exists());
    site.closer(&[]).succeeds().says("is closed.");
    assert_no_job_twice(&site);
}

#[test]
fn a_job_that_vanishes_is_noticed_and_submitted_again_by_the_next_closer() {
    let site = on_slurm();
    site.slurm().set("faults/sbatch", "vanish\n");
    site.closer(&[]).fails().says("the scheduler knows it no more");
    assert!(!site.flag().exists());
    site.closer(&[]).succeeds().says("is closed.");
    let mut expected = once();
    expected.insert("provprocess 19102".to_owned(), 2);
    assert_eq!(site.submitted(), expected);
}

#[test]
fn a_scheduler_that_is_silent_for_a_while_is_waited_for() {
    for (tool, faults) in [
        ("sacct", "ok\nfail\nfail\nfail\n"),
        ("squeue", "ok\nok\nfail\nfail\n"),
        ("sacct", "ok\nok\nok\nfail\nfail\nempty\nfail\n"),
    ] {
        let _case = Case::named(format!("{tool}: {faults:?}"));
        let site = on_slurm();
        site.slurm().set(&format!("faults/{tool}"), faults);
        site.closer(&[]).succeeds().says("is closed.");
        assert_eq!(site.submitted(), once());
    }
}

#[test]
fn of_two_closers_at_once_one_closes() {
    for site in [on_slurm(), on_local()] {
        let said: Vec<CommandOutput> = thread::scope(|scope| {
            let closers: Vec<_> = (0..3).map(|_| scope.spawn(|| site.closer(&[]))).collect();
            closers.into_iter().map(|closer| closer.join().unwrap()).collect()
        });
        let one = |text: &str| said.iter().filter(|said| said.err.contains(text)).count();
        assert_eq!(one("The night 2024-11-28 is closed."), 1, "{said:#?}");
        assert_eq!(one("is under way: begun by") + one("is closed already"), 2, "{said:#?}");
        assert_eq!(site.submitted(), once());
    }
}
