//! The tools that reduce a subrun.

use std::path::Path;

use clap::ArgMatches;

use crate::content::{Content, Product, check};
use crate::datacheck::Subruns;
use crate::failure::Failure;
use crate::rules::matches;

use super::Job;
use super::files::{input, list, needed, not_found, path, run_field, whole};

pub fn r0_to_dl1(options: &ArgMatches) -> Result<Job, Failure> {
    let raw = needed(options, "input-file")?;
    if !raw.is_file() {
        return Err(Failure::plain("Input file does not exist or is not a file"));
    }
    configuration(options)?;
    for name in [
        "pedestal-file",
        "calibration-file",
        "time-calibration-file",
        "systematic-correction-file",
        "pointing-file",
        "run-summary-path",
        "pedestal-ids-path",
    ] {
        if let Some(file) = path(options, name) {
            if !file.is_file() {
                return Err(Failure::python(format!(
                    "traitlets.traitlets.TraitError: Path \"{}\" does not exist",
                    file.display()
                )));
            }
            check(&file)?;
        }
    }
    let dir = needed(options, "output-dir")?;
    make_dir(&dir)?;
    let run = run_field(&raw.to_string_lossy());
    let dl1 = dir.join(format!("dl1_LST-1.Run{run}.h5"));
    if dl1.exists() {
        return Err(already_extended());
    }
    let muons = dir.join(format!("muons_LST-1.Run{run}.fits"));
    let content = Subruns::of(&raw).map_or(Content::Placeholder, Content::Muons);
    Ok(Job {
        products: vec![
            Product::new(dl1),
            Product { path: muons, content, append: false },
            Product::new(dir.join(format!("interleaved_LST-1.Run{run}.h5"))),
        ],
    })
}

pub fn dl1ab(options: &ArgMatches) -> Result<Job, Failure> {
    input(options, "input-file")?;
    configuration(options)?;
    let output = needed(options, "output-file")?;
    if output.exists() {
        return Err(already_extended());
    }
    Ok(Job::writing([output]))
}

pub fn check_dl1(options: &ArgMatches) -> Result<Job, Failure> {
    let pattern = needed(options, "input-file")?;
    let name = pattern.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let inputs = list(pattern.parent().unwrap_or(Path::new(".")), &name);
    if inputs.is_empty() {
        return Err(Failure::plain("Input files not found!").with(Some(255)));
    }
    inputs.iter().try_for_each(|file| whole(file))?;
    let dir = needed(options, "output-dir")?;
    let run = run_field(&pattern.to_string_lossy());
    let product = |suffix: &str| dir.join(format!("datacheck_dl1_LST-1.Run{run}.{suffix}"));
    let plots_only = matches("datacheck_dl1*", &name);
    let found = Subruns::of(&product("h5")).map(|of| match of.numbers.as_slice() {
        [] => Subruns { numbers: inputs.iter().filter_map(|file| subrun(file)).collect(), ..of },
        _ => of,
    });
    let content = found.map_or(Content::Placeholder, Content::Run);
    let mut products = vec![Product { path: product("h5"), content, append: false }];
    if plots_only || !options.get_flag("omit-pdf") {
        products.push(Product::plot(product("pdf")));
    }
    Ok(Job { products })
}

fn subrun(file: &Path) -> Option<u32> {
    Subruns::of(file)?.numbers.first().copied()
}

pub fn dl1_to_dl2(options: &ArgMatches) -> Result<Job, Failure> {
    let models = needed(options, "path-models")?;
    if !models.is_dir() {
        return Err(not_found(&models.join("reg_energy.sav")));
    }
    configuration(options)?;
    let dir = needed(options, "output-dir")?;
    let mut files = Vec::new();
    for file in options.get_many::<String>("input-files").unwrap_or_default() {
        whole(Path::new(file))?;
        make_dir(&dir)?;
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
        let output = dir.join(name.replacen("dl1", "dl2", 1));
        if output.exists() {
            return Err(Failure::python(format!("OSError: {} exists, exiting.", output.display())));
        }
        files.push(output);
    }
    Ok(Job::writing(files))
}

/// The configuration file, if one is given, must be readable.
fn configuration(options: &ArgMatches) -> Result<(), Failure> {
    match path(options, "config").map(std::fs::read) {
        Some(Err(cause)) => {
            Err(Failure::plain(format!("Configuration file could not be read: {cause}")))
        }
        _ => Ok(()),
    }
}

/// Makes a directory, but not its parents.
fn make_dir(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() { Ok(()) } else { Ok(std::fs::create_dir(dir)?) }
}

/// What HDF5 tools say of a product that an earlier call has left.
fn already_extended() -> Failure {
    crate::failure::Kind::CatB.failure(None)
}
