//! Writing IDX.

use std::io::{self, Write};

use super::{Array, magic};

/// Writes `array` as plain IDX; for gzip, wrap `output` in an encoder.
///
/// # Errors
/// Those of `output`; `InvalidInput` if a dimension does not fit in 32 bits.
///
/// ```
/// use coherence_data::idx;
/// let mut file = Vec::new();
/// idx::encode(&idx::Array { dims: [2], values: vec![7, 1] }, &mut file).unwrap();
/// assert_eq!(file, [0, 0, 8, 1, 0, 0, 0, 2, 7, 1]);
/// ```
pub fn encode<const RANK: usize>(array: &Array<RANK>, mut output: impl Write) -> io::Result<()> {
    output.write_all(&magic(RANK))?;
    for &dim in &array.dims {
        let dim = u32::try_from(dim).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        output.write_all(&dim.to_be_bytes())?;
    }
    output.write_all(&array.values)
}
