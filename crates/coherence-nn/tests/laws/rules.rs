//! The rules that are computed from factors, held to the core's table on the processor and on `Cuda<Host>`.
//!
//! A sample of gradients [m, d] is given as a bias, as a weight with one input (the gradients are the deltas), as a
//! weight with one output (the gradients are the activations), and as a convolution of one position and of two, whose
//! terms 2 g and −g add up to each gradient g exactly.

use coherence_core::aggregate::{AnyCoordinateRule, Requirements, Rule, groups};
use coherence_cpu::{
    convolution::Convolution,
    order::OrderStatistics,
    product::{Dims, Output},
};
use coherence_cuda::Host;
use coherence_nn::{
    Factors, PerExample,
    device::{Cpu, Cuda, Device},
};

#[derive(Clone, Copy)]
enum Form {
    Bias,
    OneInput,
    OneOutput,
    OnePosition,
    TwoPositions,
    TwoPositionsOneOutput,
}

/// The direction of a mini-batch whose examples have the gradients `rows` [m][d].
fn direction<D: Device<f64>>(
    device: &D,
    form: Form,
    text: &str,
    rows: &[Vec<f64>],
) -> Result<Vec<f64>, String> {
    let rule: Rule = text.parse().expect("a rule");
    let m = rows.len();
    rule.check(m).map_err(|error| error.to_string())?;
    let Rule::Coordinate(rule) = rule else { panic!("{text} is not computed from factors") };
    let d = rows[0].len();
    // As the trainer does, means are sums of gradients that are divided beforehand.
    let count = match rule {
        AnyCoordinateRule::Mean(_) => 1,
        AnyCoordinateRule::MedianOfMeans(rule) => rule.groups,
        _ => m,
    };
    let mut scaled = rows.concat();
    for group in groups(m, count) {
        scaled[group.start * d..group.end * d].iter_mut().for_each(|g| *g /= group.len() as f64);
    }
    let upload = |values: &[f64]| {
        let mut buffer = device.zeros(values.len());
        device.upload(values, D::view_mut(&mut buffer));
        buffer
    };
    let (terms, ones) =
        (upload(&coherence_tests::laws::rules::two_terms(&scaled, d)), upload(&vec![1.0; 2 * m]));
    let scaled = upload(&scaled);
    let (g, terms, ones) = (D::view(&scaled), D::view(&terms), D::view(&ones));
    let one = D::part(ones, 0..m);
    let gradients = match form {
        Form::Bias => PerExample::Rows(g),
        Form::OneInput => PerExample::Outer { dims: Dims { m, i: 1, o: d }, a: one, delta: g },
        Form::OneOutput => PerExample::Outer { dims: Dims { m, i: d, o: 1 }, a: g, delta: one },
        Form::OnePosition => {
            let sizes = Convolution::new([1, 1], 1, d, [1, 1]);
            PerExample::Convolution { sizes, x: one, delta: g }
        }
        Form::TwoPositions => {
            let sizes = Convolution::new([1, 2], 1, d, [1, 1]);
            PerExample::Convolution { sizes, x: ones, delta: terms }
        }
        Form::TwoPositionsOneOutput => {
            let sizes = Convolution::new([1, 2], d, 1, [1, 1]);
            PerExample::Convolution { sizes, x: terms, delta: ones }
        }
    };
    let factors = Factors::separate(device.clone(), "w", [m, d], &gradients);
    let mut out = device.zeros(d);
    let to = D::view_mut(&mut out);
    match rule {
        AnyCoordinateRule::Mean(_) => factors.sum(Output::Overwrite, to),
        AnyCoordinateRule::MedianOfMeans(rule) => {
            factors.median_of_sums_step(rule.groups, -1.0, to);
        }
        _ => {
            let by = OrderStatistics::of(rule, m).expect("computed from factors");
            factors.robust_step(by, -1.0, to);
        }
    }
    let mut found = vec![0.0; d];
    device.download(D::view(&out), &mut found);
    Ok(found)
}

/// Rounding of at most a hundred additions and a division.
const TOLERANCE: f64 = 1e-13;

macro_rules! every_form {
    ($device:ident, $new:expr) => {
        mod $device {
            use super::*;

            fn of(form: Form, text: &str, rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
                direction(&$new, form, text, rows)
            }

            every_form!(bias, Bias, of);
            every_form!(one_input, OneInput, of);
            every_form!(one_output, OneOutput, of);
            every_form!(one_position, OnePosition, of);
            every_form!(two_positions, TwoPositions, of);
            every_form!(two_positions_one_output, TwoPositionsOneOutput, of);
        }
    };
    ($name:ident, $form:ident, $of:path) => {
        coherence_tests::rule_laws!(
            $name,
            ["mean", "winsorized", "winsorized%", "trimmed", "median", "median-of-means"],
            TOLERANCE,
            |text: &str, rows: &[Vec<f64>]| $of(Form::$form, text, rows)
        );
    };
}

every_form!(on_the_processor, Cpu::default());
every_form!(on_cuda, Cuda::new(Host));
