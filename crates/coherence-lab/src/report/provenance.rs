//! How an experiment was done: settings, grid, seeds, date, machine, time, files.

use maud::{Markup, html};

use super::number::duration;
use crate::cell::Setting;
use crate::summary::{ExperimentSummary, Measured};

/// Values of a grid axis that are listed one by one.
const MOST_VALUES: usize = 8;

/// A list of what is needed to do it again; the settings are folded.
pub(super) fn provenance(experiment: &ExperimentSummary) -> Markup {
    html! {
        div.how {
            h3 { "How it was done" }
            dl.provenance {
                (entry("runs took", &duration(experiment.wall_seconds)))
                (entry("seeds", &seeds(&experiment.seeds)))
                @for axis in &experiment.axes {
                    (entry(&axis.name, &values(&axis.values)))
                }
                @if let Some(measured) = &experiment.measured { (occasion(measured)) }
                @if let Some(record) = &experiment.record {
                    dt { "record" } dd { a href=(record) { (record) } }
                }
            }
            @if !experiment.settings.is_empty() {
                details {
                    summary { "All " (experiment.settings.len()) " settings" }
                    dl.provenance { @for (name, value) in &experiment.settings { (entry(name, value)) } }
                }
            }
        }
    }
}

fn occasion(measured: &Measured) -> Markup {
    let machine = &measured.machine;
    let memory = format!("{} GiB", machine.memory_gib);
    html! {
        (entry("date", &measured.date))
        (entry("machine", &format!("{}, {} cores, {memory}", machine.cpu, machine.cores)))
        (entry("platform", &machine.platform))
        (entry("version", &machine.version))
    }
}

fn entry(name: &str, value: &str) -> Markup {
    html! { dt { (name) } dd { (value) } }
}

fn seeds(seeds: &[u64]) -> String {
    if seeds.is_empty() { "none: the result is exact".to_owned() } else { list(seeds) }
}

/// The values of a grid axis; of many numbers the least and the greatest.
fn values(values: &[Setting]) -> String {
    let numbers: Vec<f64> = values.iter().filter_map(number).collect();
    if values.len() <= MOST_VALUES || numbers.len() < values.len() {
        return list(values);
    }
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{least} … {greatest} ({} values)", values.len())
}

fn number(value: &Setting) -> Option<f64> {
    match value {
        Setting::Number(number) => Some(*number),
        Setting::Text(_) => None,
    }
}

fn list(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
