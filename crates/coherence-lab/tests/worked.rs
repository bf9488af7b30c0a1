//! Worked examples against their closed forms.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use coherence_lab::cell::Cell;
use coherence_lab::record::Row;
use coherence_lab::run::worked::rows;
use coherence_lab::spec::{Experiment, Library};

/// What f64 allows over a hundred steps.
const TOLERANCE: f64 = 1e-12;

fn run(id: &str) -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let experiment = Experiment::load(&folder.join(id).with_extension("toml")).unwrap();
    rows(&experiment.worked.unwrap(), &AtomicBool::new(false)).expect("nothing stops it")
}

fn series(rows: &[Row], cell: &Cell, series: &str) -> Vec<(u64, f64)> {
    let wanted = |row: &&Row| row.cell == *cell && row.series == series;
    rows.iter().filter(wanted).map(|row| (row.step, row.value)).collect()
}

/// Every value of a series is that of a function of the step.
#[track_caller]
fn check(rows: &[Row], cell: &Cell, name: &str, expected: impl Fn(i32) -> f64) {
    let found = series(rows, cell, name);
    assert!(found.len() > 50, "{name} has {} rows", found.len());
    for (step, value) in found {
        let expected = expected(step as i32);
        assert!((value - expected).abs() <= TOLERANCE, "{name} at {step}: {value}, not {expected}");
    }
}

fn data(name: &str) -> Cell {
    Cell::new([("data", name.into())])
}

#[test]
fn b1_real_follows_its_closed_form() {
    let rows = run("B1");
    // Every residual shrinks by 1 − η(1 + 1/4) a step; four fifths of it go to the common weight.
    let residual = |t| (1.0f64 - 0.125).powi(t);
    check(&rows, &data("real"), "w.6", |t| 0.8 * (1.0 - residual(t)));
    check(&rows, &data("real"), "w.1", |t| 0.2 * (1.0 - residual(t)));
    check(&rows, &data("real"), "w.5", |_| 0.0);
    check(&rows, &data("real"), "train.loss", |t| 0.5 * residual(t).powi(2));
    check(&rows, &data("real"), "test.loss", |t| 0.5 * (1.0 - 0.8 * (1.0 - residual(t))).powi(2));
}

#[test]
fn b1_random_follows_its_closed_form() {
    let rows = run("B1");
    let residual = |t| (1.0f64 - 0.025).powi(t);
    check(&rows, &data("random"), "w.1", |t| 1.0 - residual(t));
    check(&rows, &data("random"), "w.6", |_| 0.0);
    check(&rows, &data("random"), "train.loss", |t| 0.5 * residual(t).powi(2));
    check(&rows, &data("random"), "test.loss", |_| 0.5);
}

#[test]
fn b2_coherence_is_five_eighths_and_two_and_a_half_at_every_step() {
    let rows = run("B2");
    check(&rows, &data("real"), "alpha", |_| 0.625);
    check(&rows, &data("real"), "m_coherence", |_| 2.5);
    check(&rows, &data("real"), "w.6.alpha", |_| 1.0);
    check(&rows, &data("real"), "w.1.alpha", |_| 0.25);
    check(&rows, &data("random"), "m_coherence", |_| 1.0);
}

#[test]
fn b2_starts_at_exactly_the_papers_values() {
    let rows = run("B2");
    assert_eq!(series(&rows, &data("real"), "alpha")[0], (0, 5.0 / 8.0));
    assert_eq!(series(&rows, &data("real"), "m_coherence")[0], (0, 2.5));
    assert_eq!(series(&rows, &data("random"), "m_coherence")[0], (0, 1.0));
}

/// Medians keep the common weight alone: 1 − (1 − η)^t.
#[track_caller]
fn only_the_common_weight(id: &str, rule: &str) {
    let rows = run(id);
    let cell = |data: &str| Cell::new([("data", data.into()), ("rule", rule.into())]);
    check(&rows, &cell("real"), "w.6", |t| 1.0 - 0.9f64.powi(t));
    check(&rows, &cell("real"), "w.1", |_| 0.0);
    check(&rows, &cell("real"), "gap", |_| 0.0);
    check(&rows, &cell("random"), "train.loss", |_| 0.5);
    check(&rows, &cell("random"), "gap", |_| 0.0);
}

#[test]
fn b3_median_follows_its_closed_form() {
    only_the_common_weight("B3", "median");
}

#[test]
fn b4_m3_follows_the_closed_form_of_the_median() {
    only_the_common_weight("B4", "m3");
}

#[test]
fn b5_follows_the_recurrence_of_its_two_free_weights() {
    let rows = run("B5");
    let cell = Cell::new([("model", "deep-linear".into())]);
    // By symmetry u = w and w1 = … = w4: two numbers are the whole state.
    let state = |t: i32| {
        (0..t).fold((0.01f64, 0.01f64), |(w1, w6), _| {
            let residual = 1.0 - w1 * w1 - w6 * w6;
            (w1 + 0.1 * residual * w1 / 4.0, w6 + 0.1 * residual * w6)
        })
    };
    check(&rows, &cell, "w.1", |t| state(t).0);
    check(&rows, &cell, "u.6", |t| state(t).1);
    check(&rows, &cell, "w.5", |_| 0.01);
    let coherence =
        |(w1, w6): (f64, f64)| (4.0 * w1 * w1 + 16.0 * w6 * w6) / (4.0 * w1 * w1 + 4.0 * w6 * w6);
    check(&rows, &cell, "m_coherence", |t| coherence(state(t)));
    assert!(series(&rows, &cell, "m_coherence").last().unwrap().1 > 3.9);
}

#[test]
fn b6_component_wise_alpha_of_both_neurons_is_one() {
    let rows = run("B6");
    for w1 in [0.01, 0.1, 0.2, 1.0] {
        let cell = Cell::new([("w1", w1.into()), ("w2", 0.01.into())]);
        check(&rows, &cell, "w.1.alpha", |_| 1.0);
        check(&rows, &cell, "w.2.alpha", |_| 1.0);
    }
}

#[test]
fn b6_heat_map_has_every_cell_once() {
    let rows = run("B6");
    let ends: Vec<&Cell> = rows
        .iter()
        .filter(|row| row.series == "test.loss" && row.step == 400)
        .map(|row| &row.cell)
        .collect();
    assert_eq!(ends.len(), 21 * 21);
    assert!((0..ends.len()).all(|i| !ends[..i].contains(&ends[i])));
}

#[test]
fn a_raised_flag_stops_a_worked_example() {
    let experiment = Library::Embedded.load("B1").unwrap();
    assert_eq!(rows(&experiment.worked.unwrap(), &AtomicBool::new(true)), None);
}
