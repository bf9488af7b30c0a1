//! The laws of robust means, held to by the kernels of each instruction set.

use coherence_cpu::{Isa, dense, outer, product::Dims};

/// One coordinate in several columns, all of which must agree: a whole vector and a remainder.
fn in_columns(values: &[f64], rule: impl Fn(&[f32], &mut [f32])) -> f64 {
    const COLUMNS: usize = 19;
    let rows: Vec<f32> = values.iter().flat_map(|&v| [v as f32; COLUMNS]).collect();
    let mut out = [f32::NAN; COLUMNS];
    rule(&rows, &mut out);
    assert!(out.iter().all(|x| x.to_bits() == out[0].to_bits()), "columns differ");
    f64::from(out[0])
}

/// A rule on dense rows, which agrees between all instruction sets.
fn on_each_isa(values: &[f64], rule: impl Fn(Isa, &[f32], &mut [f32])) -> f64 {
    let results: Vec<f64> = Isa::available()
        .iter()
        .map(|&isa| in_columns(values, |rows, out| rule(isa, rows, out)))
        .collect();
    assert!(results.iter().all(|x| x.to_bits() == results[0].to_bits()), "{results:?}");
    results[0]
}

mod winsorized_columns {
    coherence_tests::winsorized_laws!(
        |values: &[f64], clip: usize| super::on_each_isa(values, |isa, rows, out| {
            super::dense::winsorized_mean_on(isa, rows, clip, out);
        }),
        1e-6
    );
}

mod trimmed_columns {
    coherence_tests::coordinate_rule_laws!(
        |values: &[f64], trim: usize| super::on_each_isa(values, |isa, rows, out| {
            super::dense::trimmed_mean_on(isa, rows, trim, out);
        }),
        coherence_tests::naive::aggregate::trimmed,
        1e-6
    );
}

mod median_columns {
    coherence_tests::coordinate_rule_laws!(
        |values: &[f64], _: usize| super::on_each_isa(values, super::dense::median_on),
        |values: &[f64], _: usize| coherence_tests::naive::aggregate::median(values),
        1e-7
    );
}

mod winsorized_factors {
    /// The values as a bias's factors: a = 1, so that every product is the value itself.
    fn winsorized(values: &[f64], clip: usize) -> f64 {
        super::on_each_isa(values, |isa, delta, out| {
            let dims = super::Dims { m: values.len(), i: 1, o: out.len() };
            super::outer::winsorized_mean_on(isa, dims, &vec![1.0; dims.m], delta, clip, out);
        })
    }

    coherence_tests::winsorized_laws!(winsorized, 1e-6);
}
