//! Our networks as candle modules: one operation in candle's autograd.
//!
//! Legend: m: examples, d: parameters, k: classes, t: tensors.

mod pass;

use crate::{
    TensorDevice, device,
    tap::{Tap, lock, recording, take},
    uses::{Parameter, Use, UseGradients},
};
use candle_core::{Device, Result, Tensor, Var, bail};
use candle_nn::{Init, Module, VarBuilder};
use coherence_nn::{Keep, Model, TensorSpec, device::Cpu, layer::Mode};
use core::fmt;
use pass::{Buffers, Operation, Pass, Sums};
use std::sync::{Arc, Mutex};

/// A network of [`coherence_nn::model`] whose parameters are in a `VarBuilder`, under torchvision's names
/// and in PyTorch's shapes.
///
/// It maps images [m, c, h, w] or features [m, c] to logits [m, k]. The forward and backward passes are
/// those of coherence_nn. For candle they are one operation with gradients for the input and for each
/// parameter. A forward pass copies the parameters into one vector; images of several channels are
/// copied to channels-last order. Everything else is read in place.
///
/// D is the device of the model. On a GPU, make it by [`TensorDevice::from_candle`], so that the network and candle
/// share one queue.
///
/// As a [`Module`] it is in evaluation mode: batch normalisation uses the running statistics, and there is
/// no dropout. [`forward_with_mode`](Network::forward_with_mode) is for training. While a [`Tap`] records,
/// the backward pass also computes the sums and norms of the per-example gradients.
///
/// # Example
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use candle_nn::{Module, VarBuilder, VarMap};
/// use coherence_candle::{Network, Tap};
/// use coherence_nn::{Model, Shape, model::lenet5};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let graph = lenet5(Shape::image(28, 28, 1), 10).unwrap();
/// let initial = Model::initialized(graph, &mut ChaCha8Rng::seed_from_u64(0));
/// let variables = VarMap::new();
/// let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
/// let network = Network::new(initial, vb)?;
///
/// let (tap, x) = (Tap::new(), Tensor::rand(0f32, 1.0, (2, 1, 28, 28), &Device::Cpu)?);
/// let logits = tap.record(|| network.forward(&x))?;
/// assert_eq!(logits.dims(), [2, 10]);
/// let gradients = logits.sum_all()?.backward()?;
/// assert_eq!(gradients.get_ids().count(), variables.all_vars().len());
/// assert_eq!(tap.measure()?.sq_norms().len(), 2);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Network<D: TensorDevice = Cpu> {
    /// The architecture; its values are those that a new variable gets.
    initial: Model<f32, D>,
    /// Where the variables are.
    candle: Device,
    parameters: Vec<Parameter>,
    statistics: Vec<Var>,
    /// Buffers of passes that have ended.
    idle: Arc<Mutex<Vec<Buffers<D>>>>,
}

