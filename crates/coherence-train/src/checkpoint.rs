//! Checkpoints: the state of a run as one safetensors file, written atomically.
//!
//! Tensors: `parameters` F32 \[d\], `statistics` F32 \[s\], `velocity` F32 \[d\] (or \[0\] without momentum),
//! `recent` F32 [2, d] (or [2, 0] if the aggregation has no memory), `learned.first` and `learned.last` U64
//! \[n\]. The metadata entry `coherence` holds the
//! rest as JSON. Its `checksum` is the SHA-256 of the whole file with zeros in place of the
//! checksum, so that every changed bit is detected.

use crate::{Config, Learned, LowWater, MetricsMark, State};
use coherence_core::aggregate::Recent;
use coherence_data::{
    files::{self, WriteError},
    verify::Checksum,
};
use coherence_nn::Layout;
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, io, path::Path};

/// The number of the file format; files with another number are refused.
const FORMAT: u32 = 5;

/// The number of digits of a checksum.
const DIGITS: usize = 64;

/// The results number of this version. It is incremented whenever a change in this workspace makes the
/// same settings, network and data yield different bits in any file of a run.
///
/// The version number cannot serve for this: it does not change between releases, and two versions may
/// have the same results. A run resumes only with the results number that it started with.
pub const RESULTS: u32 = 6;

/// A snapshot of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The settings of the run.
    pub config: Config,
    /// The network.
    pub network: NetworkMark,
    /// A digest of the training and the test set: shapes, labels, designations, and sixteen images of each.
    pub data: String,
    /// The length and checksum of `metrics.csv` at that time.
    pub metrics: MetricsMark,
    /// Whether the measurements of this step are in `metrics.csv`; not if the run was stopped during them.
    pub observed: bool,
    /// Everything that changes.
    pub state: State,
}

/// What identifies a network: its architecture and its tensors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkMark {
    /// The architecture, as [`Graph::name`](coherence_nn::Graph::name).
    pub name: String,
    /// Name and shape of each tensor, in the order of the flat vector of parameters.
    pub tensors: Vec<(String, Vec<usize>)>,
}

impl NetworkMark {
    /// The mark of a network.
    pub fn new(name: &str, layout: &Layout) -> Self {
        let tensors = layout.tensors().iter().map(|t| (t.name.clone(), t.shape.clone()));
        Self { name: name.to_owned(), tensors: tensors.collect() }
    }

    /// d; `None` beyond the largest integer.
    fn parameters(&self) -> Option<usize> {
        let len = |shape: &[usize]| shape.iter().try_fold(1_usize, |len, &n| len.checked_mul(n));
        self.tensors.iter().try_fold(0_usize, |d, (_, shape)| d.checked_add(len(shape)?))
    }
}

/// The metadata of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    checksum: String,
    format: u32,
    /// The version of this crate that wrote the file.
    version: String,
    results: u32,
    step: u64,
    observed: bool,
    recent_steps: u64,
    #[serde(default, skip_serializing_if = "LowWater::is_empty")]
    low_water: LowWater,
    metrics: MetricsMark,
    network: NetworkMark,
    data: String,
    config: Config,
}

