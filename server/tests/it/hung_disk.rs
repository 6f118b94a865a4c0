//! A file system that stops answering, as one whose server is gone does: what is on it is said to be silent
//! since when, all else is served, and nothing has to be started again once it answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{TestServer, TestSite, until};

const NIGHT: &str = "/api/v1/nights/2024-11-28";
const LOG: &str = "/api/v1/nights/2024-11-28/runs/19102/logs/Run19102.0000_jobid_7.err";
/// More than there are threads for work that blocks.
const VIEWERS: usize = 600;

/// A directory that is reached through a process, which can be stopped.
struct Mount {
    process: Child,
    directory: PathBuf,
}

impl Mount {
    fn over(directory: &Path) -> Self {
        let aside = directory.with_extension("aside");
        fs::rename(directory, &aside).unwrap();
        fs::create_dir(directory).unwrap();
        let mut bindfs = Command::new("bindfs");
        bindfs.arg("-f").args([&aside, directory]).stdin(Stdio::null());
        let process = bindfs.spawn().expect("bindfs, which end2end/setup installs");
        let mount = Self { process, directory: directory.to_owned() };
        until("the mount", || fs::read_dir(directory).unwrap().next().is_some());
        mount
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.send(Signal::SIGCONT);
        let unmounted = Command::new("fusermount").arg("-uz").arg(&self.directory).status();
        let _ = (unmounted, self.process.wait());
    }
}

#[test]
#[ignore = "mounts a file system: make test-long"]
fn long_a_disk_that_hangs_delays_only_those_that_need_it() {
    let site = TestSite::golden().with_local_scheduler();
    fs::create_dir_all(site.analysis().join("log")).unwrap();
    fs::write(site.analysis().join("log/Run19102.0000_jobid_7.err"), "the log's text").unwrap();
    let mount = Mount::over(&site.path("running_analysis/20241128"));
    let made = site.run(["token", "add", "export", "--role", "viewer"]).succeeds();
    let server = TestServer::start(&site);
    let get = |path: &str| server.ask(made.out.trim(), "GET", path, "").unwrap();
    assert!(get(NIGHT).contains("19102") && get(LOG).contains("the log's text"));

    mount.send(Signal::SIGSTOP);
    thread::scope(|threads| {
        let viewers: Vec<_> = (0..VIEWERS).map(|_| threads.spawn(|| get(LOG))).collect();
        // The night before is on another disk, and what was seen of this one is still shown.
        for (path, content) in [
            ("/api/v1/nights/2024-11-27", "\"sequences\""),
            ("/api/v1/nights", "2024-11-27"),
            (NIGHT, "19102"),
        ] {
            let answer = get(path);
            assert!(answer.contains(content), "{path}: {answer}");
        }
        for viewer in viewers {
            let answer = viewer.join().unwrap();
            assert!(answer.contains("no response from the file system since"), "{answer}");
        }
    });
    let asked_later = get("/api/v1/nights/2024-11-27");
    assert!(asked_later.contains("\"sequences\""), "{asked_later}");

    mount.send(Signal::SIGCONT);
    until("the log can be read again", || get(LOG).contains("the log's text"));
}
