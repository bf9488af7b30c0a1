//! Every rule of the core is its definition, in `f64` and `f32`.

use coherence_core::aggregate::{Requirements, Rows, Rule, Scratch, VectorRule};
use coherence_core::finite::Policy;
use num_traits::Float;

/// The rule of this text over rows [n][d], in the element type `T`.
fn run<T: Float>(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let rule: Rule = text.parse().map_err(|error| format!("{text}: {error}"))?;
    let narrow = |row: &Vec<f64>| row.iter().map(|&x| T::from(x).unwrap()).collect::<Vec<T>>();
    let rows: Vec<Vec<T>> = rows.iter().map(narrow).collect();
    let slices: Vec<&[T]> = rows.iter().map(Vec::as_slice).collect();
    let view = Rows::slices(&slices).map_err(|error| error.to_string())?;
    let needed = rule.scratch_len(view.len(), view.dim());
    let (mut values, mut indices) =
        (vec![f64::NAN; needed.values], vec![usize::MAX; needed.indices]);
    let scratch = Scratch { values: &mut values, indices: &mut indices };
    let mut out = vec![T::nan(); view.dim()];
    rule.aggregate(view, Policy::Error, scratch, &mut out).map_err(|error| error.to_string())?;
    Ok(out.iter().map(|x| x.to_f64().unwrap()).collect())
}

coherence_tests::rule_laws!(double, coherence_tests::laws::rules::EVERY, 1e-13, run::<f64>);

coherence_tests::rule_laws!(single, coherence_tests::laws::rules::EVERY, 1e-7, run::<f32>);

#[test]
fn groups_are_contiguous_and_the_first_are_longer() {
    for (n, k) in (1..40usize).flat_map(|n| (1..=n).map(move |k| (n, k))) {
        let all: Vec<usize> = (0..n).collect();
        let found: Vec<Vec<usize>> =
            coherence_core::aggregate::groups(n, k).map(|group| all[group].to_vec()).collect();
        assert_eq!(found, coherence_tests::naive::aggregate::groups(&all, k), "n = {n}, k = {k}");
    }
    assert!(coherence_core::aggregate::groups(100, 3).eq([0..34, 34..67, 67..100]));
}
