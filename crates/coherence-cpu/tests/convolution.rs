//! Convolutions against seven loops in `f64`, and per-example quantities against batches of one.

mod naive;

use coherence_core::aggregate::{Trimmed, Winsorized, groups};
use coherence_cpu::{
    Element, Isa,
    convolution::{
        Convolution, add_dots, add_sq_norms, backward, forward, gradient, gradient_and_sq_norms,
        median_of_sums_step, per_example, robust_mean, robust_step,
    },
    product::Output,
};
use naive::{ExpectedMean, Rng, median, trimmed, winsorized};
use proptest::prelude::*;

/// Calls `each` with the indices [output value, input value, weight value] of every product of an
/// example: the definition of a convolution.
fn products(conv: &Convolution, mut each: impl FnMut([usize; 3])) {
    let [oh, ow] = conv.output_size().expect("a convolution");
    let (ig, og) = (conv.channels / conv.groups, conv.outputs / conv.groups);
    let [h, w] = conv.input;
    let [kh, kw] = conv.kernel;
    for (y, x) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
        for j in 0..conv.outputs {
            for (a, b) in (0..kh).flat_map(|a| (0..kw).map(move |b| (a, b))) {
                let row =
                    (y * conv.stride[0] + a * conv.dilation[0]) as isize - conv.padding[0] as isize;
                let col =
                    (x * conv.stride[1] + b * conv.dilation[1]) as isize - conv.padding[1] as isize;
                if !(0..h as isize).contains(&row) || !(0..w as isize).contains(&col) {
                    continue;
                }
                for k in 0..ig {
                    let input = (row as usize * w + col as usize) * conv.channels + j / og * ig + k;
                    each([
                        (y * ow + x) * conv.outputs + j,
                        input,
                        ((j * kh + a) * kw + b) * ig + k,
                    ]);
                }
            }
        }
    }
}

/// A sum and the sum of its terms' absolute values.
type Sums = Vec<(f64, f64)>;

/// `out[places[to]] += left[places[l]] · right[places[r]]` for one example.
fn oracle<T: Element>(
    conv: &Convolution,
    [to, l, r]: [usize; 3],
    left: &[T],
    right: &[T],
    len: usize,
) -> Sums {
    let mut out = vec![(0.0, 0.0); len];
    products(conv, |places| {
        let term = left[places[l]].widen() * right[places[r]].widen();
        let out: &mut (f64, f64) = &mut out[places[to]];
        *out = (out.0 + term, out.1 + term.abs());
    });
    out
}

const OUT: usize = 0;
const IN: usize = 1;
const WEIGHT: usize = 2;

/// Sums of terms rounded in `T`.
fn tolerance<T: Element>() -> f64 {
    32.0 * T::epsilon().widen()
}

#[track_caller]
fn assert_close<T: Element>(got: &[T], want: &Sums, before: f64, context: &str) {
    assert_eq!(got.len(), want.len(), "{context}");
    for (at, (got, &(sum, scale))) in got.iter().zip(want).enumerate() {
        let error = (got.widen() - sum - before).abs();
        let far = error > tolerance::<T>() * (scale + before) || got.is_nan();
        assert!(!far, "{context} at {at}: {got:?} for {sum} + {before}");
    }
}

/// A batch and everything that is expected of it.
struct Case<T> {
    conv: Convolution,
    m: usize,
    x: Vec<T>,
    weight: Vec<T>,
    delta: Vec<T>,
}

fn numbers<T: Element>(rng: &mut Rng, len: usize, sparse: bool) -> Vec<T> {
    let mut number = || {
        let x = f64::from(rng.normal());
        T::narrow(if sparse && x < 0.0 { 0.0 } else { x })
    };
    (0..len).map(|_| number()).collect()
}

impl<T: Element> Case<T> {
    fn new(conv: Convolution, m: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let x = numbers(&mut rng, m * conv.image(), true);
        let weight = numbers(&mut rng, conv.weights(), false);
        let delta = numbers(&mut rng, m * conv.output_image(), seed.is_multiple_of(2));
        Self { conv, m, x, weight, delta }
    }

    fn x(&self, e: usize) -> &[T] {
        &self.x[e * self.conv.image()..][..self.conv.image()]
    }

