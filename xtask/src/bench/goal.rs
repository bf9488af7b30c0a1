//! A goal, what was measured for it, and the verdict.

use std::fmt;

use super::record::{PeerRow, Record};

/// What a ratio has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Goal {
    /// The row of the table of goals: W1, W2, …
    pub(crate) row: &'static str,
    /// What is compared with what.
    pub(crate) what: String,
    pub(crate) bound: Bound,
    /// The ratio, if both sides were measured.
    pub(crate) measured: Option<f64>,
    /// The ratio that no program can better here, where something in this run shows one.
    pub(crate) at_best: Option<f64>,
    /// The two sides.
    pub(crate) sides: String,
    /// What stands in the way, or what must be known to read the figure.
    pub(crate) remark: &'static str,
}

/// Decided from the figure alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    NotMet,
    /// Not met, and the best ratio that there can be would not meet it.
    CannotBe,
    NotMeasured,
}

impl Goal {
    /// A ratio of two medians or of two sizes that were measured here.
    pub(crate) fn quotient(
        row: &'static str,
        what: impl Into<String>,
        bound: Bound,
        [over, under]: [Option<f64>; 2],
        unit: fn(f64) -> String,
    ) -> Self {
        let side = |x: Option<f64>| x.map_or_else(|| "not measured".to_owned(), unit);
        let measured = over.zip(under).map(|(over, under)| over / under);
        let sides = format!("{} / {}", side(over), side(under));
        Self { row, what: what.into(), bound, measured, at_best: None, sides, remark: "" }
    }

    /// The worst of many ratios, with what it is a ratio of.
    pub(crate) fn extreme(
        row: &'static str,
        what: impl Into<String>,
        bound: Bound,
        worst: Option<(f64, String)>,
    ) -> Self {
        let (measured, sides) = worst.unzip();
        let sides = sides.unwrap_or_else(|| "not measured".to_owned());
        Self { row, what: what.into(), bound, measured, at_best: None, sides, remark: "" }
    }

    /// A ratio that was measured as such, in alternating blocks.
    pub(crate) fn paired(
        row: &'static str,
        what: impl Into<String>,
        bound: Bound,
        record: &Record,
        id: &str,
    ) -> Self {
        let median = record.medians.get(id);
        let interval = |m: &super::record::Median| format!("95 %: {:.3} … {:.3}", m.low, m.high);
        let sides = median.map_or_else(|| "not measured".to_owned(), interval);
        let measured = median.map(|m| m.median);
        Self { row, what: what.into(), bound, measured, at_best: None, sides, remark: "" }
    }

    /// Our time against the fastest peer's: at most so much of it, or at least so many times faster.
    pub(crate) fn against_peer(
        row: &'static str,
        what: impl Into<String>,
        bound: Bound,
        ours: Option<f64>,
        peer: Option<&PeerRow>,
    ) -> Self {
        let theirs = peer.map(|row| row.median_s);
        let sides = match bound {
            Bound::AtMost(_) => [ours, theirs],
            Bound::AtLeast(_) => [theirs, ours],
        };
        let mut goal = Self::quotient(row, what, bound, sides, time);
        if let Some(peer) = peer {
            goal.sides += &format!(" (peer: {})", peer.title());
        }
        goal
    }

    pub(crate) fn remark(mut self, remark: &'static str) -> Self {
        self.remark = remark;
        self
    }

    /// No program can take less than `seconds`, which `what` takes; for a ratio to a peer's time.
    pub(crate) fn at_best(
        mut self,
        peer: Option<&PeerRow>,
        what: &str,
        seconds: Option<f64>,
    ) -> Self {
        self.at_best = peer.zip(seconds).map(|(peer, seconds)| peer.median_s / seconds);
        if let (Verdict::CannotBe, Some(best)) = (self.verdict(), self.at_best) {
            self.sides += &format!("; {what} alone: {best:.3} ×");
        }
        self
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match self.measured {
            None => Verdict::NotMeasured,
            Some(x) if self.bound.admits(x) => Verdict::Met,
            Some(_) if self.at_best.is_some_and(|best| !self.bound.admits(best)) => {
                Verdict::CannotBe
            }
            Some(_) => Verdict::NotMet,
        }
    }
}

impl Bound {
    fn admits(self, x: f64) -> bool {
        match self {
            Self::AtMost(most) => x <= most,
            Self::AtLeast(least) => x >= least,
        }
    }
}

/// Seconds as people read them.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.1} µs", seconds * 1e6),
        ..1e-1 => format!("{:.3} ms", seconds * 1e3),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// Bytes in MiB.
pub(crate) fn mebibytes(bytes: f64) -> String {
    format!("{:.2} MiB", bytes / f64::from(1 << 20))
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(x) => write!(f, "≤ {x} ×"),
            Self::AtLeast(x) => write!(f, "≥ {x} ×"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::NotMet => "**not met**",
            Self::CannotBe => "**cannot be**",
            Self::NotMeasured => "not measured",
        })
    }
}
