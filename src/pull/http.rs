//! HTTP downloads that resume partial files and never exceed the expected size.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::entry::RemoteFile;
use super::error::DownloadError;
use crate::Error;
use crate::run::progress::Progress;

/// The number of consecutive attempts without progress before giving up.
const FRUITLESS_ATTEMPTS: usize = 2;

/// Creates an HTTP client with timeouts.
pub fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_per_read(Some(Duration::from_secs(60)))
        .user_agent(concat!("tiller/", env!("CARGO_PKG_VERSION")))
        // Ranges count the bytes of the file itself, so it must come uncompressed.
        .accept_encoding("identity")
        .build()
        .into()
}

/// Downloads `url` to `path` and resumes a partial file there.
///
/// # Errors
/// An unreachable host, a status other than success, an unexpected size, or a local disk error.
pub fn download(agent: &Agent, url: &str, file: &RemoteFile, path: &Path) -> Result<(), DownloadError> {
    let bar = Progress::start("pull", file.bytes, "bytes");
    bar.set_message(file.name.clone());
    let mut fruitless = 0;
    loop {
        let before = length(path);
        match attempt(agent, url, file, path, &bar) {
            Err(DownloadError::Interrupted(_)) if length(path) > before => fruitless = 0,
            Err(DownloadError::Interrupted(_)) if fruitless + 1 < FRUITLESS_ATTEMPTS => fruitless += 1,
            outcome => {
                return outcome;
            }
        }
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// Sends one request and writes its body.
fn attempt(agent: &Agent, url: &str, file: &RemoteFile, path: &Path, bar: &Progress) -> Result<(), DownloadError> {
    let have = length(path);
    // A file of this length or more is not a partial download.
    let start = if have < file.bytes { have } else { 0 };
    let mut response = request(agent, url, start)?;
    let start = match answer(&response, start, file)? {
        Answer::Continues => start,
        Answer::StartsAnew => 0,
        Answer::WrongRange(found) => {
            std::fs::remove_file(path).map_err(Error::io(path, "remove"))?;
            return Err(DownloadError::Interrupted(format!("went on at `{found}` instead of byte {start}")));
        }
    };
    let mut part = open_at(path, start)?;
    bar.set_position(start);
    // One byte more than expected reveals a body that is too long.
    let mut body = response.body_mut().as_reader().take(file.bytes - start + 1);
    let trouble = copy(&mut body, &mut part, path, bar)?;
    part.sync_all().map_err(Error::io(path, "write"))?;
    match length(path) {
        whole if whole == file.bytes => Ok(()),
        short if short < file.bytes => {
            let reason = trouble.map_or_else(String::new, |e| format!(" ({e})"));
            Err(DownloadError::Interrupted(format!("broke off after {short} of {} bytes{reason}", file.bytes)))
        }
        _ => {
            std::fs::remove_file(path).map_err(Error::io(path, "remove"))?;
            Err(DownloadError::Source(format!("sent more than the {} bytes of {}", file.bytes, file.name)))
        }
    }
}

fn request(agent: &Agent, url: &str, start: u64) -> Result<Response<Body>, DownloadError> {
    let request = agent.get(url);
    let request = if start > 0 { request.header(header::RANGE, format!("bytes={start}-")) } else { request };
    request.call().map_err(|e| DownloadError::Source(e.to_string()))
}

/// The kind of a response body.
enum Answer {
    Continues,
    StartsAnew,
    WrongRange(String),
}

fn answer(response: &Response<Body>, start: u64, file: &RemoteFile) -> Result<Answer, DownloadError> {
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
            let expected = format!("bytes {start}-{}/{}", file.bytes - 1, file.bytes);
            if range == Some(expected.as_str()) {
                Ok(Answer::Continues)
            } else {
                Ok(Answer::WrongRange(range.unwrap_or("an unnamed place").to_owned()))
            }
        }
        StatusCode::OK => match response.body().content_length() {
            Some(offered) if offered != file.bytes => {
                Err(DownloadError::Source(format!("offers {offered} bytes instead of {}", file.bytes)))
            }
            _ => Ok(Answer::StartsAnew),
        },
        status => Err(DownloadError::Source(format!("answered with status {status}"))),
    }
}

fn open_at(path: &Path, start: u64) -> Result<File, DownloadError> {
    let open = || {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(start)?;
        Ok(file)
    };
    Ok(open().map_err(Error::io(path, "write"))?)
}

/// Copies until the body ends. A read error is returned inside `Ok`, because it is the source's; a write error is ours.
fn copy(
    body: &mut impl Read,
    part: &mut File,
    path: &Path,
    bar: &Progress,
) -> Result<Option<std::io::Error>, DownloadError> {
    let mut chunk = vec![0; 1 << 16];
    loop {
        match body.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(read) => {
                part.write_all(&chunk[..read]).map_err(Error::io(path, "write"))?;
                bar.advance(read as u64);
            }
            Err(e) => return Ok(Some(e)),
        }
    }
}
