//! Samples with weights: probabilities, importance, class balance.
//!
//! m: examples, d: parameters.

use core::fmt;

use num_traits::Float;

use crate::{
    finite::{NonFinite, Policy},
    number::wide,
    squares::{Scale, SquareSum},
};

/// The sufficient statistics of a weighted sample; get it from [`WeightedSums`].
///
/// Weights are **probability** weights (importance, reliability, class balance), up to a factor: they
/// need not sum to 1. One example of weight 2 is one draw that counts twice. For α and the energy
/// that is the same as two draws; for what estimates from independent draws (α̂, standard errors) it
/// is not. Where weights are **frequencies**, counts of equal and independent examples, the same sums
/// are those of the unweighted sample: [`Coherence`](crate::Coherence) with m = W, ‖S‖² and Q as here.
///
/// Weights are squared and multiplied: let their sum lie between 1e-70 and 1e70.
///
/// # Example
///
/// ```
/// use coherence_core::WeightedSums;
///
/// // p = 1/4 of (1, 1), 3/4 of (1, -1): mean (1, -1/2), energy 2.
/// let mut sums = WeightedSums::new([0.0; 2]);
/// sums.add(0.25, &[1.0, 1.0])?;
/// sums.add(0.75, &[1.0, -1.0])?;
/// let c = sums.coherence();
/// assert_eq!((c.alpha(), c.energy()), (0.625, 2.0));
/// assert_eq!(c.effective_sample_size(), 1.6);
/// assert_eq!(c.alpha_debiased(), 0.0);
/// # Ok::<(), coherence_core::WeightedError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedCoherence {
    /// m, the number of examples of weight above 0.
    pub m: u64,
    /// W = Σ w_i.
    pub weight: f64,
    /// Σ w_i².
    pub sum_sq_weights: f64,
    /// ‖S‖², S = Σ w_i g_i.
    pub sq_norm_of_sum: f64,
    /// Q = Σ w_i ‖g_i‖².
    pub sum_sq_norms: f64,
    /// P = Σ w_i² ‖g_i‖².
    pub sum_sq_weighted_norms: f64,
}

impl WeightedCoherence {
    /// α for the distribution that has g_i with probability p_i = w_i / W.
    ///
    /// # Definition
    ///
    /// ```text
    /// α = ‖Σ p_i g_i‖² / Σ p_i ‖g_i‖² = ‖Σ w_i g_i‖² / (W Σ w_i ‖g_i‖²),    0 ≤ α ≤ 1
    /// ```
    ///
    /// With equal weights it is [`Coherence::alpha`](crate::Coherence::alpha); an example of
    /// weight 2 has the α of two copies.
    ///
    /// # Edge cases
    ///
    /// No weight: NaN. Zero gradients only: 0. Rounding above 1 is cut off.
    ///
    /// # Source
    ///
    /// MC20 (3), read for any distribution.
    ///
    /// Law: A1
    pub fn alpha(&self) -> f64 {
        if self.weight == 0.0 {
            return f64::NAN;
        }
        if self.sum_sq_norms == 0.0 {
            return 0.0;
        }
        let alpha = self.sq_norm_of_sum / self.sum_sq_norms / self.weight;
        if alpha > 1.0 { 1.0 } else { alpha }
    }

    /// The energy Σ p_i ‖g_i‖². No weight: NaN.
    pub fn energy(&self) -> f64 {
        if self.weight == 0.0 { f64::NAN } else { self.sum_sq_norms / self.weight }
    }
}

/// Running sums of a weighted sample over a buffer of the caller; as [`Sums`](crate::Sums). An example
/// of weight 0 is as if never seen.
///
/// # Example
///
/// ```
/// use coherence_core::WeightedSums;
///
/// let mut sums = WeightedSums::new([0.0; 2]);
/// sums.add(0.25, &[1.0, 1.0])?;
/// sums.add(0.75, &[1.0, -1.0])?;
/// assert_eq!(sums.sum(), [1.0, -0.5]);
/// assert_eq!(sums.coherence().alpha(), 0.625);
/// # Ok::<(), coherence_core::WeightedError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightedSums<B> {
    sum: B,
    squares: SquareSum,
    weighted_squares: SquareSum,
    weight: f64,
    sum_sq_weights: f64,
    m: u64,
    omitted: u64,
    policy: Policy,
}

impl<B: AsRef<[f64]> + AsMut<[f64]>> WeightedSums<B> {
    /// An empty accumulator over a buffer `[d]`, which is set to zero. Policy: [`Policy::Error`].
    pub fn new(buffer: B) -> Self {
        Self::with_policy(buffer, Policy::Error)
    }