/// The part of the metadata that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Why a checkpoint cannot be read or resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint: {0}")]
    Read(#[from] io::Error),
    /// The bytes are not a safetensors file.
    #[error("the checkpoint is not a safetensors file: {0} (delete it to start the run over)")]
    Format(#[from] SafeTensorError),
    /// The metadata are missing or not in the form that this version writes.
    #[error("the checkpoint's metadata: {0} (delete it to start the run over)")]
    Metadata(String),
    /// The bytes were changed after they were written.
    #[error(
        "the checkpoint is damaged: its SHA-256 is {found}, it was written with {expected} \
         (restore it from a copy, or delete it to start the run over)"
    )]
    Damaged {
        /// The checksum of the bytes.
        found: String,
        /// The checksum in the metadata.
        expected: String,
    },
    /// The file was written by a version with other results.
    #[error(
        "the checkpoint was written by version {version} with results number {results}; this is \
         version {}, whose training differs: results number {} (continue with that version, or delete \
         the checkpoint to start the run over)",
        env!("CARGO_PKG_VERSION"),
        RESULTS
    )]
    OtherResults {
        /// The version that wrote the file.
        version: String,
        /// Its results number.
        results: u32,
    },
    /// A tensor has another type or shape.
    #[error(
        "the checkpoint's tensor {name} is {dtype:?} {shape:?}, not {expected} \
         (delete the checkpoint to start the run over)"
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
    /// [`CheckpointError`] unless the file is, bit for bit, one written by [`write`](Self::write) of a
    /// version with the same [`RESULTS`].
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_bytes(&mut std::fs::read(path)?)
    }

    /// The bytes of the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let State { step, parameters, statistics, velocity, recent, low_water, learned } =
            &self.state;
        let metadata = Metadata {
            checksum: "0".repeat(DIGITS),
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            results: RESULTS,
            step: *step,
            observed: self.observed,
            recent_steps: recent.steps,
            low_water: *low_water,
            metrics: self.metrics.clone(),
            network: self.network.clone(),
            data: self.data.clone(),
            config: self.config.clone(),
        };
        let json = serde_json::to_string(&metadata).expect("numbers and strings become JSON");
        let (n, d) = (learned.first.len(), parameters.len());
        let width = recent.previous[0].len();
        let tensors = [
            ("parameters", Dtype::F32, vec![d], f32_bytes(parameters)),
            ("statistics", Dtype::F32, vec![statistics.len()], f32_bytes(statistics)),
            ("velocity", Dtype::F32, vec![velocity.len()], f32_bytes(velocity)),
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
        let sum = Checksum::from_bytes(&bytes).digits();
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
        let d = metadata.network.parameters().ok_or_else(|| {
            CheckpointError::Metadata("tensors of more values than can be addressed".to_owned())
        })?;
        let width = if metadata.config.aggregation.is_over_time() { d } else { 0 };
        let moving = if metadata.config.momentum > 0.0 { d } else { 0 };

        let file = SafeTensors::deserialize(bytes)?;
        let parameters = f32s(&tensor(&file, "parameters", Dtype::F32, "F32 [d]", |s| s == [d])?);
        let statistics = tensor(&file, "statistics", Dtype::F32, "F32 [s]", |s| s.len() == 1)?;
        let fits = |s: &[usize]| s == [moving];
        let velocity = tensor(&file, "velocity", Dtype::F32, "F32 [d] or [0]", fits)?;
        let fits = |s: &[usize]| s == [2, width];
        let recent = f32s(&tensor(&file, "recent", Dtype::F32, "F32 [2, d] or [2, 0]", fits)?);
        let first = u64s(&tensor(&file, "learned.first", Dtype::U64, "U64 [n]", |s| s.len() == 1)?);
        let same = |s: &[usize]| s == [first.len()];
        let last = u64s(&tensor(&file, "learned.last", Dtype::U64, "U64 [n]", same)?);
        let (one, other) = recent.split_at(width);
        Ok(Self {
            config: metadata.config,
            network: metadata.network,
            data: metadata.data,
            metrics: metadata.metrics,
            observed: metadata.observed,
            state: State {
                step: metadata.step,
                parameters,
                statistics: f32s(&statistics),
                velocity: f32s(&velocity),
                recent: Recent {
                    previous: [one.to_vec(), other.to_vec()],
                    steps: metadata.recent_steps,
                },
                low_water: metadata.low_water,
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

/// Compares the file's checksum with the one in its metadata, which is overwritten with zeros.
fn check_sum(bytes: &mut [u8], expected: String) -> Result<(), CheckpointError> {
    if let Some(place) = checksum_place(bytes) {
        place.fill(b'0');
    }
    let found = Checksum::from_bytes(bytes).digits();
    if found == expected { Ok(()) } else { Err(CheckpointError::Damaged { found, expected }) }
}

/// The digits of the checksum in the header of a safetensors file, which is eight bytes of length and
/// then JSON. The metadata are JSON in a string, so that their quotes are escaped.
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
