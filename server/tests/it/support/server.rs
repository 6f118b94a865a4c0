//! `osa serve` on a site.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Child;

use super::{PATIENCE, TestSite, until};

/// A server on a free port, without pages; it ends when dropped.
pub struct TestServer {
    process: Child,
    address: String,
    log: PathBuf,
}

impl TestServer {
    /// Starts it and waits for the address that it says.
    pub fn start(site: &TestSite) -> Self {
        Self::start_after(site, ":")
    }

    /// The same, in a shell that has run the words of `setup` before.
    pub fn start_after(site: &TestSite, setup: &str) -> Self {
        let pages = site.dir().join("pages");
        fs::create_dir_all(pages.join("pkg")).unwrap();
        let log = site.dir().join("serve.log");
        let serve = site.command(["serve", "--listen", "127.0.0.1:0"]).env("OSA_SITE", &pages);
        let serve = serve.in_shell_after(setup);
        let process = serve.into_std().stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut server = Self { process, address: String::new(), log };
        until("the server's address", || {
            assert!(server.process.try_wait().unwrap().is_none(), "{}", server.log());
            let log = server.log();
            let address = log.split_once('\n').and_then(|(line, _)| line.strip_prefix("http://"));
            address.unwrap_or_default().trim_end_matches('/').clone_into(&mut server.address);
            !server.address.is_empty()
        });
        server
    }

    /// What it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Where it listens: address and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A connection to it.
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// The body of its answer to somebody who has not signed in; `None` if it is gone before that.
    pub fn ask_as_anybody(&self, path: &str) -> Option<String> {
        self.request(&format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address))
    }

    /// The body of its answer; `None` if it is gone before it has answered.
    pub fn ask(&self, token: &str, verb: &str, path: &str, body: &str) -> Option<String> {
        self.request(&format!(
            "{verb} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        ))
    }

    /// Its whole answer to somebody who asks it as a host of this name.
    pub fn answer(&self, host: &str, path: &str) -> Option<String> {
        self.whole(&format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n"))
    }

    fn request(&self, request: &str) -> Option<String> {
        self.whole(request)?.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    fn whole(&self, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Waits for its end by a signal; gives the signal.
    pub fn wait(&mut self) -> Option<i32> {
        self.process.wait().unwrap().signal()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
