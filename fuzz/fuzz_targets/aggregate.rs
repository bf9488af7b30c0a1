//! Any rule on any few vectors, under every policy: no panic, and refused where it says so.

#![no_main]

use arbitrary::Arbitrary;
use coherence_core::aggregate::{Rows, Rule, VectorRule};
use coherence_core::finite::Policy;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    rule: String,
    dim: u8,
    values: Vec<f32>,
}

fuzz_target!(|input: Input| {
    let Ok(rule) = input.rule.parse::<Rule>() else { return };
    let dim = usize::from(input.dim % 8) + 1;
    // Sixteen rows at most: one rule looks at every subset.
    let values = &input.values[..input.values.len().min(16 * dim) / dim * dim];
    let Ok(rows) = Rows::matrix(values, dim) else { return };
    let mut scratch = vec![0.0; rule.scratch_len(rows.len(), dim)];
    let mut out = vec![0.0; dim];
    for policy in [Policy::Error, Policy::Propagate, Policy::Omit] {
        let result = rule.aggregate_with(rows, policy, &mut scratch, &mut out);
        let finite = values.iter().all(|x| x.is_finite());
        assert!(finite || policy != Policy::Error || result.is_err(), "{rule:?} took {values:?}");
    }
});
