//! A run's state as one safetensors file, written atomically.
//!
//! Tensors: `parameters` F32 \[d\], `window` F32 [r, d], `learned.first` and `learned.last` U64 \[n\].
//! The metadata entry `coherence` holds the rest as JSON.

use crate::{Config, Learned, State, Window};
use coherence_data::files::{self, WriteError};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, io, path::Path};

/// The layout of the file; another number is refused.
const FORMAT: u32 = 1;

/// A run as it was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The settings of the run.
    pub config: Config,
    /// The widths of the network.
    pub widths: Vec<usize>,
    /// The length of `metrics.csv` at that moment, in bytes.
    pub metrics_len: u64,
    /// Everything that changes.
    pub state: State,
}

/// What stands in the file's metadata.
#[derive(Serialize, Deserialize)]
struct Metadata {
    format: u32,
    step: u64,
    metrics_len: u64,
    widths: Vec<usize>,
    config: Config,
}

/// A file that is no checkpoint of ours.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint: {0}")]
    Read(#[from] io::Error),
    /// The bytes are no safetensors file.
    #[error("the checkpoint is not a safetensors file: {0} (delete it to start the run anew)")]
    Format(#[from] SafeTensorError),
    /// The metadata are missing or not what this version writes.
    #[error("the checkpoint's metadata: {0} (delete it to start the run anew)")]
    Metadata(String),
    /// A tensor of another type or shape.
    #[error(
        "the checkpoint's tensor {name} is {dtype:?} {shape:?}, not {expected} \
         (delete the checkpoint to start the run anew)"
    )]
    Tensor {
        /// The tensor.
        name: &'static str,
        /// The element type found.
        dtype: Dtype,
        /// The shape found.
        shape: Vec<usize>,
        /// Type and shape expected.
        expected: &'static str,
    },
}

impl Checkpoint {
    /// Writes the file in one atomic replacement.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; the file that was there before is then untouched.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let bytes = self.to_bytes();
        files::write_atomically(path, |to| to.write_all(&bytes))
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] for anything but a file that [`write`](Self::write) wrote.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_bytes(&std::fs::read(path)?)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let State { step, parameters, window, learned } = &self.state;
        let metadata = Metadata {
            format: FORMAT,
            step: *step,
            metrics_len: self.metrics_len,
            widths: self.widths.clone(),
            config: self.config.clone(),
        };
        let json = serde_json::to_string(&metadata).expect("numbers and strings become JSON");
        let rows = window.gradients();
        let (n, d) = (learned.first.len(), parameters.len());
        let tensors = [
            ("parameters", Dtype::F32, vec![d], f32_bytes(parameters)),
            ("window", Dtype::F32, vec![rows.len(), d], f32_bytes(rows.iter().flatten())),
            ("learned.first", Dtype::U64, vec![n], u64_bytes(&learned.first)),
            ("learned.last", Dtype::U64, vec![n], u64_bytes(&learned.last)),
        ];
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            (*name, view.expect("the bytes are those of the shape"))
        });
        let metadata = HashMap::from([("coherence".to_owned(), json)]);
        safetensors::serialize(views, Some(metadata)).expect("views with valid shapes serialise")
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let metadata = metadata(bytes)?;
        let file = SafeTensors::deserialize(bytes)?;
        let d = parameters_of(&metadata.widths);
        let parameters = f32s(&tensor(&file, "parameters", Dtype::F32, "F32 [d]", |s| s == [d])?);
        let fits = |s: &[usize]| matches!(s, [rows, width] if *rows <= 2 && *width == d);
        let rows = f32s(&tensor(&file, "window", Dtype::F32, "F32 [at most 2, d]", fits)?);
        let first = u64s(&tensor(&file, "learned.first", Dtype::U64, "U64 [n]", |s| s.len() == 1)?);
        let same = |s: &[usize]| s == [first.len()];
        let last = u64s(&tensor(&file, "learned.last", Dtype::U64, "U64 [n]", same)?);
        Ok(Self {
            config: metadata.config,
            widths: metadata.widths,
            metrics_len: metadata.metrics_len,
            state: State {
                step: metadata.step,
                parameters,
                window: Window::of(rows.chunks(d.max(1)).map(<[f32]>::to_vec).collect()),
                learned: Learned { first, last },
            },
        })
    }
}

fn metadata(bytes: &[u8]) -> Result<Metadata, CheckpointError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let json = header.metadata().as_ref().and_then(|entries| entries.get("coherence"));
    let json = json.ok_or_else(|| CheckpointError::Metadata("no entry `coherence`".to_owned()))?;
    let metadata: Metadata =
        serde_json::from_str(json).map_err(|error| CheckpointError::Metadata(error.to_string()))?;
    if metadata.format != FORMAT {
        let found = metadata.format;
        let message = format!("format {found}, this version reads {FORMAT}");
        return Err(CheckpointError::Metadata(message));
    }
    Ok(metadata)
}

/// The number of parameters d of an MLP; saturates for widths that no network has.
fn parameters_of(widths: &[usize]) -> usize {
    let layers = widths.windows(2).map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]));
    layers.fold(0, usize::saturating_add)
}

fn tensor<'a>(
    file: &SafeTensors<'a>,
    name: &'static str,
    dtype: Dtype,
    expected: &'static str,
    fits: impl Fn(&[usize]) -> bool,
) -> Result<TensorView<'a>, CheckpointError> {
    let view = file.tensor(name)?;
    if view.dtype() == dtype && fits(view.shape()) {
        return Ok(view);
    }
    let (dtype, shape) = (view.dtype(), view.shape().to_vec());
    Err(CheckpointError::Tensor { name, dtype, shape, expected })
}

fn f32_bytes<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<u8> {
    values.into_iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn u64_bytes(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn f32s(view: &TensorView) -> Vec<f32> {
    view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn u64s(view: &TensorView) -> Vec<u64> {
    view.data().as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect()
}
