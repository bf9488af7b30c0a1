//! The accumulator: one pass over per-example gradients, one vector of memory.
//!
//! m: examples, d: parameters.

use num_traits::Float;

use crate::{
    Coherence,
    finite::{NonFinite, Policy},
    number::wide,
    squares::SquareSum,
};

mod buffer;
mod parts;
#[cfg(feature = "serde")]
mod serde;
mod weighted;

pub use parts::{CoordinateSumsParts, PartsError, SumsParts, WeightedSumsParts};
pub(crate) use parts::{check_counts, check_not_negative, check_sums};
pub use weighted::{WeightedCoherence, WeightedError, WeightedSums};

use buffer::{ScaledBuffer, gradient_exponent};

/// Running sums S = Σ g_i and Q = Σ ‖g_i‖² over a buffer of the caller.
///
/// # Definition
///
/// ```text
/// S = Σ g_i    [d]        Q = Σ ‖g_i‖²        i = 1..m
/// ```
///
/// Time O(m d), memory O(d): the buffer and a few numbers. Sums run in f64 whatever the element
/// type, so f32 gradients whose squares exceed f32 are exact to f64; squares that exceed f64 are
/// summed in three ranges ([`SquareSum`]), and S shares a binary exponent that grows when a value exceeds
/// 2⁹⁶⁰: α is right for all finite gradients. [`add_sums`](Sums::add_sums) adds the sums of another part of
/// the sample, so threads, devices and machines can each keep their own. Gradients are those of
/// the **sum** loss, g_i = ∇ℓ_i.
///
/// # Edge cases
///
/// No examples: m = 0 and both sums 0. Non-finite gradients: as the [`Policy`] says, an error by
/// default.
///
/// # Example
///
/// ```
/// use coherence_core::Sums;
///
/// let mut buffer = [0.0; 2];
/// let mut sums = Sums::new(&mut buffer);
/// sums.add(&[1.0, 1.0])?;
/// sums.add(&[1.0, -1.0])?;
/// assert!(sums.sum().eq([2.0, 0.0]));
/// assert_eq!(sums.coherence().alpha(), 0.5);
/// # Ok::<(), coherence_core::finite::NonFinite>(())
/// ```
///
/// # Source
///
/// MC20 §3, "two running sums".
///
/// Law: A1
#[derive(Clone, Debug)]
pub struct Sums<B> {
    sum: ScaledBuffer<B>,
    squares: SquareSum,
    m: u64,
    omitted: u64,
    policy: Policy,
}

impl<B: AsRef<[f64]> + AsMut<[f64]>> Sums<B> {
    /// An empty accumulator over a buffer `[d]`, which is set to zero. Policy: [`Policy::Error`].
    pub fn new(buffer: B) -> Self {
        Self::with_policy(buffer, Policy::Error)
    }

    /// As [`new`](Self::new), with a choice of what non-finite gradients do.
    ///
    /// Under [`Policy::Omit`] an example with any non-finite coordinate is left out whole, and
    /// counted by [`omitted`](Self::omitted).
    pub fn with_policy(buffer: B, policy: Policy) -> Self {
        let sum = ScaledBuffer::zeros(buffer, 0);
        Self { sum, squares: SquareSum::default(), m: 0, omitted: 0, policy }
    }

    /// The sums of a sample that was accumulated in another thread or on another machine.
    ///
    /// ```
    /// use coherence_core::Sums;
    ///
    /// let mut there = Sums::new([0.0; 2]);
    /// there.add(&[1.0, 1.0])?;
    /// let parts = there.into_parts(); // plain numbers that travel
    ///
    /// let mut here = Sums::new([0.0; 2]);
    /// here.add(&[1.0, -1.0])?;
    /// here.add_sums(&Sums::from_parts(parts).expect("sums as they were sent"));
    /// assert_eq!(here.coherence().alpha(), 0.5);
    /// # Ok::<(), coherence_core::finite::NonFinite>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PartsError`] if the numbers cannot be the sums of any sample.
    pub fn from_parts(parts: SumsParts<B>) -> Result<Self, PartsError> {
        let SumsParts { sum, exponent, squares, m, omitted, policy } = parts;
        check_counts(m, omitted)?;
        check_sums(m, policy, sum.as_ref().iter().copied().chain(squares.to_parts()))?;
        let sum = ScaledBuffer::from_parts(sum, exponent, 0)?;
        Ok(Self { sum, squares, m, omitted, policy })
    }

    /// The sums as plain numbers, for [`from_parts`](Self::from_parts).
    pub fn into_parts(self) -> SumsParts<B> {
        let SumsParts { exponent, squares, m, omitted, policy, .. } = self.as_parts();
        SumsParts { sum: self.sum.values, exponent, squares, m, omitted, policy }
    }

    /// The buffer with S `[d]`, ±∞ where it exceeds f64.
    pub fn into_buffer(self) -> B {
        self.sum.into_values()
    }

