//! Checking files against the manifest: length and SHA-256 of the decompressed content.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::idx::{self, IdxError, IdxFault};
use crate::locate;
use crate::manifest::{Entry, Item};

/// The state of one file of a data set.
#[derive(Debug)]
pub enum FileState {
    /// The file matches the manifest.
    Sound(PathBuf),
    /// The file is not in the folder.
    Missing,
    /// The file differs from the manifest or cannot be read.
    Damaged(IdxError),
}

/// Checks every file of `entry` in `folder`.
pub fn verify<'e>(entry: &'e Entry, folder: &Path) -> impl Iterator<Item = (&'e Item, FileState)> {
    entry.items().map(move |item| (item, state(item, folder)))
}

fn state(item: &Item, folder: &Path) -> FileState {
    match locate::file(folder, item) {
        None => FileState::Missing,
        Some(path) => match verify_file(&path, item) {
            Ok(()) => FileState::Sound(path),
            Err(error) => FileState::Damaged(error),
        },
    }
}

/// Checks one file, plain or gzip. At most one byte more than expected is decompressed.
///
/// # Errors
/// [`IdxError`] with the file and the difference.
pub fn verify_file(path: &Path, item: &Item) -> Result<(), IdxError> {
    File::open(path)
        .map_err(IdxFault::Io)
        .and_then(|file| {
            idx::unzipped(BufReader::with_capacity(1 << 16, file), |content, failed| {
                check(content, item, failed)
            })
        })
        .map_err(|fault| IdxError { file: path.to_owned(), fault })
}

fn check(
    content: &mut dyn Read,
    item: &Item,
    failed: fn(io::Error) -> IdxFault,
) -> Result<(), IdxFault> {
    let mut hash = Sha256::new();
    let mut found = 0;
    let mut piece = vec![0; 1 << 16];
    let mut content = content.take(item.bytes + 1);
    loop {
        match content.read(&mut piece).map_err(failed)? {
            0 => break,
            got => {
                hash.update(&piece[..got]);
                found += got as u64;
            }
        }
    }
    if found > item.bytes {
        return Err(IdxFault::Trailing { place: "data" });
    }
    if found < item.bytes {
        return Err(IdxFault::Truncated { field: "data", found, expected: item.bytes });
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == item.sha256 {
        Ok(())
    } else {
        Err(IdxFault::Checksum { found, expected: item.sha256.clone() })
    }
}
