//! Samples with weights: probabilities, importance, class balance.
//!
//! m: examples, d: parameters.

use core::fmt;

use num_traits::Float;

use super::{
    PartsError, WeightedSumsParts,
    buffer::{ScaledBuffer, gradient_exponent},
    check_counts, check_not_negative, check_sums,
};
use crate::{
    finite::{NonFinite, Policy},
    number::wide,
    squares::SquareSum,
};

/// Weights are summed in units of 2^exponent, the largest weight in them in 2⁻²⁴ .. 2⁸: its square times
/// a square of a gradient stays in f64. Exponents are multiples of 32.
fn weight_exponent(weight: f64) -> i32 {
    (libm::ilogb(weight) + 24).div_euclid(32) * 32
}

/// The exponent of the least positive weight, 2⁻¹⁰⁷⁴.
const LEAST_EXPONENT: i32 = -1056;
/// The exponent of the largest weights.
const LARGEST_EXPONENT: i32 = 1024;

/// The sufficient statistics of a weighted sample; get it from [`WeightedSums`].
///
/// Weights are **probability** weights (importance, reliability, class balance), up to a factor: they
/// need not sum to 1. One example of weight 2 is one draw that counts twice. For α and the energy
/// that is the same as two draws; for what estimates from independent draws (α̂, standard errors) it
/// is not. Where weights are **frequencies**, counts of equal and independent examples, the same sums
/// are those of the unweighted sample: [`Coherence`](crate::Coherence) with m = W, ‖S‖² and Q as here.
///
/// Weights are squared and multiplied: where their squares or those of the gradients exceed f64,
/// [`WeightedSums::normalized`] still gives α.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// Total weight 0: NaN. Zero gradients only: 0. Rounding above 1 is cut off.
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

    /// The energy Σ p_i ‖g_i‖². Total weight 0: NaN.
    pub fn energy(&self) -> f64 {
        if self.weight == 0.0 { f64::NAN } else { self.sum_sq_norms / self.weight }
    }
}

/// Running sums of a weighted sample over a buffer of the caller; as [`Sums`](crate::Sums). An example
/// of weight 0 changes nothing.
///
/// # Example
///
/// ```
/// use coherence_core::WeightedSums;
///
/// let mut sums = WeightedSums::new([0.0; 2]);
/// sums.add(0.25, &[1.0, 1.0])?;
/// sums.add(0.75, &[1.0, -1.0])?;
/// assert!(sums.sum().eq([1.0, -0.5]));
/// assert_eq!(sums.coherence().alpha(), 0.625);
/// # Ok::<(), coherence_core::WeightedError>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "importance weights")]
pub struct WeightedSums<B> {
    sum: ScaledBuffer<B>,
    totals: Totals,
    omitted: u64,
    policy: Policy,
}

/// The sums besides S, of weights u_i = w_i · 2^−exponent.
#[derive(Clone, Copy, Debug)]
struct Totals {
    /// The exponent of the weights: it only grows, with the largest weight.
    exponent: i32,
    /// Σ u_i ‖g_i‖².
    squares: SquareSum,
    /// Σ u_i² ‖g_i‖².
    weighted_squares: SquareSum,
    /// Σ u_i.
    weight: f64,
    /// Σ u_i².
    sum_sq_weights: f64,
    m: u64,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            exponent: LEAST_EXPONENT,
            squares: SquareSum::default(),
            weighted_squares: SquareSum::default(),
            weight: 0.0,
            sum_sq_weights: 0.0,
            m: 0,
        }
    }
}

impl Totals {
    /// Raises the exponent to this one if it is lower.
    fn raise_to(&mut self, exponent: i32) {
        let down = self.exponent - exponent;
        if down < 0 {
            self.exponent = exponent;
            self.squares.scale(down);
            self.weighted_squares.scale(2 * down);
            self.weight = libm::scalbn(self.weight, down);
            self.sum_sq_weights = libm::scalbn(self.sum_sq_weights, 2 * down);
        }
    }

    /// Adds an example with these squares and the weight u.
    fn add(&mut self, u: f64, squares: SquareSum) {
        self.squares.add_scaled(u, squares);
        self.weighted_squares.add_scaled(u * u, squares);
        self.weight += u;
        self.sum_sq_weights += u * u;
        self.m += u64::from(u > 0.0);
    }

