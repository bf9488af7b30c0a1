//! SHA-256 checksums in hexadecimal digits, as `sha256sum` prints them.

pub(crate) use coherence_data::verify::Checksum;

/// The number of digits of a checksum.
pub(crate) const DIGITS: usize = 64;
