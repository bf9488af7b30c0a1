//! Each layer in a small network: the gradient is the slope of the SUM loss, and every per-example
//! quantity is that of the loop over batches of one.

use coherence_core::aggregate::{Median, Requirements, Trimmed, Winsorized};
use coherence_cpu::{Element, Isa, order::OrderStatistics, product::Output};
use coherence_nn::{
    Activation::Identity,
    Builder, Factors, Keep, Model, Shape, TooFewValuesError,
    device::Cpu,
    layer::{BatchNorm, Mode},
    loss::{Loss, Targets},
};
use coherence_tests::naive;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::networks::{CLASSES, IMAGE, images, networks, networks_for};

/// A batch for one of the [`networks_for`] an image.
struct Case<T: Element> {
    image: Shape,
    network: usize,
    model: Model<T>,
    x: Vec<T>,
    labels: Vec<u32>,
    mode: Mode,
}

impl Case<f64> {
    /// Random parameters, statistics and inputs, which `f32` holds exactly; `None` if the network does not
    /// fit the image.
    fn new(image: Shape, network: usize, m: usize, mode: Mode) -> Option<Self> {
        let graph = networks_for(image).swap_remove(network).ok()?;
        let mut rng = ChaCha8Rng::seed_from_u64(17);
        let mut model = Model::initialized(graph, &mut rng);
        let round = |x: f64| f64::from(x as f32);
        model
            .parameters_mut()
            .iter_mut()
            .for_each(|p| *p = round(*p + rng.random_range(-0.2..0.2)));
        model.statistics_mut().iter_mut().for_each(|s| *s = round(*s + rng.random_range(0.1..0.4)));
        let x = (0..m * image.values()).map(|_| round(rng.random_range(-1.0..1.0))).collect();
        let labels = (0..m).map(|_| rng.random_range(0..CLASSES as u32)).collect();
        Some(Self { image, network, model, x, labels, mode })
    }

    /// The same numbers in another type, on an instruction set.
    fn on<T: Element>(&self, isa: Isa) -> Case<T> {
        let graph = networks_for(self.image).swap_remove(self.network).expect("as before");
        let narrow = |from: &[f64]| from.iter().map(|&x| T::narrow(x)).collect::<Vec<T>>();
        let mut model = Model::zeros_on(Cpu::with_isa(isa), graph);
        model.parameters_mut().copy_from_slice(&narrow(self.model.parameters()));
        model.statistics_mut().copy_from_slice(&narrow(self.model.statistics()));
        let (x, labels) = (narrow(&self.x), self.labels.clone());
        Case { image: self.image, network: self.network, model, x, labels, mode: self.mode }
    }

    /// Each example's gradient [m][d] from a batch of one.
    fn one_by_one(&self) -> Vec<Vec<f64>> {
        let one = |(e, &label): (usize, &u32)| {
            let mut one = self.on::<f64>(Isa::detect());
            one.x = self.x[e * self.image.values()..][..self.image.values()].to_vec();
            one.labels = vec![label];
            one.passes().1
        };
        self.labels.iter().enumerate().map(one).collect()
    }
}

/// The case of the network of a name for [`IMAGE`].
fn case_of(name: &str, m: usize, mode: Mode) -> Case<f64> {
    let network = networks::<f64, Cpu>().iter().position(|graph| graph.name() == name);
    Case::new(IMAGE, network.expect("a network of this name"), m, mode).expect("it fits")
}

/// Calls `f` with the case of every network that fits the image.
fn for_each_network(image: Shape, m: usize, mode: Mode, f: impl FnMut(Case<f64>)) {
    let networks = networks_for::<f64, Cpu>(image).len();
    (0..networks).filter_map(|network| Case::new(image, network, m, mode)).for_each(f);
}

impl<T: Element> Case<T> {
    /// The SUM loss and the gradient of it.
    fn passes(&self) -> (f64, Vec<T>) {
        let m = self.labels.len();
        let mut workspace = self.model.workspace(m, Keep::Activations);
        workspace.set_mode(self.mode);
        self.model.forward(&self.x, m, &mut workspace);
        let targets = Targets::Labels(&self.labels[..]);
        let loss = workspace.loss(Loss::default(), targets, &mut vec![0.0; m]);
        let mut gradient = vec![T::nan(); self.model.parameters().len()];
        self.model.gradient(&self.x, &mut workspace, &mut gradient);
        (loss, gradient)
    }
}

