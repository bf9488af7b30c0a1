//! Verdicts follow from figures, and the committed page from the committed records.

use super::goal::{Bound, Goal};
use super::record::{Figure, Measured, PartRecord, PeerRow, Record};
use super::{goals, ours, page, parts::PARTS, processor::Processor, scaling};

fn part(figures: &[(&str, f64)], peers: &[(&str, &str, f64)]) -> PartRecord {
    let figure = |&(id, median): &(&str, f64)| (id.to_owned(), Figure { median, interval: None });
    let row = |&(name, peer, seconds): &(&str, &str, f64)| {
        let line = format!(
            r#"{{"name": "{name}", "peer": "{peer}", "version": "1", "median_s": {seconds}, "reps": 9}}"#
        );
        PeerRow::from_line(&line).expect("a row as the scripts print it").expect("a row")
    };
    PartRecord {
        figures: figures.iter().map(figure).collect(),
        peers: peers.iter().map(row).collect(),
        ..PartRecord::default()
    }
}

fn goal<'a>(goals: &'a [Goal], what: &str) -> &'a Goal {
    goals.iter().find(|goal| goal.what == what).expect("a goal of that name")
}

#[test]
fn a_bound_holds_at_its_own_value_only_on_the_right_side() {
    let met = |bound, x| Goal::new("", bound, x, "").met;
    assert!(met(Bound::AtMost(1.5), 1.5) && !met(Bound::AtMost(1.5), 1.501));
    assert!(met(Bound::AtLeast(20.0), 20.0) && !met(Bound::AtLeast(20.0), 19.9));
    assert!(!met(Bound::AtMost(1.5), f64::NAN) && !met(Bound::AtLeast(1.5), f64::NAN));
}

#[test]
fn what_was_not_measured_is_absent_rather_than_failed() {
    let ours = part(&[("w1/plain step", 0.9)], &[]);
    assert!(PARTS.iter().all(|plan| goals::of(plan.name, &ours).is_empty()));
}

#[test]
fn the_reference_is_the_fastest_peer_of_the_part() {
    let peers = [
        ("W1.sgd_step", "slow", 2.0),
        ("W1.sgd_step", "fast", 0.6),
        ("W2.wsgd_step", "another row", 0.1),
    ];
    let goals = goals::of("W1", &part(&[("w1/plain step", 0.9)], &peers));
    let goal = goal(&goals, "plain step / fastest peer");
    assert_eq!((goal.measured, goal.met), (0.9 / 0.6, false));
    assert!(goal.sides.contains("fast"), "{}", goal.sides);
}

#[test]
fn a_peer_is_compared_with_what_was_measured_around_it() {
    let peers = [("W1.sgd_step", "on a fast machine", 0.6), ("W1.sgd_step", "on a slow one", 0.8)];
    let mut part = part(&[("w1/plain step", 0.9)], &peers);
    part.peers[1].ours = [("w1/plain step".to_owned(), 1.6)].into();
    let goals = goals::of("W1", &part);
    let goal = goal(&goals, "plain step / fastest peer");
    assert_eq!(goal.measured, 1.6 / 0.8);
    assert!(goal.sides.contains("on a slow one"), "{}", goal.sides);
}

#[test]
fn of_several_rounds_the_median_ratio_counts() {
    let round = |peer_s: f64, ours_s: f64| {
        let mut peers = part(&[], &[("W1.sgd_step", "peer", peer_s)]).peers;
        peers[0].ours = [("w1/plain step".to_owned(), ours_s)].into();
        Measured { peers, ..Measured::default() }
    };
    let rounds = vec![round(1.0, 0.9), round(2.0, 1.0), round(1.0, 0.7)];
    let median = Measured::median_of(rounds, "w1/plain step").expect("rounds of one row");
    assert_eq!((median.peers.len(), median.peers[0].ours["w1/plain step"]), (1, 0.7));
    let uneven = vec![round(1.0, 0.9), Measured::default()];
    assert!(Measured::median_of(uneven, "w1/plain step").is_err());
}

