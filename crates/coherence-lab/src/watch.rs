//! Progress on stderr, when it is a terminal.

use std::time::Duration;

use coherence_lab::run::Watch;
use coherence_lab::spec::Experiment;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One bar, reused by each experiment in turn; indicatif hides it where stderr is no terminal.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let template = "{prefix:3} {wide_bar} {percent:>3} %  {elapsed} of about {duration}  {msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
        Self(bar)
    }
}

impl Watch for Bar {
    fn begin(&self, experiment: &Experiment, steps: u64) {
        self.0.reset();
        self.0.set_length(steps);
        self.0.set_prefix(experiment.id.clone());
        self.0.enable_steady_tick(Duration::from_millis(500));
    }

    fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
