//! Networks of coherence_nn in candle's autograd, against the same networks made of candle's layers, and
//! against finite differences.

use crate::common::{
    AnyNetwork, Variables, close, device, equals_batches_of_one, measures_batches_of_one,
    on_device, random, recorded, sum_loss, tolerance,
};
use candle_core::{Result, Tensor, Var};
use candle_nn::{Conv2dConfig, Module, ModuleT, Optimizer, SGD};
use coherence_candle::{Network, Tap, TensorDevice};
use coherence_cpu::convolution::Convolution as Sizes;
use coherence_nn::{
    Activation, Builder, Graph, Model, Shape,
    device::Device,
    layer::{BatchNorm, Convolution, Linear, Mode},
    model::{lenet5, mlp},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A strided convolution, batch normalisation, and a linear layer over all positions and channels.
pub(crate) fn graph<D: Device<f32>>() -> Graph<f32, D> {
    let (mut net, x) = Builder::new(Shape::image(7, 5, 3));
    let of = Sizes { stride: [2, 2], padding: [1, 1], ..Sizes::new([7, 5], 3, 4, [3, 3]) };
    let h = net.push("conv", Convolution::new(of).unwrap(), &[x], Activation::Identity).unwrap();
    let h = net.push("bn", BatchNorm::new(h.shape), &[h], Activation::Tanh).unwrap();
    net.push("fc", Linear::new(h.shape, 3), &[h], Activation::Identity).unwrap();
    net.build("small".to_owned())
}

/// A network of our own, and its variables.
pub(crate) fn network<D: TensorDevice>(initial: Model<f32, D>) -> (Variables, AnyNetwork) {
    let variables = Variables::new();
    let network = Network::new(initial, variables.builder()).unwrap();
    (variables, AnyNetwork::new(network))
}

/// The same network of candle's layers.
struct Candles {
    conv: candle_nn::Conv2d,
    bn: candle_nn::BatchNorm,
    fc: candle_nn::Linear,
}

impl Candles {
    fn new(variables: &Variables) -> Self {
        let vb = variables.builder();
        let config = Conv2dConfig { stride: 2, padding: 1, ..Default::default() };
        Self {
            conv: candle_nn::conv2d(3, 4, 3, config, vb.pp("conv")).unwrap(),
            bn: candle_nn::batch_norm(4, 1e-5, vb.pp("bn")).unwrap(),
            fc: candle_nn::linear(48, 3, vb.pp("fc")).unwrap(),
        }
    }
}

impl ModuleT for Candles {
    fn forward_t(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let h = self.bn.forward_t(&self.conv.forward(x)?, train)?.tanh()?;
        self.fc.forward(&h.flatten_from(1)?)
    }
}

fn networks() -> (Variables, AnyNetwork, Candles) {
    let (variables, network) = on_device!(d => network(Model::zeros_on(d, graph())));
    let theirs = Candles::new(&variables);
    (variables.randomize(), network, theirs)
}

const TRAINING: Mode = Mode { batch_statistics: true, dropout: None };
const PARAMETERS: [&str; 6] =
    ["conv.weight", "conv.bias", "bn.weight", "bn.bias", "fc.weight", "fc.bias"];

/// Logits and gradients for the parameters and the input.
#[track_caller]
fn agree(
    variables: &Variables,
    ours: impl Fn(&Tensor) -> Result<Tensor>,
    theirs: impl Fn(&Tensor) -> Result<Tensor>,
) {
    let x = Var::from_tensor(&random(&[4, 3, 7, 5], 1)).unwrap();
    let [(ours, ours_of), (theirs, theirs_of)] =
        [&ours as &dyn Fn(&Tensor) -> Result<Tensor>, &theirs].map(|model| {
            // The input of the model is not the variable itself but computed from it.
            let y = model(&x.affine(2.0, 0.1).unwrap()).unwrap();
            let gradients = sum_loss(&y).unwrap().backward().unwrap();
            (y, gradients)
        });
    close("logits", &ours, &theirs);
    close("input", ours_of.get(&x).unwrap(), theirs_of.get(&x).unwrap());
    for name in PARAMETERS {
        let var = variables.get(name);
        close(name, ours_of.get(&var).unwrap(), theirs_of.get(&var).unwrap());
    }
}

#[test]
fn gradients_equal_those_of_candles_layers_in_evaluation_mode() {
    let (variables, network, theirs) = networks();
    agree(&variables, |x| network.forward(x), |x| theirs.forward_t(x, false));
}

#[test]
fn gradients_and_running_statistics_equal_those_of_candles_layers_in_training_mode() {
    let (variables, network, theirs) = networks();
    let statistics = ["bn.running_mean", "bn.running_var"].map(|name| variables.get(name));
    let before = statistics.clone().map(|var| var.copy().unwrap());
    agree(&variables, |x| network.forward_with_mode(x, TRAINING), |x| theirs.forward_t(x, true));
    let x = random(&[4, 3, 7, 5], 2);
    let [ours, expected] = [true, false].map(|ours| {
        for (var, before) in statistics.iter().zip(&before) {
            var.set(before).unwrap();
        }
        if ours { network.forward_with_mode(&x, TRAINING) } else { theirs.forward_t(&x, true) }
            .unwrap();
        statistics.clone().map(|var| var.copy().unwrap())
    });
    for (ours, expected) in ours.iter().zip(&expected) {
        close("statistics", ours, expected);
    }
}

/// The second pass reuses the buffers of the first, which had a larger batch.
#[test]
fn per_example_quantities_equal_batches_of_one() {
    let (variables, network, _) = networks();
    for m in [5, 3] {
        let x = random(&[m, 3, 7, 5], 3);
        let model = |x: &Tensor| network.forward(x);
        let (per_example, _) = recorded(&x, &model);
        let measured = measures_batches_of_one(&variables, &x, &model, &per_example);
        assert_eq!(measured.tensors().iter().map(|t| &t.name[..]).collect::<Vec<_>>(), PARAMETERS);
    }
}

/// candle's relu′(0) is 1 instead of 0, but random pre-activations are never exactly 0.
#[test]
fn a_perceptron_and_the_tapped_layers_agree() {
    let (variables, network) =
        on_device!(d => network(Model::zeros_on(d, mlp(&[7, 6, 3]).unwrap())));
    let vb = variables.builder();
    let layers = [(7, 6), (6, 3)].into_iter().zip(["fc1", "fc2"]);
    let layers: Vec<_> =
        layers.map(|((i, o), name)| coherence_candle::linear(i, o, vb.pp(name)).unwrap()).collect();
    let variables = variables.randomize();
    let model = |x: &Tensor| layers[1].forward(&layers[0].forward(x)?.relu()?);
    for m in [1, 2, 5, 33] {
        let x = random(&[m, 7], 4);
        equals_batches_of_one(&variables, &x, &model);
        let ours = recorded(&x, &|x| network.forward(x)).0.measure().unwrap();
        let theirs = recorded(&x, &model).0.measure().unwrap();
        for (ours, theirs) in ours.tensors().iter().zip(theirs.tensors()) {
            assert_eq!(ours.name, theirs.name);
            close(&ours.name, &ours.sum, &theirs.sum);
            for (ours, theirs) in ours.sq_norms.iter().zip(&theirs.sq_norms) {
                assert!((ours - theirs).abs() < tolerance() * theirs, "{ours} {theirs}");
            }
        }
    }
}

/// The slope of the SUM loss along a direction in all parameters and the input. f32 leaves three digits.
#[test]
fn gradient_is_the_slope_of_the_loss() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let shape = Shape::image(28, 28, 1);
    let (variables, network) = on_device!(d => {
        network(Model::initialized_on(d, lenet5(shape, 4).unwrap(), &mut rng))
    });
    let x = Var::from_tensor(&random(&[2, 1, 28, 28], 6)).unwrap();
    let mut vars = variables.map().all_vars();
    vars.push(x.clone());
    let values: Vec<Tensor> = vars.iter().map(|var| var.copy().unwrap()).collect();
    let loss = || sum_loss(&network.forward(&x).unwrap()).unwrap();
    let gradients = loss().backward().unwrap();
    // Along the gradient of each variable by itself, scaled to length 1, the slope is its length.
    for (var, value) in vars.iter().zip(&values) {
        let gradient = gradients.get(var).unwrap();
        let length = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
        let loss_at = |step: f64| {
            let moved = (value + (gradient * (step / f64::from(length))).unwrap()).unwrap();
            var.set(&moved).unwrap();
            f64::from(loss().to_scalar::<f32>().unwrap())
        };
        let slope = (loss_at(1e-3) - loss_at(-1e-3)) / 2e-3;
        var.set(value).unwrap();
        assert!(
            (slope - f64::from(length)).abs() < 1e-2 * f64::from(length) + 1e-4,
            "{:?}: {slope} {length}",
            var.dims()
        );
    }
}

