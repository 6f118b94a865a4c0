//! kill -9 of `sequencer`, and of the server, at every step of a submission.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Said, Site, TOOLS};

/// How many jobs the fake has by name.
fn jobs(site: &Site) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for entry in fs::read_dir(site.slurm.books().join("jobs")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let name = text.split("'name': '").nth(1).unwrap().split('\'').next().unwrap();
        *count.entry(name.to_owned()).or_insert(0) += 1;
    }
    count
}

/// Runs `sequencer` as cron would, until it finds nothing to submit; there is never a second job of
/// one name.
fn run_until_quiet(site: &Site, why: &str) -> BTreeMap<String, usize> {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let mut command = site.command(&[]);
        command.env("OSA_LOST_AFTER_SECONDS", "0.2");
        let said = Said::of(command.output().unwrap());
        if site.slurm.books().join("jobs").is_dir() {
            let jobs = jobs(site);
            assert!(jobs.values().all(|count| *count == 1), "{why}: {jobs:?}\n{}", said.err);
            if said.err.contains("are waiting or running") {
                return jobs;
            }
        }
        assert!(Instant::now() < deadline, "{why}: {}{}", said.out, said.err);
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn killed_at_any_step_the_sequencer_leaves_no_job_twice_and_none_forgotten() {
    for (tool, faults, accepted) in [
        ("sacct", "kill-parent", 0),             // before the plan
        ("sacct", "ok\nkill-parent", 0),         // planned, scripts written, nothing recorded
        ("sbatch", "kill-parent-before", 0),     // recorded, Slurm has nothing
        ("sbatch", "kill-parent-after", 1),      // accepted, the answer not recorded
        ("sbatch", "ok\nkill-parent-before", 1), // the calibration recorded, a run's job not made
        ("sbatch", "ok\nkill-parent-after", 2),  // and its job made
        ("sbatch", "ok\nok\nok\nok\nkill-parent-after", 5),
    ] {
        let why = format!("{tool}: {faults:?}");
        let site = Site::fresh();
        site.slurm.set(&format!("faults/{tool}"), faults);
        let killed = site.command(&[]).output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{why}: {killed:?}");
        let there = if accepted == 0 { 0 } else { jobs(&site).len() };
        assert_eq!(there, accepted, "{why}");
        let jobs = run_until_quiet(&site, &why);
        // While jobs of the night wait, nothing more is submitted; before that, everything is.
        let expected = if accepted == 0 { 5 } else { accepted };
        assert_eq!(jobs.len(), expected, "{why}: {jobs:?}");
    }
}

/// `osa serve` on the site, and a token that may launch.
struct Server {
    process: Child,
    address: String,
    token: String,
}

impl Server {
    fn start(site: &Site) -> Self {
        let osa = || {
            let mut command = site.night.osa();
            command.env("PATH", format!("{TOOLS}:{}", std::env::var("PATH").unwrap()));
            command.env("FAKE_SLURM", site.slurm.books());
            command
        };
        let made = osa().args(["token", "add", "test", "--role", "shifter"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let pages = site.night.dir.path().join("pages");
        fs::create_dir_all(pages.join("pkg")).unwrap();
        let mut serve = osa();
        serve.args(["serve", "--listen", "127.0.0.1:0"]).env("OSA_SITE", &pages);
        let mut process = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        // Whoever does not listen must not stop it.
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { process, address, token }
    }

    /// The answer's body; `None` if the server is gone before it has answered.
    fn ask(&self, verb: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        write!(
            stream,
            "{verb} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// Orders the launch whose plan it has shown.
    fn launch(&self) -> Option<String> {
        let night = "/api/v1/nights/2024-11-28";
        let plan = self.ask("GET", &format!("{night}/plan?what=launch"), "").unwrap();
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let order = serde_json::json!({ "deed": "launch", "mark": plan["mark"] });
        self.ask("POST", &format!("{night}/deeds"), &order.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn killed_at_any_step_of_a_launch_the_server_leaves_no_job_twice_and_none_forgotten() {
    for (faults, accepted) in [
        ("kill-parent-before", 0),
        ("kill-parent-after", 1),
        ("ok\nkill-parent-before", 1),
        ("ok\nkill-parent-after", 2),
        ("ok\nok\nok\nok\nkill-parent-after", 5),
    ] {
        let site = Site::fresh();
        site.slurm.set("faults/sbatch", faults);
        let mut server = Server::start(&site);
        let said = server.launch();
        assert_eq!(server.process.wait().unwrap().signal(), Some(9), "{faults:?}: {said:?}");
        let there = if accepted == 0 { 0 } else { jobs(&site).len() };
        assert_eq!(there, accepted, "{faults:?}");
        let jobs = run_until_quiet(&site, faults);
        let expected = if accepted == 0 { 5 } else { accepted };
        assert_eq!(jobs.len(), expected, "{faults:?}: {jobs:?}");
    }
}
