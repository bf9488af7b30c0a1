//! Fetching a data set from its mirrors.
//!
//! A file is downloaded to `NAME.gz.part`. An interrupted download leaves this part behind, and the
//! next one resumes from it. The file is checked against the manifest before it is renamed to
//! `NAME.gz`. Response headers are not trusted: at most the manifest's size is read, whatever length
//! is announced, and the checksum decides. The mirrors are tried in order; a mirror whose transfer
//! breaks off is asked again.

mod download;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::Agent;

use crate::files::{WriteError, rename_durably};
use crate::locate;
use crate::manifest::{Entry, Item};
use crate::verify::verify_file;

pub use download::Reason;

/// The most requests to one mirror for one file.
const TRIES: usize = 3;

/// The progress of a download.
#[derive(Clone, Copy, Debug)]
pub struct DownloadProgress<'a> {
    /// The URL.
    pub url: &'a str,
    /// Bytes on disk.
    pub done: u64,
    /// The size in the manifest, the most that will be downloaded.
    pub most: u64,
}

/// A request that did not yield a sound file.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {reason}")]
pub struct Attempt {
    /// The URL requested.
    pub url: String,
    /// Why it failed.
    pub reason: Reason,
}

/// A data set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No mirror delivered a sound file.
    #[error(
        "could not fetch {}:\n{}\n(without a network, copy {}.gz there by hand and run \
         `coherence data verify`)",
        target.display(),
        attempts.iter().map(|attempt| format!("  {attempt}")).collect::<Vec<_>>().join("\n"),
        name
    )]
    Mirrors {
        /// The file's name without `.gz`.
        name: String,
        /// The path it was to be stored at.
        target: PathBuf,
        /// Every request, in order.
        attempts: Vec<Attempt>,
    },
    /// A local file could not be written.
    #[error(transparent)]
    Local(#[from] WriteError),
}

/// Fetches every file of `entry` that is missing or damaged in `folder`, and returns how many.
///
/// # Errors
/// [`FetchError`]. Files fetched before the error stay, and the part of the failing file is kept, so
/// that the next fetch resumes from it.
pub fn fetch(
    entry: &Entry,
    folder: &Path,
    progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<usize, FetchError> {
    let agent = agent();
    fs::create_dir_all(folder).map_err(local(folder))?;
    let mut fetched = 0;
    for item in entry.items() {
        let sound = locate::file(folder, item).is_some_and(|path| verify_file(&path, item).is_ok());
        if !sound {
            fetch_item(&agent, entry, item, folder, progress)?;
            fetched += 1;
        }
    }
    Ok(fetched)
}

fn agent() -> Agent {
    let patience = Some(Duration::from_secs(30));
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(patience)
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
        .accept_encoding("identity")
        .user_agent(concat!("coherence-data/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

fn fetch_item(
    agent: &Agent,
    entry: &Entry,
    item: &Item,
    folder: &Path,
    progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<(), FetchError> {
    let target = locate::compressed(folder, item);
    let part = folder.join(format!("{}.gz.part", item.name));
    if part.is_file() && verify_file(&part, item).is_ok() {
        return Ok(rename_durably(&part, &target).map_err(local(&target))?);
    }
    let mut attempts = Vec::new();
    for mirror in &entry.mirrors {
        let url = format!("{mirror}{}.gz", item.name);
        for _ in 0..TRIES {
            let Err(reason) = download::download_part(agent, &url, item, &part, progress)? else {
                return Ok(rename_durably(&part, &target).map_err(local(&target))?);
            };
            let again = reason.is_worth_repeating();
            attempts.push(Attempt { url: url.clone(), reason });
            if !again {
                break;
            }
        }
    }
    Err(FetchError::Mirrors { name: item.name.clone(), target, attempts })
}

/// Adds the path of a local file to its error.
fn local(path: &Path) -> impl FnOnce(std::io::Error) -> WriteError {
    move |source| WriteError { path: path.to_owned(), source }
}
