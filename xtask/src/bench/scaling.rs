//! Times against what varies: tables, and the goals that they decide.
//!
//! Ids read `scaling/plain by batch, 2 threads/100`: what, by what, how, and the number that varies.

use serde::Serialize;
use std::collections::BTreeMap;

use super::goal::{Bound, Goal, time};
use super::record::PartRecord;

/// A step shorter than this need not gain from a second thread.
const WORTH_SHARING: f64 = 2e-3;

/// What varies, and the work of a step by which "no cliff" is judged.
struct Axis {
    name: &'static str,
    title: &'static str,
    /// Examples, weights, c. At c = 0 nothing is selected: what the first clipped value costs is
    /// judged in part W2.
    work: fn(f64) -> f64,
}

const AXES: [Axis; 3] = [
    Axis { name: "batch", title: "examples in a batch", work: |batch| batch },
    Axis { name: "width", title: "width w", work: |w| 795.0 * w + 2.0 * w * w },
    Axis { name: "c", title: "c, of 100 examples", work: |c| c },
];

/// Times in columns of one series each.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    /// What varies from row to row.
    pub(super) axis: String,
    pub(super) columns: Vec<String>,
    /// The number that varies, and a time for each column.
    pub(super) rows: Vec<(f64, Vec<String>)>,
}

/// Points (x, seconds) by x.
type Points = Vec<(f64, f64)>;

/// The series of a part along an axis: ("plain, 2 threads", points).
fn series(part: &PartRecord, axis: &str) -> BTreeMap<String, Points> {
    let mut series: BTreeMap<String, Points> = BTreeMap::new();
    for (id, figure) in &part.figures {
        let mut id = id.rsplitn(2, '/');
        let (Some(Ok(x)), Some(rest)) = (id.next().map(str::parse), id.next()) else { continue };
        let name = rest.split_once('/').map_or(rest, |(_group, name)| name);
        let Some((what, how)) = name.split_once(&format!(" by {axis}, ")) else { continue };
        series.entry(format!("{what}, {how}")).or_default().push((x, figure.median));
    }
    series.values_mut().for_each(|points| points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    series
}

/// A table for each axis along which the part measured something.
pub(super) fn tables(part: &PartRecord) -> Vec<Table> {
    let table = |axis: &Axis| {
        let series = series(part, axis.name);
        let mut rows: Vec<f64> = series.values().flatten().map(|point| point.0).collect();
        rows.sort_by(f64::total_cmp);
        rows.dedup();
        let cell = |points: &Points, x: f64| {
            points.iter().find(|point| point.0 == x).map_or(String::new(), |point| time(point.1))
        };
        let row = |x| (x, series.values().map(|points| cell(points, x)).collect());
        let rows = rows.into_iter().map(row).collect();
        Table { axis: axis.title.to_owned(), columns: series.keys().cloned().collect(), rows }
    };
    AXES.iter().map(table).filter(|table| !table.rows.is_empty()).collect()
}

pub(super) fn goals(part: &PartRecord) -> Vec<Option<Goal>> {
    AXES.iter().map(|axis| no_cliff(part, axis)).chain([two_threads(part)]).collect()
}

/// The largest growth of time per unit of work from one point to the next, on two threads.
fn no_cliff(part: &PartRecord, axis: &Axis) -> Option<Goal> {
    let mut growths = Vec::new();
    for (name, points) in series(part, axis.name) {
        for pair in points.windows(2).filter(|_| name.ends_with("2 threads")) {
            let per_work = |(x, seconds): (f64, f64)| seconds / (axis.work)(x);
            let [(from, t), (to, u)] = [pair[0], pair[1]];
            let at = format!("{name}: {from} → {to}, {} → {}", time(t), time(u));
            growths.push((per_work(pair[1]) / per_work(pair[0]), at));
        }
    }
    let (growth, at) = growths.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let what = format!("no cliff over {}: growth of time per unit of work", axis.title);
    Some(Goal::new(what, Bound::AtMost(1.5), growth, at))
}

/// The least gain of a second thread among steps that take long enough.
fn two_threads(part: &PartRecord) -> Option<Goal> {
    let mut gains = Vec::new();
    for series in AXES.iter().map(|axis| series(part, axis.name)) {
        for (name, one) in &series {
            let Some(what) = name.strip_suffix(", 1 thread") else { continue };
            let two = series.get(&format!("{what}, 2 threads"))?;
            let pairs = one.iter().zip(two).filter(|(one, _)| one.1 > WORTH_SHARING);
            gains.extend(pairs.map(|(&(x, one), &(_, two))| {
                (one / two, format!("{what} at {x}: {} / {}", time(one), time(two)))
            }));
        }
    }
    let (gain, at) = gains.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let what = "two threads / one, the least of all steps over 2 ms";
    Some(Goal::new(what, Bound::AtLeast(1.6), gain, at).remark(
        "On a virtual machine the point that gains least was seen to be another in every run: \
         neighbours that share caches and memory remain after the shared cores are left out. \
         Measure again (`--only scaling --again`) before you look for a cause in the code.",
    ))
}
