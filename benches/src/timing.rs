//! Timing inside a pool of threads, and time ratios of two functions in alternating runs.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use coherence_cpu::product::{Dims, Output, matmul_nn};

use criterion::{
    BenchmarkGroup, Criterion, Throughput,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The number of threads, except in benches by number of threads.
pub const THREADS: usize = 2;

/// The least duration of a block of calls in seconds: long enough that refilling the caches after the
/// other function is a small part.
const BLOCK: f64 = 5e-3;

/// A pool of `threads` threads.
///
/// # Panics
///
/// If the system cannot start the threads.
pub fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads for a pool")
}

/// Measures `f`, called inside a pool of `threads` threads, as in a run of the laboratory.
pub fn time<R>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    mut f: impl FnMut() -> R + Send,
) {
    let pool = pool(threads);
    group.bench_function(name, |b| pool.install(|| b.iter(&mut f)));
}

/// Measures `f` as [`time`] does, but repeats blocks of calls unless every thread had a core to itself
/// before and after the block.
///
/// A virtual machine may temporarily run two threads on the two hyperthreads of one core. A second
/// thread then brings little, whatever the program.
///
/// # Panics
///
/// If the threads do not have cores to themselves within a minute.
pub fn time_on_cores<R>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    mut f: impl FnMut() -> R + Send,
) {
    let pool = pool(threads);
    let most = pool.install(|| calls(&mut f));
    let alone = (0..100).map(|_| pool.install(arithmetic)).fold(f64::INFINITY, f64::min);
    let mut block = |calls: u32| {
        let start = Instant::now();
        loop {
            let before = cores_to_themselves(&pool, alone);
            let seconds = pool.install(|| seconds(calls, &mut f));
            if before && cores_to_themselves(&pool, alone) {
                return seconds * f64::from(calls);
            }
            assert!(start.elapsed().as_secs() < 60, "no {threads} cores for {threads} threads");
        }
    };
    group.bench_function(name, |b| {
        b.iter_custom(|iterations| {
            let whole = (0..iterations / u64::from(most)).map(|_| block(most)).sum::<f64>();
            let rest = (iterations % u64::from(most)) as u32;
            Duration::from_secs_f64(whole + if rest > 0 { block(rest) } else { 0.0 })
        });
    });
}

/// Whether all threads at once are about as fast at arithmetic as one thread at its best. With half
/// a core each they take twice the time; other activity on the machine costs much less.
fn cores_to_themselves(pool: &ThreadPool, alone: f64) -> bool {
    pool.broadcast(|_| arithmetic()).into_iter().all(|seconds| seconds < 1.2 * alone)
}

/// Seconds for about half a millisecond's worth of multiply-adds in L1, on the calling thread.
fn arithmetic() -> f64 {
    const DIMS: Dims = Dims { m: 48, i: 48, o: 48 };
    let (left, right, mut out) = ([0.5; 48 * 48], [0.5; 48 * 48], [0.0f32; 48 * 48]);
    seconds(400, &mut || matmul_nn(DIMS, black_box(&left), &right, Output::Overwrite, &mut out))
}

/// A dimensionless measurement: the time of one function divided by that of another.
#[derive(Clone, Copy, Debug)]
pub struct Ratio;

/// A criterion instance for [`ratio`].
pub fn ratios() -> Criterion<Ratio> {
    Criterion::default().with_measurement(Ratio).configure_from_args()
}

/// Measures time(`f`) / time(`base`). Blocks of both alternate, so that other activity on the machine
/// affects both. Every iteration of criterion is one such pair.
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

/// The number of calls in a block.
fn calls<R>(f: &mut impl FnMut() -> R) -> u32 {
    (BLOCK / seconds(3, f)).ceil().max(1.0) as u32
}

/// Seconds per call, over `calls` calls.
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
        unreachable!("a single function has no ratio: use `ratio`")
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
