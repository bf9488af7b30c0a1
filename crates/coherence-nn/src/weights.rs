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
        "the file's tensors do not fit the network\n  network: {network}\n  file:    {file}{advice}"
    )]
    Tensors {
        /// The network's tensors with their shapes: all of a few, or the first few that the file lacks or has in
        /// another shape.
        network: String,
        /// The file's tensors with their shapes, likewise.
        file: String,
        /// How the network's tensors may be named too, in a line of its own, or nothing.
        advice: &'static str,
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

/// A list of no more tensors is told whole.
const WHOLE: usize = 8;

/// The first tensors that do not fit, of a longer list.
const FIRST: usize = 4;

/// PyTorch's counters in batch normalisation, which are ignored.
const COUNTERS: &str = "num_batches_tracked";

const ADVICE_FOR_PERCEPTRONS: &str = "\n(the layers of a perceptron are named by one prefix and a number, such as \
                                      fc1.weight or 0.weight)";

/// Replaces the network's parameters and statistics by those of a safetensors file with the same
/// names and shapes. PyTorch's counters `num_batches_tracked` are ignored.
///
/// All names may begin with one prefix that ends with a dot, such as the `module.` of
/// `torch.nn.DataParallel`.
///
/// The layers of a perceptron may also be named by any common prefix and increasing numbers:
/// `fc1.weight`, `fc1.bias`, `fc2.weight` … or `0.weight`, `0.bias`, `2.weight` … of a
/// `torch.nn.Sequential`, or `net.layers.0.weight` …. Elements may be F16, BF16 or F32, which are
/// widened exactly, or F64, which an f32 network rounds.
///
/// # Errors
///
/// [`WeightsError`]; the network is then unchanged. Missing or extra tensors and wrong shapes are told of
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

/// The file's tensors in the order of the network, if shapes and, after a common prefix, names are the same.
fn by_name<'a, T: Element, D: Device<T>>(
    model: &Model<T, D>,
    file: &SafeTensors<'a>,
) -> Option<Vec<(String, TensorView<'a>)>> {
    let count = file.iter().filter(|(name, _)| !name.ends_with(COUNTERS)).count();
    let prefix = prefix(model, file);
    let found = tensors(model).map(|(tensor, _)| {
        let name = format!("{prefix}{}", tensor.name);
        let view = file.tensor(&name).ok()?;
        (view.shape() == tensor.shape).then_some((name, view))
    });
    found.collect::<Option<Vec<_>>>().filter(|found| found.len() == count)
}

/// What stands before the names of the network's tensors in the file: nothing, or a text that ends with a dot.
fn prefix<T: Element, D: Device<T>>(model: &Model<T, D>, file: &SafeTensors) -> String {
    let first = tensors(model).next().map_or("", |(tensor, _)| &tensor.name);
    let before = file.iter().filter_map(|(name, _)| name.strip_suffix(first));
    let dotted = before.filter(|before| before.is_empty() || before.ends_with('.'));
    dotted.min_by_key(|before| before.len()).unwrap_or_default().to_owned()
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

/// Tensors by name.
type Shapes<'a> = BTreeMap<String, &'a [usize]>;

fn mismatch<T: Element, D: Device<T>>(model: &Model<T, D>, file: &SafeTensors) -> WeightsError {
    let prefix = prefix(model, file);
    let ours: Shapes = tensors(model).map(|(t, _)| (t.name.clone(), &*t.shape)).collect();
    let views: Vec<(&str, TensorView)> =
        file.iter().filter(|(name, _)| !name.ends_with(COUNTERS)).collect();
    let theirs: Shapes =
        views.iter().map(|(name, view)| ((*name).to_owned(), view.shape())).collect();
    let network = list(&ours, |name, shape| theirs.get(&format!("{prefix}{name}")) == Some(&shape));
    let file = list(&theirs, |name, shape| {
        name.strip_prefix(&prefix).is_some_and(|name| ours.get(name) == Some(&shape))
    });
    let is_perceptron = model.graph().name().starts_with("mlp:");
    let advice = if is_perceptron { ADVICE_FOR_PERCEPTRONS } else { "" };
    WeightsError::Tensors { network, file, advice }
}

/// All tensors of a short list; of a longer one the first that do not fit, and how many more these are.
fn list(tensors: &Shapes, fits: impl Fn(&str, &[usize]) -> bool) -> String {
    let told = |(name, shape): (&String, &&[usize])| format!("{name} {shape:?}");
    let count = tensors.len();
    if count <= WHOLE {
        return tensors.iter().map(told).collect::<Vec<_>>().join(", ");
    }
    let misfits: Vec<String> =
        tensors.iter().filter(|(name, shape)| !fits(name, shape)).map(told).collect();
    let first = misfits[..misfits.len().min(FIRST)].join(", ");
    match misfits.len() {
        0 => format!("{count} tensors, all of which are in the other"),
        n if n <= FIRST => format!("{n} of {count} tensors do not fit: {first}"),
        n => format!("{n} of {count} tensors do not fit: {first} and {} more", n - FIRST),
    }
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
