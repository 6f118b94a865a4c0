//! Data quality in the browser: runs merged and not, maps, a night, and what the server takes in memory
//! after somebody has looked at very many runs. The files are the stand-ins', in the real format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::load::{ask, get};
use crate::{NIGHT, Res, median, succeed};

/// Subruns of a long run.
const SUBRUNS: u32 = 120;
/// Runs that somebody looks at one after another.
const BROWSED: u32 = 200;
/// Runs of a long night.
const NIGHT_RUNS: u32 = 30;
/// Numbers of the runs that are made for this: none of the demo's.
const FIRST: u32 = 30_000;
/// Requests that a browser makes at once.
const AT_ONCE: usize = 6;
const SHEET: &str = "pedestal-charge";

/// Makes the files, in a demo of its own.
pub fn prepare(osa: &Path, demo: &Path) -> Res {
    succeed(Command::new(osa).arg("demo").arg(demo).stdout(Stdio::null()))?;
    let compact = NIGHT.replace('-', "");
    let data = demo.join("data");
    let running = datacheck_dir(&data.join("running_analysis").join(&compact))?;
    // .../PROD_ID/DL1_PROD_ID
    let dl1 = running.file_name().ok_or("no DL1 production")?;
    let prod = running.parent().and_then(Path::file_name).ok_or("no production")?;
    let merged = data.join("DL1").join(&compact).join(prod).join(dl1).join("datacheck");
    let night = data.join("OSA/DL1DataCheck_LongTerm").join(prod).join(&compact);
    let made = demo.join("made").join(&compact);
    for dir in [&merged, &night, &made] {
        fs::create_dir_all(dir)?;
    }
    let begin = Instant::now();
    for subrun in 0..SUBRUNS {
        fs::write(made.join(subrun_name(FIRST, subrun)), "")?;
    }
    let tools = osa.with_file_name("lstchain-standin");
    succeed(Command::new(&tools).arg("--fill").arg(&made))?;
    let bin = demo.join("made/bin");
    succeed(Command::new(&tools).arg("--install").arg(&bin).stdout(Stdio::null()))?;
    let pattern = made.join(format!("datacheck_dl1_LST-1.Run{FIRST}.????.h5"));
    succeed(
        Command::new(bin.join("lstchain_check_dl1"))
            .args(["--omit-pdf", "--batch", "--input-file"])
            .arg(&pattern)
            .arg("--output-dir")
            .arg(&made)
            .stdout(Stdio::null()),
    )?;
    for run in FIRST + 1..=FIRST + NIGHT_RUNS {
        fs::hard_link(made.join(run_name(FIRST)), merged.join(run_name(run)))?;
    }
    succeed(
        Command::new(bin.join("lstchain_longterm_dl1_check"))
            .arg("--batch")
            .arg("--input-dir")
            .arg(&merged)
            .arg("--output-file")
            .arg(night.join(format!("DL1_datacheck_{compact}.h5")))
            .stdout(Stdio::null()),
    )?;
    for run in FIRST + NIGHT_RUNS + 1..=FIRST + BROWSED {
        fs::hard_link(made.join(run_name(FIRST)), merged.join(run_name(run)))?;
    }
    for subrun in 0..SUBRUNS {
        let name = subrun_name(FIRST, subrun);
        fs::rename(made.join(&name), running.join(&name))?;
    }
    let kept = merged.join(run_name(FIRST + 1));
    println!(
        "datacheck: {SUBRUNS} subruns made and merged in {:.1} s; {:.1} MB a merged run",
        begin.elapsed().as_secs_f64(),
        fs::metadata(kept)?.len() as f64 / 1e6
    );
    Ok(())
}

/// The directory below `dir` with datacheck files of subruns.
fn datacheck_dir(dir: &Path) -> Res<PathBuf> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with("datacheck_dl1_")) {
            return Ok(dir.to_owned());
        }
        if path.is_dir()
            && let Ok(found) = datacheck_dir(&path)
        {
            return Ok(found);
        }
    }
    Err(format!("{}: no datacheck files", dir.display()).into())
}

fn run_name(run: u32) -> String {
    format!("datacheck_dl1_LST-1.Run{run}.h5")
}

fn subrun_name(run: u32, subrun: u32) -> String {
    format!("datacheck_dl1_LST-1.Run{run}.{subrun:04}.h5")
}

