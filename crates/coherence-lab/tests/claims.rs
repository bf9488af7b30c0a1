//! Verdicts on records whose answers are known by hand.

use coherence_lab::cell::{Axis, Cell};
use coherence_lab::claim::{Claim, judge};
use coherence_lab::machine::Machine;
use coherence_lab::made::Made;
use coherence_lab::record::{Header, Record, Row};
use coherence_lab::scale::Scale;
use coherence_lab::summary::{ClaimSummary, Verdict};

/// Two cells (noise 0 and 50) and as many seeds as values: `accuracy` ends at these values.
fn record(at_0: &[f64], at_50: &[f64]) -> Record {
    let cell = |noise: f64| Cell::new([("noise", noise.into())]);
    let row = |noise: f64, seed: usize, step: u64, value: f64| Row {
        cell: cell(noise),
        seed: seed as u64 + 1,
        step,
        series: "accuracy".to_owned(),
        value,
    };
    let mut rows = Vec::new();
    for (noise, ends) in [(0.0, at_0), (50.0, at_50)] {
        for (seed, &end) in ends.iter().enumerate() {
            rows.extend([row(noise, seed, 0, 0.1), row(noise, seed, 10, end)]);
        }
    }
    let header = Header {
        experiment: "X1".parse().unwrap(),
        scale: Scale::Quick,
        seeds: (1..=at_0.len() as u64).collect(),
        wall_seconds: 1.0,
        axes: vec![Axis { name: "noise".to_owned(), values: vec![0.0.into(), 50.0.into()] }],
        settings: [("steps".to_owned(), "10".to_owned())].into(),
        made: vec![made()],
    };
    Record { header, rows }
}

fn made() -> Made {
    let day = "2026-11-22".to_owned();
    let (runs, seconds, threads, results) = (None, None, None, None);
    let machine = Machine::detect();
    Made { first: day.clone(), last: day, runs, seconds, threads, results, machine }
}

fn claim(rest: &str) -> Claim {
    let head = "id = 'c'\nstatement = 's'\nsource = 'p'\n";
    toml::from_str(&format!("{head}{rest}")).unwrap()
}

/// The verdict on `accuracy` at the end of cell noise = 0.
#[track_caller]
fn check(expect: &str, values: &[f64], verdict: Verdict) -> ClaimSummary {
    let text = format!(
        "each = {{ noise = [0] }}\nquantity = {{ value = {{ series = 'accuracy', at = 'end' }} }}\n\
         expect = {{ {expect} }}"
    );
    let judged = judge(&claim(&text), &record(values, values));
    assert_eq!(judged.verdict, verdict, "{expect} of {values:?}");
    judged
}

#[test]
fn interval_is_student_t_by_hand() {
    // Mean 2, s = 1, s/√3 = 0.577350, t(0.975; 2) = 4.302653: half width 2.484138.
    let judged = check("at_least = -1.0", &[1.0, 2.0, 3.0], Verdict::Holds);
    let interval = judged.measurements[0].interval.unwrap();
    assert_eq!(interval.mean, 2.0);
    assert!((interval.high - 4.484_138).abs() < 1e-6);
    assert!((interval.low + 0.484_138).abs() < 1e-6);
}

#[test]
fn bounds_hold_fail_or_stay_undecided() {
    let spread = [1.0, 2.0, 3.0]; // −0.48 … 4.48
    check("at_least = -0.5", &spread, Verdict::Holds);
    check("at_least = 1.0", &spread, Verdict::Undecided);
    check("at_least = 4.5", &spread, Verdict::Fails);
    check("at_most = 4.5", &spread, Verdict::Holds);
    check("at_most = 3.0", &spread, Verdict::Undecided);
    check("at_most = -0.5", &spread, Verdict::Fails);
    check("between = [-1, 5]", &spread, Verdict::Holds);
    check("between = [0, 5]", &spread, Verdict::Undecided);
    check("between = [5, 6]", &spread, Verdict::Fails);
    check("equals = { value = 2, tolerance = 2.5 }", &spread, Verdict::Holds);
    check("equals = { value = 2, tolerance = 2.4 }", &spread, Verdict::Undecided);
    check("equals = { value = 9, tolerance = 1 }", &spread, Verdict::Fails);
}

#[test]
fn equal_seeds_make_a_point_that_touches_its_bound() {
    check("at_least = 0.5", &[0.5; 3], Verdict::Holds);
    check("at_most = 0.5", &[0.5; 3], Verdict::Holds);
}

#[test]
fn too_few_seeds_decide_nothing_but_still_refute() {
    let judged = check("at_least = 0.0", &[1.0, 1.0], Verdict::Undecided);
    assert!(judged.reason.unwrap().contains("2 of the 3 seeds"));
    check("at_least = 2.0", &[1.0, 1.0], Verdict::Fails);
}

