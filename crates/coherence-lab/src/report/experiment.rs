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
                (verdict::badge(verdict::worst(experiment)))
            }
            @if let Some(failure) = &experiment.failure {
                p.failure { "This experiment could not run to its end: " (failure) }
            }
            div.columns {
                aside { (paper(experiment)) (provenance::provenance(experiment)) }
                div.results {
                    (figures(experiment, record))
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
        h3 { "The paper, in our words" }
        div.paraphrase {
            @for paragraph in paragraphs(&experiment.statement) { p { (paragraph) } }
            p.source { (papers::source(&experiment.source)) }
        }
        @if !experiment.deviations.is_empty() {
            h3 { "Where we depart from it" }
            ul { @for deviation in &experiment.deviations { li { (deviation) } } }
        }
    }
}

/// The figures in order; two that follow each other and have one panel each stand side by side.
fn figures(experiment: &ExperimentSummary, record: Option<&Record>) -> Markup {
    let plots: Vec<Drawing> = experiment.figures.iter().map(|f| drawing(f, record)).collect();
    let pair = |i: usize| plots[i..].len() > 1 && plots[i..i + 2].iter().all(is_small);
    let mut shown = html! {};
    let mut i = 0;
    while i < plots.len() {
        let step = if pair(i) { 2 } else { 1 };
        for (figure, plot) in experiment.figures[i..].iter().zip(&plots[i..i + step]) {
            shown.0 += &element(&experiment.id, figure, plot, step == 2).0;
        }
        i += step;
    }
    html! { div.figures { (shown) } }
}

/// A figure's data, or a sentence that says why there are none.
type Drawing = Result<plot::Plot, String>;

fn drawing(figure: &Figure, record: Option<&Record>) -> Drawing {
    record.map_or(Err("Nothing was measured yet.".to_owned()), |record| plot::plot(figure, record))
}

fn is_small(drawing: &Drawing) -> bool {
    drawing.as_ref().is_ok_and(|plot| plot.panels() == 1)
}

/// A figure: its data for the scripts, and words for those who have none.
fn element(experiment: &str, figure: &Figure, plot: &Drawing, half: bool) -> Markup {
    html! {
        figure.plot.half[half] id={ (experiment) "-" (figure.id) } {
            div.heading {
                h3 { (figure.title) }
                @if !figure.source.is_empty() { span.source { "beside " (papers::source(&figure.source)) } }
            }
            @match plot {
                Ok(plot) => {
                    div.stage { noscript { p.empty { "This figure is drawn by a script." } } }
                    script type="application/json" { (json::embed(plot)) }
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