#[test]
fn older_figures_stand_until_the_first_bench_has_succeeded() {
    let folder = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
    let saved = || Record::open(&folder, Processor::default(), 0).expect("a record");
    let at = |commit: &str| PartRecord { commit: commit.to_owned(), ..PartRecord::default() };
    let of = |median| -> anyhow::Result<Measured> {
        let figures = [("x".to_owned(), Figure { median, interval: None })].into();
        Ok(Measured { figures, ..Measured::default() })
    };
    let found =
        |record: &Record| (record.parts["W1"].commit.clone(), record.parts["W1"].median("x"));
    let mut record = saved();
    record.begin("W1", at("a"), false);
    assert!(record.keep("W1", "bench", || of(1.0)).expect("saved"));
    for (commit, again) in [("a", true), ("b", false)] {
        record.begin("W1", at(commit), again);
        assert!(!record.keep("W1", "bench", || anyhow::bail!("no memory")).expect("kept"));
        for record in [&record, &saved()] {
            assert_eq!(found(record), ("a".to_owned(), Some(1.0)));
        }
    }
    record.begin("W1", at("b"), false);
    assert!(record.keep("W1", "bench", || of(2.0)).expect("saved"));
    assert!(record.keep("W1", "script", || anyhow::bail!("no memory")).expect("saved"));
    assert_eq!(found(&saved()), ("b".to_owned(), Some(2.0)));
    assert_eq!(saved().parts["W1"].notes["script"], "failed: no memory");
    std::fs::remove_dir_all(&folder).expect("the folder of the record");
}

#[test]
fn a_point_off_the_line_is_a_cliff() {
    let figures = [10, 20, 50, 100].map(|n| format!("scaling/plain by batch, 2 threads/{n}"));
    let figures: Vec<_> = figures.iter().map(String::as_str).zip([1.0, 2.0, 20.0, 40.0]).collect();
    let goals = goals::of("scaling", &part(&figures, &[]));
    let cliff = goal(&goals, "no cliff over examples in a batch: growth of time per unit of work");
    assert_eq!((cliff.measured, cliff.met), (4.0, false));
    assert!(cliff.sides.contains("20 → 50"), "{}", cliff.sides);
}

#[test]
fn a_second_thread_is_judged_by_the_step_that_gains_least() {
    let figures = [
        ("scaling/plain by batch, 1 thread/10", 0.001),
        ("scaling/plain by batch, 2 threads/10", 0.001),
        ("scaling/plain by batch, 1 thread/20", 4.0),
        ("scaling/plain by batch, 2 threads/20", 2.0),
        ("scaling/plain by batch, 1 thread/50", 6.0),
        ("scaling/plain by batch, 2 threads/50", 4.0),
    ];
    let part = part(&figures, &[]);
    let goals = goals::of("scaling", &part);
    let gain = goal(&goals, "two threads / one, the least of all steps over 2 ms");
    assert_eq!((gain.measured, gain.met), (1.5, false));
    let table = &scaling::tables(&part)[0];
    assert_eq!(table.columns, ["plain, 1 thread", "plain, 2 threads"]);
    assert_eq!(table.rows[1], (20.0, vec!["4.00 s".to_owned(), "2.00 s".to_owned()]));
}

#[test]
fn the_command_is_judged_for_every_rule_that_numpy_ran() {
    let figures = [
        ("command 100 x 335114/median", 0.05),
        ("command 100 x 335114 ratio/median to NumPy", 0.25),
        ("command 100 x 335114 ratio/mean to read once", 1.6),
    ];
    let goals = goals::of("command", &part(&figures, &[]));
    let verdict = |what| (goal(&goals, what).measured, goal(&goals, what).met);
    assert_eq!(verdict("median: NumPy / command"), (4.0, true));
    assert_eq!(verdict("mean: command / reading the file once"), (1.6, false));
}

#[test]
fn a_bench_prints_named_figures() {
    let lines = "compiling\n{\"id\": \"busy/step\", \"quiet\": 2e-3, \"ratio\": 1.5}\n";
    let figures = ours::printed(lines).expect("a line of figures");
    let figures: Vec<_> = figures.iter().map(|(id, figure)| (id.as_str(), figure.median)).collect();
    assert_eq!(figures, [("busy/step/quiet", 2e-3), ("busy/step/ratio", 1.5)]);
    assert!(ours::printed("{\"id\": 1}").is_err());
}

#[test]
fn a_row_without_a_time_is_an_error_and_other_output_is_none() {
    assert!(PeerRow::from_line("warning: something").expect("no row").is_none());
    assert!(PeerRow::from_line(r#"{"name": "W1.sgd_step", "peer": "x"}"#).is_err());
}

#[test]
fn the_page_is_what_the_records_render_to() {
    let docs = crate::workspace_root().join("docs");
    let records = Record::load_all(&docs).expect("committed records");
    let committed = std::fs::read_to_string(docs.join(page::PAGE)).expect("a committed page");
    let rendered = page::render(&records).expect("a page");
    assert!(rendered == committed, "stale: cargo xtask bench --render");
}
