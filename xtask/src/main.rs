//! `cargo xtask build [--release]`: everything, from crates alone, in one command.
//! `cargo xtask site [--release]`: only what the browser loads, steps 1 to 3.
//! `cargo xtask sqlx [--check]`: the descriptions of the statements in the query macros.
//! `cargo xtask terms`: whether every name is in plain words.
//!
//! 1. the crate `app` to WebAssembly (feature `hydrate`);
//! 2. its JavaScript side by wasm-bindgen, the style sheet and the icons, into `target/site`;
//! 3. in a release, `.br` and `.gz` beside every file that compression makes smaller;
//! 4. the program `osa` and the stand-ins for lstchain.
//!
//! `CARGO_TARGET_DIR` is honoured. No wasm-opt: what it saves is gone after compression, and old
//! versions of it break the module without a word.

mod queries;
mod terms;

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: cargo xtask build|site [--release], sqlx [--check], or terms";

/// How the site is built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// For tests and a first look: as fast to build as can be.
    Dev,
    /// For a site: small and fast.
    Release,
}

impl Profile {
    /// Cargo's name of the profile, natively and for the browser, and the directory of the latter.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Dev => ("dev", "dev", "debug"),
            Self::Release => ("release", "wasm-release", "wasm-release"),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (what, profile) = match arguments[..] {
        ["sqlx"] => return ended(root().and_then(|root| queries::run(&root, false))),
        ["sqlx", "--check"] => return ended(root().and_then(|root| queries::run(&root, true))),
        ["terms"] => return ended(root().and_then(|root| terms::run(&root))),
        [what] => (what, Profile::Dev),
        [what, "--release"] => (what, Profile::Release),
        _ => ("", Profile::Dev),
    };
    match what {
        "build" => ended(programs(profile).and_then(|()| site(profile))),
        "site" => ended(site(profile)),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn ended(done: Result) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes `target/site`.
fn site(profile: Profile) -> Result {
    let root = root()?;
    let target = match env::var_os("CARGO_TARGET_DIR") {
        // Cargo takes a relative one from where it was called.
        Some(directory) => env::current_dir()?.join(directory),
        None => root.join("target"),
    };
    let site = target.join("site");
    let wasm = build_wasm(&root, &target, profile)?;
    assemble(&root, &wasm, &site, profile)?;
    eprintln!("site: {}", site.display());
    // Compressing well takes longer than building; others are served to one machine, by itself.
    if profile == Profile::Release {
        compress(&site)?;
        report(&site)?;
    }
    Ok(())
}

/// Builds the program, the stand-ins and whatever else the workspace has: every selection of packages
/// has features of its own and would compile again what another one has.
fn programs(profile: Profile) -> Result {
    let (profile, _, _) = profile.names();
    run(cargo(&root()?).args(["build", "--workspace", "--locked", "--profile", profile]))
}

/// Builds `app` for the browser; gives the module's path.
fn build_wasm(root: &Path, target: &Path, profile: Profile) -> Result<PathBuf> {
    let (_, profile, directory) = profile.names();
    // A library for Rust natively, so that cargo can go on with its users before it is finished;
    // here the module itself.
    run(cargo(root)
        .args(["rustc", "--package", "app", "--lib", "--crate-type", "cdylib", "--locked"])
        .args(["--target", "wasm32-unknown-unknown", "--no-default-features"])
        .args(["--features", "hydrate", "--profile", profile]))?;
    Ok(target.join("wasm32-unknown-unknown").join(directory).join("app.wasm"))
}

/// Puts the site together beside its place, then puts it there: a server that runs never sees half
/// of one.
fn assemble(root: &Path, wasm: &Path, site: &Path, profile: Profile) -> Result {
    let fresh = site.with_extension("new");
    remove(&fresh)?;
    copy(&root.join("public"), &fresh)?;
    let package = fresh.join("pkg");
    fs::create_dir_all(&package)?;
    fs::copy(root.join("style/main.css"), package.join("app.css"))?;
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(wasm)
        .out_name("app")
        .web(true)?
        .typescript(false)
        .debug(profile == Profile::Dev)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(profile == Profile::Release)
        .generate(&package)?;
    remove(site)?;
    fs::rename(&fresh, site)?;
    Ok(())
}

/// Prints what the browser has to load.
fn report(site: &Path) -> Result {
    let wasm = fs::read(site.join("pkg/app_bg.wasm"))?;
    let small = fs::read(site.join("pkg/app_bg.wasm.br"))?;
    let kilobytes = |bytes: usize| bytes.div_ceil(1000);
    eprintln!("wasm: {} kB, {} kB in brotli", kilobytes(wasm.len()), kilobytes(small.len()));
    Ok(())
}

/// Writes `.br` and `.gz` beside every file that compression makes smaller. Browsers take brotli
/// over HTTPS only.
fn compress(directory: &Path) -> Result {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            compress(&path)?;
            continue;
        }
        let plain = fs::read(&path)?;
        for (extension, small) in [(".br", brotli(&plain)?), (".gz", gzip(&plain)?)] {
            if small.len() < plain.len() {
                let mut name = path.clone().into_os_string();
                name.push(extension);
                fs::write(name, small)?;
            }
        }
    }
    Ok(())
}

fn brotli(plain: &[u8]) -> Result<Vec<u8>> {
    let mut small = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut small, 1 << 16, 11, 22);
    writer.write_all(plain)?;
    writer.flush()?;
    drop(writer);
    Ok(small)
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(plain)?;
    Ok(writer.finish()?)
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn remove(directory: &Path) -> Result {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", directory.display()).into())
        }
        _ => Ok(()),
    }
}

/// Where the workspace is.
fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?)
}

/// The cargo that called us, in the workspace.
fn cargo(root: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_owned());
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

fn run(command: &mut Command) -> Result {
    eprintln!("+ {command:?}");
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
