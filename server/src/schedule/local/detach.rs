//! Leaving the company of whoever started this process.

use std::io;
use std::os::fd::RawFd;

use super::LocalError;

/// Begins a session of its own, so that no terminal's end reaches this process, and closes the
/// files that it inherited beyond the standard three: a lock or pipe of a cron line must not be
/// held for hours by a process that its user never heard of.
pub fn detach() -> Result<(), LocalError> {
    // An error means that it leads a session already.
    let _ = nix::unistd::setsid();
    let wrap = |cause| LocalError::System { what: "cannot close inherited files", cause };
    for fd in inherited().map_err(wrap)? {
        let _ = nix::unistd::close(fd); // closed meanwhile: as it should be
    }
    Ok(())
}

/// Open files that were not opened by this program, which opens all to be closed on exec.
fn inherited() -> io::Result<Vec<RawFd>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fdinfo")? {
        let entry = entry?;
        let fd = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        let Some(fd) = fd.filter(|fd| *fd > 2) else { continue };
        let Ok(info) = std::fs::read_to_string(entry.path()) else { continue };
        if !closes_on_exec(&info) {
            found.push(fd);
        }
    }
    Ok(found)
}

/// Reads the flags (octal) of `/proc/PID/fdinfo/FD`.
fn closes_on_exec(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_none_or(|flags| flags & 0o2_000_000 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_tell_whether_a_file_was_inherited() {
        assert!(closes_on_exec("pos:\t0\nflags:\t02100000\nmnt_id:\t30\n"));
        assert!(!closes_on_exec("pos:\t0\nflags:\t0100001\n"));
        assert!(closes_on_exec("unheard of"));
    }
}
