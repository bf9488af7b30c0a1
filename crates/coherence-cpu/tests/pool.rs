//! Pooling against naive loops, finite differences and torch.

mod golden;
mod naive;

use coherence_cpu::{
    Element, Isa,
    pool::{
        Divisor, Pool, PoolError, Windows, average_backward, average_forward, max_backward,
        max_forward,
    },
    product::Output,
};
use golden::{assert_close, golden, numbers};
use naive::Rng;

/// The windows of a test: what is given to the crate, and for each axis the first position (which may be
/// negative) and the length of each window, computed independently.
struct Case {
    windows: Windows,
    axes: [Vec<(i64, i64)>; 2],
    /// Positions of the input and of its padding, beyond which nothing counts.
    limits: [(i64, i64); 2],
}

fn sliding(
    input: [usize; 2],
    c: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    ceil: bool,
) -> Case {
    let pool = Pool { input, channels: c, kernel, stride, padding, ceil };
    let axis = |a: usize| {
        let [n, k, s, p] = [input[a], kernel[a], stride[a], padding[a]].map(|x| x as i64);
        // By the definition: windows from the left; a last one that is cut only in ceil mode.
        let mut windows = Vec::new();
        let mut start = -p;
        while start + k <= n + p {
            windows.push((start, k));
            start += s;
        }
        let is_covered = windows.last().is_some_and(|(start, k)| start + k == n + p);
        if ceil && !is_covered && start < n {
            windows.push((start, k));
        }
        windows
    };
    let limits = [0, 1].map(|a| (input[a] as i64, padding[a] as i64));
    Case { windows: pool.windows().unwrap(), axes: [axis(0), axis(1)], limits }
}

fn adaptive(input: [usize; 2], output: [usize; 2], c: usize) -> Case {
    let axis = |a: usize| {
        let (n, out) = (input[a], output[a]);
        let bounds = |i: usize| {
            let start = (i as f64 * n as f64 / out as f64).floor();
            (start as i64, (((i + 1) as f64 * n as f64 / out as f64).ceil() - start) as i64)
        };
        (0..out).map(bounds).collect()
    };
    let limits = [0, 1].map(|a| (input[a] as i64, 0));
    let windows = Windows::adaptive(input, output, c).unwrap();
    Case { windows, axes: [axis(0), axis(1)], limits }
}

impl Case {
    /// For every output position the input positions in it, and the number with padding.
    fn positions(&self) -> Vec<(Vec<usize>, usize)> {
        let [(h, ph), (w, pw)] = self.limits;
        let mut all = Vec::new();
        for &(y0, kh) in &self.axes[0] {
            for &(x0, kw) in &self.axes[1] {
                let (mut inside, mut padded) = (Vec::new(), 0);
                for y in y0..y0 + kh {
                    for x in x0..x0 + kw {
                        padded += usize::from(y < h + ph && x < w + pw);
                        if (0..h).contains(&y) && (0..w).contains(&x) {
                            inside.push((y * w + x) as usize);
                        }
                    }
                }
                all.push((inside, padded));
            }
        }
        all
    }

    fn sizes(&self, m: usize) -> [usize; 2] {
        let [input, output] = [self.windows.input(), self.windows.output()];
        [input, output].map(|[h, w]| m * h * w * self.windows.channels())
    }
}

fn cases(c: usize) -> Vec<Case> {
    let mut cases = vec![
        sliding([1, 1], c, [1, 1], [1, 1], [0, 0], false),
        sliding([7, 5], c, [3, 3], [2, 2], [1, 1], false),
        sliding([8, 8], c, [2, 2], [2, 2], [0, 0], true),
        sliding([9, 6], c, [3, 2], [2, 3], [1, 1], true),
        sliding([5, 7], c, [5, 1], [1, 2], [2, 0], true),
        sliding([6, 4], c, [1, 2], [4, 3], [0, 1], true),
        sliding([2, 2], c, [3, 3], [2, 2], [0, 0], true),
        sliding([11, 3], c, [4, 3], [1, 1], [2, 1], false),
        adaptive([7, 5], [1, 1], c),
        adaptive([7, 5], [3, 4], c),
        adaptive([2, 3], [5, 7], c),
    ];
    for n in 1..10 {
        for (stride, ceil) in [(1, true), (2, true), (3, false), (5, true)] {
            cases.push(sliding([n, 10 - n], c, [2, 3], [stride; 2], [1, 1], ceil));
        }
    }
    cases.retain(|case| !case.axes.iter().any(Vec::is_empty));
    cases
}

fn random<T: Element>(rng: &mut Rng, len: usize, values: usize) -> Vec<T> {
    (0..len).map(|_| T::narrow(rng.below(values) as f64 / 8.0 - 3.0)).collect()
}

