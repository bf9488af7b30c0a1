//! A model in candle, and the loop over batches of one through candle's own autograd.

use candle_core::{DType, Device, Result, Tensor, Var, backprop::GradStore};
use candle_nn::{VarBuilder, VarMap};
use coherence_candle::{Network, PerExampleGradients, Tap, TapMeasurement, TensorDevice};
use coherence_nn::layer::Mode;
use core::fmt;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{cell::RefCell, sync::OnceLock};

thread_local! {
    /// The device of this thread's laws, if it is not that of the program.
    static CHOSEN: RefCell<Option<Device>> = const { RefCell::new(None) };
}

/// Where the laws are tested: on a GPU if `COHERENCE_CUDA` is `required` and the feature `cuda` is on, else on the
/// CPU.
pub(crate) fn device() -> Device {
    static OF_PROGRAM: OnceLock<Device> = OnceLock::new();
    CHOSEN.with_borrow(Option::clone).unwrap_or_else(|| {
        let new = || if gpu_is_required() { Device::new_cuda(0).unwrap() } else { Device::Cpu };
        OF_PROGRAM.get_or_init(new).clone()
    })
}

pub(crate) fn gpu_is_required() -> bool {
    cfg!(feature = "cuda") && std::env::var("COHERENCE_CUDA").is_ok_and(|value| value == "required")
}

/// The result of `law` on another device.
#[cfg(feature = "cuda")]
pub(crate) fn on<R>(device: &Device, law: impl FnOnce() -> R) -> R {
    let outer = CHOSEN.replace(Some(device.clone()));
    let result = law();
    CHOSEN.set(outer);
    result
}

/// Evaluates `$body` with the device of coherence_nn where the laws are tested.
macro_rules! on_device {
    ($device:ident => $body:expr) => {
        match $crate::common::device() {
            #[cfg(feature = "cuda")]
            candle @ candle_core::Device::Cuda(_) => {
                use coherence_candle::TensorDevice;
                use coherence_nn::device::Cuda;
                let $device = Cuda::<coherence_cuda::Driver>::from_candle(&candle).unwrap();
                $body
            }
            candle => {
                use coherence_candle::TensorDevice;
                let $device = coherence_nn::device::Cpu::from_candle(&candle).unwrap();
                $body
            }
        }
    };
}
pub(crate) use on_device;

/// A network, on any device.
pub(crate) struct AnyNetwork(Box<Forward>);

/// The forward pass of a network.
type Forward = dyn Fn(&Tensor, Mode) -> Result<Tensor>;

impl AnyNetwork {
    pub(crate) fn new<D: TensorDevice>(network: Network<D>) -> Self {
        Self(Box::new(move |x, mode| network.forward_with_mode(x, mode)))
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_with_mode(x, Mode::default())
    }

    pub(crate) fn forward_with_mode(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        self.0(x, mode)
    }
}

impl fmt::Debug for AnyNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network")
    }
}

/// How far two f32 computations may differ, relative to the largest value: a GPU adds in other orders.
pub(crate) fn tolerance() -> f64 {
    if device().is_cpu() { 2e-5 } else { 1e-4 }
}

/// Values in [−1, 1] that depend on the seed alone.
pub(crate) fn random(dims: &[usize], seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> =
        (0..dims.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, dims, &device()).unwrap()
}

/// Indices [dims] below `count`, often repeated.
pub(crate) fn indices(dims: &[usize], count: u32, seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<u32> = (0..dims.iter().product()).map(|_| rng.random_range(0..count)).collect();
    Tensor::from_vec(values, dims, &device()).unwrap()
}

/// Variables in a map, under their names.
pub(crate) struct Variables(VarMap);

impl Variables {
    pub(crate) fn new() -> Self {
        Self(VarMap::new())
    }

    pub(crate) fn builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_varmap(&self.0, DType::F32, &device())
    }

    pub(crate) fn get(&self, name: &str) -> Var {
        self.0.data().lock().unwrap()[name].clone()
    }

    pub(crate) fn map(&self) -> &VarMap {
        &self.0
    }

    /// Replaces all values by random ones; variances become positive.
    pub(crate) fn randomize(self) -> Self {
        let mut names: Vec<String> = self.0.data().lock().unwrap().keys().cloned().collect();
        names.sort();
        for (seed, name) in names.iter().enumerate() {
            let var = self.get(name);
            let values = random(var.dims(), 100 + seed as u64);
            let shift = if name.ends_with("running_var") { 1.5 } else { 0.0 };
            var.set(&(values + shift).unwrap()).unwrap();
        }
        self
    }
}

