//! One request: downloads a URL to a `.part` file and checks the file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use ureq::http::StatusCode;
use ureq::http::header::CONTENT_RANGE;
use ureq::{Agent, Body, http::Response};

use super::{DownloadProgress, local};
use crate::files::WriteError;
use crate::idx::IdxFault;
use crate::manifest::Item;
use crate::verify::verify_file;

/// Why a request did not yield a sound file.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// There was no answer.
    #[error("no answer: {0}")]
    Request(Box<ureq::Error>),
    /// The server answered with another status than success.
    #[error("answered with status {0}")]
    Status(u16),
    /// The server sent another range than requested; the part is deleted.
    #[error("answered with another part of the file than was requested")]
    Range,
    /// The transfer broke off; the bytes received are kept.
    #[error("broke off after {kept} bytes: {source}")]
    Broken {
        /// Bytes kept, from which the next request resumes.
        kept: u64,
        /// The error of the connection.
        source: io::Error,
    },
    /// The server sent more than the manifest allows; the part is deleted.
    #[error("sent more than the {most} bytes of the manifest")]
    Oversized {
        /// The size in the manifest.
        most: u64,
    },
    /// The downloaded file fails the check; it is deleted.
    #[error("sent another file: {fault}")]
    Wrong {
        /// How it differs.
        fault: IdxFault,
        /// Whether the download resumed an earlier one.
        resumed: bool,
    },
}

impl Reason {
    /// Whether the same request may succeed when repeated.
    pub(super) fn is_worth_repeating(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Range | Self::Wrong { resumed: true, .. })
    }
}

/// Downloads `url` to `part`, resuming from the bytes that are there, and checks the result.
///
/// The outer error is local and final; the inner one is the mirror's.
pub(super) fn download_part(
    agent: &Agent,
    url: &str,
    item: &Item,
    part: &Path,
    progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<Result<(), Reason>, WriteError> {
    let have = fs::metadata(part).map_or(0, |data| data.len());
    let answer = match request(agent, url, have) {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(Reason::Request(Box::new(error)))),
    };
    let start = match start(&answer, have) {
        Ok(start) => start,
        Err(reason) => {
            if matches!(reason, Reason::Range) {
                remove(part)?;
            }
            return Ok(Err(reason));
        }
    };
    let mut report = |done| progress(DownloadProgress { url, done, most: item.compressed_bytes });
    let file = open_for_appending(part, start).map_err(local(part))?;
    let mut body = answer.into_body().into_reader();
    if let Err(reason) =
        copy(&mut body, file, start, item.compressed_bytes, &mut report).map_err(local(part))?
    {
        if matches!(reason, Reason::Oversized { .. }) {
            remove(part)?;
        }
        return Ok(Err(reason));
    }
    if let Err(error) = verify_file(part, item) {
        remove(part)?;
        return Ok(Err(Reason::Wrong { fault: error.fault, resumed: start > 0 }));
    }
    Ok(Ok(()))
}

fn request(agent: &Agent, url: &str, have: u64) -> Result<Response<Body>, ureq::Error> {
    let request = agent.get(url);
    if have == 0 {
        request.call()
    } else {
        request.header("Range", format!("bytes={have}-")).call()
    }
}

/// The offset in the file at which the body begins.
fn start(answer: &Response<Body>, have: u64) -> Result<u64, Reason> {
    match answer.status() {
        StatusCode::OK => Ok(0),
        StatusCode::PARTIAL_CONTENT => {
            let range = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            let asked = format!("bytes {have}-");
            if range.is_some_and(|range| range.starts_with(&asked)) {
                Ok(have)
            } else {
                Err(Reason::Range)
            }
        }
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => Err(Reason::Range),
        other => Err(Reason::Status(other.as_u16())),
    }
}

/// Opens `part` for appending at byte `start`; bytes beyond it are cut off.
fn open_for_appending(part: &Path, start: u64) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(part)?;
    file.set_len(start)?;
    Ok(file)
}

/// Appends `body` to the first `done` bytes of `file`, up to `most` bytes in total.
fn copy(
    body: &mut impl Read,
    mut file: File,
    mut done: u64,
    most: u64,
    report: &mut dyn FnMut(u64),
) -> io::Result<Result<(), Reason>> {
    let mut piece = vec![0; 1 << 16];
    loop {
        report(done);
        let got = match body.read(&mut piece) {
            Ok(0) => return Ok(Ok(())),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Ok(Err(Reason::Broken { kept: done, source })),
        };
        if done + got as u64 > most {
            return Ok(Err(Reason::Oversized { most }));
        }
        file.write_all(&piece[..got])?;
        done += got as u64;
    }
}

fn remove(part: &Path) -> Result<(), WriteError> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(local(part)(error)),
        _ => Ok(()),
    }
}
