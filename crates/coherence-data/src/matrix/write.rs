//! Writing a result: one vector, as `.npy` or safetensors.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype as Stored, TensorView, serialize};

use super::value::Endian;
use super::{Dtype, Value};
use crate::files::{self, WriteError};

/// A result could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The file name has an unknown extension.
    #[error("{}: unknown file extension, expected .npy or .safetensors", .0.display())]
    Extension(PathBuf),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `.npy`, version 1.0.
    Npy,
    /// `.safetensors`.
    Safetensors,
}

impl Format {
    /// The format for the extension of a file name.
    ///
    /// # Errors
    /// [`ResultError::Extension`] for any extension but `.npy` and `.safetensors`.
    pub fn from_path(path: &Path) -> Result<Self, ResultError> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("npy") => Ok(Self::Npy),
            Some("safetensors") => Ok(Self::Safetensors),
            _ => Err(ResultError::Extension(path.to_owned())),
        }
    }
}

/// Writes `values` \[d\] to `path`: as `.npy`, or as `.safetensors` with one tensor called `name`.
///
/// Values are stored little-endian in their own precision. The file is replaced atomically by
/// [`files::replace`].
///
/// # Errors
/// [`ResultError`] for another extension, or if writing fails.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("mean.npy");
/// coherence_data::matrix::write_vector(&path, "mean", &[1.5_f32, -2.0]).unwrap();
/// let file = std::fs::read(&path).unwrap();
/// assert_eq!(file.len(), 128 + 2 * 4); // header and two values
/// ```
pub fn write_vector<T: Value>(path: &Path, name: &str, values: &[T]) -> Result<(), ResultError> {
    let format = Format::from_path(path)?;
    let values = little_endian(values);
    let (count, bytes) = (values.len(), bytemuck::cast_slice(&values));
    files::replace(path, |w| match format {
        Format::Npy => npy(w, T::DTYPE, count, bytes),
        Format::Safetensors => safetensors(w, name, T::DTYPE, count, bytes),
    })?;
    Ok(())
}

fn little_endian<T: Value>(values: &[T]) -> Cow<'_, [T]> {
    match Endian::NATIVE {
        Endian::Little => Cow::Borrowed(values),
        Endian::Big => values.iter().map(|value| value.swap_bytes()).collect(),
    }
}

/// Writes `.npy`. The header is padded with spaces, so that the values begin at byte 128.
fn npy(w: &mut dyn Write, dtype: Dtype, count: usize, bytes: &[u8]) -> io::Result<()> {
    const HEADER: usize = 128 - 10;
    let descr = format!("<f{}", dtype.size());
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count},), }}");
    w.write_all(b"\x93NUMPY\x01\x00")?;
    w.write_all(&(HEADER as u16).to_le_bytes())?;
    writeln!(w, "{header:<width$}", width = HEADER - 1)?;
    w.write_all(bytes)
}

fn safetensors(
    w: &mut dyn Write,
    name: &str,
    dtype: Dtype,
    count: usize,
    bytes: &[u8],
) -> io::Result<()> {
    let dtype = if dtype == Dtype::F64 { Stored::F64 } else { Stored::F32 };
    let tensor = TensorView::new(dtype, vec![count], bytes).map_err(io::Error::other)?;
    w.write_all(&serialize([(name, tensor)], None).map_err(io::Error::other)?)
}