#[test]
fn candles_optimiser_trains_a_network() {
    let (variables, network, _) = networks();
    let (x, target) = (random(&[6, 3, 7, 5], 7), random(&[6, 3], 8));
    let loss = || (network.forward(&x)? - &target)?.sqr()?.sum_all();
    let mut optimizer = SGD::new(variables.map().all_vars(), 1e-3).unwrap();
    let before = loss().unwrap().to_scalar::<f32>().unwrap();
    for _ in 0..50 {
        optimizer.backward_step(&loss().unwrap()).unwrap();
    }
    let after = loss().unwrap().to_scalar::<f32>().unwrap();
    assert!(after < 0.5 * before, "{before} {after}");
}

/// Parameters and statistics on the host.
fn values<D: Device<f32>>(model: &Model<f32, D>) -> [Vec<f32>; 2] {
    [model.parameters(), model.statistics()].map(|values| model.device().to_host(values))
}

fn variables_have_the_initial_values<D: TensorDevice>(device: D) {
    let (variables, mut rng) = (Variables::new(), ChaCha8Rng::seed_from_u64(9));
    let initial = Model::initialized_on(device.clone(), graph(), &mut rng);
    let network = Network::new(initial.clone(), variables.builder()).unwrap();
    assert_eq!(values(&network.to_model().unwrap()), values(&initial));
    let again = Network::new(Model::zeros_on(device, graph()), variables.builder()).unwrap();
    assert_eq!(values(&again.to_model().unwrap()), values(&initial));
    // The convolution of the model has its channels last, the variable its channels first.
    let var = variables.get("conv.weight").flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let spec = initial.layout().get("conv.weight").unwrap();
    assert_eq!(var[7], values(&initial)[0][spec.range.start + spec.place(7)]);
}

#[test]
fn new_variables_have_the_initial_values_and_old_ones_keep_theirs() {
    on_device!(d => variables_have_the_initial_values(d));
}

#[test]
fn a_prefix_is_part_of_the_names() {
    let variables = Variables::new();
    let vb = variables.builder().pp("encoder");
    let network = on_device!(d => {
        AnyNetwork::new(Network::new(Model::zeros_on(d, mlp(&[2, 2]).unwrap()), vb).unwrap())
    });
    let tap = Tap::new();
    let x = Tensor::new(&[[1f32, 2.0]], &device()).unwrap();
    tap.record(|| network.forward(&x)).unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(tap.measure().unwrap().layers()[0].0, "encoder.fc1");
    variables.get("encoder.fc1.weight");
}