impl<D: TensorDevice> Network<D> {
    /// A network of the architecture of `initial` with the tensors of `vb`. If `vb` is backed by a `VarMap`,
    /// tensors that it lacks are created with the values of `initial`.
    ///
    /// # Errors
    ///
    /// If a tensor is missing, has another shape, has elements other than f32, or is not where `initial` is.
    pub fn new(initial: Model<f32, D>, vb: VarBuilder) -> Result<Self> {
        let (device, candle) = (initial.device().clone(), vb.device().clone());
        if !device.holds(&candle) {
            bail!(
                "the model is on {device:?}, its variables on {:?} (make the model on \
                 TensorDevice::from_candle of the variables' device)",
                candle.location()
            );
        }
        let get = |spec: &TensorSpec, values: D::Slice<'_, f32>| {
            let is_new = !vb.contains_tensor(&spec.name);
            let tensor = vb.get_with_hints(&spec.shape[..], &spec.name, Init::Const(0.0))?;
            let parameter = Parameter { name: crate::name_in(&vb, &spec.name), tensor };
            parameter.check()?;
            if is_new && parameter.tensor.is_variable() {
                let values = tensor_of(&device, &candle, D::part(values, spec.range.clone()))?;
                Var::from_tensor(&parameter.tensor)?.set(&channels_first(&values, spec)?)?;
            }
            Ok(parameter)
        };
        let tensors = initial.layout().tensors().iter();
        let parameters =
            tensors.map(|spec| get(spec, initial.parameters())).collect::<Result<_>>()?;
        let tensors = initial.graph().statistics().tensors().iter();
        let statistics = tensors
            .map(|spec| Var::from_tensor(&get(spec, initial.statistics())?.tensor))
            .collect::<Result<_>>()?;
        Ok(Self { initial, candle, parameters, statistics, idle: Arc::default() })
    }

    /// The logits [m, k] of `x`. The mode says whether batch normalisation uses the statistics of the batch
    /// (and updates the running ones), and seeds dropout.
    ///
    /// # Errors
    ///
    /// If `x` is not f32 on the network's device or not of shape [m, c, h, w] or [m, features]. With batch
    /// normalisation by the statistics of the batch: if there are fewer than two examples, or while a
    /// [`Tap`] records.
    pub fn forward_with_mode(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let tap = recording();
        if let Some(layer) = self.couples_examples(mode) {
            if tap.is_some() {
                bail!("{}", crate::coupled(layer));
            }
            if x.dims().first().is_some_and(|&m| m < 2) {
                bail!("{layer}: the statistics of {:?} (a batch needs two examples)", x.dims());
            }
        }
        let (x, parameters) = (self.channels_last(x)?, self.flat()?);
        let pass = Arc::new(self.pass(x.dim(0)?, mode, tap.is_some())?);
        let logits = pass.forward(&x, &parameters)?;
        let logits = x.apply_op2(&parameters, Operation::new(pass.clone(), logits))?;
        if self.couples_examples(mode).is_some() {
            self.update_statistics(&pass)?;
        }
        if let Some(tap) = tap {
            self.record(&tap, x.dim(0)?, &pass);
        }
        Ok(logits)
    }

    /// A copy of the network with the current values of the variables, for example to save it by
    /// [`coherence_nn::weights`].
    ///
    /// # Errors
    ///
    /// If candle fails to read a variable.
    pub fn to_model(&self) -> Result<Model<f32, D>> {
        let (mut model, device) = (self.initial.clone(), self.initial.device());
        device.with_values(&self.flat()?, |values| device.copy(values, model.parameters_mut()))?;
        self.read_statistics(&mut model)?;
        Ok(model)
    }

    /// The name of a layer that makes the examples depend on each other in this mode.
    fn couples_examples(&self, mode: Mode) -> Option<&str> {
        self.initial.graph().couples_examples().filter(|_| mode.batch_statistics)
    }

    /// The parameters \[d\] in the order of the network's layout.
    fn flat(&self) -> Result<Tensor> {
        let specs = self.initial.layout().tensors().iter();
        let flat = specs.zip(&self.parameters).map(|(spec, p)| channels_last(&p.tensor, spec));
        Tensor::cat(&flat.collect::<Result<Vec<_>>>()?, 0)
    }

    /// [m, c, h, w] as [m, h · w · c], contiguous.
    fn channels_last(&self, x: &Tensor) -> Result<Tensor> {
        device::check("the input", x)?;
        if !x.device().same_device(&self.candle) {
            let places = [x.device().location(), self.candle.location()];
            bail!("the input is on {:?}, the network on {:?}", places[0], places[1]);
        }
        let shape = self.initial.graph().input();
        let ([h, w], c) = (shape.size(), shape.channels);
        match *x.dims() {
            [m, channels, height, width] if [channels, height, width] == [c, h, w] => {
                let x = if c == 1 { x.clone() } else { x.permute((0, 2, 3, 1))? };
                x.reshape((m, shape.values()))?.contiguous()
            }
            [_, features] if shape.positions() == 1 && features == c => x.contiguous(),
            ref dims => {
                bail!("{} has inputs [m, {c}, {h}, {w}], not {dims:?}", self.initial.graph().name())
            }
        }
    }

    /// A pass over m examples, in buffers of an earlier one if they are large enough.
    fn pass(&self, m: usize, mode: Mode, measures: bool) -> Result<Pass<D>> {
        let idle = lock(&self.idle).pop().filter(|idle| idle.workspace.capacity() >= m);
        let mut buffers = idle.unwrap_or_else(|| Buffers {
            model: self.initial.clone(),
            workspace: self.initial.workspace(m, Keep::Activations),
        });
        buffers.workspace.set_mode(mode);
        self.read_statistics(&mut buffers.model)?;
        let name = self.parameters.first().map_or_else(String::new, |first| first.name.clone());
        Ok(Pass::new(name, buffers, self.idle.clone(), measures))
    }

    fn read_statistics(&self, model: &mut Model<f32, D>) -> Result<()> {
        let (specs, device) = (self.initial.graph().statistics().tensors(), self.initial.device());
        for (spec, var) in specs.iter().zip(&self.statistics) {
            let target = D::part_mut(model.statistics_mut(), spec.range.clone());
            device.with_values(&var.contiguous()?, |values| device.copy(values, target))?;
        }
        Ok(())
    }

    /// Moves the running statistics towards those of the batch of a pass.
    fn update_statistics(&self, pass: &Pass<D>) -> Result<()> {
        pass.with(|Buffers { model, workspace }| {
            model.update_statistics(workspace);
            let specs = self.initial.graph().statistics().tensors();
            for (spec, var) in specs.iter().zip(&self.statistics) {
                let values = D::part(model.statistics(), spec.range.clone());
                let values = tensor_of(model.device(), &self.candle, values)?;
                var.set(&values.reshape(&spec.shape[..])?)?;
            }
            Ok(())
        })
    }

    /// Makes `tap` take what the backward pass of `pass` will have measured.
    fn record(&self, tap: &Tap, m: usize, pass: &Pass<D>) {
        let Some(measured) = pass.measured.clone() else { return };
        let (network, name) = (self.clone(), pass.name.clone());
        tap.push(move || {
            let Sums { sum, sq_norms } = take(&name, &measured)?;
            let sq_norms: Vec<f64> = network.initial.device().to_host(D::view(&sq_norms));
            let specs = network.initial.layout().tensors().iter();
            let uses = specs.zip(&network.parameters).enumerate().map(|(t, (spec, parameter))| {
                let sum =
                    channels_first(&sum.narrow(0, spec.range.start, spec.range.len())?, spec)?;
                let sq_norms = sq_norms[t * m..][..m].to_vec();
                Ok(Use {
                    parameter: parameter.clone(),
                    m,
                    gradients: UseGradients::Measured { sum, sq_norms },
                })
            });
            uses.collect()
        });
    }
}