    fn delta(&self, e: usize) -> &[T] {
        &self.delta[e * self.conv.output_image()..][..self.conv.output_image()]
    }

    /// Exact gradients of the examples.
    fn gradients(&self) -> Vec<Sums> {
        let gradient = |e| {
            let places = [WEIGHT, OUT, IN];
            oracle(&self.conv, places, self.delta(e), self.x(e), self.conv.weights())
        };
        (0..self.m).map(gradient).collect()
    }

    fn sum(&self, gradients: &[Sums], examples: std::ops::Range<usize>) -> Sums {
        let mut sum = vec![(0.0, 0.0); self.conv.weights()];
        for gradient in &gradients[examples] {
            let both = sum.iter_mut().zip(gradient);
            both.for_each(|(sum, g)| *sum = (sum.0 + g.0, sum.1 + g.1));
        }
        sum
    }

    fn check(&self) {
        let gradients = self.gradients();
        for &isa in Isa::available() {
            self.check_products(isa, &gradients);
            self.check_per_example(isa, &gradients);
            self.check_selections(isa);
            self.check_batches_of_one(isa);
        }
    }

    fn check_products(&self, isa: Isa, gradients: &[Sums]) {
        let Self { conv, m, x, weight, delta } = self;
        let context = |what: &str| format!("{what} {isa:?} {} m = {m} {conv:?}", size_of::<T>());
        for (output, before) in [(Output::Overwrite, T::nan()), (Output::Add, T::narrow(3.0))] {
            let offset = if output == Output::Add { 3.0 } else { 0.0 };
            let mut out = vec![before; delta.len()];
            forward(isa, conv, x, weight, output, &mut out);
            let one = |e| oracle(conv, [OUT, IN, WEIGHT], self.x(e), weight, conv.output_image());
            let want: Sums = (0..*m).flat_map(one).collect();
            assert_close(&out, &want, offset, &context("forward"));

            let mut out = vec![before; x.len()];
            backward(isa, conv, delta, weight, output, &mut out);
            let one = |e| oracle(conv, [IN, OUT, WEIGHT], self.delta(e), weight, conv.image());
            let want: Sums = (0..*m).flat_map(one).collect();
            assert_close(&out, &want, offset, &context("backward"));

            let mut out = vec![before; conv.weights()];
            gradient(isa, conv, x, delta, output, &mut out);
            assert_close(&out, &self.sum(gradients, 0..*m), offset, &context("gradient"));
            let (plain, mut out, mut norms) = (out, vec![before; conv.weights()], vec![2.0; *m]);
            gradient_and_sq_norms(isa, conv, x, delta, output, &mut out, &mut norms);
            assert!(out == plain, "{}", context("the gradient with norms has other bits"));
            for (norm, gradient) in norms.into_iter().zip(gradients) {
                assert_norm::<T>(norm - 2.0, gradient, &context("norm with gradient"));
            }
        }
    }

    fn check_per_example(&self, isa: Isa, gradients: &[Sums]) {
        let Self { conv, m, x, weight, delta } = self;
        let context = |what: &str| format!("{what} {isa:?} {} m = {m} {conv:?}", size_of::<T>());
        let (mut norms, mut dots) = (vec![2.0; *m], vec![2.0; *m]);
        add_sq_norms(isa, conv, x, delta, &mut norms);
        add_dots(isa, conv, x, delta, weight, &mut dots);
        for (e, want) in gradients.iter().enumerate() {
            assert_norm::<T>(norms[e] - 2.0, want, &context("norm"));
            let terms = || want.iter().zip(weight).map(|(g, v)| (g.0 * v.widen(), g.1 * v.widen()));
            let dot: f64 = terms().map(|term| term.0).sum();
            let scale: f64 = terms().map(|term| term.1.abs()).sum();
            let error = (dots[e] - 2.0 - dot).abs();
            assert!(error <= tolerance::<T>() * (scale + 1.0), "{}", context("dot"));

            let mut out = vec![T::nan(); conv.weights()];
            per_example(isa, conv, x, delta, e, &mut out);
            assert_close(&out, want, 0.0, &context("per example"));
            // the same example in a batch of one
            let (x, delta) = (self.x(e), self.delta(e));
            let (mut alone, mut norm, mut dot) = (vec![T::nan(); conv.weights()], [2.0], [2.0]);
            gradient(isa, conv, x, delta, Output::Overwrite, &mut alone);
            assert_close(&alone, want, 0.0, &context("batch of one"));
            add_sq_norms(isa, conv, x, delta, &mut norm);
            add_dots(isa, conv, x, delta, weight, &mut dot);
            assert_eq!((norm[0], dot[0]), (norms[e], dots[e]), "{}", context("batch of one"));
        }
    }

