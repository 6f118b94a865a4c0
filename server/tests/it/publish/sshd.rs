//! Over ssh: a real server on loopback, with keys, port and configuration of its own.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::{copies_whole_then_what_changed, site, whole};
use crate::support::{PATIENCE, TestCommand, executable, until};

/// A server, and a directory with an `ssh` that knows the way to it.
struct Sshd {
    dir: tempfile::TempDir,
    server: Child,
}

/// The program, where Debian has it.
fn program() -> PathBuf {
    let places = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];
    let found = places.iter().map(PathBuf::from).find(|file| file.is_file());
    found.expect("no sshd: run end2end/setup test")
}

fn key(file: &Path) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file);
    assert!(command.status().unwrap().success());
}

impl Sshd {
    fn start() -> Self {
        if nix::unistd::geteuid().is_root() {
            // Where the server puts its unprivileged half; the package's service makes it.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let begun = Instant::now();
        loop {
            if let Some(sshd) = Self::try_start() {
                return sshd;
            }
            assert!(begun.elapsed() < PATIENCE, "sshd does not start");
        }
    }

    /// Starts it on a port that is free; `None` if somebody else took the port meanwhile.
    fn try_start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["host", "user"] {
            key(&at(name));
        }
        fs::copy(at("user.pub"), at("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
            at("host").display(),
            at("authorized").display(),
        );
        fs::write(at("sshd_config"), server).unwrap();
        let client = format!(
            "Host datacheck-web\nHostName 127.0.0.1\nPort {port}\nIdentityFile {}\n\
             IdentitiesOnly yes\nUserKnownHostsFile {}\nStrictHostKeyChecking accept-new\n",
            at("user").display(),
            at("known").display(),
        );
        fs::write(at("ssh_config"), client).unwrap();
        let log = fs::File::create(at("log")).unwrap();
        let mut command = Command::new(program());
        command.args(["-D", "-e", "-f"]).arg(at("sshd_config"));
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut sshd = Self { dir, server: server.unwrap() };
        sshd.flow();
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if sshd.server.try_wait().unwrap().is_some() {
                eprintln!("{}", fs::read_to_string(sshd.dir.path().join("log")).unwrap());
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "sshd does not listen");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Some(sshd)
    }

    /// Makes our program find the way to the server.
    fn lead(&self, command: TestCommand) -> TestCommand {
        let bin = self.dir.path().join("bin");
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", bin.display()))
    }

    /// Makes an `ssh` that counts its calls and goes to the server.
    fn ssh(&self, body: &str) {
        let dir = self.dir.path().display();
        let ssh = format!("/usr/bin/ssh -F '{dir}/ssh_config' \"$@\"");
        let body = format!("echo call >> '{dir}/calls'\n{}", body.replace("SSH", &ssh));
        executable(&self.dir.path().join("bin/ssh"), &body);
    }

    /// What is sent from now on arrives.
    fn flow(&self) {
        self.ssh("exec SSH");
    }

    /// Of what is sent from now on at most so many pieces of 64 KiB arrive, and then nothing more.
    fn stall_after(&self, pieces: u32) {
        let some = format!("dd bs=65536 count={pieces} 2> /dev/null");
        self.ssh(&format!("{{ {some}; exec sleep 600; }} | SSH"));
    }

    /// The user's shell greets with a banner, the last line of which has no end.
    fn greet(&self) {
        let key = fs::read_to_string(self.dir.path().join("user.pub")).unwrap();
        let greeting = "echo Welcome; echo ready; printf 'You have new mail.'";
        let line = format!("command=\"{greeting}; eval \\\"$SSH_ORIGINAL_COMMAND\\\"\" {key}");
        fs::write(self.dir.path().join("authorized"), line).unwrap();
    }

    fn calls(&self) -> usize {
        let calls = fs::read_to_string(self.dir.path().join("calls")).unwrap_or_default();
        calls.lines().count()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const HOST: &str = "datacheck-web";

#[test]
fn over_ssh_everything_is_copied_once_with_one_connection_each_time() {
    let sshd = Sshd::start();
    copies_whole_then_what_changed(&site(HOST), |command| sshd.lead(command));
    assert_eq!(sshd.calls(), 3, "one connection for each of the three copies");
}

#[test]
fn a_shell_that_greets_is_no_obstacle() {
    let sshd = Sshd::start();
    sshd.greet();
    copies_whole_then_what_changed(&site(HOST), |command| sshd.lead(command));
}

#[test]
fn a_copy_that_is_killed_half_way_leaves_no_half_file_and_the_next_one_ends_it() {
    let sshd = Sshd::start();
    let site = site(HOST);
    let file = fs::File::create(site.source("h5")).unwrap();
    file.set_len(20_000_000).unwrap();
    drop(file);
    sshd.stall_after(100);
    let mut command = sshd.lead(site.copy(&[])).into_std();
    let copy = command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn();
    let mut copy = copy.unwrap();
    until("something to arrive", || {
        assert!(copy.try_wait().unwrap().is_none(), "it was not killed half-way");
        site.published().keys().any(|name| name.contains("/files/"))
    });
    let group = Pid::from_raw(copy.id().cast_signed());
    killpg(group, Signal::SIGKILL).unwrap();
    copy.wait().unwrap();
    sshd.flow();
    // The other side notices, and clears up after itself.
    until("the other side to clear up", || site.published().is_empty());
    fs::write(site.source("h5"), vec![b'a'; 6000]).unwrap();
    let copied = sshd.lead(site.copy(&[])).run().succeeds();
    assert_eq!(copied.last_word(), "7 copied, 2 missing");
    assert_eq!(site.published(), whole());
}

#[test]
fn what_the_other_machine_says_is_reported() {
    let sshd = Sshd::start();
    let site = site(HOST);
    // A file where the directory should be.
    let mut file = fs::File::create(site.www()).unwrap();
    file.write_all(b"in the way").unwrap();
    sshd.lead(site.copy(&[]))
        .run()
        .fails()
        .says("copying to datacheck-web stopped: ")
        .says("File exists");

    super::site("nowhere.invalid")
        .copy(&[])
        .run()
        .fails()
        .says("copying to nowhere.invalid stopped: ");
}