/// In evaluation mode.
impl<D: TensorDevice> Module for Network<D> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_with_mode(x, Mode::default())
    }
}

/// Prints the architecture only: there may be millions of parameters.
impl<D: TensorDevice> fmt::Debug for Network<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("graph", self.initial.graph()).finish_non_exhaustive()
    }
}

/// A copy of `values` \[n\] as a tensor on `candle`.
fn tensor_of<D: TensorDevice>(
    device: &D,
    candle: &Device,
    values: D::Slice<'_, f32>,
) -> Result<Tensor> {
    device.new_tensor(candle, D::len(values), |out| {
        device.copy(values, out);
        Ok(())
    })
}

/// A tensor of PyTorch's order [o, i, s] as a flat one of ours, [o, s, i].
fn channels_last(tensor: &Tensor, spec: &TensorSpec) -> Result<Tensor> {
    if spec.positions == 1 {
        return tensor.flatten_all();
    }
    tensor.reshape((spec.shape[0], (), spec.positions))?.transpose(1, 2)?.flatten_all()
}

/// The inverse of [`channels_last`].
fn channels_first(flat: &Tensor, spec: &TensorSpec) -> Result<Tensor> {
    if spec.positions == 1 {
        return flat.reshape(&spec.shape[..])?.contiguous();
    }
    let flat = flat.reshape((spec.shape[0], spec.positions, ()))?;
    flat.transpose(1, 2)?.reshape(&spec.shape[..])?.contiguous()
}
