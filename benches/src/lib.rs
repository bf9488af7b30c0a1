//! Shared parts of the benches: real digits, the networks of the goals, random matrices, timing
//! inside a pool, and ratios.
//!
//! `cargo bench -p coherence-benches --bench w2_winsorized` measures one row of the table of goals;
//! every bench checks its results before it is timed. `cargo xtask bench` runs them all and writes
//! docs/performance.md.

mod digits;
mod images;
mod passes;
mod products;
mod timing;
mod training;

pub use digits::{BIG, SMALL, digits, standardized, trainer, trainer_over};
pub use images::Images;
pub use passes::Passes;
pub use products::{OURS, Product, Products, plain, plain_to_products, plain_without_zeros};
pub use timing::{Ratio, THREADS, pool, ratio, ratios, time, time_on_cores};
pub use training::{RATE, initialized, initialized_on, step, trainer_of, trainer_on};

use coherence_data::random;

/// The mini-batch size of the goals.
pub const BATCH: usize = 100;

/// `len` normal deviates from a seed.
pub fn normals(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = random::stream(seed, "bench matrix");
    (0..len).map(|_| random::normal(&mut rng) as f32).collect()
}

/// The rows of the dense aggregators: x_e = s_e N(0, 1) + μ, s_e log-normal, so that vector
/// rules can distinguish the rows; \[n, d\].
pub fn rows(n: usize, d: usize) -> Vec<f32> {
    let (mut x, scales, mean) = (normals(1, n * d), normals(2, n), normals(3, d));
    for (row, scale) in x.chunks_exact_mut(d).zip(scales) {
        let scale = (0.7 * scale).exp();
        row.iter_mut().zip(&mean).for_each(|(x, mu)| *x = scale * *x + 0.3 * mu);
    }
    x
}
