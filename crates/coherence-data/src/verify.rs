//! Holding files against the manifest: length and SHA-256 of what they decompress to.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::idx::{self, Fault, IdxError};
use crate::locate;
use crate::manifest::{Entry, Item};

/// How a file of a data set fares.
#[derive(Debug)]
pub enum State {
    /// It is what the manifest says.
    Sound(PathBuf),
    /// It is not in the folder.
    Missing,
    /// It is something else.
    Damaged(IdxError),
}

/// Checks every file of `entry` in `folder`.
pub fn verify<'e>(entry: &'e Entry, folder: &Path) -> impl Iterator<Item = (&'e Item, State)> {
    entry.items().map(move |item| (item, state(item, folder)))
}

fn state(item: &Item, folder: &Path) -> State {
    match locate::file(folder, item) {
        None => State::Missing,
        Some(path) => match verify_file(&path, item) {
            Ok(()) => State::Sound(path),
            Err(error) => State::Damaged(error),
        },
    }
}

/// Checks one file, plain or gzip; at most one byte more than expected is decompressed.
///
/// # Errors
/// [`IdxError`] names the file and how it differs.
pub fn verify_file(path: &Path, item: &Item) -> Result<(), IdxError> {
    File::open(path)
        .map_err(Fault::Io)
        .and_then(|file| {
            idx::unzipped(BufReader::with_capacity(1 << 16, file), |content, failed| {
                check(content, item, failed)
            })
        })
        .map_err(|fault| IdxError { file: path.to_owned(), fault })
}

fn check(content: &mut dyn Read, item: &Item, failed: fn(io::Error) -> Fault) -> Result<(), Fault> {
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
        return Err(Fault::Trailing { place: "data" });
    }
    if found < item.bytes {
        return Err(Fault::Truncated { field: "data", found, expected: item.bytes });
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == item.sha256 {
        Ok(())
    } else {
        Err(Fault::Checksum { found, expected: item.sha256.clone() })
    }
}
