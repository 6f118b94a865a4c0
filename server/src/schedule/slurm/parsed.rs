//! What one of Slurm's answers tells, whichever tool gave it.

use std::collections::BTreeSet;

use crate::model::{JobId, JobState, TaskRecord};
use crate::schedule::Doubt;

use super::fields::{Record, job_of, readable};

/// The jobs of an answer, and what could not be read of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parsed {
    /// All that could be read.
    pub tasks: Vec<TaskRecord>,
    /// Jobs of which tasks are missing, since Slurm has cut their lists short.
    pub cut: BTreeSet<JobId>,
    /// What could not be read.
    pub doubts: Vec<Doubt>,
}

impl Parsed {
    /// Notes a record that could not be understood; `name` is the job's if it is known.
    pub fn doubt(&mut self, tool: &str, record: &str, name: Option<&str>) {
        self.doubts.push(Doubt {
            line: format!("{tool}: {}", readable(record)),
            job: job_of(record),
            name: name.map(str::to_owned),
            noise: false,
        });
    }

    /// Notes what is no whole record.
    pub fn rest(&mut self, tool: &str, record: &Record<'_>) {
        match record {
            Record::Whole(_) => {}
            Record::Torn(text) => self.doubt(tool, text, None),
            Record::Noise(text) => self.noise(format!("{tool}: {}", readable(text))),
        }
    }

    /// Notes something that is no record of a job.
    pub fn noise(&mut self, line: String) {
        self.doubts.push(Doubt { line, job: None, name: None, noise: true });
    }

    /// Takes the answer to another question; what both tell counts once, as told last.
    pub fn extend(&mut self, other: Self) {
        let key = |task: &TaskRecord| {
            (task.job, task.task, task.submitted, task.started, task.name.clone())
        };
        let parsed: BTreeSet<_> = other.tasks.iter().map(key).collect();
        self.tasks.retain(|task| !parsed.contains(&key(task)));
        self.tasks.extend(other.tasks);
        self.cut.extend(other.cut);
        self.doubts.extend(other.doubts);
    }

    /// May it be that the answer has this job, but not all of it could be read?
    pub fn may_lack(&self, job: JobId) -> bool {
        let may_be = |doubt: &Doubt| !doubt.noise && doubt.job.is_none_or(|other| other == job);
        self.cut.contains(&job) || self.doubts.iter().any(may_be)
    }
}

/// A job's state. A word that we do not know is kept as it is, so that a later Slurm does not blind
/// us; one that is cut off (`OUT_OF_ME+`) is the known word that begins so, if there is just one.
pub(super) fn state(text: &str) -> Option<JobState> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return None;
    }
    let state: JobState = text.parse().ok()?;
    let begun = text.strip_suffix('+').filter(|_| matches!(state, JobState::Other(_)));
    let mut known = begun.into_iter().flat_map(|begun| {
        let words = super::sacct::STATES.split(',');
        words.filter(move |word| begun.len() >= 3 && word.starts_with(begun))
    });
    match (known.next(), known.next()) {
        (Some(word), None) => word.parse().ok(),
        _ => Some(state),
    }
}

/// Our token in a job's comment, where a site's submit plugin may have put other text around it;
/// else the comment as it is.
pub(super) fn comment(text: &str) -> &str {
    token(text).unwrap_or(match text {
        "(null)" => "",
        other => other,
    })
}

/// Our token in a text, as [`crate::launch`] makes them: `osa:` and a word.
pub fn token(text: &str) -> Option<&str> {
    const MARK: &str = "osa:";
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.match_indices(MARK).find_map(|(at, _)| {
        let begins = !text[..at].ends_with(word);
        let rest = &text[at + MARK.len()..];
        let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
        (begins && length > 0).then(|| &text[at..at + MARK.len() + length])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_cut_off_or_unknown_are_preserved() {
        let word = |text| state(text).unwrap().as_str().to_owned();
        assert_eq!(word("OUT_OF_ME+"), "OUT_OF_MEMORY");
        assert_eq!(word("CANCELLED+"), "CANCELLED");
        assert_eq!(word("CANCELLED by 3001"), "CANCELLED");
        assert_eq!(word("RE+"), "RE+", "it may be several");
        assert_eq!(word("Node_Gone?"), "Node_Gone?");
        assert_eq!((state(""), state("\u{1}")), (None, None));
    }

    #[test]
    fn our_token_is_found_in_a_comment_that_others_have_written_into() {
        for text in
            ["osa:1f-2", "site=lst; osa:1f-2", "osa:1f-2;qos=low", "[osa:1f-2]", "xosa:9 osa:1f-2"]
        {
            assert_eq!(comment(text), "osa:1f-2", "{text}");
        }
        assert_eq!(comment("typed by hand"), "typed by hand");
        assert_eq!((comment("(null)"), comment("osa:"), comment("xosa:9")), ("", "osa:", "xosa:9"));
    }
}
