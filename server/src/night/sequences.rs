//! From runs to sequences: one for the calibration, then one for each run with data.

use crate::model::{Kind, Notice, RunType, Sequence, Severity};

use super::{Catalogue, Run, RunSummary};

/// Number of the calibration's sequence, on which all others depend.
const CALIBRATION: u32 = 1;

/// The sequences of a night: number 1 for the `PEDCALIB` run (missing if there is none), then the
/// `DATA` runs in their order, numbered from 2 in any case.
pub(super) fn build(
    summary: &RunSummary,
    pedcal: Option<&Run>,
    catalogue: &Catalogue,
) -> (Vec<Sequence>, Vec<Notice>) {
    let (data, empty): (Vec<_>, Vec<_>) = summary
        .runs
        .iter()
        .filter(|run| run.run_type == RunType::Data)
        .partition(|run| run.subruns > 0);
    let calibration = pedcal.map(|run| Sequence {
        number: CALIBRATION,
        parent: None,
        run: run.id,
        kind: Kind::Calibration,
        subruns: run.subruns,
        source: None,
    });
    let reductions = data.into_iter().zip(CALIBRATION + 1..).map(|(run, number)| Sequence {
        number,
        parent: Some(CALIBRATION),
        run: run.id,
        kind: Kind::Data,
        subruns: run.subruns,
        source: catalogue.source(run.id).map(str::to_owned),
    });
    let notices = empty.into_iter().map(|run| Notice {
        severity: Severity::Warning,
        message: format!(
            "{}:{}: run {} has no subruns and is left out",
            summary.file.display(),
            run.line,
            run.id
        ),
        hint: "see whether its raw files are there, then make the run summary again".into(),
    });
    (calibration.into_iter().chain(reductions).collect(), notices.collect())
}
