//! SHA-256 sums, in the hexadecimal digits that `sha256sum` prints.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// Digits of a sum.
pub(crate) const DIGITS: usize = 64;

/// A sum over bytes that come piece by piece.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checksum(Sha256);

impl Checksum {
    /// The sum over everything in `from`.
    pub(crate) fn from_reader(from: &mut dyn Read) -> io::Result<Self> {
        let mut sum = Self::default();
        let mut piece = vec![0; 1 << 16];
        loop {
            match from.read(&mut piece)? {
                0 => return Ok(sum),
                len => sum.add(&piece[..len]),
            }
        }
    }

    /// Adds bytes at the end.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum over all bytes so far.
    pub(crate) fn digits(&self) -> String {
        self.0.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The sum over `bytes`.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    let mut sum = Checksum::default();
    sum.add(bytes);
    sum.digits()
}
