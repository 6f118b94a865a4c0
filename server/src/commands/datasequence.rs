//! `datasequence`: the stages of one subrun.

use std::path::PathBuf;

use chrono::Utc;
use clap::{Args, ValueEnum};

use crate::config::Settings;
use crate::internal::blocking;
use crate::model::{ProdId, SubrunId};
use crate::night::NightPaths;
use crate::process::{Given, Inputs, Sequence, data_works};

use super::{Common, Failure, Outcome, stages};

/// Reduce one subrun: DL1a, DL1b, datacheck and DL2.
///
/// Goes on after the last stage that ended well, as the subrun's history tells. Files that are not
/// named are looked up as the sequencer does. Ends with the return code of the stage that failed.
#[derive(Debug, Args)]
pub struct Datasequence {
    #[command(flatten)]
    common: Common,
    /// Set the prod ID to define data directories
    #[arg(long, value_name = "PROD_ID")]
    prod_id: Option<ProdId>,
    /// Do not produce DL2 files
    #[arg(long)]
    no_dl2: bool,
    /// Path of the calibration file
    #[arg(long, value_name = "PEDCAL_FILE")]
    pedcal_file: Option<PathBuf>,
    /// Path of the DRS4 pedestal file
    #[arg(long, value_name = "DRS4_PEDESTAL_FILE")]
    drs4_pedestal_file: Option<PathBuf>,
    /// Path of the time calibration file
    #[arg(long, value_name = "TIME_CALIB_FILE")]
    time_calib_file: Option<PathBuf>,
    /// Path of the systematic correction factor file
    #[arg(long, value_name = "SYSTEMATIC_CORRECTION_FILE")]
    systematic_correction_file: Option<PathBuf>,
    /// Path of drive log file with pointing information
    #[arg(long, value_name = "DRIVE_FILE")]
    drive_file: Option<PathBuf>,
    /// Path of run summary file with time reference information
    #[arg(long, value_name = "RUN_SUMMARY")]
    run_summary: Option<PathBuf>,
    /// Path to a file containing the ids of the interleaved pedestal events
    #[arg(long, value_name = "PEDESTAL_IDS_FILE")]
    pedestal_ids_file: Option<PathBuf>,
    /// Run and subrun to be processed, such as 19102.0003
    #[arg(value_name = "run_number")]
    run_number: SubrunId,
    /// Telescope
    #[arg(value_enum)]
    tel_id: Telescope,
}

/// The telescopes that the original's command line knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Telescope {
    #[value(name = "ST")]
    St,
    #[value(name = "LST1")]
    Lst1,
    #[value(name = "LST2")]
    Lst2,
}

/// Runs the stages of the subrun, or prints them with `-s`.
pub async fn run(args: Datasequence) -> Outcome {
    if args.tel_id != Telescope::Lst1 {
        return Err(Failure::new("only LST1 has data to reduce").hint("write LST1"));
    }
    let common = args.common.clone();
    let (sequence, server) = blocking(move || {
        let settings = args.common.settings()?;
        let sequence = sequence(args, &settings)?;
        Ok::<_, Failure>((sequence, settings.server))
    })
    .await??;
    stages::run(sequence, &common, &server).await
}

fn sequence(args: Datasequence, settings: &Settings) -> Result<Sequence, Failure> {
    let prod_id = stages::production(args.prod_id, settings)?;
    let paths = NightPaths::new(settings.site.clone(), args.common.night(Utc::now()), prod_id);
    let id = args.run_number;
    let given = Given {
        drs4: args.drs4_pedestal_file,
        calibration: args.pedcal_file,
        time: args.time_calib_file,
        systematics: args.systematic_correction_file,
        drive_log: args.drive_file,
        run_summary: args.run_summary,
        pedestal_ids: args.pedestal_ids_file,
    };
    let (inputs, said) = Inputs::find(&paths, id, given)?;
    for text in said {
        eprintln!("osa: {id} {text}");
    }
    let works = data_works(&paths, id, &inputs, !args.no_dl2);
    Ok(Sequence { paths, run: id.run, subrun: Some(id.subrun), works })
}