    fn add_totals(&mut self, mut other: Self) {
        self.raise_to(other.exponent);
        other.raise_to(self.exponent);
        self.squares.add_scaled(1.0, other.squares);
        self.weighted_squares.add_scaled(1.0, other.weighted_squares);
        self.weight += other.weight;
        self.sum_sq_weights += other.sum_sq_weights;
        self.m = self.m.saturating_add(other.m);
    }
}

impl<B: AsRef<[f64]> + AsMut<[f64]>> WeightedSums<B> {
    /// An empty accumulator over a buffer `[d]`, which is set to zero. Policy: [`Policy::Error`].
    pub fn new(buffer: B) -> Self {
        Self::with_policy(buffer, Policy::Error)
    }

    /// As [`new`](Self::new), with a choice of what non-finite gradients do. Under
    /// [`Policy::Omit`] the weight of an omitted example is omitted, too; the example is counted by
    /// [`omitted`](Self::omitted).
    pub fn with_policy(buffer: B, policy: Policy) -> Self {
        let sum = ScaledBuffer::zeros(buffer, LEAST_EXPONENT);
        Self { sum, totals: Totals::default(), omitted: 0, policy }
    }

    /// The sums of a sample that was accumulated elsewhere; as [`Sums::from_parts`](crate::Sums::from_parts).
    ///
    /// # Errors
    ///
    /// [`PartsError`] if the numbers cannot be the sums of any sample.
    pub fn from_parts(parts: WeightedSumsParts<B>) -> Result<Self, PartsError> {
        let totals = Totals {
            exponent: parts.weight_exponent,
            squares: parts.squares,
            weighted_squares: parts.weighted_squares,
            weight: parts.weight,
            sum_sq_weights: parts.sum_sq_weights,
            m: parts.m,
        };
        let (m, exponent) = (parts.m, parts.weight_exponent);
        let weights = [parts.weight, parts.sum_sq_weights];
        let squares = parts.squares.to_parts().into_iter().chain(parts.weighted_squares.to_parts());
        check_counts(m, parts.omitted)?;
        check_not_negative(weights.into_iter())?;
        check_sums(m, Policy::Error, weights.into_iter())?; // weights are finite under every policy
        check_sums(m, parts.policy, parts.sum.as_ref().iter().copied().chain(squares))?;
        if !(LEAST_EXPONENT..=LARGEST_EXPONENT).contains(&exponent) || exponent % 32 != 0 {
            return Err(PartsError::Exponent { exponent });
        }
        let sum = ScaledBuffer::from_parts(parts.sum, parts.exponent, exponent)?;
        Ok(Self { sum, totals, omitted: parts.omitted, policy: parts.policy })
    }

    /// The sums as plain numbers, for [`from_parts`](Self::from_parts).
    pub fn into_parts(self) -> WeightedSumsParts<B> {
        let Self { sum: ScaledBuffer { values, exponent }, totals, omitted, policy } = self;
        parts(values, exponent, totals, omitted, policy)
    }

    /// Forgets all examples; buffer and policy stay.
    pub fn clear(&mut self) {
        self.sum.clear(LEAST_EXPONENT);
        (self.totals, self.omitted) = (Totals::default(), 0);
    }

    /// The buffer with Σ w_i g_i `[d]`, ±∞ where it exceeds f64.
    pub fn into_buffer(self) -> B {
        self.sum.into_values()
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
        self.add_iter(weight, gradient.iter().copied())
    }

    /// Adds one example's gradient whose d values are not contiguous, such as a row of a matrix by columns.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    ///
    /// # Panics
    ///
    /// If the gradient's length is not d.
    pub fn add_iter<T: Float>(
        &mut self,
        weight: f64,
        gradient: impl Iterator<Item = T> + Clone,
    ) -> Result<(), WeightedError> {
        assert_eq!(gradient.clone().count(), self.dim(), "gradient and buffer differ in length");
        if !(0.0..f64::INFINITY).contains(&weight) {
            return Err(WeightedError::Weight { weight });
        }
        if !self.policy.admit_iter(gradient.clone())? {
            self.omitted += 1;
            return Ok(());
        }
        let squares = gradient.clone().map(wide).collect();
        self.make_room(weight, squares);
        let u = libm::scalbn(weight, -self.totals.exponent);
        self.sum.add(libm::scalbn(u, self.totals.exponent - self.sum.exponent), gradient);
        self.totals.add(u, squares);
        Ok(())
    }

