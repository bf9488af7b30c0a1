//! Weights as safetensors, under PyTorch's names.
//!
//! This module converts the weights of a network to bytes and back; the caller reads and writes the
//! file.

use crate::{Model, TensorSpec, device::Device};
use coherence_cpu::Element;
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;

/// Why bytes are not the weights of a network.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The bytes are not a safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(#[from] SafeTensorError),
    /// The tensors differ from those of the network: missing, extra, or of another shape.
    #[error(
        "the file's tensors do not fit the network\n  network: {network}\n  file:    {file}\n\
         (the layers of a perceptron are named by one prefix and a number, such as fc1.weight or \
         0.weight)"
    )]
    Tensors {
        /// The network's tensors with their shapes.
        network: String,
        /// The file's tensors with their shapes.
        file: String,
    },
    /// A tensor has an unsupported element type.
    #[error(
        "tensor {name} has elements {dtype:?} (expected F16, BF16, F32 or F64: convert the file)"
    )]
    Dtype {
        /// The tensor's name in the file.
        name: String,
        /// Its element type.
        dtype: Dtype,
    },
}

/// The network as the bytes of a safetensors file: f32 tensors as `torch.nn.Module.state_dict` names,
/// shapes and orders them, such as `fc1.weight` [o, i] or `conv1.weight` [o, i, kh, kw], and the
/// running statistics.
///
/// ```
/// use coherence_nn::{Model, model::mlp, weights};
/// let model = Model::<f32>::zeros(mlp(&[2, 3])?);
/// let mut again = model.clone();
/// weights::load(&mut again, &weights::to_safetensors(&model))?;
/// assert_eq!(model, again);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_safetensors<D: Device<f32>>(model: &Model<f32, D>) -> Vec<u8> {
    let bytes: Vec<(&TensorSpec, Vec<u8>)> = tensors(model)
        .map(|(tensor, values)| {
            let values = model.device().to_host(values);
            let ordered = (0..values.len()).map(|at| values[tensor.place(at)]);
            (tensor, ordered.flat_map(f32::to_le_bytes).collect())
        })
        .collect();
    let views = bytes.iter().map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
        (&tensor.name, view.expect("a tensor's range has its shape's length"))
    });
    safetensors::serialize(views, None).expect("views of equal types and valid shapes serialise")
}

/// The parameters, then the statistics, tensor by tensor.
fn tensors<T: Element, D: Device<T>>(
    model: &Model<T, D>,
) -> impl Iterator<Item = (&TensorSpec, D::Slice<'_, T>)> {
    let parameters = model.layout().tensors().iter().map(|t| (t, model.parameters()));
    let statistics = model.graph().statistics().tensors().iter().map(|t| (t, model.statistics()));
    parameters.chain(statistics).map(|(t, values)| (t, D::part(values, t.range.clone())))
}

/// Replaces the network's parameters and statistics by those of a safetensors file with the same
/// names and shapes. PyTorch's counters `num_batches_tracked` are ignored.
///
/// The layers of a perceptron may also be named by any common prefix and increasing numbers:
/// `fc1.weight`, `fc1.bias`, `fc2.weight` … or `0.weight`, `0.bias`, `2.weight` … of a
/// `torch.nn.Sequential`, or `net.layers.0.weight` …. Elements may be F16, BF16 or F32, which are
/// widened exactly, or F64, which an f32 network rounds.
///
/// # Errors
///
/// [`WeightsError`]; the network is then unchanged. Missing or extra tensors and wrong shapes list
/// both sides.
pub fn load<T: Element, D: Device<T>>(
    model: &mut Model<T, D>,
    bytes: &[u8],
) -> Result<(), WeightsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let found = by_name(model, &file).or_else(|| by_number(model, &file));
    let found = found.ok_or_else(|| mismatch(model, &file))?;
    let mut loaded = Vec::new();
    for ((tensor, _), (name, view)) in tensors(model).zip(&found) {
        let (values, start) = (decode::<T>(name, view)?, loaded.len());
        loaded.resize(start + values.len(), T::zero());
        for (at, value) in values.into_iter().enumerate() {
            loaded[start + tensor.place(at)] = value;
        }
    }
    let (parameters, statistics) = loaded.split_at(model.layout().parameters());
    let device = model.device().clone();
    device.upload(parameters, model.parameters_mut());
    device.upload(statistics, model.statistics_mut());
    Ok(())
}