const STEP: f64 = 1e-6;

#[track_caller]
fn gradient_is_the_slope(mut case: Case<f64>) {
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

/// Along one random direction, to which every coordinate contributes.
#[track_caller]
fn gradient_is_the_slope_along_a_direction(mut case: Case<f64>) {
    let (_, gradient) = case.passes();
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let direction: Vec<f64> = gradient.iter().map(|_| rng.random_range(-1.0..1.0)).collect();
    let at = case.model.parameters().to_vec();
    let mut loss = |step: f64| {
        let moved = at.iter().zip(&direction).map(|(w, d)| w + step * d);
        case.model.parameters_mut().iter_mut().zip(moved).for_each(|(w, moved)| *w = moved);
        case.passes().0
    };
    let slope = (loss(STEP) - loss(-STEP)) / (2.0 * STEP);
    let (found, name) = (naive::dot(&gradient, &direction), case.model.graph().name());
    let scale: f64 = gradient.iter().map(|g| g.abs()).sum();
    assert!(
        (found - slope).abs() < 1e-7 * (1.0 + scale),
        "{name} of {:?}: {found} {slope}",
        case.image
    );
}

#[test]
fn gradients_are_the_slopes_of_the_sum_loss() {
    for_each_network(IMAGE, 3, Mode::default(), gradient_is_the_slope);
    for image in images() {
        for_each_network(image, 2, Mode::default(), gradient_is_the_slope_along_a_direction);
    }
}

/// Dropout with one seed is one function; the statistics of the batch depend on all examples.
#[test]
fn gradients_in_training_are_the_slopes_of_the_sum_loss() {
    let mode = Mode { batch_statistics: true, dropout: Some(5) };
    for_each_network(IMAGE, 4, mode, gradient_is_the_slope);
    for image in images() {
        for_each_network(image, 3, mode, gradient_is_the_slope_along_a_direction);
    }
}

/// The images leave out no setting: each fits at least half of them.
#[test]
fn every_network_fits_most_images() {
    let networks: Vec<_> = images().map(networks_for::<f64, Cpu>).collect();
    for network in 0..networks[0].len() {
        let fitting = networks.iter().filter(|of_image| of_image[network].is_ok()).count();
        assert!(2 * fitting >= networks.len(), "network {network} fits {fitting} images");
    }
}

#[test]
fn every_per_example_quantity_is_that_of_the_loop() {
    for m in 0..=8 {
        for_each_network(IMAGE, m, Mode::default(), |case| {
            let rows = case.one_by_one();
            quantities_agree(&case, &rows, 1e-12);
            for &isa in Isa::available() {
                quantities_agree(&case.on::<f32>(isa), &rows, 2e-5);
            }
        });
    }
}

/// Batches and instruction sets take turns.
#[test]
fn every_per_example_quantity_of_any_image_is_that_of_the_loop() {
    let turns = (0..=8).cycle().zip(Isa::available().iter().cycle());
    for (image, (m, &isa)) in images().zip(turns) {
        for_each_network(image, m, Mode::default(), |case| {
            let rows = case.one_by_one();
            quantities_agree(&case.on::<f64>(isa), &rows, 1e-12);
            quantities_agree(&case.on::<f32>(isa), &rows, 2e-5);
        });
    }
}

/// The loss and the gradient of no examples are 0; only the statistics of a batch of none are refused.
#[test]
fn without_examples_every_sum_is_zero() {
    for mode in [Mode::default(), Mode { batch_statistics: true, dropout: Some(5) }] {
        for image in images() {
            for_each_network(image, 0, mode, |case| {
                let (graph, name) = (case.model.graph(), case.model.graph().name());
                let couples = graph.couples_examples().is_some();
                assert_eq!(graph.check_batch_statistics(0).is_err(), couples, "{name}");
                if couples && mode.batch_statistics {
                    return;
                }
                let (loss, gradient) = case.passes();
                assert_eq!(loss, 0.0, "{name}");
                assert!(gradient.iter().all(|&g| g == 0.0), "{name}");
            });
        }
    }
}

#[track_caller]
fn quantities_agree<T: Element>(case: &Case<T>, rows: &[Vec<f64>], tolerance: f64) {
    let m = rows.len();
    let mut workspace = case.model.workspace(m, Keep::Deltas);
    case.model.forward(&case.x, m, &mut workspace);
    workspace.loss(Loss::default(), Targets::Labels(&case.labels[..]), &mut vec![0.0; m]);
    let mut streamed = 0;
    case.model.backward(&case.x, &mut workspace, |_| streamed += 1);
    let mut visited = 0;
    let device = case.model.device();
    case.model.factors(&case.x, &workspace, |factors| {
        visited += 1;
        let (name, image) = (case.model.graph().name(), case.image);
        let what = format!("{name} {} of m = {m}, {image:?}, {device:?}", factors.name);
        let near = |found: f64, expected: f64| {
            (found - expected).abs() < tolerance * (1.0 + expected.abs())
        };
        let rows: Vec<Vec<f64>> =
            rows.iter().map(|row| row[factors.range.clone()].to_vec()).collect();
        let len = factors.range.len();
        let v: Vec<T> = (0..len).map(|j| T::narrow((j as f64 * 0.7).sin())).collect();
        let wide: Vec<f64> = v.iter().map(|x| x.widen()).collect();
        let nine = T::narrow(9.0);
        let (mut norms, mut dots, mut sum) = (vec![0.0; m], vec![0.0; m], vec![nine; len]);
        factors.sum_and_sq_norms(Output::Overwrite, &mut sum, &mut norms);
        factors.dots(&v, &mut Vec::new(), &mut dots);
        let mut one = vec![T::zero(); len];
        for (e, row) in rows.iter().enumerate() {
            factors.per_example(e, &mut one);
            assert!(one.iter().zip(row).all(|(x, y)| near(x.widen(), *y)), "{what}: example {e}");
            assert!(near(norms[e], naive::sq_norm(row)), "{what}: squared norm {e}");
            assert!(near(dots[e], naive::dot(row, &wide)), "{what}: dot {e}");
        }
        let mut parts = vec![nine; len];
        factors.rows(0..m / 2).sum(Output::Overwrite, &mut parts);
        factors.rows(m / 2..m).sum(Output::Add, &mut parts);
        for j in 0..len {
            let expected = rows.iter().map(|row| row[j]).sum();
            for found in [sum[j], parts[j]] {
                assert!(near(found.widen(), expected), "{what}: sum {found:?} {expected}");
            }
        }
        selections_agree(&what, factors, &rows, near);
    });
    assert_eq!(streamed, visited, "a streaming pass visits as many tensors");
}

#[track_caller]
fn selections_agree<T: Element>(
    what: &str,
    factors: &Factors<'_, T>,
    rows: &[Vec<f64>],
    near: impl Fn(f64, f64) -> bool,
) {
    let (m, len) = (rows.len(), factors.range.len());
    if m == 0 {
        return no_example_is_selected(what, factors);
    }
    let columns: Vec<Vec<f64>> =
        (0..len).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
    let agrees = |rule: OrderStatistics, expected: &dyn Fn(&[f64]) -> f64| {
        let (mut mean, mut moved) = (vec![T::narrow(9.0); len], vec![T::zero(); len]);
        factors.robust_mean(rule, &mut mean);
        factors.robust_step(rule, T::one(), &mut moved);
        for (j, column) in columns.iter().enumerate() {
            let expected = expected(column);
            for found in [mean[j], -moved[j]] {
                let agrees = near(found.widen(), expected);
                assert!(agrees, "{what}: {rule:?}: {found:?} {expected}");
            }
        }
    };
    agrees(OrderStatistics::new(Median, m), &naive::aggregate::median);
    for c in 0..=m / 2 {
        let winsorized = OrderStatistics::new(Winsorized { clip: c }, m);
        agrees(winsorized, &|column| naive::aggregate::winsorized(column, c));
        if 2 * c < m {
            let trimmed = OrderStatistics::new(Trimmed { trim: c }, m);
            agrees(trimmed, &|column| naive::aggregate::trimmed(column, c));
        }
    }
    for k in 1..=m {
        let mut moved = vec![T::zero(); len];
        factors.median_of_sums_step(k, T::one(), &mut moved);
        for (found, column) in moved.iter().zip(&columns) {
            let groups = naive::aggregate::groups(column, k);
            let sums: Vec<f64> = groups.iter().map(|group| group.iter().sum()).collect();
            let expected = naive::aggregate::median(&sums);
            assert!(near(-found.widen(), expected), "{what}: k = {k}: {found:?} {expected}");
        }
    }
}

/// A selection of no values is refused, by every kind of factors alike.
#[track_caller]
fn no_example_is_selected<T: Element>(what: &str, factors: &Factors<'_, T>) {
    let len = factors.range.len();
    let refusal = |select: &dyn Fn(&mut [T])| {
        let run = || select(&mut vec![T::zero(); len]);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        *panic.expect_err(what).downcast::<String>().expect("a message")
    };
    let winsorized = Winsorized { clip: 0 }.check(0).expect_err("no values").to_string();
    assert_eq!(
        refusal(&|out| factors.robust_mean(Winsorized { clip: 0 }, out)),
        winsorized,
        "{what}"
    );
    assert_eq!(
        refusal(&|out| factors.robust_step(Winsorized { clip: 0 }, T::one(), out)),
        winsorized,
        "{what}"
    );
    let groups = "0 examples cannot be cut in 1 groups that are not empty";
    assert_eq!(refusal(&|out| factors.median_of_sums_step(1, T::one(), out)), groups, "{what}");
}

/// The loss with an auxiliary output is the loss of the logits plus 0.4 times that of the output, and the
/// gradient of the logits' loss alone is 0 for the output's parameters.
#[test]
fn an_auxiliary_output_counts_by_its_weight() {
    let case = case_of("auxiliary output", 2, Mode::default());
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

/// PyTorch's rule for the running mean: (1 − momentum) times what it is plus momentum times the mean of the batch.
#[test]
fn running_statistics_move_by_the_momentum() {
    for momentum in [0.0, 0.1, 0.75, 1.0] {
        let (mut net, x) = Builder::<f64>::new(Shape::features(1));
        let norm = BatchNorm::new(x.shape).with_momentum(momentum);
        net.push("norm", norm, &[x], Identity).unwrap();
        let mut model = Model::zeros(net.build("norm".to_owned()));
        model.statistics_mut().copy_from_slice(&[8.0, 3.0]);
        let mut workspace = model.workspace(3, Keep::Logits);
        workspace.set_mode(Mode { batch_statistics: true, dropout: None });
        model.forward(&[1.0, 2.0, 6.0], 3, &mut workspace);
        model.update_statistics(&workspace);
        let [mean, variance] = [(8.0, 3.0), (3.0, 7.0)]
            .map(|(old, of_batch)| (1.0 - momentum) * old + momentum * of_batch);
        assert_eq!(model.statistics()[0], mean, "momentum {momentum}");
        assert!((model.statistics()[1] - variance).abs() < 1e-12, "momentum {momentum}");
    }
}

/// At one position, a batch of one has a single value for each channel; torch refuses it as well.
#[test]
fn the_statistics_of_a_single_value_are_refused() {
    let (mut net, x) = Builder::<f64>::new(Shape::features(3));
    net.push("norm", BatchNorm::new(x.shape), &[x], Identity).unwrap();
    let model = Model::zeros(net.build("norm".to_owned()));
    let error = model.graph().check_batch_statistics(1).unwrap_err();
    assert_eq!(error, TooFewValuesError { layer: "norm".to_owned() });
    assert!(model.graph().check_batch_statistics(0).is_err());
    assert_eq!(model.graph().check_batch_statistics(2), Ok(()));
    let mut workspace = model.workspace(1, Keep::Logits);
    model.forward(&[1.0, 2.0, 3.0], 1, &mut workspace);
    workspace.set_mode(Mode { batch_statistics: true, dropout: None });
    let run = || model.forward(&[1.0, 2.0, 3.0], 1, &mut workspace);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(*panic.downcast::<String>().unwrap(), error.to_string());
    let graph =
        networks::<f64, Cpu>().into_iter().find(|g| g.name() == "batch normalisation").unwrap();
    assert_eq!(graph.check_batch_statistics(1), Ok(()), "several positions");
}

#[test]
#[should_panic(expected = "layer.weight has no per-example gradients by the statistics of a batch")]
fn the_statistics_of_a_batch_have_no_per_example_gradients() {
    let mode = Mode { batch_statistics: true, dropout: None };
    let case = case_of("batch normalisation", 3, mode);
    assert_eq!(case.model.graph().couples_examples(), Some("layer"));
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
