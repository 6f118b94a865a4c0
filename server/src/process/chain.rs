//! Which stages a sequence has, and how far its history says it has come.

use crate::model::{HistoryLine, Kind, ProdId, Stage};
use crate::night::paths::NightPaths;

use super::history::field;

/// A stage as history lines name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// Its executable, as written in the configuration and in history lines.
    pub executable: String,
    /// The production that its lines carry: the DL1 one for DL1b and datacheck, the DL2 one for
    /// DL2.
    pub prod_id: ProdId,
}

/// The stages of a sequence, in order. Without images in DL1b there is no datacheck; `dl2` tells
/// whether DL2 is made.
pub fn chain(paths: &NightPaths, kind: Kind, dl2: bool) -> Vec<Step> {
    let lstchain = &paths.config.lstchain;
    kind.stages(dl2)
        .iter()
        .copied()
        .filter(|stage| *stage != Stage::CheckDl1 || lstchain.store_image_dl1ab)
        .map(|stage| Step {
            stage,
            executable: field(lstchain.executables.get(&stage).map_or("", String::as_str)),
            prod_id: production(paths, stage).clone(),
        })
        .collect()
}

/// The production that a stage works for.
pub(super) fn production(paths: &NightPaths, stage: Stage) -> &ProdId {
    match stage {
        Stage::Drs4Baseline | Stage::ChargeCalibration | Stage::R0ToDl1 => &paths.prod_id,
        Stage::Dl1ab | Stage::CheckDl1 => paths.dl1_prod_id(),
        Stage::Dl1ToDl2 => paths.dl2_prod_id(),
    }
}

/// How many stages of `chain` are done: each one's last line ends with 0 and comes after that of
/// the stage before it. A stage that was done again makes everything after it old.
pub fn done(lines: &[HistoryLine], chain: &[Step]) -> usize {
    let mut after = 0;
    for (count, step) in chain.iter().enumerate() {
        let last = lines.iter().rposition(|line| {
            line.executable == step.executable && line.prod_id == step.prod_id.as_str()
        });
        match last {
            Some(at) if at >= after && lines.get(at).is_some_and(|line| line.rc == 0) => after = at,
            _ => return count,
        }
    }
    chain.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::history::History;

    fn steps() -> Vec<Step> {
        [
            (Stage::R0ToDl1, "r0", "v1"),
            (Stage::Dl1ab, "dl1ab", "t8"),
            (Stage::Dl1ToDl2, "dl2", "m2"),
        ]
        .map(|(stage, executable, prod)| Step {
            stage,
            executable: executable.into(),
            prod_id: prod.parse().unwrap(),
        })
        .to_vec()
    }

    fn done_after(lines: &[(&str, &str, i32)]) -> usize {
        let mut text = String::new();
        for (exe, prod, rc) in lines {
            text += &["19102.0003", exe, prod, "2024-11-29 02:14 i c", &rc.to_string()].join(" ");
            text += "\n";
        }
        let history = History::parse(text.as_bytes());
        assert_eq!(history.torn, []);
        done(&history.lines, &steps())
    }

    #[test]
    fn a_rerun_starts_after_the_last_stage_that_ended_well() {
        assert_eq!(done_after(&[]), 0);
        assert_eq!(done_after(&[("r0", "v1", 1), ("r0", "v1", 0)]), 1);
        assert_eq!(done_after(&[("r0", "v1", 0), ("dl1ab", "t8", 0), ("dl2", "m2", 143)]), 2);
        assert_eq!(done_after(&[("r0", "v1", 0), ("dl1ab", "t8", 0), ("dl2", "m2", 0)]), 3);
    }

    #[test]
    fn another_production_does_not_count() {
        assert_eq!(done_after(&[("r0", "v2", 0), ("dl1ab", "t8", 0)]), 0);
        assert_eq!(done_after(&[("r0", "v1", 0), ("dl1ab", "t9", 0)]), 1);
    }

    #[test]
    fn a_stage_done_again_makes_what_follows_old() {
        let first = [("r0", "v1", 0), ("dl1ab", "t8", 0)];
        assert_eq!(done_after(&[first[0], first[1], ("r0", "v1", 1)]), 0);
        assert_eq!(done_after(&[first[0], first[1], ("r0", "v1", 0)]), 1);
    }
}