    /// The passes of each example alone have the bits that they have in the batch.
    fn check_batches_of_one(&self, isa: Isa) {
        let Self { conv, m, x, weight, delta } = self;
        let of_one = |e| passes(isa, conv, [self.x(e), weight, self.delta(e)]);
        let (outs, backs): (Vec<_>, Vec<_>) = (0..*m).map(of_one).unzip();
        let all = passes(isa, conv, [x, weight, delta]);
        assert!((outs.concat(), backs.concat()) == all, "{isa:?} m = {m} {conv:?}");
    }

    /// Selections against sorted values of [`per_example`].
    fn check_selections(&self, isa: Isa) {
        let Self { conv, m, x, weight, delta } = self;
        let rows: Vec<Vec<T>> = (0..*m)
            .map(|e| {
                let mut row = vec![T::nan(); conv.weights()];
                per_example(isa, conv, x, delta, e, &mut row);
                row
            })
            .collect();
        let column = |at: usize| rows.iter().map(|row| row[at].widen()).collect::<Vec<f64>>();
        let check = |got: &[T], what: &str, want: &dyn Fn(Vec<f64>) -> ExpectedMean| {
            for (at, got) in got.iter().enumerate() {
                let want = want(column(at));
                let error = (got.widen() - want.mean).abs();
                let far = error > tolerance::<T>() * want.scale || got.is_nan();
                assert!(!far, "{what} {isa:?} at {at}: {got:?} {want:?} m = {m} {conv:?}");
            }
        };
        let mut clips = vec![0, 1, 2, m / 2];
        clips.retain(|clip| 2 * clip <= *m && *m > 0);
        clips.dedup();
        for clip in clips {
            let mut out = vec![T::nan(); conv.weights()];
            robust_mean(isa, conv, x, delta, Winsorized { clip }, &mut out);
            check(&out, &format!("winsorized {clip}"), &|values| winsorized(values, clip));
            let mut stepped = weight.clone();
            let rate = T::narrow(0.5);
            robust_step(isa, conv, x, delta, Winsorized { clip }, rate, &mut stepped);
            for ((&to, &from), &mean) in stepped.iter().zip(weight).zip(&out) {
                let error = (to - (from - rate * mean)).abs().widen();
                let scale = from.abs().widen() + 64.0 * mean.abs().widen() + 10.0;
                assert!(error <= tolerance::<T>() * scale, "step {clip} {isa:?} {conv:?}");
            }
            if 2 * clip < *m {
                robust_mean(isa, conv, x, delta, Trimmed { trim: clip }, &mut out);
                check(&out, &format!("trimmed {clip}"), &|values| trimmed(values, clip));
            }
        }
        self.check_median_of_sums(isa);
    }

    fn check_median_of_sums(&self, isa: Isa) {
        let Self { conv, m, x, delta, .. } = self;
        let gradients = self.gradients();
        for k in [1, 2, 3, *m].into_iter().filter(|&k| 1 <= k && k <= *m) {
            let sums: Vec<Sums> = groups(*m, k).map(|group| self.sum(&gradients, group)).collect();
            let mut out = vec![T::zero(); conv.weights()];
            median_of_sums_step(isa, conv, x, delta, k, -T::one(), &mut out);
            for (at, got) in out.iter().enumerate() {
                let want = median(sums.iter().map(|sum| sum[at].0).collect()).mean;
                let scale = sums.iter().map(|sum| sum[at].1).fold(0.0, f64::max);
                let error = (got.widen() - want).abs();
                assert!(error <= tolerance::<T>() * scale, "{k} groups {isa:?} {conv:?}");
            }
        }
    }
}

