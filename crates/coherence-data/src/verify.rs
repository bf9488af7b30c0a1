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
    let mut content = content.take(item.bytes + 1);
    let sum = Checksum::from_reader(&mut content).map_err(failed)?;
    let found = item.bytes + 1 - content.limit();
    if found > item.bytes {
        return Err(IdxFault::Trailing { place: "data" });
    }
    if found < item.bytes {
        return Err(IdxFault::Truncated { field: "data", found, expected: item.bytes });
    }
    let found = sum.digits();
    if found == item.sha256 {
        Ok(())
    } else {
        Err(IdxFault::Checksum { found, expected: item.sha256.clone() })
    }
}

/// The SHA-256 of bytes that are added piece by piece.
///
/// ```
/// use coherence_data::verify::Checksum;
/// let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180
/// assert_eq!(Checksum::from_bytes(b"abc").digits(), of_abc);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Checksum(Sha256);

impl Checksum {
    /// The checksum of `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut sum = Self::default();
        sum.add(bytes);
        sum
    }

    /// The checksum of all bytes of `from`.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn from_reader(from: &mut dyn Read) -> io::Result<Self> {
        let mut sum = Self::default();
        let mut piece = vec![0; 1 << 16];
        loop {
            match from.read(&mut piece)? {
                0 => return Ok(sum),
                len => sum.add(&piece[..len]),
            }
        }
    }

    /// Appends bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far, in hexadecimal digits, as `sha256sum` prints them.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
