//! Each layer in a small network: the gradient is the slope of the SUM loss, and every per-example
//! quantity is that of the loop over batches of one.

use coherence_cpu::{convolution::Convolution as Sizes, pool::Pool, product::Output};
use coherence_nn::{
    Activation::{Identity, Relu6, Sigmoid, Silu, Tanh},
    Builder, Graph, GraphError, Keep, Model, Shape, SingleValueError, Value,
    device::{Cpu, Device},
    layer::{
        AveragePool, BatchNorm, Concatenate, Convolution, Dropout, GroupNorm, Linear, MaxPool,
        Mode, Scale, StochasticDepth, Subsample,
    },
    loss::{Loss, Targets},
};
use coherence_tests::naive;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Net<D> = Builder<f64, D>;

pub(crate) const CLASSES: usize = 3;
pub(crate) const IMAGE: Shape = Shape::image(5, 4, 2);

/// A layer behind a convolution, so that the gradient with respect to its input matters, and before a
/// linear layer.
fn around<D: Device<f64>>(
    name: &str,
    layer: impl FnOnce(&mut Net<D>, Value) -> Result<Value, GraphError>,
) -> Graph<f64, D> {
    let (mut net, x) = Net::new(IMAGE);
    let sizes = Sizes { padding: [1, 1], ..Sizes::new(IMAGE.size(), 2, 4, [3, 3]) };
    let h = net.push("first", Convolution::new(sizes).unwrap(), &[x], Tanh).unwrap();
    let h = layer(&mut net, h).unwrap();
    net.push("last", Linear::new(h.shape, CLASSES), &[h], Identity).unwrap();
    net.build(name.to_owned())
}

fn pool(x: Value, kernel: [usize; 2], stride: [usize; 2], ceil: bool) -> Pool {
    let padding = [1, 0];
    Pool { input: x.shape.size(), channels: x.shape.channels, kernel, stride, padding, ceil }
}

/// One network for each layer and kind of setting.
pub(crate) fn networks<D: Device<f64>>() -> Vec<Graph<f64, D>> {
    let sizes =
        |x: Value, outputs, kernel| Sizes::new(x.shape.size(), x.shape.channels, outputs, kernel);
    let convolve = move |name: &'static str, change: fn(Sizes) -> Sizes| {
        around(name, move |net, x| {
            let of = change(sizes(x, 6, [2, 3]));
            net.push("layer", Convolution::new(of)?, &[x], Silu)
        })
    };
    vec![
        convolve("convolution", |of| of),
        convolve("strided", |of| Sizes { stride: [2, 1], padding: [1, 2], ..of }),
        convolve("dilated", |of| Sizes { dilation: [2, 1], ..of }),
        convolve("grouped", |of| Sizes { groups: 2, ..of }),
        convolve("depthwise", |of| Sizes { outputs: 4, groups: 4, padding: [1, 1], ..of }),
        around("without biases", |net, x| {
            let of = Convolution::new(sizes(x, 3, [1, 1]))?.without_bias();
            let h = net.push("layer", of, &[x], Relu6)?;
            net.push("linear", Linear::new(h.shape, 5).without_bias(), &[h], Tanh)
        }),
        around("maxima", |net, x| {
            net.push("layer", MaxPool::new(pool(x, [3, 2], [2, 1], true))?, &[x], Identity)
        }),
        around("means", |net, x| {
            net.push("layer", AveragePool::new(pool(x, [2, 3], [1, 2], false))?, &[x], Tanh)
        }),
        around("means that count the padding", |net, x| {
            let padded = Pool { padding: [1, 1], ..pool(x, [3, 3], [1, 1], false) };
            net.push("layer", AveragePool::new(padded)?, &[x], Identity)
        }),
        around("adaptive means", |net, x| {
            net.push("layer", AveragePool::adaptive(x.shape, [3, 3])?, &[x], Identity)
        }),
        around("batch normalisation", |net, x| {
            net.push("layer", BatchNorm::new(x.shape), &[x], Tanh)
        }),
        around("group normalisation", |net, x| {
            net.push("layer", GroupNorm::new(x.shape, 2)?, &[x], Silu)
        }),
        around("layer normalisation of positions", |net, x| {
            net.push("layer", GroupNorm::layer(x.shape)?, &[x], Silu)
        }),
        around("layer normalisation of features", |net, x| {
            let h = net.push("features", Linear::new(x.shape, 6), &[x], Tanh)?;
            net.push("layer", GroupNorm::layer(h.shape)?.with_epsilon(0.1), &[h], Identity)
        }),
        around("residual", |net, x| net.add("layer", &[x, x], Tanh)),
        around("shortcut without parameters", |net, x| {
            let h = net.push("layer", Subsample::new(x.shape, 2, 7), &[x], Identity)?;
            net.push("again", Subsample::new(h.shape, 1, 7), &[h], Tanh)
        }),
        around("auxiliary output", |net, x| {
            let head = net.push("auxiliary", Linear::new(x.shape, CLASSES), &[x], Identity)?;
            net.auxiliary(head, 0.4);
            net.push("layer", Linear::new(x.shape, 5), &[x], Silu)
        }),
        around("stochastic depth", |net, x| {
            let branch = net.push("layer", StochasticDepth::new(x.shape, 0.5), &[x], Identity)?;
            net.add("sum", &[branch, x], Tanh)
        }),
        around("dropout", |net, x| net.push("layer", Dropout::new(x.shape, 0.3), &[x], Identity)),
        around("branches", |net, x| {
            let of = Sizes { padding: [0, 1], ..sizes(x, 3, [1, 3]) };
            let branch = net.push("branch", Convolution::new(of)?, &[x], Tanh)?;
            let both = Concatenate::new(&[x.shape, branch.shape]);
            net.push("layer", both, &[x, branch], Identity)
        }),
        around("squeeze and excitation", |net, x| {
            let x = net.push("norm", BatchNorm::new(x.shape), &[x], Silu)?;
            let mean = net.push("mean", AveragePool::adaptive(x.shape, [1, 1])?, &[x], Identity)?;
            let fc1 = Convolution::new(sizes(mean, 2, [1, 1]))?;
            let h = net.push("fc1", fc1, &[mean], Silu)?;
            let fc2 = Convolution::new(sizes(h, x.shape.channels, [1, 1]))?;
            let factors = net.push("fc2", fc2, &[h], Sigmoid)?;
            net.push("layer", Scale::new(x.shape), &[x, factors], Identity)
        }),
    ]
}