    /// Raises the exponents to what an example of this weight and these squares asks for.
    fn make_room(&mut self, weight: f64, squares: SquareSum) {
        let before = self.totals.exponent;
        if weight > 0.0 {
            self.totals.raise_to(weight_exponent(weight));
        }
        self.sum.raise_to(self.sum.exponent + (self.totals.exponent - before));
        if let Some(exponent) = gradient_exponent(squares) {
            self.sum.raise_to(self.totals.exponent + exponent);
        }
    }

    /// Adds the sums of another part of the sample: the result is that of the whole.
    ///
    /// # Panics
    ///
    /// If the two have different d.
    pub fn add_sums<C: AsRef<[f64]> + AsMut<[f64]>>(&mut self, other: &WeightedSums<C>) {
        let gradients = |sum: i32, weights: i32| sum - weights;
        let exponent = gradients(self.sum.exponent, self.totals.exponent)
            .max(gradients(other.sum.exponent, other.totals.exponent));
        self.totals.add_totals(other.totals);
        self.sum.raise_to(self.totals.exponent + exponent);
        self.sum.add_buffer(&other.sum);
        self.omitted = self.omitted.saturating_add(other.omitted);
    }

    /// Σ w_i g_i `[d]`, ±∞ where it exceeds f64.
    pub fn sum(&self) -> impl ExactSizeIterator<Item = f64> + Clone {
        self.sum.iter()
    }

    /// S as a buffer and its exponent.
    pub(crate) fn scaled_sum(&self) -> (&[f64], i32) {
        (self.sum.values.as_ref(), self.sum.exponent)
    }

    /// d, the number of parameters.
    pub fn dim(&self) -> usize {
        self.sum.len()
    }

    /// m, the number of examples of weight above 0.
    pub fn len(&self) -> u64 {
        self.totals.m
    }

    /// Whether no example of weight above 0 was added.
    pub fn is_empty(&self) -> bool {
        self.totals.m == 0
    }

    /// How many examples were left out under [`Policy::Omit`].
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// What non-finite gradients do.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The statistics in the units of the weights and gradients. Sums that exceed f64 are ∞; where that
    /// can happen, [`normalized`](Self::normalized) still gives α.
    pub fn coherence(&self) -> WeightedCoherence {
        self.read(self.totals.exponent, 0)
    }

    /// The statistics of the weights times a power of two and the gradients times another, chosen so
    /// that weights and sums of squares are ordinary numbers; see
    /// [`Sums::normalized`](crate::Sums::normalized).
    ///
    /// ```
    /// # use coherence_core::WeightedSums;
    /// let mut sums = WeightedSums::new([0.0; 2]);
    /// sums.add(1e160, &[1e-160, 1e-160])?;
    /// sums.add(1e160, &[1e-160, -1e-160])?;
    /// assert_eq!(sums.normalized().alpha(), 0.5);
    /// assert_eq!(sums.normalized().effective_sample_size(), 2.0);
    /// # Ok::<(), coherence_core::WeightedError>(())
    /// ```
    pub fn normalized(&self) -> WeightedCoherence {
        self.read(0, self.totals.squares.exponent())
    }

    /// The statistics of the weights u_i · 2^`weights` and the gradients times 2^`gradients`.
    fn read(&self, weights: i32, gradients: i32) -> WeightedCoherence {
        let totals = &self.totals;
        WeightedCoherence {
            m: totals.m,
            weight: libm::scalbn(totals.weight, weights),
            sum_sq_weights: libm::scalbn(totals.sum_sq_weights, 2 * weights),
            sq_norm_of_sum: self.sum.sq_norm(weights - totals.exponent + gradients),
            sum_sq_norms: totals.squares.read(weights + 2 * gradients),
            sum_sq_weighted_norms: totals.weighted_squares.read(2 * (weights + gradients)),
        }
    }
}

#[cfg(feature = "serde")]
impl<B> WeightedSums<B> {
    pub(super) fn as_parts(&self) -> WeightedSumsParts<&B> {
        parts(&self.sum.values, self.sum.exponent, self.totals, self.omitted, self.policy)
    }
}

fn parts<B>(
    sum: B,
    exponent: i32,
    totals: Totals,
    omitted: u64,
    policy: Policy,
) -> WeightedSumsParts<B> {
    let Totals { exponent: weight_exponent, squares, weighted_squares, .. } = totals;
    let Totals { weight, sum_sq_weights, m, .. } = totals;
    WeightedSumsParts {
        sum,
        exponent,
        squares,
        weighted_squares,
        weight,
        sum_sq_weights,
        weight_exponent,
        m,
        omitted,
        policy,
    }
}

/// Why a weighted example was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
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
