//! Verdicts on records whose answers are known by hand.

use coherence_lab::cell::{Axis, Cell};
use coherence_lab::claim::{Censored, Claim, Timing, Value, judge};
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
    let (runs, seconds, threads, device, results) = (None, None, None, None, None);
    let machine = Machine::detect();
    Made { first: day.clone(), last: day, runs, seconds, threads, device, results, machine }
}

fn claim(rest: &str) -> Claim {
    let head = "id = 'c'\nwritten = '2026-11-21'\nstatement = 's'\nsource = 'p'\n";
    toml::from_str(&format!("{head}{rest}")).unwrap()
}

/// The verdict on `accuracy` at the end of cell noise = 0.
#[track_caller]
fn check(expect: &str, values: &[f64], verdict: Verdict) -> ClaimSummary {
    let text = format!(
        "each = {{ noise = [0] }}\nquantity = 'end(accuracy)'\n\
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
    // Either side may seem violated by chance: 2 · 0.0176 at 5, 2 · 0.0101 at 6.
    check("between = [5, 6]", &spread, Verdict::Undecided);
    check("between = [6, 7]", &spread, Verdict::Fails);
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
fn too_few_seeds_decide_nothing() {
    let judged = check("at_least = 0.0", &[1.0, 1.0], Verdict::Undecided);
    assert!(judged.reason.unwrap().contains("2 of the 3 seeds"));
    check("at_least = 2.0", &[1.0, 1.0], Verdict::Undecided);
    check("at_least = 2.0", &[1.0], Verdict::Undecided);
}

#[test]
fn ordering_compares_neighbours_seed_by_seed() {
    let text = "quantity = 'end(accuracy)'\n\
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
    assert_eq!(judged.verdict, Verdict::Undecided, "equal values show no order");
}

#[test]
fn formulas_combine_readings_and_settings() {
    for (quantity, expected) in [
        ("(end(accuracy, noise=50) - end(accuracy, noise=0)) / max(accuracy, noise=0)", -0.5),
        ("end(accuracy) - noise / 100", -0.1),
        ("1 - 0.9 * noise / 100", 0.55),
        ("min(accuracy - 2 * accuracy)", -0.4),
        ("max(1 - accuracy / 2)", 0.95),
    ] {
        let text = format!(
            "each = {{ noise = [50] }}\nquantity = '{quantity}'\n\
             expect = {{ equals = {{ value = {expected}, tolerance = 1e-12 }} }}"
        );
        let judged = judge(&claim(&text), &record(&[0.8; 3], &[0.4; 3]));
        assert_eq!(judged.verdict, Verdict::Holds, "{quantity}: {:?}", judged.measurements);
    }
}

#[test]
fn names_of_each_that_are_no_axes_stand_for_numbers() {
    let text = "each = { noise = [0], step = [0, 10], level = [0.2] }\n\
                quantity = 'at(accuracy, step) + reaches(accuracy, level)'\n\
                expect = { at_least = 0 }";
    let judged = judge(&claim(text), &record(&[0.3; 3], &[0.0; 3]));
    let found: Vec<f64> = judged.measurements.iter().map(|m| m.interval.unwrap().mean).collect();
    assert!((found[0] - 5.1).abs() < 1e-12 && (found[1] - 5.3).abs() < 1e-12, "{found:?}");
}

#[test]
fn places_in_a_series_are_read_as_named() {
    let record = record(&[0.8; 3], &[0.05; 3]);
    for (quantity, expected) in [
        ("start(accuracy, noise=0)", 0.1),
        ("end(accuracy, noise=0)", 0.8),
        ("max(accuracy, noise=50)", 0.1),
        ("max(accuracy, from 1, noise=50)", 0.05),
        ("min(accuracy, noise=50)", 0.05),
        ("at(accuracy, 10, noise=0)", 0.8),
        ("reaches(accuracy, 0.45, noise=0)", 5.0),
        ("falls_to(accuracy, 0.06, noise=50)", 8.0),
        ("step_of_max(accuracy, noise=50)", 0.0),
    ] {
        let text = format!(
            "quantity = '{quantity}'\nexpect = {{ equals = {{ value = {expected}, tolerance = 1e-12 }} }}"
        );
        assert_eq!(judge(&claim(&text), &record).verdict, Verdict::Holds, "{quantity}");
    }
}

/// What `place` reads at a level from the rows (step, value) of one series, the same for three
/// seeds.
fn time(place: &str, level: f64, rows: &[(u64, f64)]) -> Option<f64> {
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
    let text =
        format!("quantity = '{place}(accuracy, {level}, noise=0)'\nexpect = {{ at_least = 0 }}");
    let judged = judge(&claim(&text), &record);
    judged.measurements[0].interval.map(|interval| interval.mean)
}

#[test]
fn a_level_between_two_measurements_is_reached_on_the_line_between_them() {
    // 0.25 to 0.75 in ten steps: a twentieth a step.
    let rows = [(30, 0.125), (40, 0.25), (50, 0.75), (60, 0.5), (70, 1.0)];
    for (level, expected) in [(0.25, 40.0), (0.375, 42.5), (0.5, 45.0), (0.7, 49.0), (0.75, 50.0)] {
        let found = time("reaches", level, &rows).unwrap();
        assert!((found - expected).abs() < 1e-12, "{level}: {found}");
        let falling = rows.map(|(step, value)| (step, -value));
        let mirrored = time("falls_to", -level, &falling).unwrap();
        assert_eq!(found, mirrored);
    }
    assert_eq!(time("reaches", 0.875, &rows), Some(67.5), "the last measurement below counts");
}

#[test]
fn a_series_that_starts_at_a_level_or_beyond_is_there_at_its_first_step() {
    let rows = [(7, 0.5), (9, 0.25), (11, 1.0)];
    assert_eq!(time("reaches", 0.5, &rows), Some(7.0));
    assert_eq!(time("reaches", 0.1, &rows), Some(7.0));
    assert_eq!(time("falls_to", 0.5, &rows), Some(7.0));
    assert_eq!(time("falls_to", 0.9, &rows), Some(7.0));
    assert_eq!(time("falls_to", 0.25, &rows), Some(9.0));
    assert_eq!(time("reaches", 1.5, &rows), None);
    assert_eq!(time("falls_to", 0.2, &rows), None);
}

#[test]
fn times_measured_on_a_straight_line_do_not_depend_on_where_it_was_measured() {
    let line =
        |steps: &[u64]| -> Vec<_> { steps.iter().map(|&s| (s, s as f64 / 1024.0)).collect() };
    for steps in [&[0, 1000][..], &[0, 300, 400, 1000], &[0, 9, 10, 90, 100, 900, 1000]] {
        let found = time("reaches", 0.375, &line(steps)).unwrap();
        assert!((found - 384.0).abs() < 1e-9, "{steps:?}: {found}");
    }
}

#[test]
fn what_was_not_measured_is_told_with_the_reason() {
    for (quantity, why) in [
        ("end(loss, noise=0)", "has no loss"),
        ("end(accuracy)", "which noise"),
        ("end(accuracy, clip=1, noise=0)", "no axis clip"),
        ("end(accuracy, noise=7)", "noise=7"),
        ("at(accuracy, 5, noise=0)", "step 5"),
        ("end(accuracy, noise=0) * noise", "which noise"),
    ] {
        let text = format!("quantity = '{quantity}'\nexpect = {{ at_least = 0 }}");
        let judged = judge(&claim(&text), &record(&[0.8; 3], &[0.4; 3]));
        assert_eq!(judged.verdict, Verdict::NotMeasured);
        let reason = judged.measurements[0].reason.as_ref().unwrap();
        assert!(reason.contains(why), "{reason}");
    }
}

/// Three of ten seeds never come to 0.5: their times are above the last step, 10.
#[test]
fn a_level_that_is_never_reached_is_a_censored_time_and_no_failure() {
    let ends = [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.3, 0.3, 0.3];
    let judged = |expect: &str| {
        let text = format!("quantity = 'reaches(accuracy, 0.5, noise=0)'\nexpect = {{ {expect} }}");
        judge(&claim(&text), &record(&ends, &ends))
    };
    // At least 2 steps: 10 of 10, 1/1024. At most 6 steps: 7 of 10, which chance gives with 17 %.
    let late = judged("at_least = 2");
    assert_eq!(late.verdict, Verdict::Holds);
    assert_eq!(late.measurements[0].values[9], Value::Censored(Censored::Above(10.0)));
    assert_eq!(late.measurements[0].interval, None);
    let early = judged("at_most = 6");
    assert_eq!(early.verdict, Verdict::Undecided);
    assert!(early.seeds_to_decide.unwrap() > 10);
    assert_eq!(judged("at_most = 2").verdict, Verdict::Fails, "all ten are above");
    let three = judge(
        &claim("quantity = 'reaches(accuracy, 0.5, noise=0)'\nexpect = { at_least = 2 }"),
        &record(&[0.3; 3], &[0.3; 3]),
    );
    assert_eq!((three.verdict, three.seeds_to_decide), (Verdict::Undecided, Some(6)));
}

#[test]
fn outcomes_are_counted_and_have_an_exact_interval() {
    let ends = [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.3];
    let judged = |expect: &str, ends: &[f64]| {
        let text = format!("quantity = 'end(accuracy, noise=0) > 0.5'\nexpect = {{ {expect} }}");
        judge(&claim(&text), &record(ends, ends))
    };
    let most = judged("at_least = 0.5", &ends);
    assert_eq!((most.verdict, most.measurements[0].count), (Verdict::Holds, Some(9)));
    let interval = most.measurements[0].interval.unwrap();
    // scipy.stats.binomtest(9, 10).proportion_ci(0.95, 'exact')
    assert!(
        (interval.low - 0.554_983_883).abs() < 1e-8 && (interval.high - 0.997_471_421).abs() < 1e-8
    );
    assert_eq!(judged("at_least = 0.9", &ends).verdict, Verdict::Undecided);
    assert_eq!(judged("at_most = 0.2", &ends).verdict, Verdict::Fails);
    let three = judged("at_least = 0.5", &[0.9; 3]);
    assert_eq!((three.verdict, three.seeds_to_decide), (Verdict::Undecided, Some(6)));
}

/// Without seeds nothing is random: the share of the cells is what it is.
#[test]
fn outcomes_of_all_cells_are_counted_together() {
    let text = "each = { noise = [0, 50] }\npool = true\n\
                quantity = 'end(accuracy) > 0.5'\nexpect = { at_least = 0.6 }";
    let mut record = record(&[0.9], &[0.3]);
    record.header.seeds.clear();
    record.rows.iter_mut().for_each(|row| row.seed = 0);
    let judged = judge(&claim(text), &record);
    assert_eq!(judged.verdict, Verdict::Fails);
    assert_eq!(judged.measurements[0].label, "2 cells");
    assert_eq!(judged.measurements[0].values, [Value::Exact(0.5)]);
    assert_eq!(judge(&claim(&text.replace("0.6", "0.5")), &record).verdict, Verdict::Holds);
}

#[test]
fn a_bound_of_ours_never_fails_a_claim() {
    let text = "bound = 'ours'\nquantity = 'end(accuracy, noise=0)'\nexpect = { at_least = 0.9 }";
    let judged = judge(&claim(text), &record(&[0.5; 3], &[0.5; 3]));
    assert_eq!(judged.verdict, Verdict::NotShown);
    assert!(judged.condition.contains("a bound of ours"));
    let judged = judge(&claim(text), &record(&[0.95; 3], &[0.5; 3]));
    assert_eq!(judged.verdict, Verdict::Holds);
}

/// t = √3/0.2 = 8.66, p = 0.00653: below 0.025/3 and above 0.025/4.
#[test]
fn families_are_corrected_for_their_number() {
    let values = [0.8, 1.0, 1.2];
    let verdict = |n: usize| {
        let text = format!(
            "each = {{ noise = [0], n = [{}] }}\nquantity = 'end(accuracy) + 0 * n'\n\
             expect = {{ at_least = 0.0 }}",
            vec!["1"; n].join(", ")
        );
        judge(&claim(&text), &record(&values, &values)).verdict
    };
    assert_eq!([1, 3].map(verdict), [Verdict::Holds; 2]);
    assert_eq!(verdict(4), Verdict::Undecided);
}

#[test]
fn a_claim_says_whether_it_was_written_before_its_data() {
    let judged = |written: &str| {
        let text = "quantity = 'end(accuracy, noise=0)'\nexpect = { at_least = 0.0 }";
        let mut claim = claim(text);
        claim.written = written.parse().unwrap();
        judge(&claim, &record(&[0.5; 3], &[0.5; 3])).timing
    };
    assert_eq!(judged("2026-11-21"), Some(Timing::Before));
    assert_eq!(judged("2026-11-22"), Some(Timing::SameDay));
    assert_eq!(judged("2026-11-23"), Some(Timing::After));
}

#[test]
fn a_claim_for_other_scales_does_not_apply_and_says_why() {
    let text = "scales = ['paper']\notherwise = 'too short'\n\
                quantity = 'end(accuracy)'\n\
                expect = { at_least = 1 }";
    let judged = judge(&claim(text), &record(&[0.0; 3], &[0.0; 3]));
    assert_eq!(judged.verdict, Verdict::NotApplicable);
    assert_eq!(judged.reason.as_deref(), Some("too short"));
    assert!(judged.measurements.is_empty());
}

#[test]
fn one_bad_cell_spoils_the_claim() {
    let text = "each = { noise = [0, 50] }\n\
                quantity = 'end(accuracy)'\n\
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
                quantity = 'end(accuracy)'\n\
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
    let text = "quantity = 'end(accuracy, noise=0) / end(accuracy, noise=50)'\n\
                expect = { at_least = 0 }";
    let judged = judge(&claim(text), &record(&[0.8; 3], &[0.0; 3]));
    assert_eq!(judged.verdict, Verdict::NotMeasured);
    assert!(judged.measurements[0].reason.as_ref().unwrap().contains("is inf"));
}
