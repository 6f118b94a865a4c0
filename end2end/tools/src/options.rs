//! The options of the real tools, as their argument parsers have them; long ones may be
//! abbreviated, as Python's `argparse` allows, and unknown ones end the tool with 2.

use clap::{Arg, ArgAction, Command};

use crate::tool::Tool;

/// The parser of a tool that is called by `name`.
pub fn of(tool: Tool, name: &'static str) -> Command {
    let command = Command::new(name)
        .infer_long_args(true)
        .args_override_self(true)
        .allow_negative_numbers(true);
    match tool {
        Tool::Drs4Baseline => command.args(drs4_baseline()),
        Tool::ChargeCalibration => command.args(charge_calibration()),
        Tool::R0ToDl1 => command.args(r0_to_dl1()),
        Tool::Dl1ab => command.args(dl1ab()),
        Tool::CheckDl1 => command.args(check_dl1()),
        Tool::Dl1ToDl2 => command.args(dl1_to_dl2()),
        Tool::CreateRunSummary => command.args(create_run_summary()),
        Tool::MergeHdf5 => command.args(merge_hdf5()),
        Tool::MergeMuons => command.args(merge("*.fits")),
        Tool::Longterm => command.args(longterm()),
        Tool::Transparency => command.args(transparency()),
    }
}

/// An option with one value.
fn value(name: &'static str) -> Arg {
    Arg::new(name).long(name)
}

/// An option whose value is a whole number.
fn number(name: &'static str) -> Arg {
    value(name).value_parser(clap::value_parser!(i64))
}

/// An option whose value is a number.
fn real(name: &'static str) -> Arg {
    value(name).value_parser(clap::value_parser!(f64))
}

/// An option without value.
fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

/// What the two on-site calibration tools share. Older versions write `_` for `-`.
fn onsite() -> Vec<Arg> {
    vec![
        number("run-number").short('r').alias("run_number").required(true),
        value("output-format").short('f'),
        value("prod-version").short('v').alias("prod_version"),
        value("base-dir").short('b').alias("base_dir").default_value("/fefs/aswg/data/real"),
        value("r0-dir"),
        number("tel-id").alias("tel_id"),
        number("sub-run").alias("sub_run").default_value("0"),
        flag("yes").short('y'),
        flag("no-pro-symlink").alias("no_pro_symlink"),
        flag("no-progress"),
        flag("no-db"),
        value("db-url"),
        value("db-name"),
    ]
}

fn drs4_baseline() -> Vec<Arg> {
    let mut options = onsite();
    options.push(number("max-events").short('m').alias("max_events"));
    options
}

fn charge_calibration() -> Vec<Arg> {
    let mut options = onsite();
    options.extend([
        number("pedestal-run").short('p').alias("pedestal_run"),
        number("statistics").short('s'),
        number("time-run").alias("time_run"),
        value("sys-date").alias("sys_date"),
        flag("no-sys-correction").alias("no_sys_correction"),
        value("output-base-name").alias("output_base_name").default_value("calibration"),
        real("min-ff").alias("min_ff"),
        real("max-ff").alias("max_ff"),
        value("filters"),
        value("config"),
        value("filters-db-url"),
        flag("flatfield-heuristic"),
        flag("no-flatfield-heuristic"),
        flag("apply-drs4-corrections"),
        flag("apply-pedestal-correction"),
    ]);
    options
}

fn r0_to_dl1() -> Vec<Arg> {
    vec![
        value("input-file").short('f').required(true),
        value("output-dir").short('o').default_value("./dl1_data/"),
        value("pedestal-file").short('p'),
        value("calibration-file").alias("calib"),
        value("time-calibration-file").short('t'),
        value("systematic-correction-file"),
        value("config").short('c'),
        value("pointing-file").alias("pointing"),
        value("run-summary-path").short('r'),
        value("pedestal-ids-path"),
        number("dragon-reference-time"),
        number("dragon-reference-counter"),
        number("dragon-module-id"),
        number("max-events"),
        flag("flatfield-heuristic"),
        flag("no-flatfield-heuristic"),
    ]
}