/// Measures at the server at `address`, which is process `pid`.
pub fn measure(address: &str, pid: u32) -> Res {
    let figures = |run: u32| format!("/api/v1/nights/{NIGHT}/runs/{run}/datacheck/{SHEET}");
    let map = format!("{}/mean-map.svg", figures(FIRST));
    let (cold, warm) = (timed(|| fetch(address, &map))?, timed(|| fetch(address, &map))?);
    println!(
        "a run of {SUBRUNS} subruns that is not merged, one map: cold {:.0} ms (to be under 1500), warm {:.1} ms",
        cold * 1e3,
        warm * 1e3
    );
    let page =
        |run: u32, sheet: &str| format!("/nights/{NIGHT}/runs/{run}/datacheck?sheet={sheet}");
    // One sheet that needs a third of the file, and the first, which needs all of it.
    for (sheet, first) in [(SHEET, FIRST + 1), ("rates", FIRST + 8)] {
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for run in first..first + 7 {
            cold.push(timed(|| with_figures(address, &page(run, sheet)))?);
            warm.push(timed(|| with_figures(address, &page(run, sheet)))?);
        }
        println!(
            "a merged run of {SUBRUNS} subruns, page {sheet} and its figures: cold {:.0} ms (to be under 150), warm {:.1} ms (to be under 10)",
            median(cold) * 1e3,
            median(warm) * 1e3
        );
    }
    let (mut drawn, mut sent) = (Vec::new(), Vec::new());
    for step in 0..21 {
        // Other limits each time, so that nothing drawn before can be sent.
        let path =
            format!("{}/mean-map.svg?limits=value&low=0.5&high=5.{step:02}1", figures(FIRST + 1));
        let begin = Instant::now();
        let (head, _) = ask(address, &path, "br")?;
        sent.push(begin.elapsed().as_secs_f64());
        drawn.push(drawing(&head).ok_or(format!("{path}: no Server-Timing in {head}"))?);
    }
    println!(
        "a map drawn again: {:.1} ms of drawing (to be under 5), {:.1} ms until it is compressed and sent",
        median(drawn),
        median(sent) * 1e3
    );
    for encoding in ["br", "gzip"] {
        let (_, body) = get(address, &format!("{}/mean-map.svg", figures(FIRST + 1)), encoding)?;
        println!("a map in {encoding}: {:.1} kB (to be under 60)", body.len() as f64 / 1e3);
    }
    for sheet in ["rates", SHEET] {
        let page = format!("/nights/{NIGHT}/datacheck?sheet={sheet}");
        let cold = timed(|| with_figures(address, &page))?;
        let warm = timed(|| with_figures(address, &page))?;
        println!(
            "a night of {NIGHT_RUNS} runs, page {sheet} and its figures: cold {:.0} ms (to be under 300), warm {:.1} ms",
            cold * 1e3,
            warm * 1e3
        );
    }
    let begin = Instant::now();
    for run in FIRST + 1..=FIRST + BROWSED {
        with_figures(address, &page(run, SHEET))?;
    }
    println!(
        "the server after {BROWSED} runs were looked at in {:.1} s: {:.0} MB (to be under 300), at most {:.0} MB",
        begin.elapsed().as_secs_f64(),
        memory(pid, "VmRSS:")?,
        memory(pid, "VmHWM:")?
    );
    Ok(())
}

/// How long a figure was drawn, as the answer's head tells [ms].
fn drawing(head: &str) -> Option<f64> {
    let line = head.lines().find_map(|line| line.strip_prefix("server-timing: "))?;
    line.strip_prefix("draw;dur=")?.split(',').next()?.parse().ok()
}

fn timed<T>(work: impl FnOnce() -> Res<T>) -> Res<f64> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed().as_secs_f64())
}

/// What is at a path; anything but success is a failure.
fn fetch(address: &str, path: &str) -> Res<Vec<u8>> {
    match get(address, path, "br")? {
        (200, body) => Ok(body),
        (status, _) => Err(format!("{path}: HTTP {status}").into()),
    }
}

/// A page, then all its figures, as many at once as browsers ask for.
fn with_figures(address: &str, page: &str) -> Res {
    let (status, html) = get(address, page, "identity")?;
    if status != 200 {
        return Err(format!("{page}: HTTP {status}").into());
    }
    let html = String::from_utf8(html)?.replace("&amp;", "&");
    let sources: Vec<&str> =
        html.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let figures: Vec<String> = sources
        .into_iter()
        .filter(|source| source.contains("/datacheck/"))
        .map(|source| format!("/{source}"))
        .collect();
    if figures.is_empty() {
        return Err(format!("{page}: no figures").into());
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|first| {
                let figures = &figures;
                scope.spawn(move || -> Result<(), String> {
                    for figure in figures.iter().skip(first).step_by(AT_ONCE) {
                        fetch(address, figure).map_err(|error| error.to_string())?;
                    }
                    Ok(())
                })
            })
            .collect();
        for thread in threads {
            thread.join().map_err(|_| "a request panicked")??;
        }
        Ok(())
    })
}

/// A process's memory as the kernel counts it [MB].
fn memory(pid: u32, field: &str) -> Res<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1e3)
}
