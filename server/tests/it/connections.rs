//! Connections of clients that keep the server waiting.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::support::{PATIENCE, TestServer, TestSite, until};

fn site() -> TestSite {
    TestSite::golden().with_local_scheduler()
}

/// A viewer who follows the list of nights.
struct Viewer(TcpStream);

impl Viewer {
    fn of(server: &TestServer) -> Self {
        let host = server.address();
        let request = format!("GET /api/v1/nights/events HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Self(send(server, &request))
    }

    /// Waits for news after those that have come already.
    fn hears(&mut self) {
        self.0.set_nonblocking(true).unwrap();
        let mut bytes = [0; 4096];
        while let Ok(count) = self.0.read(&mut bytes) {
            assert!(count > 0, "the news have ended");
        }
        self.0.set_nonblocking(false).unwrap();
        assert!(self.0.read(&mut bytes).unwrap() > 0, "the news have ended");
    }
}

fn send(server: &TestServer, text: &str) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Part of a form that is never sent whole.
fn half_a_form(server: &TestServer, client: &str) -> TcpStream {
    send(
        server,
        &format!(
            "POST /api/ui/sign_in HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: {client}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nname=",
            server.address()
        ),
    )
}

fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    matches!(peeked, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

fn nights(server: &TestServer) -> String {
    server.ask_as_anybody("/api/v1/nights").unwrap()
}

#[test]
fn more_than_a_thousand_silent_clients_keep_nobody_from_being_served() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(4096), hard).unwrap();
    let site = site();
    let server = TestServer::start_after(&site, "ulimit -Sn 512");
    let mut viewer = Viewer::of(&server);
    viewer.hears();
    let silent: Vec<TcpStream> = (0..1100).map(|_| server.connect()).collect();
    for _ in 0..20 {
        assert!(nights(&server).contains("2024-11-28"));
    }
    viewer.hears();
    let open = || silent.iter().filter(|stream| is_open(stream)).count();
    until("all silent connections but the last hundred are closed", || open() <= 100);
    assert!(server.log().contains("pending_connections_per_client"), "{}", server.log());
}

#[test]
fn many_requests_in_one_moment_are_all_answered() {
    let site = site().with_env("OSA_PENDING_CONNECTIONS_PER_CLIENT", "1");
    let server = TestServer::start(&site);
    thread::scope(|threads| {
        let asked: Vec<_> = (0..200).map(|_| threads.spawn(|| nights(&server))).collect();
        for answer in asked {
            assert!(answer.join().unwrap().contains("2024-11-28"));
        }
    });
}

#[test]
fn slow_clients_are_closed_and_listening_ones_are_not() {
    let mut site = site();
    for name in ["REQUEST_HEAD", "REQUEST_BODY", "IDLE_CONNECTION"] {
        site = site.with_env(&format!("OSA_{name}_SECONDS"), "0.5");
    }
    let server = TestServer::start(&site);
    let mut viewer = Viewer::of(&server);
    let request = format!("GET /api/v1/nights HTTP/1.1\r\nHost: {}\r\n", server.address());
    let silent = server.connect();
    let half_a_head = send(&server, &request);
    let idle = send(&server, &format!("{request}\r\n"));
    let half_a_body = half_a_form(&server, "192.0.2.1");
    for (mut stream, what) in [
        (silent, "silent"),
        (half_a_head, "half a head"),
        (idle, "idle"),
        (half_a_body, "half a body"),
    ] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(answer.contains(" 200 OK"), what == "idle", "{what}: {answer}");
    }
    viewer.hears();
}

#[test]
fn connections_through_a_proxy_count_for_the_client_that_it_names() {
    let site = site()
        .with_env("OSA_TRUSTED_PROXIES", "127.0.0.1")
        .with_env("OSA_PENDING_CONNECTIONS_PER_CLIENT", "2")
        .with_env("OSA_REQUEST_HEAD_SECONDS", "3600")
        .with_env("OSA_REQUEST_BODY_SECONDS", "3600");
    let server = TestServer::start(&site);
    let of_the_proxy = [0; 5].map(|_| server.connect());
    let other = half_a_form(&server, "192.0.2.2");
    let three = [0; 3].map(|_| half_a_form(&server, "192.0.2.1"));
    until("one of three is closed", || three.iter().filter(|stream| is_open(stream)).count() == 2);
    nights(&server);
    assert!(of_the_proxy.iter().chain([&other]).all(is_open));
}
