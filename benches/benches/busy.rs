//! The plain step of W1 and α of W3 on a machine with one other busy process, compared with a quiet
//! one.
//!
//! Quiet and busy blocks alternate. The busy process is this program itself, started with another
//! argument; it ends at the end of its block, or with the program.
//!
//! One line of JSON for each: `{"id": "…", "quiet": seconds, "busy": seconds, "ratio": …}`, medians
//! over the blocks; `ratio` is the median of the blocks' own ratios.

#![allow(clippy::print_stdout, reason = "the measurements are the output")]

use coherence_benches::{BATCH, Passes, RATE, SMALL, THREADS, digits, pool, step, trainer};
use coherence_train::{
    Aggregation,
    measure::{BUDGET, By, Meter},
};
use std::{
    env,
    hint::spin_loop,
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The argument that makes this program the busy process.
const SPIN: &str = "--spin";

/// Pairs of a quiet and a busy block.
const BLOCKS: usize = 15;

/// The length of a block: many time slices of the scheduler.
const BLOCK: Duration = Duration::from_millis(700);

fn main() {
    if env::args().any(|argument| argument == SPIN) {
        return spin_until_stdin_closes();
    }
    let mut trainer = trainer(&SMALL, [10_000, BATCH], Aggregation::Mean, RATE);
    report("w1 plain step", || step(&mut trainer));
    let (model, data) = (Passes::new(&SMALL, 1, 1).model, digits(10_000));
    let mut meter = Meter::new(&model, &data, By::default(), BUDGET).expect("digits fit");
    report("w3 alpha, m = 10000", || {
        meter.measure().expect("finite losses");
    });
}

/// Keeps one core busy until the pipe from the parent is closed, which also happens when the parent
/// dies.
fn spin_until_stdin_closes() {
    thread::spawn(|| {
        loop {
            spin_loop();
        }
    });
    let mut stdin = std::io::stdin();
    while stdin.read(&mut [0; 1]).is_ok_and(|count| count > 0) {}
}

/// The busy process; it is ended and waited for on drop.
struct Busy(Child);

impl Busy {
    fn start() -> Self {
        let program = env::current_exe().expect("this program has a path");
        let child = Command::new(program).arg(SPIN).stdin(Stdio::piped()).spawn();
        let busy = Self(child.expect("this program can be started again"));
        thread::sleep(Duration::from_millis(100)); // until it spins
        busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("the busy process ends when its input does");
    }
}

/// Measures `f` in alternating blocks and prints the medians.
fn report(id: &str, mut f: impl FnMut() + Send) {
    let pool = pool(THREADS);
    let mut block = || pool.install(|| seconds(&mut f));
    block();
    let (mut quiet, mut busy, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        let alone = block();
        let process = Busy::start();
        let beside = block();
        drop(process);
        quiet.push(alone);
        busy.push(beside);
        ratios.push(beside / alone);
    }
    let [quiet, busy, ratio] = [quiet, busy, ratios].map(median);
    println!(
        "{{\"id\": \"busy/{id}\", \"quiet\": {quiet:e}, \"busy\": {busy:e}, \"ratio\": {ratio:.3}}}"
    );
}

/// Seconds per call, over calls during [`BLOCK`].
fn seconds(f: &mut impl FnMut()) -> f64 {
    let (start, mut calls) = (Instant::now(), 0);
    while start.elapsed() < BLOCK {
        f();
        calls += 1;
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
