//! `osa datacheck`: looks at datacheck files.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::datacheck::{Inspection, inspect};

use super::{Failure, Outcome};

/// Look at datacheck files
#[derive(Clone, Debug, clap::Args)]
pub struct Datacheck {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Tell what is in a datacheck file of a subrun, run or night, or in a muon file
    Inspect {
        /// The file (HDF5, or FITS for muon rings)
        file: PathBuf,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub async fn run(args: Datacheck) -> Outcome {
    match args.verb {
        Verb::Inspect { file, json } => {
            let inspection = tokio::task::spawn_blocking(move || inspect(&file))
                .await
                .map_err(Failure::new)??;
            let text = if json {
                serde_json::to_string_pretty(&inspection)? + "\n"
            } else {
                as_text(&inspection)
            };
            print(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints to standard output; whoever reads it may stop early (`| head`).
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn as_text(inspection: &Inspection) -> String {
    let mut lines = Vec::new();
    for (name, table) in &inspection.tables {
        let Some(table) = table else {
            lines.push(format!("{name}: not in this file\n"));
            continue;
        };
        lines.push(format!("{name}: {} rows", table.nrows));
        lines.push(format!(
            "  {:38} {:5} {:>15} {:>6} {:>5} {:>14} {:>14} {:>14}  unit",
            "column", "type", "shape", "NaN", "Inf", "min", "max", "sum"
        ));
        for (column, entry) in &table.columns {
            let shape = entry.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
            let numbers = entry.numbers.as_ref().map_or_else(String::new, |numbers| {
                format!(
                    " {:>6} {:>5} {:>14} {:>14} {:>14}",
                    numbers.n_nan,
                    numbers.n_inf,
                    brief(numbers.min),
                    brief(numbers.max),
                    brief(Some(numbers.sum_finite))
                )
            });
            let unit = entry.unit.as_deref().unwrap_or_default();
            let line = format!("  {column:38} {:5} {shape:>15}{numbers}  {unit}", entry.dtype);
            lines.push(line.trim_end().to_owned());
        }
        lines.push(String::new());
    }
    lines.join("\n")
}

/// A number in at most 14 characters.
fn brief(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value.fract() == 0.0 && value.abs() < 1e12 => format!("{value}"),
        Some(value) if (1e-3..1e6).contains(&value.abs()) => format!("{value:.6}"),
        Some(value) if (1e6..1e10).contains(&value.abs()) => format!("{value:.2}"),
        Some(value) => format!("{value:.5e}"),
    }
}
