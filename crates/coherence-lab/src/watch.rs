//! Progress on stderr: a bar on a terminal, else a line now and then.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use coherence_lab::run::Watch;
use coherence_lab::spec::Experiment;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two lines.
const EVERY: Duration = Duration::from_secs(30);

/// How progress is shown; used by each experiment in turn.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Not at all.
    Quiet,
    /// A bar.
    Bar(ProgressBar),
    /// Lines: each experiment's beginning and end, and one every 30 s.
    Lines(Mutex<Lines>),
}

/// How far the present experiment is.
#[derive(Debug)]
pub(crate) struct Lines {
    experiment: String,
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
            let (experiment, now) = (String::new(), Instant::now());
            let lines = Lines { experiment, done: 0, steps: 0, begun: now, told: now };
            Self::Lines(Mutex::new(lines))
        }
    }
}

/// A bar on stderr; hidden if that is not a terminal.
pub(crate) fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let template = "{prefix:3} {wide_bar} {percent:>3} %  {elapsed} of about {duration}  {msg}";
    bar.with_style(ProgressStyle::with_template(template).expect("a valid template"))
}

impl Watch for Progress {
    fn begin(&self, experiment: &Experiment, runs: usize, steps: u64) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.reset();
                bar.set_length(steps);
                bar.set_prefix(experiment.id.to_string());
                bar.enable_steady_tick(Duration::from_millis(500));
            }
            Self::Lines(lines) => {
                let (experiment, now) = (experiment.id.to_string(), Instant::now());
                let s = if runs == 1 { "" } else { "s" };
                line(&format!("{experiment}: {runs} run{s}, {steps} steps"));
                let new = Lines { experiment, done: 0, steps, begun: now, told: now };
                *lines.lock().expect("no thread panics with it") = new;
            }
        }
    }

    fn advance(&self, steps: u64) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.inc(steps),
            Self::Lines(lines) => lines.lock().expect("no thread panics with it").advance(steps),
        }
    }

    fn end(&self) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines(lines) => lines.lock().expect("no thread panics with it").end(),
        }
    }
}

impl Lines {
    fn advance(&mut self, steps: u64) {
        self.done += steps;
        if EVERY <= self.told.elapsed() {
            self.told = Instant::now();
            self.tell("");
        }
    }

    fn end(&self) {
        self.tell("ended, ");
    }

    fn tell(&self, what: &str) {
        let percent = 100 * self.done / self.steps.max(1);
        let seconds = self.begun.elapsed().as_secs_f64();
        line(&format!("{}: {what}{percent} % after {seconds:.1} s", self.experiment));
    }
}

/// Writes a line to stderr. Nothing is left to say it with if that fails.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
