//! Where data sets are stored on this machine.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::manifest::{Entry, Item, Pair};

/// The environment variable with the folder of data sets.
pub const VARIABLE: &str = "COHERENCE_DATA";

/// The folders that are searched: only `$COHERENCE_DATA` if it is set; otherwise `./data`, then
/// `coherence` in the platform's folder for user data (e.g. `~/.local/share/coherence`).
#[must_use]
pub fn roots() -> Vec<PathBuf> {
    match named() {
        Some(folder) => vec![folder],
        None => [PathBuf::from("data")].into_iter().chain(platform()).collect(),
    }
}

/// The folder that data sets are fetched into: `$COHERENCE_DATA` if set, else the platform's.
#[must_use]
pub fn home() -> PathBuf {
    named().or_else(platform).unwrap_or_else(|| PathBuf::from("data"))
}

/// The value of `$COHERENCE_DATA` if it is set and not empty; the folder need not exist.
#[must_use]
pub fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn platform() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.data_dir().join("coherence"))
}

/// The folders searched for `entry`: `ROOT/NAME` for each root.
#[must_use]
pub fn folders(roots: &[PathBuf], entry: &Entry) -> Vec<PathBuf> {
    roots.iter().map(|root| root.join(&entry.name)).collect()
}

/// The first of these [`folders`] that holds any file of `entry`.
#[must_use]
pub fn folder(roots: &[PathBuf], entry: &Entry) -> Option<PathBuf> {
    folders(roots, entry)
        .into_iter()
        .find(|folder| entry.items().any(|item| file(folder, item).is_some()))
}

/// The two files of `pair`, from the first of the [`folders`] of `entry` that has both.
///
/// # Errors
/// The folders searched, if none has both.
pub fn find(
    roots: &[PathBuf],
    entry: &Entry,
    pair: &Pair,
) -> Result<(PathBuf, PathBuf), Vec<PathBuf>> {
    let folders = folders(roots, entry);
    folders
        .iter()
        .find_map(|folder| Some((file(folder, &pair.images)?, file(folder, &pair.labels)?)))
        .ok_or(folders)
}

/// The path of `item` in `folder`, plain or with `.gz`; `None` if neither exists.
#[must_use]
pub fn file(folder: &Path, item: &Item) -> Option<PathBuf> {
    [folder.join(&item.name), compressed(folder, item)].into_iter().find(|path| path.is_file())
}

/// The path of the compressed form of `item` in `folder`.
#[must_use]
pub fn compressed(folder: &Path, item: &Item) -> PathBuf {
    folder.join(format!("{}.gz", item.name))
}
