//! Times inside a pool of threads, and ratios of two functions that take turns.

use std::{hint::black_box, time::Instant};

use criterion::{
    BenchmarkGroup, Criterion, Throughput,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads of a bench that is not about threads.
pub const THREADS: usize = 2;

/// A block of calls lasts at least this long, so that what the other function threw out of the
/// caches is a small part of it.
const BLOCK: f64 = 5e-3;

/// A pool of so many threads.
///
/// # Panics
///
/// If the system has no more threads.
pub fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads for a pool")
}

/// Measures `f`, called from within a pool of `threads` as a run of the laboratory is.
pub fn time<R>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    mut f: impl FnMut() -> R + Send,
) {
    let pool = pool(threads);
    group.bench_function(name, |b| pool.install(|| b.iter(&mut f)));
}

/// A dimensionless measurement: the time of one function over that of another.
#[derive(Clone, Copy, Debug)]
pub struct Ratio;

/// Criterion for [`ratio`].
pub fn ratios() -> Criterion<Ratio> {
    Criterion::default().with_measurement(Ratio).configure_from_args()
}

/// Measures time(`f`) / time(`base`): blocks of both alternate, so that whatever else the machine
/// does hits both. Every iteration of criterion is one such pair.
pub fn ratio<R, S>(
    group: &mut BenchmarkGroup<'_, Ratio>,
    name: &str,
    mut f: impl FnMut() -> R + Send,
    mut base: impl FnMut() -> S + Send,
) {
    let pool = pool(THREADS);
    let (of_f, of_base) = pool.install(|| (calls(&mut f), calls(&mut base)));
    group.bench_function(name, |b| {
        b.iter_custom(|pairs| {
            let mut pair = || seconds(of_f, &mut f) / seconds(of_base, &mut base);
            pool.install(|| (0..pairs).map(|_| pair()).sum())
        });
    });
}

/// How many calls make a block.
fn calls<R>(f: &mut impl FnMut() -> R) -> u32 {
    (BLOCK / seconds(3, f)).ceil().max(1.0) as u32
}

/// Seconds a call, over `calls` calls.
fn seconds<R>(calls: u32, f: &mut impl FnMut() -> R) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| drop(black_box(f())));
    start.elapsed().as_secs_f64() / f64::from(calls)
}

impl Measurement for Ratio {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        unreachable!("one function alone has no ratio: use `ratio`")
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Ratio {
    fn scale_values(&self, _: f64, _: &mut [f64]) -> &'static str {
        "×"
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, _: &mut [f64]) -> &'static str {
        "×"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "ratio"
    }
}