/// A loss whose delta differs from one output to the next: the SUM of y²/2 + y, δ = y + 1.
pub(crate) fn sum_loss(y: &Tensor) -> Result<Tensor> {
    ((y.sqr()? * 0.5)? + y)?.sum_all()
}

#[track_caller]
pub(crate) fn close(name: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.dims(), expected.dims(), "{name}");
    let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (found, expected) = (values(found), values(expected));
    let scale = expected.iter().fold(0.1_f32, |max, x| max.max(x.abs()));
    for (at, (f, e)) in found.iter().zip(&expected).enumerate() {
        let error = f64::from((f - e).abs());
        assert!(error < tolerance() * f64::from(scale), "{name}, value {at}: {f}, expected {e}");
    }
}

/// A gradient of candle's autograd; zeros for a parameter that the loss does not reach.
fn candles(gradients: &GradStore, var: &Var) -> Tensor {
    gradients.get(var).cloned().unwrap_or_else(|| var.zeros_like().unwrap())
}

fn sq_norm(x: &Tensor) -> f64 {
    let values = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.iter().map(|&x| f64::from(x).powi(2)).sum()
}

/// The per-example gradients of the SUM loss of `model` over the batch `x`.
pub(crate) fn recorded(
    x: &Tensor,
    model: &dyn Fn(&Tensor) -> Result<Tensor>,
) -> (PerExampleGradients, GradStore) {
    let tap = Tap::new();
    let y = tap.record(|| model(x)).unwrap();
    let gradients = sum_loss(&y).unwrap().backward().unwrap();
    (tap.take().unwrap(), gradients)
}

/// Holds the per-example gradients of `model` over the batch `x` [m, …] against batches of one.
#[track_caller]
pub(crate) fn equals_batches_of_one(
    variables: &Variables,
    x: &Tensor,
    model: &dyn Fn(&Tensor) -> Result<Tensor>,
) {
    let (per_example, gradients) = recorded(x, model);
    let measured = measures_batches_of_one(variables, x, model, &per_example);
    for tensor in measured.tensors() {
        let of_batch = candles(&gradients, &variables.get(&tensor.name));
        close(&tensor.name, &tensor.sum, &of_batch);
    }
    for e in 0..x.dim(0).unwrap() {
        let expected = alone(x, e, model);
        for (name, found) in per_example.names().zip(per_example.example(e).unwrap()) {
            close(name, &found, &candles(&expected, &variables.get(name)));
        }
    }
}

/// Holds norms and sums alone against batches of one.
#[track_caller]
pub(crate) fn measures_batches_of_one(
    variables: &Variables,
    x: &Tensor,
    model: &dyn Fn(&Tensor) -> Result<Tensor>,
    per_example: &PerExampleGradients,
) -> TapMeasurement {
    let (measured, m) = (per_example.measure().unwrap(), x.dim(0).unwrap());
    assert_eq!(measured.examples(), m);
    let mut sums: Vec<_> = measured.tensors().iter().map(|t| t.sum.zeros_like().unwrap()).collect();
    for e in 0..m {
        let expected = alone(x, e, model);
        for (tensor, sum) in measured.tensors().iter().zip(&mut sums) {
            let gradient = candles(&expected, &variables.get(&tensor.name));
            let (found, norm) = (tensor.sq_norms[e], sq_norm(&gradient));
            let error = (found - norm).abs();
            let limit = tolerance() * norm + 1e-9;
            assert!(error < limit, "{} of {e}: {found}, {norm}", tensor.name);
            *sum = (&*sum + gradient).unwrap();
        }
    }
    for (tensor, sum) in measured.tensors().iter().zip(&sums) {
        close(&tensor.name, &tensor.sum, sum);
        assert!(
            (tensor.coherence.sq_norm_of_sum - sq_norm(&tensor.sum)).abs()
                < 1e-9 * sq_norm(sum) + 1e-12
        );
        let q: f64 = tensor.sq_norms.iter().sum();
        assert_eq!((tensor.coherence.m, tensor.coherence.sum_sq_norms), (m as u64, q));
    }
    measured
}

/// candle's gradients for example `e` alone, with nothing recorded.
fn alone(x: &Tensor, e: usize, model: &dyn Fn(&Tensor) -> Result<Tensor>) -> GradStore {
    let y = model(&x.narrow(0, e, 1).unwrap()).unwrap();
    sum_loss(&y).unwrap().backward().unwrap()
}
