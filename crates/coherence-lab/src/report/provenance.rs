//! How an experiment was done: settings, grid, seeds, date, machine, time, files.

use maud::{Markup, html};

use super::number::duration;
use crate::cell::Setting;
use crate::made::Made;
use crate::summary::ExperimentSummary;

/// Values of a grid axis that are listed one by one.
const MOST_VALUES: usize = 8;

/// A list of what is needed to do it again; the settings are folded.
pub(super) fn provenance(experiment: &ExperimentSummary) -> Markup {
    html! {
        div.how {
            h3 { "How it was done" }
            dl.provenance {
                (entry("time", &duration(experiment.wall_seconds)))
                (entry("seeds", &seeds(&experiment.seeds)))
                @for axis in &experiment.axes {
                    (entry(&axis.name, &values(&axis.values)))
                }
                @for made in &experiment.made { (entry("made by", &origin(made))) }
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

/// Version, machine, days and work of what made a part of the record, in one line.
fn origin(made: &Made) -> String {
    let machine = &made.machine;
    let mut words = vec![match made.results {
        Some(results) => format!("version {} (results {results})", machine.version),
        None => format!("version {}", machine.version),
    }];
    words.push(format!("commit {}", machine.commit));
    words.push(format!(
        "{}, {} cores, {} GiB, {}",
        machine.cpu, machine.cores, machine.memory_gib, machine.platform
    ));
    words.extend(made.device.iter().map(|device| format!("trained on {device}")));
    words.push(match made.first == made.last {
        true => made.first.clone(),
        false => format!("{} to {}", made.first, made.last),
    });
    if let (Some(runs), Some(seconds)) = (made.runs, made.seconds) {
        let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
        words.push(format!("{runs}, {} of work", duration(seconds)));
    }
    if let Some(threads) = made.threads {
        words.push(if threads == 1 {
            "1 thread each".to_owned()
        } else {
            format!("{threads} threads each")
        });
    }
    words.join("; ")
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