#[test]
fn ordering_compares_neighbours_seed_by_seed() {
    let text = "quantity = { value = { series = 'accuracy', at = 'end' } }\n\
                expect = { falls_along = 'noise' }";
    // The cells overlap, but each seed falls by 0.1: paired differences decide.
    let judged = judge(&claim(text), &record(&[0.5, 0.7, 0.9], &[0.4, 0.6, 0.8]));
    assert_eq!(judged.verdict, Verdict::Holds);
    assert_eq!(judged.measurements.len(), 1);
    assert_eq!(judged.measurements[0].label, "(noise=50) - (noise=0)");
    let rises = text.replace("falls", "rises");
    let judged = judge(&claim(&rises), &record(&[0.5, 0.7, 0.9], &[0.4, 0.6, 0.8]));
    assert_eq!(judged.verdict, Verdict::Fails);
    let judged = judge(&claim(&rises), &record(&[0.5; 3], &[0.5; 3]));
    assert_eq!(judged.verdict, Verdict::Fails, "equal values do not rise");
}

#[test]
fn quantities_nest() {
    let text = "expect = { equals = { value = -0.5, tolerance = 1e-12 } }\n\
        [quantity]\nratio = [{ difference = [\
          { value = { series = 'accuracy', at = 'end', cell = { noise = 50 } } },\
          { value = { series = 'accuracy', at = 'end', cell = { noise = 0 } } }] },\
          { value = { series = 'accuracy', at = 'max', cell = { noise = 0 } } }]";
    let judged = judge(&claim(text), &record(&[0.8; 3], &[0.4; 3]));
    assert_eq!(judged.verdict, Verdict::Holds);
}

#[test]
fn places_in_a_series_are_read_as_named() {
    let record = record(&[0.8; 3], &[0.05; 3]);
    for (at, noise, expected) in [
        ("'start'", 0, 0.1),
        ("'end'", 0, 0.8),
        ("'max'", 50, 0.1),
        ("'max', from = 1", 50, 0.05),
        ("'min'", 50, 0.05),
        ("{ step = 10 }", 0, 0.8),
        ("{ reaches = 0.45 }", 0, 5.0),
        ("{ falls_to = 0.06 }", 50, 8.0),
        ("'step_of_max'", 50, 0.0),
    ] {
        let text = format!(
            "quantity = {{ value = {{ series = 'accuracy', at = {at}, cell = {{ noise = {noise} }} }} }}\n\
             expect = {{ equals = {{ value = {expected}, tolerance = 1e-12 }} }}"
        );
        assert_eq!(judge(&claim(&text), &record).verdict, Verdict::Holds, "{at}");
    }
}

/// What `at` reads from the rows (step, value) of one series, the same for three seeds.
fn time(at: &str, rows: &[(u64, f64)]) -> Option<f64> {
    let mut record = record(&[0.0; 3], &[0.0; 3]);
    record.rows.clear();
    for seed in 1..=3 {
        record.rows.extend(rows.iter().map(|&(step, value)| Row {
            cell: Cell::new([("noise", 0.0.into())]),
            seed,
            step,
            series: "accuracy".to_owned(),
            value,
        }));
    }
    let text = format!(
        "quantity = {{ value = {{ series = 'accuracy', at = {{ {at} }}, cell = {{ noise = 0 }} }} }}\n\
         expect = {{ at_least = 0 }}"
    );
    let judged = judge(&claim(&text), &record);
    judged.measurements[0].interval.map(|interval| interval.mean)
}

#[test]
fn a_level_between_two_measurements_is_reached_on_the_line_between_them() {
    // 0.25 to 0.75 in ten steps: a twentieth a step.
    let rows = [(30, 0.125), (40, 0.25), (50, 0.75), (60, 0.5), (70, 1.0)];
    for (level, expected) in [(0.25, 40.0), (0.375, 42.5), (0.5, 45.0), (0.7, 49.0), (0.75, 50.0)] {
        let found = time(&format!("reaches = {level}"), &rows).unwrap();
        assert!((found - expected).abs() < 1e-12, "{level}: {found}");
        let falling = rows.map(|(step, value)| (step, -value));
        let mirrored = time(&format!("falls_to = -{level}"), &falling).unwrap();
        assert_eq!(found, mirrored);
    }
    assert_eq!(time("reaches = 0.875", &rows), Some(67.5), "the last measurement below counts");
}

#[test]
fn a_series_that_starts_at_a_level_or_beyond_is_there_at_its_first_step() {
    let rows = [(7, 0.5), (9, 0.25), (11, 1.0)];
    assert_eq!(time("reaches = 0.5", &rows), Some(7.0));
    assert_eq!(time("reaches = 0.1", &rows), Some(7.0));
    assert_eq!(time("falls_to = 0.5", &rows), Some(7.0));
    assert_eq!(time("falls_to = 0.9", &rows), Some(7.0));
    assert_eq!(time("falls_to = 0.25", &rows), Some(9.0));
    assert_eq!(time("reaches = 1.5", &rows), None);
    assert_eq!(time("falls_to = 0.2", &rows), None);
}

#[test]
fn times_measured_on_a_straight_line_do_not_depend_on_where_it_was_measured() {
    let line =
        |steps: &[u64]| -> Vec<_> { steps.iter().map(|&s| (s, s as f64 / 1024.0)).collect() };
    for steps in [&[0, 1000][..], &[0, 300, 400, 1000], &[0, 9, 10, 90, 100, 900, 1000]] {
        let found = time("reaches = 0.375", &line(steps)).unwrap();
        assert!((found - 384.0).abs() < 1e-9, "{steps:?}: {found}");
    }
}

