//! `calibration_pipeline`: the two stages of a night's calibration.

use clap::{Args, ValueEnum};

use chrono::Utc;

use crate::internal::blocking;
use crate::model::{CalibrationRuns, ProdId, RunId};
use crate::night::{MissingSummary, NightPaths, Observation, night_of};
use crate::process::{CalibrationNights, Sequence, calibration_works};

use super::{Common, Failure, Outcome, stages};

/// Make the calibration of a night: DRS4 baseline and charge calibration.
///
/// What is there already is not made again. Ends with the return code of the stage that failed.
#[derive(Debug, Args)]
pub struct CalibrationPipeline {
    #[command(flatten)]
    common: Common,
    /// Set the prod ID to define data directories
    #[arg(long, value_name = "PROD_ID")]
    prod_id: Option<ProdId>,
    /// DRS4 pedestal run number [default: the night's last]
    #[arg(long, value_name = "DRS4_PEDESTAL_RUN")]
    drs4_pedestal_run: Option<RunId>,
    /// Calibration run number [default: the night's last]
    #[arg(long, value_name = "PEDCAL_RUN")]
    pedcal_run: Option<RunId>,
    /// Telescope
    #[arg(value_enum)]
    tel_id: Telescope,
}

/// The telescope that is calibrated on-site.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Telescope {
    #[value(name = "LST1")]
    Lst1,
}

/// Runs the calibration, or prints it with `-s`.
pub async fn run(args: CalibrationPipeline) -> Outcome {
    let Telescope::Lst1 = args.tel_id;
    let common = args.common.clone();
    let (sequence, server) = blocking(move || {
        let settings = args.common.settings()?;
        let sequence = sequence(&args, &settings)?;
        Ok::<_, Failure>((sequence, settings.server))
    })
    .await??;
    stages::run(sequence, &common, &server).await
}

fn sequence(
    args: &CalibrationPipeline,
    settings: &crate::config::Settings,
) -> Result<Sequence, Failure> {
    let prod_id = stages::production(args.prod_id.clone(), settings)?;
    let paths = NightPaths::new(settings.site.clone(), args.common.night(Utc::now()), prod_id);
    let runs = match (args.drs4_pedestal_run, args.pedcal_run) {
        (Some(drs4), Some(pedcal)) => CalibrationRuns { drs4, pedcal },
        (drs4, pedcal) => {
            let observation = Observation::read(&paths, MissingSummary::Fail)?;
            let chosen = observation.calibration.ok_or_else(|| no_runs(&paths))?;
            CalibrationRuns {
                drs4: drs4.unwrap_or(chosen.drs4),
                pedcal: pedcal.unwrap_or(chosen.pedcal),
            }
        }
    };
    let nights = CalibrationNights {
        drs4: night_of(runs.drs4, &paths)?,
        pedcal: night_of(runs.pedcal, &paths)?,
    };
    let works = calibration_works(&paths, runs, nights)?;
    Ok(Sequence { paths, run: runs.pedcal, subrun: None, works })
}

fn no_runs(paths: &NightPaths) -> Failure {
    Failure::new(format!("the night {} has no calibration runs", paths.date))
        .hint("name them with --drs4-pedestal-run and --pedcal-run")
}