struct Case {
    model: Model<f64>,
    x: Vec<f64>,
    labels: Vec<u32>,
    mode: Mode,
}

impl Case {
    /// Random parameters, statistics and inputs.
    fn new(graph: Graph<f64>, m: usize, mode: Mode) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(17);
        let mut model = Model::initialized(graph, &mut rng);
        model.parameters_mut().iter_mut().for_each(|p| *p += rng.random_range(-0.2..0.2));
        model.statistics_mut().iter_mut().for_each(|s| *s += rng.random_range(0.1..0.4));
        let x = (0..m * IMAGE.values()).map(|_| rng.random_range(-1.0..1.0)).collect();
        let labels = (0..m).map(|_| rng.random_range(0..CLASSES as u32)).collect();
        Self { model, x, labels, mode }
    }

    /// The SUM loss and the gradient of it.
    fn passes(&self) -> (f64, Vec<f64>) {
        let m = self.labels.len();
        let mut workspace = self.model.workspace(m, Keep::Activations);
        workspace.set_mode(self.mode);
        self.model.forward(&self.x, m, &mut workspace);
        let targets = Targets::Labels(&self.labels[..]);
        let loss = workspace.loss(Loss::default(), targets, &mut vec![0.0; m]);
        let mut gradient = vec![f64::NAN; self.model.parameters().len()];
        self.model.gradient(&self.x, &mut workspace, &mut gradient);
        (loss, gradient)
    }

    /// Each example's gradient [m][d] from a batch of one.
    fn one_by_one(&self) -> Vec<Vec<f64>> {
        let one = |(e, &label): (usize, &u32)| {
            let x = self.x[e * IMAGE.values()..][..IMAGE.values()].to_vec();
            let (model, mode) = (self.model.clone(), self.mode);
            Self { model, x, labels: vec![label], mode }.passes().1
        };
        self.labels.iter().enumerate().map(one).collect()
    }
}