/// The file's tensors in the order of the network, if names and shapes are the same.
fn by_name<'a, T: Element, D: Device<T>>(
    model: &Model<T, D>,
    file: &SafeTensors<'a>,
) -> Option<Vec<(String, TensorView<'a>)>> {
    let counted = |(name, _): &(&str, _)| !name.ends_with("num_batches_tracked");
    let count = file.iter().filter(counted).count();
    let found = tensors(model).map(|(tensor, _)| {
        let view = file.tensor(&tensor.name).ok()?;
        (view.shape() == tensor.shape).then(|| (tensor.name.clone(), view))
    });
    found.collect::<Option<Vec<_>>>().filter(|found| found.len() == count)
}

/// The file's tensors in the order of the network, if that is a sequence of linear layers and the file
/// names its layers by one prefix and increasing numbers.
fn by_number<'a, T: Element, D: Device<T>>(
    model: &Model<T, D>,
    file: &SafeTensors<'a>,
) -> Option<Vec<(String, TensorView<'a>)>> {
    let found: BTreeMap<Key, TensorView> =
        file.iter().map(|(name, view)| (Key::new(name), view)).collect();
    let prefixes_agree = found.keys().zip(found.keys().skip(1)).all(|(a, b)| a.prefix == b.prefix);
    let shapes_agree = found.len() == tensors(model).count()
        && found.iter().zip(tensors(model)).all(|((key, view), (tensor, _))| {
            tensor.name.ends_with(key.kind()) && view.shape() == tensor.shape
        });
    (prefixes_agree && shapes_agree)
        .then(|| found.into_iter().map(|(key, view)| (key.name, view)).collect())
}

/// A tensor's name, ordered by prefix, layer number, then weight before bias.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    prefix: String,
    layer: Option<u64>,
    is_bias: bool,
    name: String,
}

impl Key {
    fn new(name: &str) -> Self {
        let (stem, kind) = name.rsplit_once('.').unwrap_or(("", name));
        let prefix = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        Self {
            prefix: prefix.to_owned(),
            layer: stem[prefix.len()..].parse().ok(),
            is_bias: kind == "bias",
            name: name.to_owned(),
        }
    }

    /// The last part of the name with its dot, such as `.weight` or `.bias`.
    fn kind(&self) -> &str {
        self.name.rfind('.').map_or(&self.name, |dot| &self.name[dot..])
    }
}

fn mismatch<T: Element, D: Device<T>>(model: &Model<T, D>, file: &SafeTensors) -> WeightsError {
    let list = |mut tensors: Vec<(String, Vec<usize>)>| {
        tensors.sort();
        let parts: Vec<String> =
            tensors.iter().map(|(name, shape)| format!("{name} {shape:?}")).collect();
        parts.join(", ")
    };
    let ours = tensors(model).map(|(t, _)| (t.name.clone(), t.shape.clone())).collect();
    let theirs = file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec())).collect();
    WeightsError::Tensors { network: list(ours), file: list(theirs) }
}

fn decode<T: Element>(name: &str, view: &TensorView) -> Result<Vec<T>, WeightsError> {
    let bytes = view.data();
    Ok(match view.dtype() {
        Dtype::F16 => values(bytes, f16::from_le_bytes).map(|x| T::narrow(x.into())).collect(),
        Dtype::BF16 => values(bytes, bf16::from_le_bytes).map(|x| T::narrow(x.into())).collect(),
        Dtype::F32 => values(bytes, f32::from_le_bytes).map(|x| T::narrow(x.into())).collect(),
        Dtype::F64 => values(bytes, f64::from_le_bytes).map(T::narrow).collect(),
        dtype => return Err(WeightsError::Dtype { name: name.to_owned(), dtype }),
    })
}

fn values<const N: usize, X>(bytes: &[u8], from: fn([u8; N]) -> X) -> impl Iterator<Item = X> {
    bytes.as_chunks::<N>().0.iter().map(move |&bytes| from(bytes))
}
