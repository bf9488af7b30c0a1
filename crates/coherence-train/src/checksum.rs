//! SHA-256 checksums in hexadecimal digits, as `sha256sum` prints them.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// The number of digits of a checksum.
pub(crate) const DIGITS: usize = 64;

/// The checksum of bytes that are added piece by piece.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checksum(Sha256);

impl Checksum {
    /// The checksum of `bytes`.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut sum = Self::default();
        sum.add(bytes);
        sum
    }

    /// The checksum of all bytes of `from`.
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

    /// Appends bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far, in hexadecimal digits.
    pub(crate) fn digits(&self) -> String {
        self.0.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
