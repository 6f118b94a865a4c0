//! A server under parallel clients, and what a browser loads for a page.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Res;

const CLIENTS: usize = 50;
const REQUESTS: usize = 200;
/// How long a fresh server may take to have its first answer ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures one page at `address` once it is served.
pub fn measure(address: &str, page: &str) -> Res {
    wait_until_served(address, page)?;
    weight(address, page)?;
    many(address, page, &["identity", "br"], 20)
}

/// Has many clients ask for a page at once, in each encoding, and prints how long they wait; `target` is
/// in milliseconds.
pub fn many(address: &str, page: &str, encodings: &[&str], target: u32) -> Res {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for encoding in encodings {
        let begin = Instant::now();
        let mut latencies = runtime.block_on(clients(address, page, encoding))?;
        let seconds = begin.elapsed().as_secs_f64();
        latencies.sort_by(f64::total_cmp);
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize] * 1e3;
        println!(
            "{page} ({encoding}) with {CLIENTS} clients: {:.0} pages/s, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms (p99 to be under {target})",
            latencies.len() as f64 / seconds,
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    Ok(())
}

/// Waits until something is served.
pub fn wait_until_served(address: &str, page: &str) -> Res {
    let begin = Instant::now();
    loop {
        let answer = get(address, page, "identity");
        match answer {
            Ok((200, _)) => return Ok(()),
            Ok(_) | Err(_) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok((status, _)) => return Err(format!("{page}: HTTP {status}").into()),
            Err(error) => return Err(error),
        }
    }
}

/// One request on a connection of its own: status and body as sent.
pub fn get(address: &str, path: &str, encoding: &str) -> Res<(u16, Vec<u8>)> {
    let (head, body) = ask(address, path, encoding)?;
    let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
    Ok((status, body))
}

/// The same with the answer's head as it is.
pub fn ask(address: &str, path: &str, encoding: &str) -> Res<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept-Encoding: {encoding}\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or("no HTTP answer")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Ok((head, answer.split_off(end + 4)))
}

/// Prints what the page and all that it refers to weigh on the wire.
fn weight(address: &str, page: &str) -> Res {
    let (_, html) = get(address, page, "identity")?;
    let html = String::from_utf8_lossy(&html).into_owned();
    let mut paths = vec![page.to_owned()];
    for word in html.split(['"', '\'']) {
        let file = word.trim_start_matches('/');
        if (file.starts_with("pkg/") || file.starts_with("favicon")) && file.contains('.') {
            let path = format!("/{file}");
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    if !paths.iter().any(|path| path.contains(".wasm")) {
        paths.push("/pkg/app_bg.wasm".to_owned());
    }
    let mut total = 0;
    for path in paths {
        let (status, body) = get(address, &path, "br")?;
        println!("loads {path}: {:.1} kB in brotli (HTTP {status})", body.len() as f64 / 1e3);
        total += body.len();
    }
    println!("loads in all: {:.1} kB", total as f64 / 1e3);
    Ok(())
}

async fn clients(address: &str, page: &str, encoding: &str) -> Res<Vec<f64>> {
    let request =
        format!("GET {page} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: {encoding}\r\n\r\n");
    let tasks: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(client(address.to_owned(), request.clone()))).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await?.map_err(|error| error.to_string())?);
    }
    Ok(all)
}

/// One client: requests one after another on one connection, seconds each.
async fn client(address: String, request: String) -> std::io::Result<Vec<f64>> {
    let mut stream = tokio::net::TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 1 << 20];
    let mut latencies = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let begin = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let mut have = 0;
        loop {
            if have == buffer.len() {
                buffer.resize(buffer.len() * 2, 0);
            }
            let read = stream.read(&mut buffer[have..]).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            have += read;
            if complete(&buffer[..have]) {
                break;
            }
        }
        latencies.push(begin.elapsed().as_secs_f64());
    }
    Ok(latencies)
}

/// Whether an answer with a content length, or in chunks, is all there.
fn complete(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    match length.and_then(|text| text.trim().parse::<usize>().ok()) {
        Some(length) => answer.len() >= end + 4 + length,
        None => answer.ends_with(b"0\r\n\r\n"),
    }
}
