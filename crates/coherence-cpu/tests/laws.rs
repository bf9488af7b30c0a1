//! The laws of robust means and of α, for the kernels on each instruction set.

use coherence_core::aggregate::{Requirements, Rule, ScratchBuffer, groups};
use coherence_core::finite::Policy;
use coherence_cpu::{
    Element, Isa, dense,
    elementwise::column_sums,
    norms::row_sq_norms,
    outer,
    product::{Dims, Output},
};

/// Applies a rule to several equal columns (a whole vector and a remainder), which must agree.
fn in_columns(values: &[f64], rule: impl Fn(&[f32], &mut [f32])) -> f64 {
    const COLUMNS: usize = 19;
    let rows: Vec<f32> = values.iter().flat_map(|&v| [v as f32; COLUMNS]).collect();
    let mut out = [f32::NAN; COLUMNS];
    rule(&rows, &mut out);
    assert!(out.iter().all(|x| x.to_bits() == out[0].to_bits()), "columns differ");
    f64::from(out[0])
}

/// Applies a rule on dense rows on all instruction sets, which must agree.
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
    /// The values as factors of a bias: a = 1, so that every product is the value itself.
    fn winsorized(values: &[f64], clip: usize) -> f64 {
        super::on_each_isa(values, |isa, delta, out| {
            let dims = super::Dims { m: values.len(), i: 1, o: out.len() };
            super::outer::winsorized_mean_on(isa, dims, &vec![1.0; dims.m], delta, clip, out);
        })
    }

    coherence_tests::winsorized_laws!(winsorized, 1e-6);
}

/// Applies a rule of the core's table to factors whose products are the rows [m][d]: with `exchanged`
/// the activations are the rows, otherwise the deltas. Selections are the same on each instruction set.
/// A panic is returned as the error.
fn from_factors(exchanged: bool, text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let (name, p) = text.split_once(':').expect("a rule with a parameter");
    let (p, m, width) = (p.parse().expect("a count"), rows.len(), rows.first().map_or(1, Vec::len));
    let (values, ones) = (narrow(rows), vec![1.0f32; m]);
    let (dims, a, delta) = if exchanged {
        (Dims { m, i: width, o: 1 }, &values, &ones)
    } else {
        (Dims { m, i: 1, o: width }, &ones, &values)
    };
    let outs = Isa::available().iter().map(|&isa| on_factors(isa, name, p, dims, a, delta));
    let outs = outs.collect::<Result<Vec<_>, _>>()?;
    let is_selection = name != "median-of-means";
    assert!(!is_selection || outs.iter().all(|out| *out == outs[0]), "{text}: {outs:?}");
    Ok(outs[outs.len() - 1].iter().map(|&x| f64::from(x)).collect())
}

fn on_factors(
    isa: Isa,
    name: &str,
    p: usize,
    dims: Dims,
    a: &[f32],
    delta: &[f32],
) -> Result<Vec<f32>, String> {
    let mut out = vec![0.0f32; dims.o * dims.i];
    let call = std::panic::AssertUnwindSafe(|| match name {
        "winsorized" => outer::winsorized_mean_on(isa, dims, a, delta, p, &mut out),
        "trimmed" => outer::trimmed_mean_on(isa, dims, a, delta, p, &mut out),
        "median-of-means" => {
            let mut delta = delta.to_vec();
            for group in groups(dims.m, p) {
                let deltas = &mut delta[group.start * dims.o..group.end * dims.o];
                deltas.iter_mut().for_each(|x| *x /= group.len() as f32);
            }
            outer::median_of_sums_step_on(isa, dims, a, &delta, p, -1.0, &mut out);
        }
        _ => unreachable!("no kernel for {name}"),
    });
    match std::panic::catch_unwind(call) {
        Ok(()) => Ok(out),
        Err(panic) => Err(*panic.downcast::<String>().expect("a message")),
    }
}

coherence_tests::rule_laws!(
    rows_as_deltas,
    ["winsorized", "trimmed", "median-of-means"],
    1e-6,
    |text: &str, rows: &[Vec<f64>]| { from_factors(false, text, rows) }
);
coherence_tests::rule_laws!(
    rows_as_activations,
    ["winsorized", "trimmed", "median-of-means"],
    1e-6,
    |text: &str, rows: &[Vec<f64>]| { from_factors(true, text, rows) }
);

/// The rule of this text on rows over all threads, in precision `T`.
fn by_rows<T: Element>(text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let Ok(Rule::Vector(rule)) = text.parse() else { panic!("{text} is over rows") };
    let (n, d) = (rows.len(), rows.first().map_or(1, Vec::len));
    let values: Vec<T> = rows.iter().flatten().map(|&x| T::narrow(x)).collect();
    rule.check(n).map_err(|error| error.to_string())?;
    let (mut scratch, mut out) = (ScratchBuffer::new(rule.scratch_len(n, d)), vec![T::nan(); d]);
    dense::aggregate_rows(rule, &values, Policy::Error, scratch.as_scratch(), &mut out)
        .map_err(|error| error.to_string())?;
    Ok(out.into_iter().map(T::widen).collect())
}

coherence_tests::rule_laws!(
    rows_in_single_precision,
    coherence_tests::laws::rules::BY_ROWS,
    1e-6,
    by_rows::<f32>
);
coherence_tests::rule_laws!(
    rows_in_double_precision,
    coherence_tests::laws::rules::BY_ROWS,
    1e-9,
    by_rows::<f64>
);

/// ‖S‖² and Q of `rows` [m, d] from column sums and row norms.
fn from_norms_and_sums<T: coherence_cpu::Element>(rows: &[T], m: usize) -> (f64, f64) {
    let (mut sum, mut norms) = (vec![T::zero(); rows.len() / m], vec![0.0; m]);
    column_sums(Isa::detect(), rows, Output::Overwrite, &mut sum);
    row_sq_norms(Isa::detect(), rows, &mut norms);
    (sum.iter().map(|s| s.to_f64().unwrap().powi(2)).sum(), norms.iter().sum())
}

/// ‖S‖² and Q of rows [m, d] from the matrix of all dots, on the nth instruction set of this machine
/// (the last, where there are fewer).
fn from_gram(nth: usize, rows: &[Vec<f64>]) -> (f64, f64) {
    let isa = Isa::available()
        .iter()
        .take(nth)
        .next_back()
        .expect("the portable one is always available");
    let (m, narrow) = (rows.len(), narrow(rows));
    let gram = dense::gram_on(*isa, &narrow, m);
    (gram.iter().sum(), gram.iter().step_by(m + 1).sum())
}

fn narrow(rows: &[Vec<f64>]) -> Vec<f32> {
    rows.iter().flatten().map(|&x| x as f32).collect()
}

/// Each coordinate is rounded to `f32` with a relative error of 6e-8; α and Q are quadratic in them.
const SINGLE: f64 = 1e-6;

coherence_tests::coherence_laws!(norms_and_sums, 1e-12, |rows: &[Vec<f64>]| {
    from_norms_and_sums(&rows.concat(), rows.len())
});
coherence_tests::coherence_laws!(norms_and_sums_single, SINGLE, |rows: &[Vec<f64>]| {
    from_norms_and_sums(&narrow(rows), rows.len())
});
coherence_tests::coherence_laws!(gram_first_isa, SINGLE, |rows: &[Vec<f64>]| from_gram(1, rows));
coherence_tests::coherence_laws!(gram_second_isa, SINGLE, |rows: &[Vec<f64>]| from_gram(2, rows));
coherence_tests::coherence_laws!(gram_third_isa, SINGLE, |rows: &[Vec<f64>]| from_gram(3, rows));
