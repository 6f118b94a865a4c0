//! Provenance of a full night: 40 runs of 75 subruns, four activities each, 19 kB of session a time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{NIGHT, Res, load, median, process};

/// Lines of the original, of which those of one subrun are taken as a pattern.
const PATTERN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../server/tests/golden/prov/prov.log");
/// Runs of the demo's large night, and its calibration.
const RUNS: std::ops::Range<u32> = 18902..18942;
const SUBRUNS: u32 = 75;
/// Length of a session record at a real site, in bytes.
const SESSION: usize = 19_000;
const CALIBRATION: [&str; 2] = ["18900", "18901"];
const PROD: &str = "v0.10.18";

/// Measures on the demo's large night.
pub fn measure(osa: &Path, demo: &Path) -> Res {
    let compact = NIGHT.replace('-', "");
    let dir = demo.join("data/running_analysis").join(&compact).join(PROD);
    let size = write(&dir.join("prov.log"))?;
    let megabytes = size as f64 / 1e6;
    println!("prov.log: {megabytes:.0} MB");
    let config = demo.join("sequencer.cfg").display().to_string();
    let (osa_text, dir_text) = (osa.display().to_string(), dir.display().to_string());
    let [drs4, pedcal] = CALIBRATION;
    let words = ["env", "-C", &dir_text, &osa_text, "provprocess", "-c", &config];
    let run = (RUNS.start + 20).to_string();
    let command = words.into_iter().chain([drs4, pedcal, &run, &compact, PROD]);
    let command: Vec<_> = command.map(str::to_owned).collect();
    process::measure("provprocess of one run (to be under 1 s and 150 MB)", &command)?;

    let ask = || -> Res<f64> {
        let begin = Instant::now();
        let name = format!("dl2_LST-1.Run{run}.0010.h5");
        let mut command = Command::new(osa);
        command.args(["provenance", "-c", &config, "--date", NIGHT, "--name", &name]);
        crate::succeed(command.stdout(Stdio::null()))?;
        Ok(begin.elapsed().as_secs_f64())
    };
    let first = ask()?;
    let later = median((0..5).map(|_| ask()).collect::<Res<Vec<_>>>()?);
    println!(
        "index: {:.2} s, {:.0} MB/s (to be at least 200); one more question: {:.1} ms with the program's start",
        first - later,
        megabytes / (first - later),
        later * 1e3
    );
    crate::served(osa, demo, |address, _| serve(address, &run))
}

