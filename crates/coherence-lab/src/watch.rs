//! Progress on stderr: a bar on a terminal, else a line now and then.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::run::Watch;
use crate::spec::Experiment;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

mod passes;

pub(crate) use passes::Passes;

/// The least time between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// How progress is shown, of one activity after the other: an experiment, or the training of a network.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Not at all.
    Quiet,
    /// A bar.
    Bar(ProgressBar),
    /// Lines: the beginning and the end of each activity, and one every 10 s.
    Lines(Mutex<Lines>),
}

/// How far the present activity is.
#[derive(Debug)]
pub(crate) struct Lines {
    name: String,
    done: u64,
    steps: u64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if io::stderr().is_terminal() {
            Self::Bar(bar())
        } else {
            Self::Lines(Mutex::new(Lines::new(String::new(), [0, 0])))
        }
    }

    /// Shows the beginning of the activity `name`, which is described by `what` and has `steps` steps, of which `done`
    /// are done.
    pub(crate) fn start(&self, name: &str, what: &str, [done, steps]: [u64; 2]) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.reset();
                bar.set_length(steps);
                bar.set_position(done);
                bar.reset_eta();
                bar.set_prefix(name.to_owned());
                bar.enable_steady_tick(Duration::from_millis(500));
            }
            Self::Lines(lines) => {
                line(&format!("{name}: {what}"));
                *locked(lines) = Lines::new(name.to_owned(), [done, steps]);
            }
        }
    }

    /// Shows that `done` steps are done, with the `state` that they lead to.
    pub(crate) fn reach(&self, done: u64, state: impl FnOnce() -> String) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(state());
            }
            Self::Lines(lines) => locked(lines).reach(done, state),
        }
    }

    /// Shows the end of the activity.
    pub(crate) fn finish(&self) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines(lines) => locked(lines).tell("ended, ", ""),
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let template = "{prefix:3} {wide_bar} {percent:>3} %  {elapsed}, {eta} left  {msg}";
    bar.with_style(ProgressStyle::with_template(template).expect("a valid template"))
}

fn locked(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().expect("no thread panics with it")
}

impl Watch for Progress {
    fn begin(&self, experiment: &Experiment, runs: usize, steps: u64) {
        let s = if runs == 1 { "" } else { "s" };
        self.start(&experiment.id, &format!("{runs} run{s}, {steps} steps"), [0, steps]);
    }

    fn advance(&self, steps: u64) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.inc(steps),
            Self::Lines(lines) => {
                let mut lines = locked(lines);
                let done = lines.done + steps;
                lines.reach(done, String::new);
            }
        }
    }

    fn end(&self) {
        self.finish();
    }
}

impl Lines {
    fn new(name: String, [done, steps]: [u64; 2]) -> Self {
        let now = Instant::now();
        Self { name, done, steps, begun: now, told: now }
    }

    fn reach(&mut self, done: u64, state: impl FnOnce() -> String) {
        self.done = done;
        if EVERY <= self.told.elapsed() {
            self.told = Instant::now();
            self.tell("", &state());
        }
    }

    fn tell(&self, what: &str, state: &str) {
        let percent = 100 * self.done / self.steps.max(1);
        let seconds = self.begun.elapsed().as_secs_f64();
        let comma = if state.is_empty() { "" } else { ", " };
        line(&format!("{}: {what}{percent} % after {seconds:.1} s{comma}{state}", self.name));
    }
}

/// Writes a line to stderr. Nothing is left to say it with if that fails.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
