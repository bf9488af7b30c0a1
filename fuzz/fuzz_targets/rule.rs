//! Bytes as a rule and a matrix; what every rule must then keep to.
//!
//! Shared with the seeded mutation tests, which include this file.

use coherence_core::aggregate::{Requirements, Rows, Rule, Scratch, VectorRule};
use coherence_core::finite::Policy;
use num_traits::Float;

/// Counts that arithmetic on counts must survive, besides small ones.
const HUGE: [usize; 4] = [1 << 32, usize::MAX / 2, usize::MAX - 1, usize::MAX];

/// A rule: the first byte picks a form, the next two its numbers; or, past the forms, a text up to
/// the end of the line. Returns what is left too.
fn decode(bytes: &[u8]) -> Option<(Rule, &[u8])> {
    let (&[kind, first, second], rest) = bytes.split_first_chunk()?;
    let Some((form, _)) = Rule::FORMS.get(usize::from(kind)) else {
        let end = bytes.iter().position(|&b| b == b'\n')?;
        return Some((str::from_utf8(&bytes[1..end]).ok()?.parse().ok()?, &bytes[end + 1..]));
    };
    // Time is what the caller asks for: iterations stay few.
    let count = |byte: u8| match usize::from(byte) {
        huge @ 252.. if !form.contains("ITERATIONS") => HUGE[huge - 252],
        small => small % 20,
    };
    let definition = ["nearest-rank", "rounded", "truncated", "interpolated"][second as usize % 4];
    let mut text = form.replace("DEFINITION", definition);
    for (name, value) in [
        ("PERCENT", first as usize % 51),
        ("ITERATIONS", count(second)),
        ("KEEP", count(second)),
        ("CLIP", count(first)),
        ("TRIM", count(first)),
        ("GROUPS", count(first)),
        ("RADIUS", count(first)),
        ("LIMIT", count(first)),
        ("F", count(first)),
    ] {
        text = text.replace(name, &value.to_string());
    }
    Some((text.parse().ok()?, rest))
}

/// Runs what `bytes` say: a rule, a byte for the width, then values of `size_of::<T>()` bytes each
/// (any bits: NaN, ±∞, subnormals), sixteen rows at most, for one rule looks at every subset. Returns
/// how many policies gave a result that was looked at.
pub(crate) fn check<T: Float>(bytes: &[u8], value: impl Fn(&[u8]) -> T) -> usize {
    let Some((rule, rest)) = decode(bytes) else { return 0 };
    let Some((&width, rest)) = rest.split_first() else { return 0 };
    let dim = usize::from(width % 8) + 1;
    let mut values: Vec<T> = rest.chunks_exact(size_of::<T>()).map(value).collect();
    values.truncate((values.len() / dim).min(16) * dim);
    let policies = [Policy::Error, Policy::Propagate, Policy::Omit];
    policies.iter().filter(|&&policy| keeps_to_its_bounds(&rule, &values, dim, policy)).count()
}

/// An error, or a result between the bounds of [`range`] where the inputs that count are finite;
/// whether it is the latter.
fn keeps_to_its_bounds<T: Float>(rule: &Rule, values: &[T], dim: usize, policy: Policy) -> bool {
    let rows = Rows::matrix(values, dim).expect("whole rows");
    let n = rows.len();
    let needed = rule.scratch_len(n, dim);
    assert!(
        needed.values + needed.indices <= 2 * n * (n + dim + 8) + 8 * dim,
        "{rule}: scratch {needed:?} for [{n}, {dim}]"
    );
    let mut indices = vec![usize::MAX; needed.indices];
    let scratch = Scratch { values: &mut vec![f64::NAN; needed.values], indices: &mut indices };
    let mut out = vec![T::nan(); dim];
    let finite = values.iter().all(|x| x.is_finite());
    // Rules over distances scale huge vectors down: what is lost is nothing beside them.
    let magnitudes = values.iter().map(|x| x.to_f64().unwrap().abs()).filter(|x| x.is_finite());
    let underflow = 1e-300 * magnitudes.fold(0.0, f64::max);
    let result = rule.aggregate(rows, policy, scratch, &mut out);
    assert!(finite || policy != Policy::Error || result.is_err(), "{rule} took what is not finite");
    if result.is_err() || (policy == Policy::Propagate && !finite) {
        return false;
    }
    for (j, &found) in out.iter().enumerate() {
        let column = || values.iter().skip(j).step_by(dim).copied().filter(|x| x.is_finite());
        let (low, high) = range(rule, column());
        let (low, high) = (low - underflow, high + underflow);
        assert!(
            (low..=high).contains(&found.to_f64().unwrap()) || column().next().is_none(),
            "{rule}, {policy:?}: coordinate {j} is {:e}, not in {low:e} ..= {high:e}",
            found.to_f64().unwrap()
        );
    }
    true
}

/// What a coordinate of the result lies between: the finite values, and 0 or ±1 where a rule knows
/// them.
fn range<T: Float>(rule: &Rule, column: impl Iterator<Item = T>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for x in column.map(|x| x.to_f64().unwrap()) {
        (low, high) = (low.min(x), high.max(x));
    }
    let text = rule.to_string();
    if text.starts_with("sign-majority") {
        return (-1.0, 1.0);
    }
    if text.starts_with("norm-clipping") {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    // Rounding of a few hundred operations in f64 and of one to T, at the greatest magnitude.
    let relative = T::epsilon().to_f64().unwrap().max(1e-12);
    let slack = relative * low.abs().max(high.abs()) + T::min_positive_value().to_f64().unwrap();
    (low - slack, high + slack)
}