#[track_caller]
fn gradient_is_the_slope(mut case: Case) {
    const STEP: f64 = 1e-6;
    let (_, gradient) = case.passes();
    for (j, found) in gradient.iter().enumerate() {
        let at = case.model.parameters()[j];
        let mut loss = |w| {
            case.model.parameters_mut()[j] = w;
            case.passes().0
        };
        let slope = (loss(at + STEP) - loss(at - STEP)) / (2.0 * STEP);
        loss(at);
        let (name, error) = (case.model.graph().name(), (found - slope).abs());
        assert!(error < 1e-7 * (1.0 + slope.abs()), "{name}, coordinate {j}: {found} {slope}");
    }
}

#[test]
fn gradients_are_the_slopes_of_the_sum_loss() {
    for graph in networks() {
        gradient_is_the_slope(Case::new(graph, 3, Mode::default()));
    }
}

/// Dropout with one seed is one function; the statistics of the batch depend on all examples.
#[test]
fn gradients_in_training_are_the_slopes_of_the_sum_loss() {
    let mode = Mode { batch_statistics: true, dropout: Some(5) };
    for graph in networks() {
        gradient_is_the_slope(Case::new(graph, 4, mode));
    }
}

#[test]
fn every_per_example_quantity_is_that_of_the_loop() {
    for graph in networks() {
        for m in [1, 2, 5] {
            let case = Case::new(graph_again(&graph), m, Mode::default());
            let rows = case.one_by_one();
            quantities_agree(&case, &rows);
        }
    }
}

/// The network of the same name.
fn graph_again(graph: &Graph<f64>) -> Graph<f64> {
    networks().into_iter().find(|other| other.name() == graph.name()).unwrap()
}

#[track_caller]
fn quantities_agree(case: &Case, rows: &[Vec<f64>]) {
    let m = rows.len();
    let mut workspace = case.model.workspace(m, Keep::Deltas);
    case.model.forward(&case.x, m, &mut workspace);
    workspace.loss(Loss::default(), Targets::Labels(&case.labels[..]), &mut vec![0.0; m]);
    let mut streamed = 0;
    case.model.backward(&case.x, &mut workspace, |_| streamed += 1);
    let mut visited = 0;
    case.model.factors(&case.x, &workspace, |factors| {
        visited += 1;
        let what = format!("{} {} of m = {m}", case.model.graph().name(), factors.name);
        let rows: Vec<Vec<f64>> =
            rows.iter().map(|row| row[factors.range.clone()].to_vec()).collect();
        let len = factors.range.len();
        let v: Vec<f64> = (0..len).map(|j| (j as f64 * 0.7).sin()).collect();
        let (mut norms, mut dots, mut sum) = (vec![0.0; m], vec![0.0; m], vec![9.0; len]);
        factors.sum_and_sq_norms(Output::Overwrite, &mut sum, &mut norms);
        factors.dots(&v, &mut Vec::new(), &mut dots);
        let mut one = vec![0.0; len];
        for (e, row) in rows.iter().enumerate() {
            factors.per_example(e, &mut one);
            let near = |found: f64, expected: f64| {
                (found - expected).abs() < 1e-12 * (1.0 + expected.abs())
            };
            assert!(one.iter().zip(row).all(|(x, y)| near(*x, *y)), "{what}: example {e}");
            assert!(near(norms[e], naive::sq_norm(row)), "{what}: squared norm {e}");
            assert!(near(dots[e], naive::dot(row, &v)), "{what}: dot {e}");
        }
        let mut parts = vec![0.0; len];
        factors.rows(0..m / 2).sum(Output::Overwrite, &mut parts);
        factors.rows(m / 2..m).sum(Output::Add, &mut parts);
        for (j, expected) in naive::sum(&rows).iter().enumerate() {
            for found in [sum[j], parts[j]] {
                assert!((found - expected).abs() < 1e-12, "{what}: sum {found} {expected}");
            }
        }
        selections_agree(&what, factors, &rows);
    });
    assert_eq!(streamed, visited, "a streaming pass visits as many tensors");
}