/// What [`forward`] and [`backward`] write.
fn passes<T: Element>(
    isa: Isa,
    conv: &Convolution,
    [x, weight, delta]: [&[T]; 3],
) -> (Vec<T>, Vec<T>) {
    let [mut out, mut back] = [delta.len(), x.len()].map(|len| vec![T::nan(); len]);
    forward(isa, conv, x, weight, Output::Overwrite, &mut out);
    backward(isa, conv, delta, weight, Output::Overwrite, &mut back);
    (out, back)
}

fn assert_norm<T: Element>(got: f64, gradient: &Sums, context: &str) {
    let want: f64 = gradient.iter().map(|g| g.0 * g.0).sum();
    let scale: f64 = gradient.iter().map(|g| g.1 * g.1).sum::<f64>() + 1.0;
    assert!((got - want).abs() <= 2.0 * tolerance::<T>() * scale, "{context}: {got} {want}");
}

/// Convolutions with remainders on every width: strides, paddings, dilations and groups per axis, taps
/// that lie in the padding everywhere, more stride than kernel, and depthwise ones.
fn settings() -> Vec<Convolution> {
    let new = Convolution::new;
    let same = |input, i, o| Convolution { padding: [1, 1], ..new(input, i, o, [3, 3]) };
    vec![
        new([1, 1], 1, 1, [1, 1]),
        new([5, 1], 7, 9, [1, 1]),
        new([3, 4], 2, 3, [2, 3]),
        new([4, 4], 3, 5, [4, 4]),
        same([6, 5], 3, 8),
        same([1, 1], 5, 6),
        same([2, 2], 4, 4),
        same([1, 4], 2, 3),
        Convolution { stride: [2, 1], ..same([7, 5], 3, 4) },
        Convolution { stride: [3, 2], padding: [0, 2], ..new([9, 8], 2, 3, [2, 3]) },
        Convolution { stride: [2, 2], ..new([5, 6], 3, 2, [1, 1]) },
        Convolution { stride: [2, 2], padding: [3, 3], ..new([9, 9], 3, 4, [7, 7]) },
        Convolution { stride: [2, 2], padding: [2, 2], ..new([1, 1], 2, 3, [3, 3]) },
        Convolution { stride: [2, 2], padding: [1, 1], ..new([2, 2], 2, 3, [3, 3]) },
        Convolution { padding: [2, 0], dilation: [2, 3], ..new([5, 9], 2, 2, [3, 3]) },
        Convolution { padding: [4, 4], dilation: [4, 4], ..new([3, 3], 2, 2, [3, 3]) },
        Convolution { groups: 2, ..same([4, 3], 4, 6) },
        Convolution { groups: 3, ..new([3, 3], 6, 3, [1, 1]) },
        Convolution { groups: 4, ..same([5, 4], 4, 4) },
        Convolution { groups: 4, ..same([1, 1], 4, 4) },
        Convolution { groups: 3, ..same([3, 3], 3, 6) },
        Convolution { groups: 37, stride: [2, 1], ..same([5, 4], 37, 37) },
        Convolution { groups: 40, padding: [2, 2], ..new([4, 4], 40, 40, [5, 5]) },
        same([17, 16], 1, 2),
        same([6, 5], 16, 7),
        Convolution { groups: 2, stride: [2, 1], ..same([7, 5], 32, 6) },
        same([2, 3], 70, 40),
        same([3, 2], 33, 130),
        new([2, 1], 300, 20, [1, 1]),
        Convolution { padding: [1, 0], ..new([2, 1], 300, 7, [3, 1]) },
        Convolution { stride: [2, 1], ..new([5, 3], 2, 0, [2, 2]) },
        Convolution { stride: [2, 1], ..new([5, 3], 0, 3, [2, 2]) },
        Convolution { padding: [2, 2], ..new([0, 1], 2, 3, [2, 2]) },
        Convolution { groups: 20, padding: [2, 1], ..same([0, 4], 20, 20) },
        same([8, 8], 16, 32),
        Convolution { padding: [0, 2], ..same([11, 7], 32, 16) },
        Convolution { padding: [2, 0], ..same([7, 9], 16, 80) },
        Convolution { padding: [2, 2], ..same([0, 40], 16, 16) },
    ]
}

