//! Verdicts follow from figures, and the committed page from the committed record.

use super::goal::{Bound, Goal, Verdict};
use super::machine::Machine;
use super::record::{Median, PeerRow, Record};
use super::{PAGE, RECORD, goals, page, scaling};

fn record() -> Record {
    let machine = Machine {
        date: String::new(),
        cpu: String::new(),
        cores: 2,
        memory_gib: 1,
        platform: String::new(),
        isa: String::new(),
        rustc: String::new(),
        commit: String::new(),
        load_before: 0.0,
        load_after: 0.0,
    };
    Record::new(machine, false)
}

fn put(record: &mut Record, id: &str, median: f64) {
    record.medians.insert(id.to_owned(), Median { median, low: median, high: median });
}

fn peer(name: &str, peer: &str, median_s: f64) -> PeerRow {
    let row = format!(
        r#"{{"name": "{name}", "peer": "{peer}", "version": "1", "median_s": {median_s}, "reps": 9}}"#
    );
    serde_json::from_str(&row).expect("a row as the scripts print it")
}

fn goal<'a>(goals: &'a [Goal], what: &str) -> &'a Goal {
    goals.iter().find(|goal| goal.what == what).expect("a goal of that name")
}

#[test]
fn a_bound_holds_at_its_own_value_only_on_the_right_side() {
    let verdict = |bound, x: f64| {
        Goal::quotient("", "", bound, [Some(x), Some(1.0)], |x| x.to_string()).verdict()
    };
    assert_eq!(verdict(Bound::AtMost(1.5), 1.5), Verdict::Met);
    assert_eq!(verdict(Bound::AtMost(1.5), 1.501), Verdict::NotMet);
    assert_eq!(verdict(Bound::AtLeast(20.0), 20.0), Verdict::Met);
    assert_eq!(verdict(Bound::AtLeast(20.0), 19.9), Verdict::NotMet);
    assert_eq!(verdict(Bound::AtMost(1.5), f64::NAN), Verdict::NotMet);
}

#[test]
fn what_was_not_measured_is_neither_met_nor_missed() {
    assert!(goals::all(&record()).iter().all(|goal| goal.verdict() == Verdict::NotMeasured));
}

#[test]
fn the_reference_is_the_fastest_peer_of_the_run() {
    let mut record = record();
    put(&mut record, "w1/plain step", 0.9);
    record.peers = vec![peer("W1.sgd_step", "slow", 2.0), peer("W1.sgd_step", "fast", 0.6)];
    record.peers.push(peer("W2.wsgd_step", "another row", 0.1));
    let goals = goals::all(&record);
    let goal = goal(&goals, "plain step / fastest peer");
    assert_eq!((goal.measured, goal.verdict()), (Some(0.9 / 0.6), Verdict::NotMet));
    assert!(goal.sides.contains("fast"), "{}", goal.sides);
}

#[test]
fn a_goal_cannot_be_met_only_if_the_best_ratio_misses_it() {
    let mut record = record();
    put(&mut record, "w5 n = 3/krum", 2.9);
    record.peers = vec![peer("W5.n3_d11000000", "torch", 7.0)];
    record.peers[0].op = Some("krum".to_owned());
    let verdict =
        |record: &Record| goal(&goals::all(record), "n = 3: fastest peer / krum").verdict();
    assert_eq!(verdict(&record), Verdict::NotMet);
    put(&mut record, "w5 n = 3/read once", 2.0);
    assert_eq!(verdict(&record), Verdict::NotMet);
    put(&mut record, "w5 n = 3/read once", 2.8);
    assert_eq!(verdict(&record), Verdict::CannotBe);
}

#[test]
fn a_point_off_the_line_is_a_cliff() {
    let mut record = record();
    for (batch, seconds) in [(10, 1.0), (20, 2.0), (50, 20.0), (100, 40.0)] {
        put(&mut record, &format!("scaling/plain by batch, 2 threads/{batch}"), seconds);
    }
    let goals = scaling::goals(&record);
    let cliff = goal(&goals, "no cliff over examples in a batch: growth of time per unit of work");
    assert_eq!((cliff.measured, cliff.verdict()), (Some(4.0), Verdict::NotMet));
    assert!(cliff.sides.contains("20 → 50"), "{}", cliff.sides);
}

#[test]
fn a_second_thread_is_judged_by_the_step_that_gains_least() {
    let mut record = record();
    for (batch, one, two) in [(10, 0.001, 0.001), (20, 4.0, 2.0), (50, 6.0, 4.0)] {
        put(&mut record, &format!("scaling/plain by batch, 1 thread/{batch}"), one);
        put(&mut record, &format!("scaling/plain by batch, 2 threads/{batch}"), two);
    }
    let goals = scaling::goals(&record);
    let gain = goal(&goals, "two threads / one, the least of all steps over 2 ms");
    assert_eq!((gain.measured, gain.verdict()), (Some(1.5), Verdict::NotMet));
}

#[test]
fn the_page_is_what_the_record_renders_to() {
    let root = crate::workspace_root();
    let record = Record::load(&root.join(RECORD)).expect("a committed record");
    let committed = std::fs::read_to_string(root.join(PAGE)).expect("a committed page");
    assert!(page::render(&record) == committed, "stale: cargo xtask bench --render");
}
