//! Holm's correction for several tests (Holm, 1979, *A simple sequentially rejective multiple test
//! procedure*).

/// Which of the hypotheses with these p values are rejected at a family-wise level.
///
/// The p values are taken from the smallest on: the k-th of n (k = 0, 1, …) is rejected while
/// p ≤ level / (n − k); from the first that is larger on, none is. The probability that any true
/// hypothesis is rejected is at most `level`, however the tests depend on each other.
///
/// No p value: an empty list. Equal p values are rejected together or not at all, since the bound
/// rises from each to the next.
///
/// ```
/// use coherence_lab::statistics::holm::rejected;
/// // 0.01 ≤ 0.05/3 and 0.02 ≤ 0.05/2, but 0.06 > 0.05.
/// assert_eq!(rejected(&[0.02, 0.06, 0.01], 0.05), [true, false, true]);
/// ```
pub fn rejected(p: &[f64], level: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut out = vec![false; p.len()];
    for (k, &i) in order.iter().enumerate() {
        if p[i] <= level / (p.len() - k) as f64 {
            out[i] = true;
        } else {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::rejected;

    /// The definition by closed testing: a hypothesis is rejected when every set of hypotheses that
    /// contains it is rejected by Bonferroni's test.
    fn closed(p: &[f64], level: f64) -> Vec<bool> {
        let n = p.len();
        let bonferroni = |set: usize| {
            let members = (0..n).filter(|i| set >> i & 1 == 1);
            let least = members.map(|i| p[i]).fold(f64::INFINITY, f64::min);
            least <= level / set.count_ones() as f64
        };
        let rejected = |i: usize| (1..1 << n).filter(|set| set >> i & 1 == 1).all(bonferroni);
        (0..n).map(rejected).collect()
    }

    #[test]
    fn holm_is_the_closed_test_of_bonferroni() {
        let grid = [0.0, 0.004, 0.008, 0.0125, 0.02, 0.025, 0.04, 0.05, 0.3, 1.0];
        for a in grid {
            for b in grid {
                for c in grid {
                    let p = [a, b, c, 0.01];
                    assert_eq!(rejected(&p, 0.05), closed(&p, 0.05), "{p:?}");
                }
            }
        }
        assert!(rejected(&[], 0.05).is_empty());
    }
}
