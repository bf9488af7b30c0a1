//! One request: from an address into a `.part` file that passes the check.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use ureq::http::StatusCode;
use ureq::http::header::CONTENT_RANGE;
use ureq::{Agent, Body, http::Response};

use super::{Progress, local};
use crate::files::WriteError;
use crate::idx::Fault;
use crate::manifest::Item;
use crate::verify::verify_file;

/// Why a request did not lead to a sound file.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// There was no answer.
    #[error("no answer: {0}")]
    Request(Box<ureq::Error>),
    /// The answer was no file.
    #[error("answered with status {0}")]
    Status(u16),
    /// Asked to go on from a byte, it went on from another; the part is dropped.
    #[error("answered with another part of the file than was asked for")]
    Range,
    /// The body broke off; what came is kept.
    #[error("broke off after {kept} bytes: {source}")]
    Broken {
        /// Bytes kept to go on from.
        kept: u64,
        /// What happened to the connection.
        source: io::Error,
    },
    /// More came than the manifest allows; all of it is dropped.
    #[error("sent more than the {most} bytes of the manifest")]
    Oversized {
        /// The manifest's size.
        most: u64,
    },
    /// What came is not the file; it is dropped.
    #[error("sent another file: {fault}")]
    Wrong {
        /// How it differs.
        fault: Fault,
        /// Whether part of it was left from an earlier download.
        resumed: bool,
    },
}

impl Reason {
    /// Whether the same request may succeed if made again.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Range | Self::Wrong { resumed: true, .. })
    }
}

/// Loads `url` into `part`, going on from what is there, and checks it.
///
/// The outer error is this machine's and final; the inner one is the mirror's.
pub(super) fn into_part(
    agent: &Agent,
    url: &str,
    item: &Item,
    part: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
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
    let mut report = |done| progress(Progress { url, done, most: item.compressed_bytes });
    let file = open_at(part, start).map_err(local(part))?;
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

/// The byte of the file at which the body begins.
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

/// Opens `part` to go on from byte `start`, dropping what lies beyond.
fn open_at(part: &Path, start: u64) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(part)?;
    file.set_len(start)?;
    Ok(file)
}

/// Copies `body` behind the first `done` bytes of `file`, up to `most` bytes in all.
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
