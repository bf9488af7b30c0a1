//! What dropout drops.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The units that a layer drops in one pass: a pure function of these numbers.
///
/// ```
/// use coherence_nn::device::Dropped;
/// let dropped = Dropped { seed: 1, node: 3, probability: 0.5, unit: 4 };
/// let first: Vec<bool> = dropped.units().take(100).collect();
/// assert!(first.contains(&true) && first.contains(&false));
/// assert!(dropped.units().take(100).eq(first));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropped {
    /// The seed of the pass.
    pub seed: u64,
    /// The index of the layer in the network.
    pub node: usize,
    /// The probability p of a unit to be dropped, 0 ≤ p < 1.
    pub probability: f64,
    /// Neighbouring values that are dropped together.
    pub unit: usize,
}

impl Dropped {
    /// Whether each unit, in the order of the values, is dropped. Without end.
    ///
    /// Unit u is dropped if the u-th 64 bits of the ChaCha8 stream `node` of the seed are below p · 2⁶⁴.
    pub fn units(&self) -> impl Iterator<Item = bool> {
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed);
        stream.set_stream(self.node as u64);
        let threshold = self.threshold();
        core::iter::repeat_with(move || stream.next_u64() < threshold)
    }

    /// The key of the ChaCha8 stream, for a device that draws it itself: 8 little-endian words.
    pub fn key(&self) -> [u32; 8] {
        let seed = ChaCha8Rng::seed_from_u64(self.seed).get_seed();
        let (words, _) = seed.as_chunks();
        core::array::from_fn(|w| u32::from_le_bytes(words[w]))
    }

    /// p · 2⁶⁴, below which 64 bits of the stream drop a unit.
    ///
    /// # Panics
    ///
    /// Unless 0 ≤ p < 1.
    pub fn threshold(&self) -> u64 {
        let p = self.probability;
        assert!(
            (0.0..1.0).contains(&p),
            "a probability of dropout {p} (must be from 0 to below 1)"
        );
        (p * 2.0f64.powi(64)) as u64
    }

    /// The factor 1 / (1 − p) of the values that are kept.
    pub fn factor(&self) -> f64 {
        1.0 / (1.0 - self.probability)
    }
}
