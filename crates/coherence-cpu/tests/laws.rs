//! The laws of robust means and of α, for the kernels on each instruction set.

use coherence_core::aggregate::{
    AnyCoordinateRule, Median, MedianOfMeans, Requirements, Rule, ScratchBuffer, Trimmed,
    Winsorized, groups,
};
use coherence_core::finite::Policy;
use coherence_cpu::{
    Element, Isa,
    convolution::{self, Convolution},
    dense,
    elementwise::column_sums,
    norms::row_sq_norms,
    order::OrderStatistics,
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
            super::dense::robust_mean_on(isa, rows, super::Winsorized { clip }, out);
        }),
        1e-6
    );
}

mod trimmed_columns {
    coherence_tests::coordinate_rule_laws!(
        |values: &[f64], trim: usize| super::on_each_isa(values, |isa, rows, out| {
            super::dense::robust_mean_on(isa, rows, super::Trimmed { trim }, out);
        }),
        coherence_tests::naive::aggregate::trimmed,
        1e-6
    );
}

mod median_columns {
    coherence_tests::coordinate_rule_laws!(
        |values: &[f64], _: usize| super::on_each_isa(values, |isa, rows, out| {
            super::dense::robust_mean_on(isa, rows, super::Median, out);
        }),
        |values: &[f64], _: usize| coherence_tests::naive::aggregate::median(values),
        1e-7
    );
}

mod winsorized_factors {
    /// The values as factors of a bias: a = 1, so that every product is the value itself.
    fn winsorized(values: &[f64], clip: usize) -> f64 {
        super::on_each_isa(values, |isa, delta, out| {
            let dims = super::Dims { m: values.len(), i: 1, o: out.len() };
            super::outer::robust_mean_on(
                isa,
                dims,
                &vec![1.0; dims.m],
                delta,
                super::Winsorized { clip },
                out,
            );
        })
    }

    coherence_tests::winsorized_laws!(winsorized, 1e-6);
}

/// Factors of the layers whose gradients are the rows [m][d].
#[derive(Clone, Copy)]
enum Form {
    /// A linear layer with one input: the deltas are the rows.
    Deltas,
    /// A linear layer with one output: the activations are the rows.
    Activations,
    /// A convolution over two positions, whose deltas 2 g and −g add up to each row g exactly.
    TwoDeltas,
    /// The same with one output and 2 g and −g as activations.
    TwoActivations,
}

/// Applies a rule of the core's table to factors whose gradients are the rows [m][d]. Selections are the same on
/// each instruction set. A panic is returned as the error.
fn from_factors(form: Form, text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let Ok(Rule::Coordinate(rule)) = text.parse() else { panic!("{text} is by coordinate") };
    let on = |&isa: &Isa| {
        let call = std::panic::AssertUnwindSafe(|| on_factors(isa, form, rule, rows));
        std::panic::catch_unwind(call)
            .map_err(|panic| *panic.downcast::<String>().expect("a message"))
    };
    let outs = Isa::available().iter().map(on).collect::<Result<Vec<_>, _>>()?;
    let is_sum = matches!(rule, AnyCoordinateRule::Mean(_) | AnyCoordinateRule::MedianOfMeans(_));
    assert!(is_sum || outs.iter().all(|out| *out == outs[0]), "{text}: {outs:?}");
    Ok(outs[outs.len() - 1].iter().map(|&x| f64::from(x)).collect())
}

fn on_factors(isa: Isa, form: Form, rule: AnyCoordinateRule, rows: &[Vec<f64>]) -> Vec<f32> {
    if let AnyCoordinateRule::MedianOfMeans(rule) = rule {
        return median_of_means(isa, form, rule, rows);
    }
    let by = OrderStatistics::of(rule, rows.len()).expect("a rule with a kernel");
    robust_mean(isa, form, by, rows)
}

fn robust_mean(isa: Isa, form: Form, rule: OrderStatistics, rows: &[Vec<f64>]) -> Vec<f32> {
    let (m, d) = (rows.len(), rows.first().map_or(1, Vec::len));
    let ([x, delta], mut out) = (factors(form, &narrow(rows), d), vec![0.0; d]);
    match sizes(form, [m, d]) {
        Sizes::Linear(dims) => outer::robust_mean_on(isa, dims, &x, &delta, rule, &mut out),
        Sizes::Images(conv) => convolution::robust_mean(isa, &conv, &x, &delta, rule, &mut out),
    }
    out
}

/// The gradients are divided by the sizes of their groups beforehand.
fn median_of_means(isa: Isa, form: Form, rule: MedianOfMeans, rows: &[Vec<f64>]) -> Vec<f32> {
    let (m, d, k) = (rows.len(), rows.first().map_or(1, Vec::len), rule.groups);
    let mut rows = narrow(rows);
    for group in groups(m, k) {
        let values = &mut rows[group.start * d..group.end * d];
        values.iter_mut().for_each(|x| *x /= group.len() as f32);
    }
    let ([x, delta], mut out) = (factors(form, &rows, d), vec![0.0; d]);
    match sizes(form, [m, d]) {
        Sizes::Linear(dims) => {
            outer::median_of_sums_step_on(isa, dims, &x, &delta, k, -1.0, &mut out);
        }
        Sizes::Images(conv) => {
            convolution::median_of_sums_step(isa, &conv, &x, &delta, k, -1.0, &mut out);
        }
    }
    out
}

enum Sizes {
    Linear(Dims),
    Images(Convolution),
}

fn sizes(form: Form, [m, d]: [usize; 2]) -> Sizes {
    match form {
        Form::Deltas => Sizes::Linear(Dims { m, i: 1, o: d }),
        Form::Activations => Sizes::Linear(Dims { m, i: d, o: 1 }),
        Form::TwoDeltas => Sizes::Images(Convolution::new([1, 2], 1, d, [1, 1])),
        Form::TwoActivations => Sizes::Images(Convolution::new([1, 2], d, 1, [1, 1])),
    }
}

/// The activations and the deltas of rows [m, d].
fn factors(form: Form, rows: &[f32], d: usize) -> [Vec<f32>; 2] {
    let terms = || coherence_tests::laws::rules::two_terms(rows, d);
    let ones = |positions| vec![1.0; rows.len() / d * positions];
    match form {
        Form::Deltas => [ones(1), rows.to_vec()],
        Form::Activations => [rows.to_vec(), ones(1)],
        Form::TwoDeltas => [ones(2), terms()],
        Form::TwoActivations => [terms(), ones(2)],
    }
}

macro_rules! factor_laws {
    ($($name:ident: $form:ident),* $(,)?) => {
        $(coherence_tests::rule_laws!(
            $name,
            ["mean", "winsorized", "winsorized%", "trimmed", "median", "median-of-means"],
            1e-6,
            |text: &str, rows: &[Vec<f64>]| from_factors(Form::$form, text, rows)
        );)*
    };
}

factor_laws!(
    rows_as_deltas: Deltas,
    rows_as_activations: Activations,
    rows_as_two_deltas: TwoDeltas,
    rows_as_two_activations: TwoActivations,
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