/// Without a value the verdict is this, and the reason says why.
#[track_caller]
fn without_value(quantity: &str, verdict: Verdict, why: &str) {
    let text = format!("quantity = {{ value = {quantity} }}\nexpect = {{ at_least = 0 }}");
    let judged = judge(&claim(&text), &record(&[0.8; 3], &[0.4; 3]));
    assert_eq!(judged.verdict, verdict);
    assert!(!judged.verdict.passes());
    let reason = judged.measurements[0].reason.as_ref().unwrap();
    assert!(reason.contains(why), "{reason}");
}

#[test]
fn what_was_not_measured_is_told_from_what_fails() {
    let unmeasured = |quantity: &str, why: &str| {
        without_value(quantity, Verdict::NotMeasured, why);
    };
    unmeasured("{ series = 'loss', at = 'end', cell = { noise = 0 } }", "has no loss");
    unmeasured("{ series = 'accuracy', at = 'end' }", "which noise");
    unmeasured(
        "{ series = 'accuracy', at = 'end', cell = { clip = 1, noise = 0 } }",
        "no axis clip",
    );
    unmeasured("{ series = 'accuracy', at = 'end', cell = { noise = 7 } }", "noise=7");
    unmeasured("{ series = 'accuracy', at = { step = 5 }, cell = { noise = 0 } }", "step 5");
}

#[test]
fn a_level_that_is_never_reached_fails_since_that_was_seen() {
    without_value(
        "{ series = 'accuracy', at = { reaches = 0.9 }, cell = { noise = 0 } }",
        Verdict::Fails,
        "never reached 0.9 within 10 steps",
    );
}

#[test]
fn a_claim_for_other_scales_does_not_apply_and_says_why() {
    let text = "scales = ['paper']\notherwise = 'too short'\n\
                quantity = { value = { series = 'accuracy', at = 'end' } }\n\
                expect = { at_least = 1 }";
    let judged = judge(&claim(text), &record(&[0.0; 3], &[0.0; 3]));
    assert_eq!(judged.verdict, Verdict::NotApplicable);
    assert_eq!(judged.reason.as_deref(), Some("too short"));
    assert!(judged.verdict.passes() && judged.measurements.is_empty());
}

#[test]
fn one_bad_cell_spoils_the_claim() {
    let text = "each = { noise = [0, 50] }\n\
                quantity = { value = { series = 'accuracy', at = 'end' } }\n\
                expect = { at_least = 0.5 }";
    let judged = judge(&claim(text), &record(&[0.8; 3], &[0.4; 3]));
    assert_eq!(judged.verdict, Verdict::Fails);
    let verdicts: Vec<Verdict> = judged.measurements.iter().map(|m| m.verdict).collect();
    assert_eq!(verdicts, [Verdict::Holds, Verdict::Fails]);
}

#[test]
fn damaged_records_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("X1.csv");
    record(&[0.1; 3], &[0.2; 3]).save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for (damaged, why) in [
        (text.replace("seed,step", "step,seed"), "line 1: columns are"),
        (text.replacen("0,1,0,accuracy,0.1", "0,one,0,accuracy,0.1", 1), "line 2: 'one'"),
        (text.replacen("accuracy,0.1", "accuracy,NaN", 1), "line 2: value NaN is not finite"),
        (text.replacen("X1,", "X2,", 1), "line 2: experiment is X2, expected X1"),
        (text.replacen(",accuracy", "", 1), "line 2"),
    ] {
        std::fs::write(&path, damaged).unwrap();
        let error = Record::load(&path).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_missing_seed_spoils_a_claim_less_than_a_violated_bound() {
    let text = "each = { noise = [0, 50] }\n\
                quantity = { value = { series = 'accuracy', at = 'end' } }\n\
                expect = { at_least = 0.5 }";
    let judged = |at_50: f64, lost: f64| {
        let mut record = record(&[0.8; 3], &[at_50; 3]);
        record.rows.retain(|row| row.seed != 3 || row.cell != Cell::new([("noise", lost.into())]));
        judge(&claim(text), &record).verdict
    };
    assert_eq!(judged(0.8, 0.0), Verdict::NotMeasured);
    assert_eq!(judged(0.8, 50.0), Verdict::NotMeasured);
    assert_eq!(judged(0.4, 0.0), Verdict::Fails);
}

#[test]
fn a_ratio_to_zero_was_not_measured() {
    let text = "quantity = { ratio = [\n\
                  { value = { series = 'accuracy', at = 'end', cell = { noise = 0 } } },\n\
                  { value = { series = 'accuracy', at = 'end', cell = { noise = 50 } } },\n\
                ] }\nexpect = { at_least = 0 }";
    let judged = judge(&claim(text), &record(&[0.8; 3], &[0.0; 3]));
    assert_eq!(judged.verdict, Verdict::NotMeasured);
    assert!(judged.measurements[0].reason.as_ref().unwrap().contains("is inf"));
}
