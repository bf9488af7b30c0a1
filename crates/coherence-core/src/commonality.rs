//! Samples of known α: orthogonal, with a common component, with copies.

use crate::Coherence;

/// α⊥, the orthogonal limit: α of m pairwise orthogonal gradients of any lengths, not all zero.
///
/// # Definition
///
/// ```text
/// α⊥ = 1/m,    m ≥ 1
/// ```
///
/// Below it examples work against each other, above it they help each other.
///
/// # Edge cases
///
/// m = 0: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::commonality::orthogonal_limit;
/// assert_eq!(orthogonal_limit(4), 0.25);
/// ```
///
/// # Source
///
/// MC20 §3, "a natural scale for α"; GM22 Example 3.
///
/// Law: A7
pub fn orthogonal_limit(m: u64) -> f64 {
    if m == 0 { f64::NAN } else { 1.0 / m as f64 }
}

/// f, the share of a gradient's energy that is common to all.
///
/// # Definition
///
/// ```text
/// f = ‖c‖² / (‖c‖² + ‖u‖²),    0 ≤ f ≤ 1
/// ```
///
/// # Edge cases
///
/// Both zero: 0.
///
/// # Example
///
/// ```
/// # use coherence_core::commonality::common_share;
/// assert_eq!(common_share(1.0, 3.0), 0.25);
/// ```
///
/// # Source
///
/// MC20 §3, example "commonality".
///
/// Law: A8
pub fn common_share(sq_norm_common: f64, sq_norm_own: f64) -> f64 {
    if sq_norm_common == 0.0 { 0.0 } else { sq_norm_common / (sq_norm_common + sq_norm_own) }
}

/// α of m gradients g_i = c + u_i, the u_i orthogonal to c and to each other, of one length.
///
/// # Definition
///
/// ```text
/// α = (1 + (m − 1) f) / m,    m ≥ 1, f from [common_share]
/// ```
///
/// # Edge cases
///
/// f = 0: the orthogonal limit. f = 1: 1. m = 0, no such sample: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::commonality::commonality_alpha;
/// assert_eq!(commonality_alpha(4, 0.5), 0.625); // GM22's dataset L
/// ```
///
/// # Source
///
/// MC20 §3, example "commonality".
///
/// Law: A8
pub fn commonality_alpha(m: u64, f: f64) -> f64 {
    diluted_commonality_alpha(m, 0, f)
}

/// α of the sample of [`commonality_alpha`] with k zero gradients added; n counts all.
///
/// # Definition
///
/// ```text
/// α = (1 + (n − k − 1) f) / n,    n = m + k, 0 ≤ k < n
/// ```
///
/// # Edge cases
///
/// k = n − 1, one gradient left: 1/n whatever f is. n = 0: NaN.
///
/// # Example
///
/// ```
/// # use coherence_core::commonality::diluted_commonality_alpha;
/// assert_eq!(diluted_commonality_alpha(8, 4, 0.5), 0.3125);
/// ```
///
/// # Source
///
/// MC20 §4, example "coherence reduction".
///
/// Law: A8
pub fn diluted_commonality_alpha(n: u64, k: u64, f: f64) -> f64 {
    if n == 0 {
        return f64::NAN;
    }
    let (n, k) = (n as f64, k as f64);
    (1.0 + (n - k - 1.0) * f) / n
}

impl Coherence {
    /// The statistics of the sample that has every example `copies` times.
    ///
    /// # Definition
    ///
    /// ```text
    /// m ↦ k m,    ‖S‖² ↦ k² ‖S‖²,    Q ↦ k Q
    /// ```
    ///
    /// α stays, m-coherence becomes k times as large: k copies of orthogonal gradients have
    /// α/α⊥ = k, however many they are.
    ///
    /// # Edge cases
    ///
    /// No copies: the empty sample.
    ///
    /// # Example
    ///
    /// ```
    /// # use coherence_core::Coherence;
    /// let orthogonal = Coherence { m: 5, sq_norm_of_sum: 5.0, sum_sq_norms: 5.0 };
    /// assert_eq!(orthogonal.replicated(3).m_coherence(), 3.0);
    /// assert_eq!(orthogonal.replicated(3).alpha(), 0.2);
    /// ```
    ///
    /// # Source
    ///
    /// GM22 §4; the form for any sample is derived.
    ///
    /// Law: A9
    pub fn replicated(&self, copies: u64) -> Self {
        let k = copies as f64;
        Self {
            m: self.m * copies,
            sq_norm_of_sum: k * k * self.sq_norm_of_sum,
            sum_sq_norms: k * self.sum_sq_norms,
        }
    }
}