fn check<T: Element>(isa: Isa, case: &Case, m: usize, rng: &mut Rng) {
    let (c, [inputs, outputs]) = (case.windows.channels(), case.sizes(m));
    let positions = case.positions();
    let [oh, ow] = case.windows.output();
    assert_eq!([case.axes[0].len(), case.axes[1].len()], [oh, ow]);
    let x: Vec<T> = random(rng, inputs, 20); // with ties
    let delta: Vec<T> = random(rng, outputs, 1000);
    let before: Vec<T> = random(rng, inputs, 1000);
    let n = oh * ow;
    let image = inputs / m.max(1);
    let at = |e: usize, i: usize, j: usize| e * image + i * c + j;

    let (mut maxima, mut from) = (vec![T::nan(); outputs], vec![u32::MAX; outputs]);
    max_forward(isa, &case.windows, &x, &mut maxima, &mut from);
    let mut max_dx = vec![0.0; inputs];
    for (o, delta) in delta.iter().enumerate() {
        let (e, p, j) = (o / c / n, o / c % n, o % c);
        let inside = &positions[p].0;
        // The first of the largest.
        let best = inside
            .iter()
            .rev()
            .max_by(|&&a, &&b| x[at(e, a, j)].widen().total_cmp(&x[at(e, b, j)].widen()));
        assert_eq!((maxima[o], from[o] as usize), (x[at(e, *best.unwrap(), j)], *best.unwrap()));
        max_dx[at(e, *best.unwrap(), j)] += delta.widen();
    }
    let close = |output, got: &[T], want: &[f64]| {
        for ((got, want), before) in got.iter().zip(want).zip(&before) {
            let want = if output == Output::Add { want + before.widen() } else { *want };
            let tolerance = if size_of::<T>() == 4 { 1e-4 } else { 1e-12 };
            assert!((got.widen() - want).abs() <= tolerance, "{got:?} {want} {:?}", case.windows);
        }
    };
    for output in [Output::Overwrite, Output::Add] {
        let mut out = before.clone();
        max_backward(isa, &case.windows, &delta, &from, output, &mut out);
        close(output, &out, &max_dx);
    }

    for divisor in [Divisor::Window, Divisor::Inputs] {
        let mut out = vec![T::nan(); outputs];
        average_forward(isa, &case.windows, divisor, &x, &mut out);
        let mut dx = vec![0.0; inputs];
        for (o, delta) in delta.iter().enumerate() {
            let (e, p, j) = (o / c / n, o / c % n, o % c);
            let (inside, padded) = &positions[p];
            let count = if divisor == Divisor::Window { *padded } else { inside.len() } as f64;
            let sum: f64 = inside.iter().map(|&i| x[at(e, i, j)].widen()).sum();
            assert_eq!(out[o], T::narrow(sum / count), "{:?}", case.windows);
            inside.iter().for_each(|&i| dx[at(e, i, j)] += delta.widen() / count);
        }
        for output in [Output::Overwrite, Output::Add] {
            let mut out = before.clone();
            average_backward(isa, &case.windows, divisor, &delta, output, &mut out);
            close(output, &out, &dx);
        }
    }
}

#[test]
fn pools_are_the_naive_loops() {
    let mut rng = Rng::new(1);
    for c in [1, 2, 3, 7, 8, 16, 17, 33] {
        for (at, case) in cases(c).iter().enumerate() {
            for &isa in Isa::available() {
                check::<f32>(isa, case, at % 4, &mut rng);
            }
            check::<f64>(Isa::Portable, case, 1 + at % 2, &mut rng);
        }
    }
}

#[test]
fn neither_threads_nor_instruction_sets_change_a_bit() {
    let mut rng = Rng::new(2);
    let case = sliding([29, 31], 24, [3, 3], [2, 2], [1, 1], true);
    let [inputs, outputs] = case.sizes(5);
    let (x, delta) = (rng.normals(inputs), rng.normals(outputs));
    naive::assert_same_anywhere(|isa| {
        let (mut maxima, mut means) = (vec![0.0; outputs], vec![0.0; outputs]);
        let (mut from, mut dx) = (vec![0; outputs], vec![0.0; inputs]);
        max_forward(isa, &case.windows, &x, &mut maxima, &mut from);
        average_forward(isa, &case.windows, Divisor::Inputs, &x, &mut means);
        max_backward(isa, &case.windows, &delta, &from, Output::Overwrite, &mut dx);
        average_backward(isa, &case.windows, Divisor::Inputs, &delta, Output::Add, &mut dx);
        (maxima, means, from, dx)
    });
}

