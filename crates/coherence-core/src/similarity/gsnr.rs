//! Statistics per coordinate, for the gradient signal-to-noise ratio.
//!
//! m: examples, d: parameters.

use num_traits::Float;

use crate::{
    Coherence, CoordinateSumsParts, PartsError,
    finite::{NonFinite, Policy},
    number::wide,
    sums::{check_counts, check_not_negative, check_sums},
};

/// Running sums Σ g_ij and Σ g_ij² of each coordinate j, over a buffer of the caller.
///
/// # Definition
///
/// ```text
/// α_j = (Σ_i g_ij)² / (m Σ_i g_ij²) = r_j/(1 + r_j),    α = Σ_j w_j α_j,    w_j = Σ_i g_ij² / Q
/// ```
///
/// with r_j the [`gsnr`](Coherence::gsnr) of coordinate j. The coordinates are layers of one
/// parameter each ([`network`](crate::layers::network)).
///
/// # Edge cases
///
/// As for [`Sums`](crate::Sums), but the squares must fit in f64: beyond 1e154 they are ∞, under
/// 1e-162 they are 0.
///
/// # Example
///
/// ```
/// use coherence_core::similarity::CoordinateSums;
///
/// let mut sums = CoordinateSums::new([0.0; CoordinateSums::<()>::buffer_len(2)]);
/// sums.add(&[1.0, 1.0])?;
/// sums.add(&[3.0, -1.0])?;
/// assert_eq!(sums.coordinate(0).alpha(), 0.8); // mean 2, variance 1: r = 4
/// assert_eq!(sums.coordinate(1).alpha(), 0.0);
/// # Ok::<(), coherence_core::finite::NonFinite>(())
/// ```
///
/// # Source
///
/// Liu et al. (2020); GM22 §4; relation derived.
///
/// Law: A15b, A16
#[derive(Clone, Debug)]
#[doc(alias = "GSNR")]
#[doc(alias = "gradient signal-to-noise ratio")]
pub struct CoordinateSums<B> {
    /// Σ g_ij, then Σ g_ij² `[2 d]`.
    sums: B,
    m: u64,
    omitted: u64,
    policy: Policy,
}

impl CoordinateSums<()> {
    /// The length of the buffer for d coordinates: 2 d.
    pub const fn buffer_len(dim: usize) -> usize {
        2 * dim
    }
}

impl<B: AsRef<[f64]> + AsMut<[f64]>> CoordinateSums<B> {
    /// An empty accumulator over a buffer `[2 d]`, which is set to zero. Policy: [`Policy::Error`].
    ///
    /// # Panics
    ///
    /// If the buffer's length is odd.
    pub fn new(buffer: B) -> Self {
        Self::with_policy(buffer, Policy::Error)
    }

    /// As [`new`](Self::new), with a choice of what non-finite gradients do.
    ///
    /// Under [`Policy::Omit`] an example with any non-finite coordinate is left out whole, so that
    /// all coordinates have the same m; it is counted by [`omitted`](Self::omitted).
    pub fn with_policy(mut buffer: B, policy: Policy) -> Self {
        buffer.as_mut().fill(0.0);
        assert!(buffer.as_ref().len() % 2 == 0, "the buffer holds two sums per coordinate");
        Self { sums: buffer, m: 0, omitted: 0, policy }
    }

    /// The sums of a sample that was accumulated elsewhere; as [`Sums::from_parts`](crate::Sums::from_parts).
    ///
    /// # Errors
    ///
    /// [`PartsError`] if the numbers cannot be the sums of any sample.
    pub fn from_parts(parts: CoordinateSumsParts<B>) -> Result<Self, PartsError> {
        let CoordinateSumsParts { sums, m, omitted, policy } = parts;
        let numbers = sums.as_ref();
        if numbers.len() % 2 != 0 {
            return Err(PartsError::OddLength { len: numbers.len() });
        }
        check_counts(m, omitted)?;
        check_not_negative(numbers[numbers.len() / 2..].iter().copied())?;
        let overflows = |sum: &f64| m > 0 && sum.is_infinite(); // as finite gradients may lead to
        check_sums(m, policy, numbers.iter().copied().filter(|sum| !overflows(sum)))?;
        Ok(Self { sums, m, omitted, policy })
    }

    /// The sums as plain numbers, for [`from_parts`](Self::from_parts).
    pub fn into_parts(self) -> CoordinateSumsParts<B> {
        let Self { sums, m, omitted, policy } = self;
        CoordinateSumsParts { sums, m, omitted, policy }
    }

    /// Forgets all examples; buffer and policy stay.
    pub fn clear(&mut self) {
        self.sums.as_mut().fill(0.0);
        (self.m, self.omitted) = (0, 0);
    }

    /// The buffer with Σ g_ij, then Σ g_ij² `[2 d]`.
    pub fn into_buffer(self) -> B {
        self.sums
    }

    /// d, the number of coordinates.
    pub fn dim(&self) -> usize {
        self.sums.as_ref().len() / 2
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
        let dim = self.dim();
        assert_eq!(gradient.clone().count(), dim, "gradient and buffer differ in length");
        if !self.policy.admit_iter(gradient.clone())? {
            self.omitted += 1;
            return Ok(());
        }
        let (first, second) = self.sums.as_mut().split_at_mut(dim);
        for ((s, q), g) in first.iter_mut().zip(second).zip(gradient.map(wide)) {
            *s += g;
            *q += g * g;
        }
        self.m += 1;
        Ok(())
    }

    /// Adds the sums of another part of the sample: the result is that of the whole.
    ///
    /// # Panics
    ///
    /// If the two have different d.
    pub fn add_sums<C: AsRef<[f64]> + AsMut<[f64]>>(&mut self, other: &CoordinateSums<C>) {
        assert_eq!(other.dim(), self.dim(), "sums over different dimensions");
        for (s, o) in self.sums.as_mut().iter_mut().zip(other.sums.as_ref()) {
            *s += o;
        }
        self.m = self.m.saturating_add(other.m);
        self.omitted = self.omitted.saturating_add(other.omitted);
    }

    /// How many examples were left out under [`Policy::Omit`].
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The statistics of coordinate j alone; panics out of range.
    pub fn coordinate(&self, j: usize) -> Coherence {
        let (first, second) = self.sums.as_ref().split_at(self.dim());
        Coherence { m: self.m, sq_norm_of_sum: first[j] * first[j], sum_sq_norms: second[j] }
    }
}

#[cfg(feature = "serde")]
impl<B> CoordinateSums<B> {
    pub(crate) fn as_parts(&self) -> CoordinateSumsParts<&B> {
        let Self { sums, m, omitted, policy } = self;
        CoordinateSumsParts { sums, m: *m, omitted: *omitted, policy: *policy }
    }
}
