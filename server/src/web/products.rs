//! The datacheck files that lstchain made, listed and sent as they are.
//!
//! Only what the night's own listing names is ever opened, and only if it is a plain file: nothing of
//! an address becomes part of a path. What others wrote is shown without rights: a page of theirs runs
//! in a sandbox, of an origin that is nobody's, and can neither read ours nor act for who looks at it.

use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::{Seek, SeekFrom};
use std::time::UNIX_EPOCH;

use app::backend::BackendError;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http_range_header::parse_range_header;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::WebState;
use super::cached;
use super::disk_reads::ReadKind;
use super::path::Path;
use super::problem::Problem;
use crate::hint::Hint;
use crate::input_file;
use crate::model::{Missing, MissingProduct, NightDate, Product, ProductGroup, Products};
use crate::night::NightPaths;
use crate::publish::{self, Found};

/// lstchain's pages draw with bokeh, which they load from its own site and which makes code of text.
const SANDBOX: &str = "sandbox allow-scripts; default-src 'none'; \
     script-src 'unsafe-inline' 'unsafe-eval' https://cdn.bokeh.org; \
     style-src 'unsafe-inline' https://cdn.bokeh.org; img-src data: blob:; font-src data:; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// `GET /api/v1/nights/{date}/products`
pub async fn list(
    State(state): State<WebState>,
    Path(date): Path<NightDate>,
) -> Result<Json<Products>, Problem> {
    Ok(Json(state.watcher.products(date).await?))
}

/// `GET /api/v1/nights/{date}/products/{group}/{product}`
pub async fn send(
    State(state): State<WebState>,
    Path((date, group, name)): Path<(NightDate, ProductGroup, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = name.clone();
    let open = move |paths: &NightPaths| open(paths, group, &wanted);
    let (file, metadata) = state.watcher.of_night(ReadKind::Products, date, open).await?;
    Ok(answer(&headers, &name, file, &metadata))
}

/// The files of a night. Blocks on the disk.
pub fn listed(paths: &NightPaths) -> Products {
    let date = paths.date;
    let (mut products, mut missing) = (Vec::new(), Vec::new());
    for (group, found) in publish::products(paths) {
        match named(found) {
            Ok((name, file)) => products.push(Product {
                group,
                href: format!("api/v1/nights/{date}/products/{}/{}", group.key(), quoted(&name)),
                name,
                bytes: file.bytes,
                modified: DateTime::from_timestamp(file.modified, 0).unwrap_or_default(),
            }),
            Err(product) => missing.push(Missing { group, product }),
        }
    }
    Products { date, products, missing }
}

/// A name as it may stand in an address.
fn quoted(name: &str) -> String {
    name.bytes().fold(String::new(), |mut quoted, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                quoted.push(char::from(byte));
            }
            _ => {
                let _ = write!(quoted, "%{byte:02X}");
            }
        }
        quoted
    })
}

/// A product that is there, with its name.
fn named(found: Found) -> Result<(String, crate::model::PublishFile), MissingProduct> {
    let file = found?;
    let path = std::path::Path::new(&file.source);
    let lacks = |reason: String| MissingProduct { what: file.source.clone(), reason };
    let name = path.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned);
    let name = name.ok_or_else(|| lacks("its name is no text".to_owned()))?;
    Ok((name, file))
}

fn open(
    paths: &NightPaths,
    group: ProductGroup,
    name: &str,
) -> Result<(File, Metadata), BackendError> {
    let none = |reason: &str| {
        let (date, group) = (paths.date, group.key());
        let text = format!("night {date} has no file {name:?} among its {group}{reason}");
        BackendError::not_found(text)
    };
    let mut reason = String::new();
    let mut file = None;
    for (_, found) in publish::products(paths).into_iter().filter(|(own, _)| *own == group) {
        match named(found) {
            Ok((own, found)) if own == name => file = Some(found),
            Err(lacking) if format!("{} {}", lacking.what, lacking.reason).contains(name) => {
                reason = format!(": {}", lacking.reason);
            }
            _ => {}
        }
    }
    let file = file.ok_or_else(|| none(&reason))?;
    let opened = input_file::open_no_link(file.source.as_ref()).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    opened.map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => none(": it vanished"),
        _ => BackendError::unavailable(format!("{} cannot be read: {cause}", file.source))
            .with_hint(cause.hint()),
    })
}

