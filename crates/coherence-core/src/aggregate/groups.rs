//! How n examples are cut in k groups.

use super::AggregateError;
use core::ops::Range;

/// The k groups of n examples: contiguous ranges of 0 … n−1, in order, that differ in length by one at most.
///
/// The first n mod k groups have ⌊n/k⌋ + 1 examples, the others ⌊n/k⌋: 100 examples in 3 groups are 34, 33
/// and 33.
///
/// # Panics
///
/// Unless 1 ≤ k ≤ n.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::groups;
///
/// assert!(groups(8, 3).eq([0..3, 3..6, 6..8]));
/// ```
///
/// Source: `numpy.array_split` and `torch.tensor_split` cut so. The papers need equal groups
/// (Zielinski et al. 2020, §3.2).
pub fn groups(n: usize, k: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    assert!(1 <= k && k <= n, "{n} examples cannot be cut in {k} groups that are not empty");
    let (short, longer) = (n / k, n % k);
    let start = move |g: usize| g * short + g.min(longer);
    (0..k).map(move |g| start(g)..start(g + 1))
}

/// Whether n examples can be cut in k groups, 1 ≤ k ≤ n, as `rule` needs.
///
/// # Errors
///
/// [`AggregateError::Zero`] or [`AggregateError::TooFew`] with the name of the rule.
///
/// ```
/// use coherence_core::aggregate::check_groups;
///
/// assert_eq!(check_groups("the cut", 8, 3), Ok(()));
/// let error = check_groups("the cut", 8, 9).unwrap_err();
/// assert!(error.to_string().starts_with("the cut needs at least 9 vectors for its groups, found 8"));
/// ```
pub fn check_groups(rule: &'static str, n: usize, k: usize) -> Result<(), AggregateError> {
    AggregateError::check_not_zero(rule, "groups", k)?;
    AggregateError::check_count(rule, "groups", n, k)
}