fn dl1ab() -> Vec<Arg> {
    vec![
        value("input-file").short('f').required(true),
        value("output-file").short('o').required(true),
        value("config").short('c'),
        // Older versions want a value, newer ones none.
        value("no-image").num_args(0..=1).default_missing_value("True"),
        flag("no-pedestal-cleaning"),
        value("catB-calibration-file"),
        number("max-unusable-pixels"),
    ]
}

fn check_dl1() -> Vec<Arg> {
    vec![
        value("input-file").required(true),
        value("output-dir").default_value("."),
        value("muons-dir"),
        number("max-cores"),
        flag("omit-pdf"),
        flag("batch").short('b'),
    ]
}

fn dl1_to_dl2() -> Vec<Arg> {
    vec![
        value("input-files").short('f').num_args(1..).action(ArgAction::Set).required(true),
        value("path-models").short('p').default_value("./trained_models"),
        value("output-dir").short('o').default_value("./dl2_data"),
        value("config").short('c'),
        value("dl1_training_dir").short('t'),
    ]
}

fn create_run_summary() -> Vec<Arg> {
    vec![
        value("date").short('d').required(true),
        value("r0-path").default_value("/fefs/aswg/data/real/R0"),
        value("output-dir").short('o').default_value("/fefs/aswg/data/real/monitoring/RunSummary"),
        flag("overwrite"),
    ]
}

fn merge(pattern: &'static str) -> Vec<Arg> {
    vec![
        value("input-dir").short('d').required(true),
        value("output-file").short('o').required(true),
        number("run-number").short('r'),
        value("pattern").short('p').default_value(pattern),
    ]
}

fn merge_hdf5() -> Vec<Arg> {
    let mut options = merge("*.h5");
    options.extend([flag("no-image"), flag("no-progress")]);
    options
}

fn longterm() -> Vec<Arg> {
    vec![
        value("input-dir").default_value("."),
        value("output-file").default_value("longterm_dl1_check.h5"),
        value("muons-dir"),
        flag("batch").short('b'),
    ]
}

fn transparency() -> Vec<Arg> {
    vec![
        value("update-datacheck-file").short('u').required(true),
        value("input-dir").short('d').required(true),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::EXECUTABLES;

    fn code(tool: Tool, arguments: &[&str]) -> i32 {
        let all = std::iter::once("tool").chain(arguments.iter().copied());
        of(tool, "tool").try_get_matches_from(all).map_or_else(|e| e.exit_code(), |_| 0)
    }

    #[test]
    fn every_parser_is_sound() {
        for (name, tool, _) in EXECUTABLES {
            of(tool, name).debug_assert();
            assert_eq!(code(tool, &["--no-such-option"]), 2, "{name}");
        }
    }

    #[test]
    fn options_are_taken_as_the_real_tools_take_them() {
        assert_eq!(code(Tool::Dl1ToDl2, &["--input-file=a", "--output-dir=b", "-p", "c"]), 0);
        assert_eq!(code(Tool::Dl1ab, &["-f", "a", "-o", "b", "--no-image=True"]), 0);
        assert_eq!(code(Tool::Dl1ab, &["-f", "a", "-o", "b", "--no-image"]), 0);
        assert_eq!(code(Tool::Drs4Baseline, &["-r", "19100", "-b", "/x", "--no-progress"]), 0);
        assert_eq!(code(Tool::Drs4Baseline, &["-r", "nineteen"]), 2);
        assert_eq!(code(Tool::R0ToDl1, &["--output-dir=b"]), 2);
        assert_eq!(code(Tool::CheckDl1, &["--input-file=a", "--omit-pdf", "--batch"]), 0);
    }
}