    /// As [`new`](Self::new), with a choice of what non-finite gradients do. Under
    /// [`Policy::Omit`] an omitted example takes its weight with it, and is counted by
    /// [`omitted`](Self::omitted).
    pub fn with_policy(mut buffer: B, policy: Policy) -> Self {
        buffer.as_mut().fill(0.0);
        Self {
            sum: buffer,
            squares: SquareSum::default(),
            weighted_squares: SquareSum::default(),
            weight: 0.0,
            sum_sq_weights: 0.0,
            m: 0,
            omitted: 0,
            policy,
        }
    }

    /// Forgets all examples; buffer and policy stay.
    pub fn clear(&mut self) {
        self.sum.as_mut().fill(0.0);
        (self.squares, self.weighted_squares) = (SquareSum::default(), SquareSum::default());
        (self.weight, self.sum_sq_weights, self.m, self.omitted) = (0.0, 0.0, 0, 0);
    }

    /// The buffer with Σ w_i g_i `[d]`.
    pub fn into_buffer(self) -> B {
        self.sum
    }

    /// Adds one example's gradient `[d]` with its weight w ≥ 0.
    ///
    /// # Errors
    ///
    /// [`WeightedError::Weight`] for a weight that is negative or not finite,
    /// [`WeightedError::NonFinite`] under [`Policy::Error`]; nothing is added then.
    ///
    /// # Panics
    ///
    /// If the gradient's length is not d.
    pub fn add<T: Float>(&mut self, weight: f64, gradient: &[T]) -> Result<(), WeightedError> {
        assert_eq!(gradient.len(), self.sum().len(), "gradient and buffer differ in length");
        if !(0.0..f64::INFINITY).contains(&weight) {
            return Err(WeightedError::Weight { weight });
        }
        if !self.policy.admit(gradient)? {
            self.omitted += 1;
            return Ok(());
        }
        for (s, &g) in self.sum.as_mut().iter_mut().zip(gradient) {
            *s += weight * wide(g);
        }
        let squares = SquareSum::from_values(gradient);
        self.squares.add_scaled(weight, squares);
        self.weighted_squares.add_scaled(weight * weight, squares);
        self.weight += weight;
        self.sum_sq_weights += weight * weight;
        self.m += u64::from(weight > 0.0);
        Ok(())
    }

    /// Adds the sums of another part of the sample: the result is that of the whole.
    ///
    /// # Panics
    ///
    /// If the two have different d.
    pub fn add_sums<C: AsRef<[f64]> + AsMut<[f64]>>(&mut self, other: &WeightedSums<C>) {
        assert_eq!(other.sum().len(), self.sum().len(), "sums over different dimensions");
        for (s, &o) in self.sum.as_mut().iter_mut().zip(other.sum()) {
            *s += o;
        }
        self.squares.add_scaled(1.0, other.squares);
        self.weighted_squares.add_scaled(1.0, other.weighted_squares);
        self.weight += other.weight;
        self.sum_sq_weights += other.sum_sq_weights;
        self.m += other.m;
        self.omitted += other.omitted;
    }

    /// Σ w_i g_i `[d]`.
    pub fn sum(&self) -> &[f64] {
        self.sum.as_ref()
    }

    /// How many examples were left out under [`Policy::Omit`].
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// What non-finite gradients do.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The statistics in the gradients' own units.
    pub fn coherence(&self) -> WeightedCoherence {
        self.read(Scale::None)
    }

    /// The statistics of the gradients times a power of two that keeps the squares in f64; see
    /// [`Sums::normalized`](crate::Sums::normalized).
    pub fn normalized(&self) -> WeightedCoherence {
        self.read(self.squares.scale())
    }

    fn read(&self, scale: Scale) -> WeightedCoherence {
        WeightedCoherence {
            m: self.m,
            weight: self.weight,
            sum_sq_weights: self.sum_sq_weights,
            sq_norm_of_sum: SquareSum::from_values(self.sum()).read(scale),
            sum_sq_norms: self.squares.read(scale),
            sum_sq_weighted_norms: self.weighted_squares.read(scale),
        }
    }
}

/// Why a weighted example was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightedError {
    /// weight < 0, NaN or ∞.
    Weight {
        /// The weight given.
        weight: f64,
    },
    /// A coordinate is NaN or ±∞, and the policy is to refuse it.
    NonFinite(NonFinite),
}

impl From<NonFinite> for WeightedError {
    fn from(error: NonFinite) -> Self {
        Self::NonFinite(error)
    }
}

impl fmt::Display for WeightedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weight { weight } => {
                write!(f, "weight {weight} is not a finite number of at least 0")
            }
            Self::NonFinite(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WeightedError {}
