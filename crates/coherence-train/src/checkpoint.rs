//! A run's state as one safetensors file, written atomically.
//!
//! Tensors: `parameters` F32 \[d\], `recent` F32 [2, d] (or [2, 0] where the aggregation remembers
//! nothing), `learned.first` and `learned.last` U64 \[n\]. The metadata entry `coherence` holds the
//! rest as JSON. Its `checksum` is the SHA-256 of the whole file as it is with zeros in that place, so
//! that no bit can change unnoticed.

use crate::{
    Aggregation, Config, Learned, MetricsMark, State,
    checksum::{self, DIGITS},
};
use coherence_core::aggregate::Recent;
use coherence_data::files::{self, WriteError};
use coherence_nn::{Activation, Layout};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, io, path::Path};

/// The layout of the file; another number is refused.
const FORMAT: u32 = 2;

/// The number of the results of this version: raised by one whenever a change of this workspace lets
/// the same settings, network and data yield other bits in any file of a run.
///
/// A version number does not say that before a release, and two versions may well have the same
/// results. A run goes on only with the results that it began with.
pub const RESULTS: u32 = 1;

/// A run as it was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The settings of the run.
    pub config: Config,
    /// The widths of the network.
    pub widths: Vec<usize>,
    /// The activation of its hidden layers.
    pub activation: Activation,
    /// How far `metrics.csv` had come at that moment.
    pub metrics: MetricsMark,
    /// Everything that changes.
    pub state: State,
}

/// What stands in the file's metadata.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    checksum: String,
    format: u32,
    /// The version of this crate that wrote the file.
    version: String,
    results: u32,
    step: u64,
    recent_steps: u64,
    metrics: MetricsMark,
    widths: Vec<usize>,
    activation: String,
    config: Config,
}

/// As much of the metadata as every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// A file that is no checkpoint to go on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// The bytes are not those that were written.
    #[error(
        "the checkpoint is damaged: its SHA-256 is {found}, it was written with {expected} \
         (restore it from a copy, or delete it to start the run anew)"
    )]
    Damaged {
        /// The sum of the bytes.
        found: String,
        /// The sum that the file states.
        expected: String,
    },
    /// The file is of a version with other results.
    #[error(
        "the checkpoint was written by version {version} with results number {results}; this is \
         version {}, whose training differs: results number {} (go on with that version, or delete \
         the checkpoint to start the run anew)",
        env!("CARGO_PKG_VERSION"),
        RESULTS
    )]
    OtherResults {
        /// The version that wrote the file.
        version: String,
        /// The number of its results.
        results: u32,
    },
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
    /// [`CheckpointError`] for anything but a file that [`write`](Self::write) of a version with the
    /// same [`RESULTS`] wrote, to the last bit.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_bytes(&mut std::fs::read(path)?)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let State { step, parameters, recent, learned } = &self.state;
        let metadata = Metadata {
            checksum: "0".repeat(DIGITS),
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            results: RESULTS,
            step: *step,
            recent_steps: recent.steps,
            metrics: self.metrics.clone(),
            widths: self.widths.clone(),
            activation: self.activation.to_string(),
            config: self.config.clone(),
        };
        let json = serde_json::to_string(&metadata).expect("numbers and strings become JSON");
        let (n, d) = (learned.first.len(), parameters.len());
        let width = recent.previous[0].len();
        let tensors = [
            ("parameters", Dtype::F32, vec![d], f32_bytes(parameters)),
            ("recent", Dtype::F32, vec![2, width], f32_bytes(recent.previous.iter().flatten())),
            ("learned.first", Dtype::U64, vec![n], u64_bytes(&learned.first)),
            ("learned.last", Dtype::U64, vec![n], u64_bytes(&learned.last)),
        ];
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            (*name, view.expect("the bytes are those of the shape"))
        });
        let metadata = HashMap::from([("coherence".to_owned(), json)]);
        let mut bytes = safetensors::serialize(views, Some(metadata))
            .expect("views with valid shapes serialise");
        let sum = checksum::of_bytes(&bytes);
        let place = checksum_place(&mut bytes).expect("the metadata have a checksum");
        place.copy_from_slice(sum.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &mut [u8]) -> Result<Self, CheckpointError> {
        let metadata = metadata(bytes)?;
        check_sum(bytes, metadata.checksum)?;
        if metadata.results != RESULTS {
            let Metadata { version, results, .. } = metadata;
            return Err(CheckpointError::OtherResults { version, results });
        }
        let invalid = |error: &dyn std::error::Error| CheckpointError::Metadata(error.to_string());
        let activation = metadata.activation.parse().map_err(|error| invalid(&error))?;
        let d = Layout::mlp(&metadata.widths).map_err(|error| invalid(&error))?.parameters();
        let remembers = matches!(metadata.config.aggregation, Aggregation::OverTime(_));
        let width = if remembers { d } else { 0 };

        let file = SafeTensors::deserialize(bytes)?;
        let parameters = f32s(&tensor(&file, "parameters", Dtype::F32, "F32 [d]", |s| s == [d])?);
        let fits = |s: &[usize]| s == [2, width];
        let recent = f32s(&tensor(&file, "recent", Dtype::F32, "F32 [2, d] or [2, 0]", fits)?);
        let first = u64s(&tensor(&file, "learned.first", Dtype::U64, "U64 [n]", |s| s.len() == 1)?);
        let same = |s: &[usize]| s == [first.len()];
        let last = u64s(&tensor(&file, "learned.last", Dtype::U64, "U64 [n]", same)?);
        let (one, other) = recent.split_at(width);
        Ok(Self {
            config: metadata.config,
            widths: metadata.widths,
            activation,
            metrics: metadata.metrics,
            state: State {
                step: metadata.step,
                parameters,
                recent: Recent {
                    previous: [one.to_vec(), other.to_vec()],
                    steps: metadata.recent_steps,
                },
                learned: Learned { first, last },
            },
        })
    }
}

fn metadata(bytes: &[u8]) -> Result<Metadata, CheckpointError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let json = header.metadata().as_ref().and_then(|entries| entries.get("coherence"));
    let json = json.ok_or_else(|| CheckpointError::Metadata("no entry `coherence`".to_owned()))?;
    let invalid = |error: serde_json::Error| CheckpointError::Metadata(error.to_string());
    let Format { format } = serde_json::from_str(json).map_err(invalid)?;
    if format != FORMAT {
        let message = format!("format {format}, this version reads {FORMAT}");
        return Err(CheckpointError::Metadata(message));
    }
    serde_json::from_str(json).map_err(invalid)
}

/// Holds the file against the sum that it states, which is overwritten by zeros for it.
fn check_sum(bytes: &mut [u8], expected: String) -> Result<(), CheckpointError> {
    if let Some(place) = checksum_place(bytes) {
        place.fill(b'0');
    }
    let found = checksum::of_bytes(bytes);
    if found == expected { Ok(()) } else { Err(CheckpointError::Damaged { found, expected }) }
}

/// Where the header of a safetensors file, eight bytes of its length and then JSON, has the digits of
/// the checksum: in a string of JSON within JSON, whose quotes are escaped.
fn checksum_place(bytes: &mut [u8]) -> Option<&mut [u8]> {
    const KEY: &[u8] = br#"\"checksum\":\""#;
    let (len, rest) = bytes.split_first_chunk_mut()?;
    let header = rest.get_mut(..usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    let start = header.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    header.get_mut(start..start + DIGITS)
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
