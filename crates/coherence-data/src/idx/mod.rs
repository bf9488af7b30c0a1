//! IDX, the file format of MNIST: a magic number, the dimensions, then bytes in row-major order.
//!
//! ```text
//! 00 00 08 RANK | RANK dimensions, each 4 bytes, big-endian | one byte per value
//! ```
//! Only unsigned bytes (element type 08) are read: the data sets here use no other type. A file may
//! be gzip, which is recognised by its first two bytes, not by its name.
//!
//! The header is not trusted: the product of the dimensions is checked for overflow and against the
//! caller's limit, memory grows only with the bytes actually read (at most twice as many), and the
//! file must end exactly where the header says.

mod error;
mod write;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

pub use error::{IdxError, IdxFault};
pub use write::encode;

/// An array of bytes with `RANK` dimensions, the last varying fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array<const RANK: usize> {
    /// The length along each dimension.
    pub dims: [usize; RANK],
    /// The values; as many as the product of the dimensions.
    pub values: Vec<u8>,
}

/// Reads an IDX file of `RANK` dimensions, plain or gzip, with at most `limit` values.
///
/// # Errors
/// [`IdxError`] with the file and the [`IdxFault`].
pub fn read<const RANK: usize>(path: &Path, limit: u64) -> Result<Array<RANK>, IdxError> {
    File::open(path)
        .map_err(IdxFault::Io)
        .and_then(|file| decode(BufReader::with_capacity(1 << 16, file), limit))
        .map_err(|fault| IdxError { file: path.to_owned(), fault })
}

/// Decodes the content of an IDX file, as [`read`] does.
///
/// # Errors
/// The first [`IdxFault`].
///
/// ```
/// use coherence_data::idx;
/// let labels = [0, 0, 8, 1, 0, 0, 0, 3, 7, 1, 4];
/// assert_eq!(idx::decode::<1>(&labels[..], 100).unwrap().values, [7, 1, 4]);
/// let error = idx::decode::<1>(&labels[..10], 100).unwrap_err();
/// assert_eq!(error.to_string(), "data: found 2 bytes, expected 3: the file is truncated");
/// ```
pub fn decode<const RANK: usize>(input: impl BufRead, limit: u64) -> Result<Array<RANK>, IdxFault> {
    unzipped(input, |content, failed| decode_plain(content, limit, failed))
}

/// Passes the content of `input`, decompressed if it is gzip, to `read`, together with the fault that
/// an I/O error of this content stands for. A gzip stream must be the last thing in `input`.
pub(crate) fn unzipped<T>(
    mut input: impl BufRead,
    read: impl FnOnce(&mut dyn Read, fn(io::Error) -> IdxFault) -> Result<T, IdxFault>,
) -> Result<T, IdxFault> {
    if !input.fill_buf().map_err(IdxFault::Io)?.starts_with(&[0x1f, 0x8b]) {
        return read(&mut input, IdxFault::Io);
    }
    let mut content = GzDecoder::new(input);
    let result = read(&mut content, IdxFault::Gzip)?;
    match content.into_inner().fill_buf() {
        Ok([]) => Ok(result),
        Ok(_) => Err(IdxFault::Trailing { place: "gzip stream" }),
        Err(error) => Err(IdxFault::Io(error)),
    }
}

/// Decodes uncompressed bytes; `failed` makes a fault of an I/O error.
fn decode_plain<const RANK: usize>(
    mut input: &mut dyn Read,
    limit: u64,
    failed: fn(io::Error) -> IdxFault,
) -> Result<Array<RANK>, IdxFault> {
    let found = read_word(&mut input, "magic number", failed)?;
    let expected = magic(RANK);
    if found != expected {
        return Err(IdxFault::Magic { found, expected });
    }
    let mut dims = [0; RANK];
    for dim in &mut dims {
        let word = read_word(&mut input, "dimensions", failed)?;
        *dim = u32::from_be_bytes(word) as usize;
    }
    let expected = count(&dims)
        .filter(|&count| count <= limit)
        .ok_or_else(|| IdxFault::TooLarge { dims: dims.to_vec(), limit })?;
    let values = read_values(&mut input, expected, failed)?;
    if input.read(&mut [0]).map_err(failed)? != 0 {
        return Err(IdxFault::Trailing { place: "data" });
    }
    Ok(Array { dims, values })
}

/// The first four bytes of a file of unsigned bytes in `rank` dimensions.
fn magic(rank: usize) -> [u8; 4] {
    [0, 0, 8, rank as u8]
}

/// The product of the dimensions, `None` if it overflows.
fn count(dims: &[usize]) -> Option<u64> {
    // A zero makes the product zero, even beside factors that would overflow.
    if dims.contains(&0) {
        return Some(0);
    }
    dims.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim as u64))
}

fn read_word(
    input: &mut impl Read,
    field: &'static str,
    failed: fn(io::Error) -> IdxFault,
) -> Result<[u8; 4], IdxFault> {
    let mut word = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut word).map_err(failed)?;
    let found = word.len() as u64;
    word.try_into().map_err(|_| IdxFault::Truncated { field, found, expected: 4 })
}

/// Reads exactly `expected` bytes; the buffer grows with the bytes read, never beyond `expected`.
fn read_values(
    input: &mut impl Read,
    expected: u64,
    failed: fn(io::Error) -> IdxFault,
) -> Result<Vec<u8>, IdxFault> {
    const FIRST: u64 = 1 << 16;
    let mut values = Vec::new();
    while (values.len() as u64) < expected {
        let have = values.len() as u64;
        let step = have.max(FIRST).min(expected - have);
        values.reserve_exact(step as usize);
        let got = input.take(step).read_to_end(&mut values).map_err(failed)? as u64;
        if got < step {
            return Err(IdxFault::Truncated { field: "data", found: have + got, expected });
        }
    }
    Ok(values)
}
