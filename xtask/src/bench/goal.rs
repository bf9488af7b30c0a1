//! A goal: a ratio of two measured sides, held against its bound.

use serde::Serialize;
use std::fmt;

use super::record::{PartRecord, PeerRow};

/// What a ratio, or an amount of memory, has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// A line of a processor's table. There is one only where both sides were measured.
#[derive(Debug, Serialize)]
pub(super) struct Goal {
    /// What is compared with what.
    pub(super) what: String,
    pub(super) bound: String,
    pub(super) measured: f64,
    /// Decided from the figure alone.
    pub(super) met: bool,
    /// The two sides, or the interval of the ratio.
    pub(super) sides: String,
    /// Why it is hard to meet, on any processor; empty for most.
    pub(super) remark: &'static str,
}

impl Goal {
    pub(super) fn new(
        what: impl Into<String>,
        bound: Bound,
        measured: f64,
        sides: impl Into<String>,
    ) -> Self {
        let (what, sides, met) = (what.into(), sides.into(), bound.admits(measured));
        let bound = bound.to_string();
        Self { what, bound, measured, met, sides, remark: "" }
    }

    pub(super) fn remark(self, remark: &'static str) -> Self {
        Self { remark, ..self }
    }
}

impl PartRecord {
    /// A ratio that was measured as such, in alternating blocks.
    pub(super) fn paired(&self, what: impl Into<String>, bound: Bound, id: &str) -> Option<Goal> {
        let figure = self.figures.get(id)?;
        let interval = |[low, high]: [f64; 2]| format!("95 %: {low:.3} … {high:.3}");
        let sides = figure.interval.map_or_else(String::new, interval);
        Some(Goal::new(what, bound, figure.median, sides))
    }

    /// The ratio of two figures of ours.
    pub(super) fn quotient(
        &self,
        what: impl Into<String>,
        bound: Bound,
        [over, under]: [&str; 2],
    ) -> Option<Goal> {
        let values = [self.median(over)?, self.median(under)?];
        let show = if over.ends_with("/bytes") { mebibytes } else { time };
        let sides = values.map(show).join(" / ");
        Some(Goal::new(what, bound, values[0] / values[1], sides))
    }

    /// Our time against the fastest peer's: at most so much of it, or at least so many times faster.
    pub(super) fn against_peer(
        &self,
        what: impl Into<String>,
        bound: Bound,
        ours: &str,
        wanted: impl Fn(&PeerRow) -> bool,
    ) -> Option<Goal> {
        let (ours, peer) = self.fastest(ours, wanted)?;
        let [over, under] = match bound {
            Bound::AtMost(_) => [ours, peer.median_s],
            Bound::AtLeast(_) => [peer.median_s, ours],
        };
        let sides = format!("{} / {} (peer: {})", time(over), time(under), peer.title());
        Some(Goal::new(what, bound, over / under, sides))
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

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most} ×"),
            Self::AtLeast(least) => write!(f, "≥ {least} ×"),
        }
    }
}

/// Seconds as people read them.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.1} µs", seconds * 1e6),
        ..1e-1 => format!("{:.3} ms", seconds * 1e3),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// Bytes in MiB.
pub(super) fn mebibytes(bytes: f64) -> String {
    format!("{:.2} MiB", bytes / f64::from(1 << 20))
}
