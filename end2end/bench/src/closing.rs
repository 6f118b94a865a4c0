//! Closing the large night, without its jobs: the plan, and the moves beside the bare renames and
//! links of the same files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{NIGHT, Res, process, succeed};

/// Measures; `demo` is closed afterwards.
pub fn measure(osa: &Path, demo: &Path) -> Res {
    let config = demo.join("sequencer.cfg").display().to_string();
    let words = |more: &[&str]| -> Vec<String> {
        let program = osa.display().to_string();
        let words = [&program, "closer", "-c", &config, "-d", NIGHT, "-t"];
        words.iter().chain(more).chain(&["LST1"]).map(|word| (*word).to_owned()).collect()
    };
    let plan = process::measure("closer -s (plan)", &words(&["-s"]))?;
    process::measure("closer -s --json (plan, every file)", &words(&["-s", "--json"]))?;
    println!("plan: {:.0} ms (to be under 500)", plan * 1e3);
    let bare = bare(osa, demo, &words(&["-s", "--json"]))?;
    let begin = Instant::now();
    let command = words(&["--json"]);
    let output = Command::new(osa).args(&command[1..]).stderr(Stdio::null()).output()?;
    let whole = begin.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    let progress: Value = serde_json::from_slice(&output.stdout)?;
    let seconds = |wanted: &dyn Fn(&str) -> bool| -> Res<f64> {
        let mut total = 0.0;
        for step in progress["steps"].as_array().ok_or("no steps")? {
            if wanted(step["name"].as_str().unwrap_or_default()) {
                let time = |key: &str| -> Res<DateTime<Utc>> {
                    Ok(step[key].as_str().ok_or("no time")?.parse()?)
                };
                total += (time("ended")? - time("started")?).as_seconds_f64();
            }
        }
        Ok(total)
    };
    let moves = seconds(&|name| name.starts_with("move "))?;
    let settle = seconds(&|name| name == "settle")?;
    let manifest = seconds(&|name| name == "manifest")?;
    println!(
        "closer -t: {whole:.2} s in all; moves {moves:.2} s, directories to the disk {settle:.2} s, \
         checksums and manifest {manifest:.2} s"
    );
    println!("bare renames and links: {bare:.2} s");
    println!(
        "plan and moves: {:.2} s (to be under 3), {:.2} of the bare ones (to be at most 2)",
        plan + moves + settle,
        (plan + moves + settle) / bare
    );
    Ok(())
}

/// The seconds that the same renames and links take, one after another, in a copy of the tree.
fn bare(osa: &Path, demo: &Path, plan: &[String]) -> Res<f64> {
    let twin = demo.with_file_name("twin");
    succeed(Command::new(osa).arg("demo").arg(&twin).stdout(Stdio::null()))?;
    let output = Command::new(osa).args(&plan[1..]).output()?;
    let text = String::from_utf8(output.stdout)?
        .replace(&demo.display().to_string(), &twin.display().to_string());
    let plan: Value = serde_json::from_str(&text)?;
    let strings = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(|text| text.as_str().map(ToOwned::to_owned)).collect()
    };
    let mut work = Vec::new();
    for group in plan["moves"].as_array().ok_or("no moves")? {
        let (from, to) = (&group["from"], &group["to"]);
        let (from, to) = (from.as_str().ok_or("no from")?, to.as_str().ok_or("no to")?);
        fs::create_dir_all(to)?;
        for file in group["files"].as_array().ok_or("no files")? {
            let name = file["name"].as_str().ok_or("no name")?;
            let links: Vec<_> =
                strings(&group["links"]).iter().map(|dir| Path::new(dir).join(name)).collect();
            work.push((Path::new(from).join(name), Path::new(to).join(name), links));
        }
    }
    let begin = Instant::now();
    for (from, to, links) in &work {
        fs::rename(from, to)?;
        for link in links {
            if symlink(to, link).is_err() {
                fs::remove_file(link)?;
                symlink(to, link)?;
            }
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{} files to be moved", work.len());
    fs::remove_dir_all(&twin)?;
    Ok(seconds)
}