#[track_caller]
fn selections_agree(what: &str, factors: &coherence_nn::Factors<'_, f64>, rows: &[Vec<f64>]) {
    let (m, len) = (rows.len(), factors.range.len());
    let column = |j: usize| rows.iter().map(|row| row[j]).collect::<Vec<f64>>();
    for clip in 0..=m / 2 {
        let (mut mean, mut moved) = (vec![9.0; len], vec![0.0; len]);
        factors.winsorized_mean(clip, &mut mean);
        factors.winsorized_step(clip, 1.0, &mut moved);
        for j in 0..len {
            let expected = naive::aggregate::winsorized(&column(j), clip);
            for found in [mean[j], -moved[j]] {
                assert!((found - expected).abs() < 1e-12, "{what}: c = {clip}: {found} {expected}");
            }
        }
    }
    for k in 1..=m {
        let mut moved = vec![0.0; len];
        factors.median_of_sums_step(k, 1.0, &mut moved);
        for (j, found) in moved.iter().enumerate() {
            let sums: Vec<f64> = naive::aggregate::groups(&column(j), k)
                .iter()
                .map(|group| group.iter().sum())
                .collect();
            let expected = naive::aggregate::median(&sums);
            assert!((-found - expected).abs() < 1e-12, "{what}: k = {k}: {found} {expected}");
        }
    }
}

/// The loss with an auxiliary output is the loss of the logits plus 0.4 times that of the output, and the
/// gradient of the logits' loss alone is 0 for the output's parameters.
#[test]
fn an_auxiliary_output_counts_by_its_weight() {
    let graph = networks().into_iter().find(|g| g.name() == "auxiliary output").unwrap();
    let case = Case::new(graph, 2, Mode::default());
    let mut workspace = case.model.workspace(2, Keep::Activations);
    case.model.forward(&case.x, 2, &mut workspace);
    let (mut losses, mut of_logits) = ([0.0; 2], [0.0; 2]);
    let sum = workspace.loss(Loss::default(), Targets::Labels(&case.labels[..]), &mut losses);
    assert!((sum - losses[0] - losses[1]).abs() < 1e-15);
    let (logits, delta) = workspace.logits_and_delta();
    let labels = Targets::Labels(&case.labels[..]);
    let main = Loss::default().with_gradient(logits, labels, delta, &mut of_logits);
    assert!(sum > main + 0.1, "{sum} {main}");
    let mut gradient = vec![f64::NAN; case.model.parameters().len()];
    case.model.gradient(&case.x, &mut workspace, &mut gradient);
    let range = case.model.layout().get("auxiliary.weight").unwrap().range.clone();
    assert!(gradient[range].iter().all(|&g| g == 0.0));
}

/// At one position, a batch of one has a single value for each channel; torch refuses it as well.
#[test]
fn the_statistics_of_a_single_value_are_refused() {
    let (mut net, x) = Net::<Cpu>::new(Shape::features(3));
    net.push("norm", BatchNorm::new(x.shape), &[x], Identity).unwrap();
    let model = Model::zeros(net.build("norm".to_owned()));
    let error = model.graph().check_batch_statistics(1).unwrap_err();
    assert_eq!(error, SingleValueError { layer: "norm".to_owned() });
    assert_eq!(model.graph().check_batch_statistics(2), Ok(()));
    let mut workspace = model.workspace(1, Keep::Logits);
    model.forward(&[1.0, 2.0, 3.0], 1, &mut workspace);
    workspace.set_mode(Mode { batch_statistics: true, dropout: None });
    let run = || model.forward(&[1.0, 2.0, 3.0], 1, &mut workspace);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(*panic.downcast::<String>().unwrap(), error.to_string());
    let graph = networks::<Cpu>().into_iter().find(|g| g.name() == "batch normalisation").unwrap();
    assert_eq!(graph.check_batch_statistics(1), Ok(()), "several positions");
}

#[test]
#[should_panic(expected = "layer.weight has no per-example gradients by the statistics of a batch")]
fn the_statistics_of_a_batch_have_no_per_example_gradients() {
    let graph = networks().into_iter().find(|g| g.name() == "batch normalisation").unwrap();
    assert_eq!(graph.couples_examples(), Some("layer"));
    let case = Case::new(graph, 3, Mode { batch_statistics: true, dropout: None });
    let mut workspace = case.model.workspace(3, Keep::Activations);
    workspace.set_mode(case.mode);
    case.model.forward(&case.x, 3, &mut workspace);
    workspace.loss(Loss::default(), Targets::Labels(&case.labels[..]), &mut [0.0; 3]);
    case.model.backward(&case.x, &mut workspace, |factors| {
        if factors.name == "layer.weight" {
            factors.sq_norms(&mut [0.0; 3]);
        }
    });
}
