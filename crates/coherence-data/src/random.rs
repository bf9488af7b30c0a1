//! Named, seeded random streams, identical on every machine and in every release.
//!
//! A stream is ChaCha8 keyed by `SHA-256(name ‖ seed)`, `seed` as 8 little-endian bytes.
//! Streams of different names or seeds are independent: a new consumer of randomness takes a new name
//! and leaves the other streams unchanged. Only `u64` is drawn, never `usize`. All distributions but
//! the normal are defined here rather than in a library that may change them; the golden values in
//! `tests/random.rs`, computed by `tests/golden/streams.py`, are permanent.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

/// The stream of `name` and `seed`.
///
/// ```
/// use coherence_data::random::{below, stream};
/// let mut rng = stream(1, "example");
/// let dice: Vec<u64> = (0..5).map(|_| 1 + below(&mut rng, 6)).collect();
/// assert_eq!(dice, [4, 2, 3, 1, 1]);
/// ```
#[must_use]
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let key = Sha256::new().chain_update(name).chain_update(seed.to_le_bytes()).finalize();
    ChaCha8Rng::from_seed(key.into())
}

/// An unbiased uniform integer from 0, 1, …, `n` − 1.
///
/// One draw `x` gives ⌊x·n / 2⁶⁴⌋. The few `x` that would favour some results are rejected and drawn
/// again (Lemire 2019, "Fast random integer generation in an interval").
///
/// # Panics
/// If `n` is 0.
pub fn below(rng: &mut impl Rng, n: u64) -> u64 {
    assert!(n > 0, "no integer is below 0");
    let unfair = n.wrapping_neg() % n; // 2⁶⁴ mod n
    loop {
        let wide = u128::from(rng.next_u64()) * u128::from(n);
        if wide as u64 >= unfair {
            return (wide >> 64) as u64;
        }
    }
}

/// A uniform multiple of 2⁻⁵³ in [0, 1): the upper 53 bits of one draw.
pub fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// A deviate of the normal distribution with mean 0 and variance 1.
pub fn normal(rng: &mut impl Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Shuffles `items` into a uniformly random order (Fisher–Yates, from the last position down).
pub fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

/// The integers 0, 1, …, `n` − 1 in a uniformly random order.
#[must_use]
pub fn permutation(rng: &mut impl Rng, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(rng, &mut order);
    order
}
