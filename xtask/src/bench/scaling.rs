//! Step times against batch, width and c: the series, and the goals that they decide.

use super::goal::{Bound, Goal, time};
use super::record::Record;

/// A step shorter than this need not gain from a second thread.
const WORTH_SHARING: f64 = 2e-3;

/// One figure: what varies, and the series in it without the threads.
pub(crate) struct Figure {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) axis: &'static str,
    pub(crate) series: &'static [&'static str],
    /// Whether both axes are logarithmic; zero has no logarithm.
    pub(crate) logarithmic: bool,
    /// The work of a step that varies, by which "no cliff" is judged: examples, weights, c. At c = 0
    /// nothing is selected: what the first clipped value costs is judged in row W2.
    work: fn(f64) -> f64,
}

pub(crate) const FIGURES: [Figure; 3] = [
    Figure {
        file: "scaling-batch.svg",
        title: "Step time against the batch (784–256–256–256–10)",
        axis: "examples in a batch",
        series: &["plain by batch", "c = 2 by batch"],
        logarithmic: true,
        work: |batch| batch,
    },
    Figure {
        file: "scaling-width.svg",
        title: "Step time against the width (784–w–w–w–10, batch 100)",
        axis: "width w",
        series: &["plain by width", "c = 2 by width"],
        logarithmic: true,
        work: |w| 795.0 * w + 2.0 * w * w,
    },
    Figure {
        file: "scaling-c.svg",
        title: "Step time against c (784–256–256–256–10, batch 100)",
        axis: "c, of 100 examples",
        series: &["winsorized by c"],
        logarithmic: false,
        work: |c| c,
    },
];

/// A series' points (x, seconds) on so many threads, by x.
pub(crate) fn points(record: &Record, series: &str, threads: u32) -> Vec<(f64, f64)> {
    let plural = if threads == 1 { "" } else { "s" };
    let prefix = format!("scaling/{series}, {threads} thread{plural}/");
    let point = |(id, median): (&String, &super::record::Median)| {
        Some((id.strip_prefix(&prefix)?.parse().ok()?, median.median))
    };
    let mut points: Vec<(f64, f64)> = record.medians.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

pub(crate) fn goals(record: &Record) -> Vec<Goal> {
    let mut goals: Vec<Goal> = FIGURES.iter().map(|figure| no_cliff(record, figure)).collect();
    goals.push(two_threads(record));
    goals
}

/// The largest growth of time per unit of work from one point of a figure to the next.
fn no_cliff(record: &Record, figure: &Figure) -> Goal {
    let mut steepest: Option<(f64, String)> = None;
    for series in figure.series {
        let points = points(record, series, 2);
        for pair in points.windows(2) {
            let per_work = |(x, seconds): (f64, f64)| seconds / (figure.work)(x);
            let growth = per_work(pair[1]) / per_work(pair[0]);
            if steepest.as_ref().is_none_or(|(most, _)| growth > *most) {
                let [(from, t), (to, u)] = [pair[0], pair[1]];
                let at = format!("{series}: {from} → {to}, {} → {}", time(t), time(u));
                steepest = Some((growth, at));
            }
        }
    }
    let what = format!("no cliff over {}: growth of time per unit of work", figure.axis);
    Goal::extreme("scaling", what, Bound::AtMost(1.5), steepest)
}

/// The least gain of a second thread among steps that take long enough.
fn two_threads(record: &Record) -> Goal {
    let mut least: Option<(f64, String)> = None;
    for series in FIGURES.iter().flat_map(|figure| figure.series) {
        let pairs = points(record, series, 1).into_iter().zip(points(record, series, 2));
        for ((x, one), (_, two)) in pairs.filter(|((_, one), _)| *one > WORTH_SHARING) {
            let gain = one / two;
            if least.as_ref().is_none_or(|(worst, _)| gain < *worst) {
                least = Some((gain, format!("{series} at {x}: {} / {}", time(one), time(two))));
            }
        }
    }
    let what = "two threads / one, the least of all steps over 2 ms";
    Goal::extreme("scaling", what, Bound::AtLeast(1.6), least).remark(
        "On a virtual machine the point that gains least was seen to be another in every run, and \
         to gain as much as its neighbours in the next: neighbours that share caches and memory \
         remain after the shared cores are left out. Measure again (`--again scaling`) before you \
         look for a cause in the code.",
    )
}
