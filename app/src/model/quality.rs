//! What is thought of the data quality of a run or a night.

use serde::{Deserialize, Serialize};

/// What is thought of a quantity, a run or a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Within all limits.
    Ok,
    /// Worth a look.
    Warn,
    /// Do not trust it.
    Bad,
}

impl Verdict {
    /// The word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A quantity that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct QualityFinding {
    /// How bad it is.
    pub verdict: Verdict,
    /// The quantity's permanent name, as in the file of thresholds.
    pub quantity: String,
    /// Why, in words.
    pub reason: String,
    /// The sheet of the run's figures that shows it.
    pub sheet: String,
    /// The figure on that sheet.
    pub figure: String,
}

/// What is thought of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct RunQuality {
    /// The worst of its findings; `None` if it cannot be judged.
    pub verdict: Option<Verdict>,
    /// What is not as it should be, the worst first.
    pub findings: Vec<QualityFinding>,
    /// How many quantities were judged.
    pub judged: usize,
    /// Whether there is no datacheck of it yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// Why it cannot be judged, or what of it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl RunQuality {
    /// A run without a datacheck.
    pub fn none() -> Self {
        Self { missing: true, ..Self::unknown("there is no datacheck of it yet") }
    }

    /// A run that cannot be judged, because of this.
    pub fn unknown(problem: impl Into<String>) -> Self {
        Self { problem: Some(problem.into()), ..Self::default() }
    }

    /// What is the matter, in one line; empty if it is well.
    pub fn reasons(&self) -> String {
        let findings = self.findings.iter().map(|finding| finding.reason.as_str());
        findings.chain(self.problem.as_deref()).collect::<Vec<_>>().join("; ")
    }
}

/// How many runs of a night are thought of in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct NightQuality {
    /// Runs that are not to be trusted.
    pub bad: u32,
    /// Runs that are worth a look.
    pub warn: u32,
    /// Runs within all limits.
    pub ok: u32,
    /// Runs with a datacheck that cannot be judged.
    pub unknown: u32,
}

impl NightQuality {
    /// How many of these are thought of in which way.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a RunQuality>) -> Self {
        let mut quality = Self::default();
        for run in runs.into_iter().filter(|run| !run.missing) {
            *match run.verdict {
                Some(Verdict::Bad) => &mut quality.bad,
                Some(Verdict::Warn) => &mut quality.warn,
                Some(Verdict::Ok) => &mut quality.ok,
                None => &mut quality.unknown,
            } += 1;
        }
        quality
    }

    /// How many runs were judged.
    pub fn judged(&self) -> u32 {
        self.bad + self.warn + self.ok
    }

    /// The worst of all, and how many runs are thought of so; `None` if none was judged.
    pub fn worst(&self) -> Option<(Verdict, u32)> {
        let all = [(Verdict::Bad, self.bad), (Verdict::Warn, self.warn), (Verdict::Ok, self.ok)];
        all.into_iter().find(|(_, number)| *number > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_as_good_as_its_worst_run() {
        let judged = |verdict| RunQuality { verdict: Some(verdict), ..RunQuality::default() };
        let mut runs = vec![RunQuality::none(), RunQuality::unknown("cut short")];
        let none = NightQuality::of(&runs);
        assert_eq!((none.worst(), none.judged(), none.unknown), (None, 0, 1));
        runs.extend([Verdict::Ok, Verdict::Warn, Verdict::Ok, Verdict::Warn].map(judged));
        assert_eq!(NightQuality::of(&runs).worst(), Some((Verdict::Warn, 2)));
        runs.push(judged(Verdict::Bad));
        let night = NightQuality::of(&runs);
        assert_eq!((night.worst(), night.judged()), (Some((Verdict::Bad, 1)), 5));
    }
}