#[test]
fn not_a_number_wins_as_in_torch() {
    // One channel, and as many as are taken at once.
    for (&isa, c) in Isa::available().iter().flat_map(|isa| [(isa, 1), (isa, 64)]) {
        let windows = Windows::adaptive([1, 3], [1, 1], c).unwrap();
        for (x, from) in [([f32::NAN, 1.0, 2.0], 0), ([3.0, f32::NAN, 9.0], 1)] {
            let x = x.map(|x| vec![x; c]).concat();
            let (mut out, mut position) = (vec![0.0; c], vec![9; c]);
            max_forward(isa, &windows, &x, &mut out, &mut position);
            assert!(out.iter().all(|x| x.is_nan()), "{isa:?}");
            assert_eq!(position, vec![from; c], "{isa:?}");
        }
    }
    let windows = Windows::adaptive([1, 3], [1, 1], 1).unwrap();
    let (mut out, mut position) = ([0.0], [9]);
    max_forward(Isa::Portable, &windows, &[f64::NEG_INFINITY; 3], &mut out, &mut position);
    assert_eq!((out, position), ([f64::NEG_INFINITY], [0]));
}

#[test]
fn pools_are_those_of_torch() {
    let golden = golden();
    let cases = [
        ("max-resnet", 2, sliding([7, 5], 3, [3, 3], [2, 2], [1, 1], false)),
        ("max-ceil", 2, sliding([6, 8], 3, [2, 3], [3, 2], [1, 0], true)),
        ("max-overlap", 1, sliding([5, 4], 2, [3, 3], [1, 1], [1, 1], false)),
        ("average-inception", 2, sliding([5, 4], 3, [3, 3], [1, 1], [1, 1], false)),
        ("average-inputs", 2, sliding([5, 4], 3, [3, 3], [2, 2], [1, 1], false)),
        ("average-ceil", 2, sliding([6, 7], 3, [3, 3], [2, 2], [1, 1], true)),
        ("average-ceil-inputs", 2, sliding([6, 7], 3, [3, 3], [2, 2], [1, 1], true)),
        ("adaptive", 2, adaptive([5, 7], [3, 4], 3)),
        ("adaptive-larger", 1, adaptive([2, 3], [5, 4], 2)),
        ("global", 2, adaptive([3, 5], [1, 1], 3)),
    ];
    for (name, m, case) in cases {
        let want = |part: &str| &golden[format!("{name}.{part}").as_str()];
        let size = case.windows.output().map(|n| n as f64);
        assert_eq!(size, want("size")[..], "{name}");
        let [inputs, outputs] = case.sizes(m);
        let (x, delta) = (numbers(1, inputs), numbers(2, outputs));
        let (mut out, mut dx) = (vec![0.0; outputs], vec![0.0; inputs]);
        if name.starts_with("max") {
            let mut from = vec![0; outputs];
            max_forward(Isa::detect(), &case.windows, &x, &mut out, &mut from);
            max_backward(Isa::detect(), &case.windows, &delta, &from, Output::Overwrite, &mut dx);
            let from: Vec<f64> = from.into_iter().map(f64::from).collect();
            assert_eq!(&from, want("from"), "{name}");
        } else {
            let inputs = name.ends_with("inputs");
            let divisor = if inputs { Divisor::Inputs } else { Divisor::Window };
            average_forward(Isa::detect(), &case.windows, divisor, &x, &mut out);
            average_backward(
                Isa::detect(),
                &case.windows,
                divisor,
                &delta,
                Output::Overwrite,
                &mut dx,
            );
        }
        assert_close(&out, want("out"), 1e-14, name);
        assert_close(&dx, want("dx"), 1e-14, name);
    }
}

#[test]
fn sizes_without_windows_are_refused() {
    let pool = Pool {
        input: [4, 4],
        channels: 1,
        kernel: [2, 2],
        stride: [1, 1],
        padding: [0, 0],
        ceil: false,
    };
    let refused = |pool: Pool, message: &str| {
        assert_eq!(pool.windows().unwrap_err().to_string(), message);
    };
    refused(Pool { stride: [1, 0], ..pool }, "the stride of a pool is 0 (must be at least 1)");
    refused(Pool { kernel: [0, 1], ..pool }, "the kernel of a pool is 0 (must be at least 1)");
    refused(Pool { input: [0, 1], ..pool }, "the input size of a pool is 0 (must be at least 1)");
    refused(
        Pool { channels: 0, ..pool },
        "the number of channels of a pool is 0 (must be at least 1)",
    );
    refused(
        Pool { padding: [0, 2], ..pool },
        "a padding of 2 with a kernel of 2 (must be at most 1)",
    );
    refused(
        Pool { kernel: [7, 1], padding: [1, 0], ..pool },
        "a kernel of 7 does not fit an input of 4 with a padding of 1 (use a smaller kernel or a \
         larger image)",
    );
    let large = [1 << 16, 1 << 16];
    let error = Pool { input: large, ..pool }.windows().unwrap_err();
    assert_eq!(error, PoolError::TooLarge { input: large });
    let error = Pool { kernel: [usize::MAX; 2], padding: [usize::MAX / 2; 2], ..pool }.windows();
    assert_eq!(error.unwrap_err(), PoolError::TooLarge { input: [4, 4] });
    assert_eq!(
        Windows::adaptive([4, 4], [0, 1], 1).unwrap_err(),
        PoolError::Zero { what: "output size" }
    );
}
