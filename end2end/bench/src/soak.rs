//! A server for a long time under many people, and trouble: viewers of a night in progress, others who
//! browse, connections that say nothing, files that are damaged and put right, a scheduler that is killed.
//! Fails if anybody was shown an error, the memory kept growing, or an update was late.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::{Res, median, succeed};

const VIEWERS: usize = 2_000;
const BROWSERS: usize = 200;
const SILENT: usize = 300;
/// The night in progress, and one that is processed, whose files are damaged.
const NIGHTS: [&str; 2] = ["2024-11-28", "2024-11-25"];
/// Between two requests of somebody who browses.
const READING: Duration = Duration::from_secs(3);
/// Between two pieces of trouble.
const BETWEEN: Duration = Duration::from_secs(15);
/// An update that comes later is late.
const LATE: Duration = Duration::from_secs(10);

/// What was seen so far.
#[derive(Default)]
struct Observed {
    events: AtomicU64,
    streams_ended: AtomicU64,
    pages: AtomicU64,
    errors: Mutex<Vec<String>>,
    updates: Mutex<Vec<f64>>,
    over: AtomicBool,
}

impl Observed {
    fn error(&self, what: String) {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

/// Lets tonight's jobs begin before the server is looked at.
pub fn prepare(osa: &Path, demo: &Path) -> Res {
    succeed(
        Command::new(osa)
            .args(["demo", "--without-large"])
            .arg(demo)
            .stdout(std::process::Stdio::null()),
    )?;
    launch(osa, demo)
}

fn launch(osa: &Path, demo: &Path) -> Res {
    let config = demo.join("sequencer.cfg");
    let mut sequencer = Command::new(osa);
    sequencer.args(["sequencer", "-c"]).arg(config).args(["-d", NIGHTS[0], "LST1"]);
    succeed(sequencer.stdout(std::process::Stdio::null()))
}

/// Runs for `minutes`; `server` is the process at `address`.
pub fn measure(osa: &Path, demo: &Path, address: &str, server: u32, minutes: f64) -> Res {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let time = Duration::from_secs_f64(minutes * 60.0);
    let seen = Arc::new(Observed::default());
    let memory = runtime.block_on(crowd(osa, demo, address, server, time, &seen))?;
    // Streams end only with their readers, and those with this process: ended now, their timers would panic.
    std::mem::forget(runtime);
    report(&seen, &memory)
}

/// Everybody at once; the server's memory in MB, every few seconds.
async fn crowd(
    osa: &Path,
    demo: &Path,
    address: &str,
    server: u32,
    time: Duration,
    seen: &Arc<Observed>,
) -> Res<Vec<f64>> {
    let (changes, watched) = watch::channel(0_u64);
    for viewer in 0..VIEWERS {
        let night = NIGHTS[viewer % NIGHTS.len()];
        // One of them tells when an update arrives.
        let changes = (viewer == 1).then(|| changes.clone());
        tokio::spawn(view(address.to_owned(), night, Arc::clone(seen), changes));
    }
    for browser in 0..BROWSERS {
        tokio::spawn(browse(address.to_owned(), browser, Arc::clone(seen)));
    }
    for _ in 0..SILENT {
        tokio::spawn(say_nothing(address.to_owned(), Arc::clone(seen)));
    }
    let trouble = tokio::spawn(trouble(osa.to_owned(), demo.to_owned(), watched, Arc::clone(seen)));
    let mut memory = Vec::new();
    let end = Instant::now() + time;
    while Instant::now() < end {
        memory.push(resident_mb(server)?);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    seen.over.store(true, Ordering::Relaxed);
    trouble.await?;
    Ok(memory)
}

fn request(address: &str, path: &str, connection: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: br\r\nConnection: {connection}\r\n\r\n"
    )
}

/// Follows a night; begins again when the stream ends, as browsers do.
async fn view(
    address: String,
    night: &str,
    seen: Arc<Observed>,
    changes: Option<watch::Sender<u64>>,
) {
    let request = request(&address, &format!("/api/v1/nights/{night}/events"), "keep-alive");
    let mut buffer = vec![0; 16 << 10];
    while seen.goes_on() {
        let mut stream = match TcpStream::connect(&address).await {
            Ok(stream) => stream,
            Err(error) => {
                seen.error(format!("{night}: {error}"));
                tokio::time::sleep(READING).await;
                continue;
            }
        };
        let mut first = stream.write_all(request.as_bytes()).await.is_ok();
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            let text = String::from_utf8_lossy(&buffer[..read]);
            if first && !text.starts_with("HTTP/1.1 200") {
                seen.error(format!("{night}: {}", text.lines().next().unwrap_or_default()));
            }
            first = false;
            if text.contains("event:") {
                seen.events.fetch_add(1, Ordering::Relaxed);
                if let Some(changes) = &changes {
                    changes.send_modify(|count| *count += 1);
                }
            }
        }
        seen.streams_ended.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Reads one page after another.
async fn browse(address: String, number: usize, seen: Arc<Observed>) {
    let pages = [
        "/".to_owned(),
        "/api/v1/nights".to_owned(),
        format!("/nights/{}", NIGHTS[0]),
        format!("/nights/{}", NIGHTS[1]),
        format!("/api/v1/nights/{}", NIGHTS[1]),
        format!("/nights/{}/datacheck", NIGHTS[1]),
        format!("/nights/{}/products", NIGHTS[1]),
        "/datacheck".to_owned(),
    ];
    tokio::time::sleep(READING / BROWSERS as u32 * number as u32).await;
    for page in pages.iter().cycle().skip(number) {
        if !seen.goes_on() {
            return;
        }
        match answer(&address, page).await {
            Ok(head) if head.starts_with("HTTP/1.1 200") => {
                seen.pages.fetch_add(1, Ordering::Relaxed);
            }
            Ok(head) => seen.error(format!("{page}: {}", head.lines().next().unwrap_or_default())),
            Err(error) => seen.error(format!("{page}: {error}")),
        }
        tokio::time::sleep(READING).await;
    }
}

async fn answer(address: &str, page: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request(address, page, "close").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned())
}

/// Opens a connection, and another one when it is closed.
async fn say_nothing(address: String, seen: Arc<Observed>) {
    while seen.goes_on() {
        if let Ok(mut stream) = TcpStream::connect(&address).await {
            let _ = stream.read(&mut [0]).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Takes files away and puts them back, writes nonsense into a history, kills the scheduler, launches again;
/// each time the viewers must hear of what is on the disk.
async fn trouble(osa: PathBuf, demo: PathBuf, watched: watch::Receiver<u64>, seen: Arc<Observed>) {
    let compact = NIGHTS[1].replace('-', "");
    let night = demo.join("data/running_analysis").join(compact);
    let mut round = 0_u32;
    while seen.goes_on() {
        let result = match round % 3 {
            0 => damage(&night, "history", &watched, &seen).await,
            1 => damage(&night, "h5", &watched, &seen).await,
            _ => kill_scheduler(&demo)
                .and_then(|()| launch(&osa, &demo))
                .map_err(|error| error.to_string()),
        };
        if let Err(error) = result {
            seen.error(error);
        }
        round += 1;
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Damages the first file with that ending, waits until it is heard of, and puts it right.
async fn damage(
    night: &Path,
    ending: &str,
    watched: &watch::Receiver<u64>,
    seen: &Observed,
) -> Result<(), String> {
    let file = first(night, ending).ok_or_else(|| format!("no {ending} in {}", night.display()))?;
    let wrong = |error: std::io::Error| format!("{}: {error}", file.display());
    let aside = file.with_extension("aside");
    fs::rename(&file, &aside).map_err(wrong)?;
    if ending == "history" {
        fs::write(&file, [0xff; 100]).map_err(wrong)?;
    }
    heard(watched, seen).await;
    fs::rename(&aside, &file).map_err(wrong)?;
    heard(watched, seen).await;
    Ok(())
}

/// Waits for the next event of a viewer, and notes how long that took.
async fn heard(watched: &watch::Receiver<u64>, seen: &Observed) {
    let mut watched = watched.clone();
    watched.mark_unchanged();
    let began = Instant::now();
    let _ = tokio::time::timeout(Duration::from_secs(60), watched.changed()).await;
    let took = began.elapsed().as_secs_f64();
    seen.updates.lock().unwrap_or_else(PoisonError::into_inner).push(took);
}

/// The first file below a directory whose name ends so.
fn first(directory: &Path, ending: &str) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let file =
        |path: &&PathBuf| path.extension().is_some_and(|found| found == ending) && path.is_file();
    entries.iter().find(file).cloned().or_else(|| {
        entries.iter().filter(|path| path.is_dir()).find_map(|path| first(path, ending))
    })
}

fn kill_scheduler(demo: &Path) -> Res {
    // The next command that submits starts another one.
    let command = format!("local-scheduler --database {}", demo.display());
    let status = Command::new("pkill").args(["-KILL", "-f", &command]).status()?;
    match status.code() {
        Some(0 | 1) => Ok(()),
        _ => Err(format!("pkill: {status}").into()),
    }
}

fn resident_mb(process: u32) -> Res<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1e3)
}

fn report(seen: &Observed, memory: &[f64]) -> Res {
    let errors = seen.errors.lock().unwrap_or_else(PoisonError::into_inner);
    let updates = seen.updates.lock().unwrap_or_else(PoisonError::into_inner);
    let most = |figures: &[f64]| figures.iter().copied().fold(0.0, f64::max);
    let (early, late) = memory.split_at(memory.len() / 2);
    println!("pages: {}, errors: {}", seen.pages.load(Ordering::Relaxed), errors.len());
    println!(
        "events: {}, streams that ended: {}",
        seen.events.load(Ordering::Relaxed),
        seen.streams_ended.load(Ordering::Relaxed)
    );
    println!(
        "updates: {}, median {:.2} s, latest {:.2} s",
        updates.len(),
        median(updates.clone()),
        most(&updates)
    );
    println!(
        "memory: at most {:.0} MB in the first half, {:.0} MB in the second",
        most(early),
        most(late)
    );
    for error in errors.iter().take(20) {
        eprintln!("{error}");
    }
    if !errors.is_empty() {
        return Err(format!("{} errors were shown", errors.len()).into());
    }
    if updates.is_empty() || most(&updates) > LATE.as_secs_f64() {
        return Err("an update was late".into());
    }
    if most(late) > 1.25 * most(early) + 32.0 {
        return Err("the memory kept growing".into());
    }
    Ok(())
}
