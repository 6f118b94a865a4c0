//! A command to be run: on a site or without any.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{CommandOutput, OSA};

/// A command that is put together and then run.
pub struct TestCommand {
    command: Command,
    input: Option<String>,
}

impl TestCommand {
    /// Our program without any site, and without the caller's variables that it or the stand-ins
    /// would listen to.
    pub fn osa() -> Self {
        let mut command = Command::new(OSA);
        for (name, _) in std::env::vars_os() {
            let meant = |name: &str| name.starts_with("OSA_") || name.starts_with("STANDIN_");
            if name.to_str().is_some_and(meant) {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null());
        Self { command, input: None }
    }

    /// Adds words.
    pub fn args(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(words);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in this directory.
    pub fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs it as another user of the machine, which root alone may.
    pub fn by_user(mut self, user: u32) -> Self {
        self.command.uid(user).gid(user);
        self
    }

    /// Gives it a text on standard input.
    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// Runs it in a shell that has run the words of `setup` before, such as `ulimit -f 64`.
    pub fn in_shell_after(self, setup: &str) -> Self {
        let Self { command, input } = self;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("{setup}; exec \"$@\""), "sh"]);
        shell.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        Self { command: shell, input }
    }

    /// Runs it to its end.
    pub fn run(self) -> CommandOutput {
        let Self { mut command, input } = self;
        let Some(input) = input else { return CommandOutput::of(command.output().unwrap()) };
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // It may fail before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        CommandOutput::of(child.wait_with_output().unwrap())
    }

    /// Starts it.
    pub fn start(self) -> Running {
        let mut command = self.command;
        let outputs = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
        let [stdout, stderr] = outputs.each_ref().map(|file| file.try_clone().unwrap());
        let child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
        Running { child, outputs }
    }

    /// The command as the standard library has it.
    pub fn into_std(self) -> Command {
        self.command
    }
}

/// A command that was started. Its outputs go to files: what a killed one leaves running would hold
/// pipes open.
pub struct Running {
    child: Child,
    outputs: [File; 2],
}

impl Running {
    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it, and nobody else, a signal.
    pub fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(mut self) -> CommandOutput {
        let status = self.child.wait().unwrap();
        let [out, err] = self.outputs.each_mut().map(|file| {
            let mut text = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        });
        CommandOutput::new(status, out, err)
    }
}