    /// Forgets all examples; buffer and policy stay.
    pub fn clear(&mut self) {
        self.sum.clear(0);
        (self.squares, self.m, self.omitted) = (SquareSum::default(), 0, 0);
    }

    /// Adds one example's gradient `[d]`.
    ///
    /// # Errors
    ///
    /// [`NonFinite`] with the coordinate's index, under [`Policy::Error`]; nothing is added then.
    ///
    /// # Panics
    ///
    /// If the gradient's length is not d.
    pub fn add<T: Float>(&mut self, gradient: &[T]) -> Result<(), NonFinite> {
        self.add_iter(gradient.iter().copied())
    }

    /// Adds one example's gradient whose d values are not contiguous, such as a row of a matrix by columns.
    ///
    /// ```
    /// # use coherence_core::Sums;
    /// let by_columns = [1.0, 1.0, /**/ 1.0, -1.0]; // the examples (1, 1) and (1, -1)
    /// let mut sums = Sums::new([0.0; 2]);
    /// for i in 0..2 {
    ///     sums.add_iter(by_columns.iter().skip(i).step_by(2).copied())?;
    /// }
    /// assert_eq!(sums.coherence().alpha(), 0.5);
    /// # Ok::<(), coherence_core::finite::NonFinite>(())
    /// ```
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
        gradient: impl Iterator<Item = T> + Clone,
    ) -> Result<(), NonFinite> {
        assert_eq!(gradient.clone().count(), self.dim(), "gradient and buffer differ in length");
        if !self.policy.admit_iter(gradient.clone())? {
            self.omitted += 1;
            return Ok(());
        }
        let squares = gradient.clone().map(wide).collect();
        if let Some(exponent) = gradient_exponent(squares) {
            self.sum.raise_to(exponent);
        }
        self.sum.add(libm::scalbn(1.0, -self.sum.exponent), gradient);
        self.squares.add_scaled(1.0, squares);
        self.m += 1;
        Ok(())
    }

    /// Adds the sums of another part of the sample: the result is that of the whole.
    ///
    /// # Panics
    ///
    /// If the two have different d.
    pub fn add_sums<C: AsRef<[f64]> + AsMut<[f64]>>(&mut self, other: &Sums<C>) {
        self.sum.add_buffer(&other.sum);
        self.squares.add_scaled(1.0, other.squares);
        self.m = self.m.saturating_add(other.m);
        self.omitted = self.omitted.saturating_add(other.omitted);
    }

    /// S = Σ g_i `[d]`, ±∞ where it exceeds f64.
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

    /// Q = Σ ‖g_i‖², in its three ranges.
    pub fn squares(&self) -> SquareSum {
        self.squares
    }

    /// m, the number of examples added.
    pub fn len(&self) -> u64 {
        self.m
    }

    /// Whether no example was added.
    pub fn is_empty(&self) -> bool {
        self.m == 0
    }

    /// How many examples were left out under [`Policy::Omit`].
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// What non-finite gradients do.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The statistics in the gradients' own units. Sums that exceed f64 are ∞; where that can
    /// happen, [`normalized`](Self::normalized) still gives α.
    pub fn coherence(&self) -> Coherence {
        Coherence {
            m: self.m,
            sq_norm_of_sum: self.sum.sq_norm(0),
            sum_sq_norms: self.squares.value(),
        }
    }

    /// The statistics of the gradients times a power of two, chosen so that the sums of squares
    /// are ordinary numbers. Every scale-free query (α, m-coherence, noise scale, de-biased α) has
    /// the same value as by [`coherence`](Self::coherence), and is right where that overflows or
    /// underflows.
    ///
    /// ```
    /// # use coherence_core::Sums;
    /// let mut sums = Sums::new([0.0; 2]);
    /// sums.add(&[1e200, 1e200])?;
    /// sums.add(&[1e200, -1e200])?;
    /// assert!(sums.coherence().alpha().is_nan()); // ∞/∞
    /// assert_eq!(sums.normalized().alpha(), 0.5);
    /// # Ok::<(), coherence_core::finite::NonFinite>(())
    /// ```
    pub fn normalized(&self) -> Coherence {
        let exponent = self.squares.exponent();
        Coherence {
            m: self.m,
            sq_norm_of_sum: self.sum.sq_norm(exponent),
            sum_sq_norms: self.squares.read(2 * exponent),
        }
    }
}

impl<B> Sums<B> {
    pub(crate) fn as_parts(&self) -> SumsParts<&B> {
        SumsParts {
            sum: &self.sum.values,
            exponent: self.sum.exponent,
            squares: self.squares,
            m: self.m,
            omitted: self.omitted,
            policy: self.policy,
        }
    }
}

#[cfg(feature = "alloc")]
impl Sums<alloc::vec::Vec<f64>> {
    /// An empty accumulator that owns its buffer `[d]`.
    ///
    /// ```
    /// # use coherence_core::Sums;
    /// assert!(Sums::zeros(3).sum().eq([0.0; 3]));
    /// ```
    pub fn zeros(dim: usize) -> Self {
        Self::new(alloc::vec![0.0; dim])
    }
}