fn serve(address: &str, run: &str) -> Res {
    let page = format!("/api/v1/nights/{NIGHT}/runs/{run}/provenance.json");
    let begin = Instant::now();
    let (status, body) = load::get(address, &page, "identity")?;
    let cold = begin.elapsed().as_secs_f64();
    println!(
        "all runs from one pass: {cold:.2} s until the first is sent, {} bytes, HTTP {status} (to be under 3 s)",
        body.len()
    );
    load::many(address, &format!("/api/v1/runs/{run}/provenance.json"), &["identity", "br"], 10)?;
    let question = format!("/api/v1/provenance?name=dl2_LST-1.Run{run}.0010.h5");
    let mut times = Vec::new();
    for _ in 0..200 {
        let begin = Instant::now();
        let (status, _) = load::get(address, &question, "identity")?;
        if status != 200 {
            return Err(format!("{question}: HTTP {status}").into());
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "lineage of a DL2 file over REST: median {:.2} ms, slowest {:.2} ms (to be under 5)",
        times[100], times[199]
    );
    Ok(())
}

/// Writes the log; its size in bytes.
fn write(log: &Path) -> Res<u64> {
    let text = std::fs::read_to_string(PATTERN)?;
    let text = text.replace("19100", CALIBRATION[0]).replace("19101", CALIBRATION[1]);
    let mut out = BufWriter::new(File::create(log)?);
    for line in text.lines().filter(|line| {
        line.contains("'session_tag': 'drs4") || line.contains("'session_tag': 'calib")
    }) {
        writeln!(out, "{line}")?;
    }
    let pattern = Pattern::of(&text);
    for run in RUNS {
        for subrun in 0..SUBRUNS {
            pattern.write(&mut out, run, subrun)?;
        }
    }
    out.flush()?;
    Ok(log.metadata()?.len())
}

/// The lines of the first subrun of run 19102, cut where a subrun has something of its own.
struct Pattern(Vec<Piece>);

enum Piece {
    Text(String),
    Run,
    RunAndSubrun,
    /// An identifier, the same wherever it stands, and its length.
    Id(usize, usize),
}

impl Pattern {
    fn of(text: &str) -> Self {
        let mut lines = Vec::new();
        for activity in ["r0_to_dl1", "dl1ab", "dl1_datacheck", "dl1_to_dl2"] {
            let tag = format!("'session_tag': '{activity}:19102'");
            let own = text.lines().filter(|line| line.contains(&tag));
            let mut ended = false;
            lines.extend(
                own.take_while(|line| !std::mem::replace(&mut ended, line.contains("'endTime'"))),
            );
        }
        let own = |line: &&&str| line.contains("Run19102.0000") || line.contains("'startTime'");
        let mut ids = HashMap::new();
        for line in lines.iter().filter(own) {
            for key in ["'entity_id': '", "{'activity_id': '"] {
                if let Some(id) = line.split(key).nth(1).and_then(|rest| rest.split('\'').next()) {
                    let number = ids.len();
                    ids.entry(id.to_owned()).or_insert(number);
                }
            }
        }
        let mut pieces = Vec::new();
        for line in lines {
            let line = &with_packages(line);
            cut(line, &ids, &mut pieces);
            pieces.push(Piece::Text("\n".into()));
        }
        Self(pieces)
    }

    fn write(&self, out: &mut impl Write, run: u32, subrun: u32) -> std::io::Result<()> {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.write_all(text.as_bytes())?,
                Piece::Run => write!(out, "{run:05}")?,
                Piece::RunAndSubrun => write!(out, "{run:05}.{subrun:04}")?,
                Piece::Id(number, length) => {
                    let id = format!("{number:02x}{run:08x}{subrun:08x}{:014x}", 0);
                    out.write_all(&id.as_bytes()[..(*length).max(18)])?;
                }
            }
        }
        Ok(())
    }
}

/// A session of an environment as large as that of a real site.
fn with_packages(line: &str) -> String {
    let missing = SESSION.saturating_sub(line.len());
    let Some((head, tail)) = line.split_once("'packages': [").filter(|_| missing > 0) else {
        return line.to_owned();
    };
    let one = "{'name': 'package', 'version': '1.0.0', 'path': '/fefs/aswg/software/osa-env/lib/python3.11/site-packages'}, ";
    format!("{head}'packages': [{}{tail}", one.repeat(missing / one.len()))
}

fn cut(line: &str, ids: &HashMap<String, usize>, pieces: &mut Vec<Piece>) {
    let places = ids.iter().map(|(id, number)| (format!("'{id}'"), Piece::Id(*number, id.len())));
    let mut marks: Vec<(String, Piece)> = places.collect();
    marks.push(("19102.0000".into(), Piece::RunAndSubrun));
    marks.push(("19102".into(), Piece::Run));
    let mut rest = line;
    loop {
        let found =
            marks.iter().filter_map(|(mark, piece)| Some((rest.find(mark.as_str())?, mark, piece)));
        let first = found.min_by_key(|(at, mark, _)| (*at, usize::MAX - mark.len()));
        let Some((at, mark, piece)) = first else { break };
        match piece {
            Piece::Id(number, length) => {
                pieces.push(Piece::Text(rest[..=at].to_owned()));
                pieces.push(Piece::Id(*number, *length));
                pieces.push(Piece::Text("'".into()));
            }
            Piece::RunAndSubrun | Piece::Run | Piece::Text(_) => {
                pieces.push(Piece::Text(rest[..at].to_owned()));
                pieces.push(if mark.len() > 5 { Piece::RunAndSubrun } else { Piece::Run });
            }
        }
        rest = &rest[at + mark.len()..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
}
