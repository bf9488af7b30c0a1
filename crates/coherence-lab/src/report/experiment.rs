//! One experiment: what the paper states beside our figures, the claims, and how it was done.

use maud::{Markup, html};

use super::{claim, json, papers, plot, provenance, verdict};
use crate::figure::Figure;
use crate::record::Record;
use crate::summary::ExperimentSummary;

/// The section of one experiment; without a record its figures say that nothing was measured.
pub(super) fn section(experiment: &ExperimentSummary, record: Option<&Record>) -> Markup {
    html! {
        section.experiment id=(experiment.id) {
            header {
                h2 { span.id { (experiment.id) } " " (experiment.title) }
                (verdict::badge(verdict::of_experiment(experiment)))
            }
            @if let Some(failure) = &experiment.failure {
                p.failure { "This experiment could not run to its end: " (failure) }
            }
            div.columns {
                aside { (paper(experiment)) (provenance::provenance(experiment)) }
                div.results {
                    @for figure in &experiment.figures { (drawing(&experiment.id, figure, record)) }
                    @if !experiment.analysis.trim().is_empty() { (analysis(&experiment.analysis)) }
                    @if !experiment.claims.is_empty() {
                        h3 { "Claims" }
                        @for claim in &experiment.claims { (claim::article(claim)) }
                    }
                }
            }
        }
    }
}

fn paper(experiment: &ExperimentSummary) -> Markup {
    html! {
        h3 { "The paper" }
        blockquote {
            @for paragraph in paragraphs(&experiment.statement) { p { (paragraph) } }
            footer { (papers::source(&experiment.source)) }
        }
        @if !experiment.deviations.is_empty() {
            h3 { "Where we depart from it" }
            ul { @for deviation in &experiment.deviations { li { (deviation) } } }
        }
    }
}

/// A figure: its data for the scripts, and words for those who have none.
fn drawing(experiment: &str, figure: &Figure, record: Option<&Record>) -> Markup {
    let plot = match record {
        Some(record) => plot::plot(figure, record),
        None => Err("Nothing was measured yet.".to_owned()),
    };
    html! {
        figure.plot id={ (experiment) "-" (figure.id) } {
            div.heading {
                h3 { (figure.title) }
                @if !figure.source.is_empty() { span.source { "beside " (papers::source(&figure.source)) } }
            }
            @match plot {
                Ok(plot) => {
                    div.stage { noscript { p.empty { "This figure is drawn by a script." } } }
                    script type="application/json" { (json::embed(&plot)) }
                }
                Err(reason) => p.empty { (reason) }
            }
            @if !figure.caption.is_empty() { figcaption { (figure.caption) } }
        }
    }
}

fn analysis(text: &str) -> Markup {
    html! {
        h3 { "What we see" }
        div.analysis { @for paragraph in paragraphs(text) { p { (paragraph) } } }
    }
}

/// Paragraphs are separated by empty lines.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}
