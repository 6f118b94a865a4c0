//! What a call is about, what it needs and what it writes.

mod calibration;
mod files;
mod reduction;
mod wholes;

use clap::ArgMatches;

pub use files::run_field;

use crate::behaviour::Behaviour;
use crate::content::Product;
use crate::failure::Failure;
use crate::tool::Tool;

/// The files that a call writes, in order.
#[derive(Debug, Default)]
pub struct Job {
    /// They are begun together and ended together.
    pub products: Vec<Product>,
}

impl Job {
    /// A call that writes placeholders.
    fn writing(paths: impl IntoIterator<Item = std::path::PathBuf>) -> Self {
        Self { products: paths.into_iter().map(Product::new).collect() }
    }
}

/// What a call is about: a subrun, a run or a date; empty if its options do not tell.
pub fn subject(tool: Tool, options: &ArgMatches) -> String {
    let run = |name: &str| {
        options.get_one::<i64>(name).map(|run| format!("{run:05}")).unwrap_or_default()
    };
    let text = |name: &str| options.get_one::<String>(name).map_or("", String::as_str);
    match tool {
        Tool::Drs4Baseline | Tool::ChargeCalibration | Tool::MergeHdf5 | Tool::MergeMuons => {
            run("run-number")
        }
        Tool::R0ToDl1 | Tool::Dl1ab | Tool::CheckDl1 => run_field(text("input-file")),
        Tool::Dl1ToDl2 => run_field(text("input-files")),
        Tool::CreateRunSummary => text("date").to_owned(),
        Tool::Longterm => files::date_field(text("output-file")),
        Tool::Transparency => files::date_field(text("update-datacheck-file")),
    }
}

/// Checks what the call needs and tells what it writes.
pub fn prepare(tool: Tool, options: &ArgMatches, behaviour: &Behaviour) -> Result<Job, Failure> {
    match tool {
        Tool::Drs4Baseline => calibration::drs4_baseline(options, behaviour),
        Tool::ChargeCalibration => calibration::charge_calibration(options, behaviour),
        Tool::R0ToDl1 => reduction::r0_to_dl1(options),
        Tool::Dl1ab => reduction::dl1ab(options),
        Tool::CheckDl1 => reduction::check_dl1(options),
        Tool::Dl1ToDl2 => reduction::dl1_to_dl2(options),
        Tool::CreateRunSummary => wholes::create_run_summary(options, behaviour),
        Tool::MergeHdf5 => wholes::merge_hdf5(options),
        Tool::MergeMuons => wholes::merge_muons(options),
        Tool::Longterm => wholes::longterm(options),
        Tool::Transparency => wholes::transparency(options),
    }
}