/// The file, as long as it was when it was opened, or the part of it that is asked for; or that what
/// the asker has is still the same (RFC 9110, 13 and 14).
fn answer(headers: &HeaderMap, name: &str, file: File, metadata: &Metadata) -> Response {
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (kind, how, policy) = kind(name);
    // Weak where it may be sent in several codings.
    let weak = if kind.starts_with("text/") { "W/" } else { "" };
    let tag = format!("{weak}\"{:x}-{:x}\"", metadata.len(), since.as_nanos());
    let modified = DateTime::<Utc>::from(modified).format(HTTP_DATE).to_string();
    let state = FileState { tag: &tag, modified: &modified, size: metadata.len() };
    let mut response = match state.asked(headers) {
        Asked::Nothing => StatusCode::NOT_MODIFIED.into_response(),
        Asked::NotThere => {
            let size = format!("bytes */{}", state.size);
            (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, size)]).into_response()
        }
        Asked::All => part(file, 0, state.size).into_response(),
        Asked::Part(from, to) => {
            let range = format!("bytes {from}-{to}/{}", state.size);
            let part = part(file, from, to - from + 1);
            (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, range)], part).into_response()
        }
    };
    let disposition = format!("{how}; filename=\"{}\"", quotable(name));
    let own = response.headers_mut();
    for (header, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::ETAG, tag.as_str()),
        (header::LAST_MODIFIED, modified.as_str()),
        (header::ACCEPT_RANGES, "bytes"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            own.insert(header, value);
        }
    }
    response
}

/// So many bytes of a file from one on.
fn part(mut file: File, from: u64, size: u64) -> impl IntoResponse {
    let body = match file.seek(SeekFrom::Start(from)) {
        Ok(_) => {
            let file = tokio::fs::File::from_std(file).take(size);
            Body::from_stream(ReaderStream::new(file))
        }
        Err(cause) => Body::from_stream(tokio_stream::once(Err::<Vec<u8>, _>(cause))),
    };
    ([(header::CONTENT_LENGTH, size)], body)
}

/// How a time is written in a header.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// What of a file somebody asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing: they have it.
    Nothing,
    All,
    /// From a byte to another, both included.
    Part(u64, u64),
    /// A part that the file does not have.
    NotThere,
}

/// How a file is now.
struct FileState<'a> {
    tag: &'a str,
    modified: &'a str,
    size: u64,
}

impl FileState<'_> {
    fn asked(&self, headers: &HeaderMap) -> Asked {
        if self.is_known(headers) {
            return Asked::Nothing;
        }
        let range = headers.get(header::RANGE).filter(|_| self.is_still(headers));
        let Some(range) = range.and_then(|range| range.to_str().ok()) else { return Asked::All };
        // What is no range, or several, is answered with all of it.
        let Ok(ranges) = parse_range_header(range) else { return Asked::All };
        match ranges.validate(self.size).as_deref() {
            Ok([range]) => Asked::Part(*range.start(), *range.end()),
            Ok(_) => Asked::All,
            Err(_) => Asked::NotThere,
        }
    }

    /// Whether what the asker has is this.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::IF_NONE_MATCH) {
            return cached::is_known(headers, self.tag);
        }
        let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|since| since.to_str().ok());
        let time = |text: &str| DateTime::parse_from_rfc2822(text).ok();
        since
            .and_then(time)
            .is_some_and(|since| time(self.modified).is_some_and(|own| own <= since))
    }

    /// Whether the part that the asker has belongs to this file.
    fn is_still(&self, headers: &HeaderMap) -> bool {
        headers.get(header::IF_RANGE).is_none_or(|condition| {
            condition == self.modified || condition == self.tag && !self.tag.starts_with("W/")
        })
    }
}

/// Media type, whether it is shown or saved, and what it may do.
fn kind(name: &str) -> (&'static str, &'static str, &'static str) {
    let nothing = super::CONTENT_POLICY;
    match name.rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("pdf") => ("application/pdf", "inline", nothing),
        Some("html") => ("text/html; charset=utf-8", "inline", SANDBOX),
        Some("log") => ("text/plain; charset=utf-8", "inline", nothing),
        Some("h5") => ("application/x-hdf5", "attachment", nothing),
        _ => ("application/octet-stream", "attachment", nothing),
    }
}

/// A name as it may stand between quotes in a header.
fn quotable(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_graphic() && letter != '"' && letter != '\\';
    name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect()
}