#[test]
fn every_setting_equals_seven_loops_and_batches_of_one() {
    for (n, conv) in settings().into_iter().enumerate() {
        for m in [0, 1, 2, 5, 8] {
            Case::<f32>::new(conv, m, (n + m) as u64).check();
            Case::<f64>::new(conv, m, (n + m) as u64).check();
        }
    }
}

#[test]
fn a_layer_of_a_resnet_equals_seven_loops() {
    let conv = Convolution { padding: [1, 1], ..Convolution::new([8, 8], 64, 64, [3, 3]) };
    Case::<f32>::new(conv, 3, 1).check();
}

/// Sums, differences and halves of small whole numbers are exact, and with them Winograd's algorithm.
#[test]
fn passes_over_whole_numbers_are_exact() {
    for (conv, m) in settings().into_iter().zip([3, 1, 2].into_iter().cycle()) {
        let mut case = Case::<f32>::new(conv, m, 7);
        for values in [&mut case.x, &mut case.weight, &mut case.delta] {
            values.iter_mut().for_each(|value| *value = (4.0 * *value).round());
        }
        let Case { x, weight, delta, .. } = &case;
        let exact = |sums: Sums| sums.into_iter().map(|(sum, _)| sum as f32).collect::<Vec<_>>();
        let of_one = |e| {
            let out = oracle(&conv, [OUT, IN, WEIGHT], case.x(e), weight, conv.output_image());
            let back = oracle(&conv, [IN, OUT, WEIGHT], case.delta(e), weight, conv.image());
            (exact(out), exact(back))
        };
        let (outs, backs): (Vec<_>, Vec<_>) = (0..m).map(of_one).unzip();
        for &isa in Isa::available() {
            let all = passes(isa, &conv, [x, weight, delta]);
            assert!(all == (outs.concat(), backs.concat()), "{isa:?} m = {m} {conv:?}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let all = |conv: Convolution, threads: usize| {
        let case = Case::<f32>::new(conv, 7, 5);
        let Case { x, weight, delta, .. } = &case;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let isa = Isa::detect();
            let mut outs = [x.len(), delta.len(), weight.len(), weight.len()].map(|n| vec![0.0; n]);
            let (mut norms, mut dots) = (vec![0.0; 7], vec![0.0; 7]);
            backward(isa, &conv, delta, weight, Output::Overwrite, &mut outs[0]);
            forward(isa, &conv, x, weight, Output::Overwrite, &mut outs[1]);
            gradient_and_sq_norms(
                isa,
                &conv,
                x,
                delta,
                Output::Overwrite,
                &mut outs[2],
                &mut norms,
            );
            robust_mean(isa, &conv, x, delta, Winsorized { clip: 2 }, &mut outs[3]);
            add_sq_norms(isa, &conv, x, delta, &mut norms);
            add_dots(isa, &conv, x, delta, weight, &mut dots);
            (outs, norms, dots)
        })
    };
    let large = [
        Convolution { padding: [1, 1], ..Convolution::new([19, 23], 20, 150, [3, 3]) },
        Convolution { groups: 50, padding: [1, 1], ..Convolution::new([19, 23], 50, 50, [3, 3]) },
    ];
    for conv in settings().into_iter().chain(large) {
        let one = all(conv, 1);
        for threads in [2, 3] {
            assert!(all(conv, threads) == one, "{threads} threads {conv:?}");
        }
    }
}

fn any_convolution() -> impl Strategy<Value = Convolution> {
    let axis = || (1..=9usize, 1..=4usize, 1..=3usize, 0..=3usize, 1..=3usize);
    let convolution = (axis(), axis(), 1..=4usize, 1..=4usize, 1..=4usize);
    convolution
        .prop_map(|(a, b, i, o, groups)| Convolution {
            input: [a.0, b.0],
            kernel: [a.1, b.1],
            stride: [a.2, b.2],
            padding: [a.3, b.3],
            dilation: [a.4, b.4],
            channels: i * groups,
            outputs: o * groups,
            groups,
        })
        .prop_filter("the kernel fits the image", |conv| conv.output_size().is_ok())
}

proptest! {
    #[test]
    fn random_convolutions_equal_seven_loops(conv in any_convolution(), m in 0..=6usize, seed: u64) {
        Case::<f32>::new(conv, m, seed).check();
        Case::<f64>::new(conv, m, seed).check();
    }
}
