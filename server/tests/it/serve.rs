//! `osa serve` as a whole: its access log, and what it says to do about an error.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::TestSite;

/// A server of the golden night, with its log as JSON.
struct Server {
    process: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
    token: String,
    _site: TestSite,
}

impl Server {
    fn start() -> Self {
        let site = TestSite::golden().with_local_scheduler();
        let made = site.run(["token", "add", "export", "--role", "viewer"]).succeeds();
        let token = made.out.trim().to_owned();
        let pages = site.dir().join("pages");
        fs::create_dir_all(pages.join("pkg")).unwrap();
        fs::write(pages.join("pkg/app.css"), "a { color: red }").unwrap();
        let serve = site.command(["serve", "--listen", "127.0.0.1:0"]).env("OSA_SITE", &pages);
        let mut serve = serve.env("OSA_LOG_FORMAT", "json").into_std();
        serve.env_remove("RUST_LOG");
        let mut process = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line.strip_prefix("http://").unwrap_or_else(|| panic!("{line}"));
        let address = address.trim_end().trim_end_matches('/').to_owned();
        Self { process, stderr, address, token, _site: site }
    }

    fn connect(&self, path: &str, header: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n{header}\r\n").unwrap();
        stream
    }

    /// The answer, head and body.
    fn get(&self, path: &str, header: &str) -> (String, String) {
        let mut answer = String::new();
        self.connect(path, header).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Reads the head of a stream, and goes away.
    fn open_stream(&self, path: &str) {
        let mut first = String::new();
        BufReader::new(self.connect(path, "")).read_line(&mut first).unwrap();
        assert!(first.contains("200"), "{first}");
    }

    /// Ends it; gives the records of its log.
    fn end(mut self) -> Vec<Value> {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        assert!(self.process.wait().unwrap().success(), "{said}");
        let record = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
        };
        said.lines().map(record).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, unless a test failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_request_is_recorded_with_its_route_its_user_and_how_long_it_took() {
    let server = Server::start();
    let bearer = format!("Authorization: Bearer {}\r\n", server.token);
    server.get("/api/v1/nights", &bearer);
    server.get("/api/v1/nights/2024-11-28?x=1", "");
    server.get("/nights/2024-11-28", "");
    server.get("/api/v1/nights/20241128", "");
    server.get("/pkg/app.css", "");
    server.get("/nothing/there", "");
    server.get("/api/v1/nights", "Authorization: Bearer wrong\r\n");
    server.open_stream("/api/v1/nights/events");
    let records = server.end();
    let requests: Vec<&Value> =
        records.iter().filter(|record| record["target"] == "osa::access").collect();
    let shown: Vec<String> = requests
        .iter()
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap().to_owned();
            let [method, path, route] = ["method", "path", "route"].map(text);
            format!("{method} {path} {route} {} {}", record["status"], text("user"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "GET /api/v1/nights /api/v1/nights 200 token:export",
            "GET /api/v1/nights/2024-11-28 /api/v1/nights/{date} 200 -",
            "GET /nights/2024-11-28 /nights/{date} 200 -",
            "GET /api/v1/nights/20241128 /api/v1/nights/{date} 404 -",
            "GET /pkg/app.css - 200 -",
            "GET /nothing/there - 404 -",
            "GET /api/v1/nights /api/v1/nights 401 -",
            "GET /api/v1/nights/events /api/v1/nights/events 200 -",
        ]
    );
    for record in requests {
        assert_eq!((&record["level"], &record["client"]), (&"INFO".into(), &"127.0.0.1".into()));
        let duration = record["duration_ms"].as_f64().unwrap();
        assert!((0.0..600_000.0).contains(&duration), "{record}");
    }
}

#[test]
fn programs_learn_what_to_do_about_an_error() {
    let server = Server::start();
    let problem = |path: &str| {
        let (head, body) = server.get(path, "");
        assert!(head.contains("application/problem+json"), "{head}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let wrong = problem("/api/v1/nights/20241128");
    assert_eq!(wrong["detail"], "\"20241128\" is not a date such as 2024-11-28");
    assert!(wrong["hint"].as_str().unwrap().contains("year, month and day"), "{wrong}");
    let missing = problem("/api/v1/nights/2020-01-01");
    assert_eq!(missing["status"], 404);
    assert!(missing["hint"].as_str().unwrap().contains("lstchain_create_run_summary"), "{missing}");
    let (_, page) = server.get("/nights/2020-01-01", "");
    assert!(page.contains("Make it with lstchain_create_run_summary"), "{page}");
    server.end();
}

#[test]
fn a_demo_is_not_shown_to_other_machines_unless_that_is_wanted() {
    let site = TestSite::golden().with_local_scheduler().with_env("OSA_DEMO", "true");
    let said = site.run(["serve", "--listen", "0.0.0.0:0"]).exits(1).err;
    assert!(said.contains("0.0.0.0:0 can be reached from other machines"), "{said}");
    assert!(said.contains("\nhint: listen on 127.0.0.1, or set `demo_public = true`"), "{said}");
}

#[test]
fn commands_say_what_to_do_about_an_error() {
    let site = TestSite::golden().with_local_scheduler();
    let failed = |words: &[&str], variable: (&str, &str)| {
        site.command(words).env(variable.0, variable.1).run().exits(1).err
    };
    let said = failed(&["user", "role", "jane", "admin"], ("OSA_DATABASE", "/nowhere/osa.sqlite"));
    assert!(said.starts_with("error: cannot use the database /nowhere/osa.sqlite: "), "{said}");
    assert!(said.contains("\nhint: check that this user may read and write "), "{said}");
    let said = failed(&["config"], ("OSA_LOG_FORMAT", "xml"));
    assert_eq!(
        said,
        "error: the environment variable OSA_LOG_FORMAT: \"xml\" is neither text nor json\n\
         hint: correct or unset OSA_LOG_FORMAT; osa.toml explains what it may be\n"
    );
    let none = ["sequencer", "-s", "-d", "2020-01-01", "LST1"];
    let said = failed(&none, ("OSA_SCHEDULER", "local"));
    assert!(said.contains("\nhint: make it with lstchain_create_run_summary"), "{said}");
}
