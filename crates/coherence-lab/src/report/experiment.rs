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
            (paper(experiment))
            div.beside {
                (figures(experiment, record))
                @if !experiment.claims.is_empty() {
                    aside.verdicts aria-label={ "claims of " (experiment.id) } {
                        h3 { "Claims, and what was measured" }
                        @for claim in &experiment.claims { (claim::article(claim)) }
                    }
                }
            }
            div.after {
                @if !experiment.analysis.trim().is_empty() { (analysis(&experiment.analysis)) }
                @if !experiment.deviations.is_empty() {
                    div {
                        h3 { "Where we depart from the paper" }
                        ul { @for deviation in &experiment.deviations { li { (deviation) } } }
                    }
                }
                (provenance::provenance(experiment))
            }
        }
    }
}

fn paper(experiment: &ExperimentSummary) -> Markup {
    html! {
        div.paraphrase {
            h3 { "The paper, in our words" }
            @for paragraph in paragraphs(&experiment.statement) { p { (paragraph) } }
            p.source { (papers::source(&experiment.source)) }
        }
    }
}

/// The figures in order: consecutive ones of a group under its heading, two small ones side by side. Those without data
/// are listed at the end.
fn figures(experiment: &ExperimentSummary, record: Option<&Record>) -> Markup {
    let (mut drawn, mut empty) = (Vec::new(), Vec::new());
    for figure in &experiment.figures {
        match Drawn::new(experiment, figure, record) {
            Ok(figure) => drawn.push(figure),
            Err(reason) => empty.push((figure, reason)),
        }
    }
    let groups =
        drawn.chunk_by(|a, b| a.figure.group.is_some() && a.figure.group == b.figure.group);
    html! {
        div.figures {
            @for group in groups {
                @match &group[0].figure.group {
                    Some(heading) => div.group {
                        div.heading { h3 { (papers::source(heading)) } }
                        @for drawn in group { (drawn.element(group.len() > 1)) }
                    },
                    None => (group[0].element(false)),
                }
            }
            @if !empty.is_empty() {
                div.empty {
                    h3 { "Figures without data" }
                    ul { @for (figure, reason) in empty { li { (figure.title) ": " (reason) } } }
                }
            }
        }
    }
}

/// A figure with its data.
struct Drawn<'a> {
    id: String,
    figure: &'a Figure,
    plot: plot::Plot,
}

impl<'a> Drawn<'a> {
    /// `Err` with the reason why there are no data.
    fn new(
        experiment: &ExperimentSummary,
        figure: &'a Figure,
        record: Option<&Record>,
    ) -> Result<Self, String> {
        let record = record.ok_or("nothing was measured yet")?;
        let plot = plot::plot(figure, record, experiment.epoch)?;
        Ok(Self { id: format!("{}-{}", experiment.id, figure.id), figure, plot })
    }

    /// The data for the scripts, and words for those who have none.
    fn element(&self, half: bool) -> Markup {
        let Self { id, figure, plot } = self;
        html! {
            figure.plot.half[half] id=(id) {
                div.heading {
                    h3 { (figure.title) }
                    @if !figure.source.is_empty() && figure.group.is_none() {
                        span.source { "beside " (papers::source(&figure.source)) }
                    }
                }
                div.stage { noscript { p.empty { "This figure is drawn by a script." } } }
                script type="application/json" { (json::embed(plot)) }
                @if !figure.caption.is_empty() { figcaption { (figure.caption) } }
            }
        }
    }
}

/// The first figure, if it is one of lines, to be drawn once more beside the answer from the same data.
pub(super) fn lead(experiment: &ExperimentSummary, record: Option<&Record>) -> Option<Markup> {
    let drawn = Drawn::new(experiment, experiment.figures.first()?, record).ok()?;
    drawn.plot.is_lines().then(|| html! {
        figure.plot.lead id={ "answer-" (drawn.id) } data-of=(drawn.id) {
            div.heading { h3 { (drawn.figure.title) } a href={ "#" (experiment.id) } { (experiment.id) } }
            div.stage { noscript { p.empty { "This figure is drawn by a script." } } }
            @if !drawn.figure.caption.is_empty() { figcaption { (drawn.figure.caption) } }
        }
    })
}

fn analysis(text: &str) -> Markup {
    html! {
        div {
            h3 { "What we see" }
            div.analysis { @for paragraph in paragraphs(text) { p { (paragraph) } } }
        }
    }
}

/// Paragraphs are separated by empty lines.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}
