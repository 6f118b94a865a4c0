//! The flag `.veto`: a sequence that fails the same way twice is not submitted again.
//!
//! The rule is that the last two lines of a history are the same and do not end with 0. Lines carry
//! the minute, so that taken to the letter only stages that fail within a minute would ever be
//! stopped. Here two lines are the same if they agree in everything but the time: run, executable,
//! production, input, configuration and return code. Codes that say nothing about the data do not
//! count, since helping oneself and submitting again is then just what is wanted: the executable
//! could not be found or started (127, 126), or the job was asked to stop, by a person or for its
//! walltime (128 and the signal: 129, 130, 143).
//!
//! The flag lies beside the history it judges, and is for those who submit. A job that is started
//! all the same does its work, and takes back the flag if it ends well; but only our own flag,
//! which holds a line of text, never one that somebody has put there by hand.

use std::io::ErrorKind;
use std::path::Path;

use crate::model::HistoryLine;

use super::ProcessError;

/// Return codes that are no fault of the data.
const NOBODYS_FAULT: [i32; 5] = [126, 127, 129, 130, 143];

/// How a flag of ours begins.
const OURS: &str = "osa: two equal failures";

/// Whether the history ends with two equal failures.
pub(super) fn is_due(lines: &[HistoryLine]) -> bool {
    let [.., before, last] = lines else { return false };
    let timeless = |line: &HistoryLine| HistoryLine { when: String::new(), ..line.clone() };
    last.rc != 0 && !NOBODYS_FAULT.contains(&last.rc) && timeless(before) == timeless(last)
}

/// Sets the flag, unless there is one.
pub(super) fn set(flag: &Path, line: &HistoryLine) -> Result<(), ProcessError> {
    let text = format!(
        "{OURS} of {} (return code {}), the last at {} UTC\n",
        line.executable, line.rc, line.when
    );
    let written = std::fs::File::create_new(flag)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    match written {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => {
            Err(ProcessError::file("write to", flag)(cause))
        }
        _ => Ok(()),
    }
}

/// Whether the flag is one of ours, set since a stage failed twice in the same way. Blocks.
pub fn is_automatic(flag: &Path) -> bool {
    crate::input_file::read_text(flag).is_ok_and(|text| text.starts_with(OURS))
}

/// Takes back a flag of ours; tells whether there was one.
pub(super) fn lift(flag: &Path) -> Result<bool, ProcessError> {
    let ours = is_automatic(flag);
    if ours {
        std::fs::remove_file(flag).map_err(ProcessError::file("remove", flag))?;
    }
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::history::History;

    fn due(lines: [&str; 2]) -> bool {
        let text = format!("{}\n{}\n", lines[0], lines[1]);
        let history = History::parse(text.as_bytes());
        assert_eq!(history.torn, []);
        is_due(&history.lines)
    }

    #[test]
    fn two_lines_are_equal_whatever_their_time() {
        let line = "19102.0003 dl1ab v1 2024-11-29 02:14 a b 1";
        assert!(due([line, "19102.0003 dl1ab v1 2024-11-30 17:00 a b 1"]));
        assert!(!due([line, "19102.0003 dl1ab v1 2024-11-29 02:14 a b 2"]));
        assert!(!due([line, "19102.0003 dl1ab v1 2024-11-29 02:14 a c 1"]));
        assert!(!due([line, "19102.0003 check v1 2024-11-29 02:14 a b 1"]));
        assert!(!is_due(&[]));
    }

    #[test]
    fn what_is_not_the_datas_fault_is_no_reason() {
        for rc in [0, 126, 127, 129, 130, 143] {
            let line = format!("19102.0003 dl1ab v1 2024-11-29 02:14 a b {rc}");
            assert!(!due([&line, &line]), "{rc}");
        }
        let killed = "19102.0003 dl1ab v1 2024-11-29 02:14 a b 137";
        assert!(due([killed, killed]));
    }

    #[test]
    fn only_our_own_flag_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let flag = dir.path().join("sequence_LST1_19102.0003.veto");
        assert!(!lift(&flag).unwrap());
        std::fs::write(&flag, "").unwrap();
        let text = b"19102.0003 dl1ab v1 2024-11-29 02:14 a b 1\n";
        let line = History::parse(text).lines.remove(0);
        set(&flag, &line).unwrap();
        assert!(!lift(&flag).unwrap(), "a flag made by hand stays as it is");
        std::fs::remove_file(&flag).unwrap();
        set(&flag, &line).unwrap();
        assert!(lift(&flag).unwrap());
        assert!(!flag.exists());
    }
}
