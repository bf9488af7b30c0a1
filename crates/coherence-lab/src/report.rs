//! The report: one HTML file that opens offline, with every claim, every figure and where they come from.
//!
//! [`html()`] is a pure function of the summary and the records: the same input gives the same bytes.
//! Figures are computed here (means and intervals over seeds) and drawn in the reader's browser by
//! the scripts in `report/assets/`, which are embedded with the style sheets; nothing is loaded.
//! Text is escaped by construction (maud), data by writing every `<` of the embedded JSON as an escape.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::id::Id;
use crate::record::Record;
use crate::summary::Summary;

mod answer;
mod claim;
mod experiment;
mod forest;
mod json;
mod names;
pub(crate) mod number;
mod overview;
mod papers;
mod plot;
mod provenance;
mod scales;
mod verdict;
mod words;

/// The style sheets, in the order of the cascade.
const STYLES: [&str; 5] = [
    include_str!("report/assets/theme.css"),
    include_str!("report/assets/page.css"),
    include_str!("report/assets/experiment.css"),
    include_str!("report/assets/plot.css"),
    include_str!("report/assets/print.css"),
];

/// The scripts; together they are one function body, in which a file may call what stands below it but not
/// run it.
const SCRIPTS: [&str; 24] = [
    include_str!("report/assets/dom.js"),
    include_str!("report/assets/number.js"),
    include_str!("report/assets/scale.js"),
    include_str!("report/assets/smooth.js"),
    include_str!("report/assets/view.js"),
    include_str!("report/assets/layout.js"),
    include_str!("report/assets/axes.js"),
    include_str!("report/assets/lines.js"),
    include_str!("report/assets/ends.js"),
    include_str!("report/assets/heat.js"),
    include_str!("report/assets/readout.js"),
    include_str!("report/assets/zoom.js"),
    include_str!("report/assets/export.js"),
    include_str!("report/assets/controls.js"),
    include_str!("report/assets/legend.js"),
    include_str!("report/assets/line-bar.js"),
    include_str!("report/assets/keys.js"),
    include_str!("report/assets/stage.js"),
    include_str!("report/assets/line-chart.js"),
    include_str!("report/assets/heat-chart.js"),
    include_str!("report/assets/neurons.js"),
    include_str!("report/assets/link.js"),
    include_str!("report/assets/lit.js"),
    include_str!("report/assets/page.js"),
];

/// The report as one HTML document.
///
/// `records` are found by the experiment's identifier. An experiment without a record keeps its
/// claims and says that nothing was measured; so does a figure whose series the record lacks.
pub fn html(summary: &Summary, records: &BTreeMap<Id, Record>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "coherence: " (title(summary)) }
                style { (styles()) }
            }
            body {
                (overview::header(summary))
                (overview::navigation(&summary.experiments))
                main {
                    (answer::answer(summary, records))
                    (scales::table(summary))
                    @for experiment in &summary.experiments {
                        (experiment::section(experiment, records.get(&experiment.id)))
                    }
                }
                (papers::footer())
                script { (script()) }
            }
        }
    };
    page.into_string()
}

fn title(summary: &Summary) -> String {
    let scales: Vec<String> = summary.scales().iter().map(ToString::to_string).collect();
    format!("reproduction at scale {}", scales.join(" and "))
}

fn styles() -> Markup {
    PreEscaped(STYLES.concat())
}

/// The scripts in one function, so that they leave no global name behind.
fn script() -> Markup {
    PreEscaped(format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat()))
}

#[cfg(test)]
mod tests;
