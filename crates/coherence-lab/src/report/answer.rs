//! The answer, before anything else: how many claims hold, which fail, and one figure.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::experiment::lead;
use crate::filed::{Filed, newest};
use crate::id::Id;
use crate::record::Record;
use crate::scale::Scale;
use crate::summary::{Summary, Verdict};

/// The experiment whose figure stands beside the answer: what is learned and memorised as weak gradient
/// directions are suppressed, the papers' test of a cause.
const LEAD: &str = "C3";

/// At most a hundred and fifty words, with links to the claims that fail, beside one figure.
pub(super) fn answer(summary: &Summary, records: &BTreeMap<Id, Record>) -> Markup {
    html! {
        @if summary.claims().next().is_some() {
            section.answer aria-label="the answer" {
                div.words {
                    @for &scale in summary.scales().iter().rev() { (here(summary, scale)) }
                    @for scale in [Scale::Paper, Scale::Desk, Scale::Quick] {
                        (committed(summary, scale))
                    }
                    p { a href="#claims" { "Every claim, by scale" } }
                }
                @if let Some(figure) = figure(summary, records) { (figure) }
            }
        }
    }
}

/// The figure of the leading experiment, or the first one there is.
fn figure(summary: &Summary, records: &BTreeMap<Id, Record>) -> Option<Markup> {
    let leads = summary.experiments.iter().filter(|experiment| &*experiment.id == LEAD);
    leads
        .chain(&summary.experiments)
        .find_map(|experiment| lead(experiment, records.get(&experiment.id)))
}

fn here(summary: &Summary, scale: Scale) -> Markup {
    let experiments = summary.experiments.iter().filter(|e| e.scale == scale);
    let claims = experiments.flat_map(|experiment| &experiment.claims);
    let claims = claims.map(|claim| (claim.id.clone(), claim.verdict)).collect();
    html! { p { "At scale " b { (scale) } ", in this run, " (sentence(claims)) } }
}

/// The committed records of experiments that this run has not at this scale.
fn committed(summary: &Summary, scale: Scale) -> Markup {
    let ran = |id: &str| summary.experiments.iter().any(|e| e.scale == scale && &*e.id == id);
    let records: Vec<Filed> =
        newest().into_iter().filter(|r| r.scale == scale && !ran(&r.experiment)).collect();
    let ids: Vec<&str> = records.iter().map(|record| &*record.experiment).collect();
    let claims = |record: &Filed| -> Vec<(String, Verdict)> {
        let name = |id: &str| format!("{}.{id}", record.experiment);
        record.claims.iter().map(|claim| (name(&claim.id), claim.verdict)).collect()
    };
    html! {
        @if !records.is_empty() {
            p {
                "At scale " b { (scale) } ", on the committed records of " (ids.join(", ")) ", "
                (sentence(records.iter().flat_map(claims).collect()))
            }
        }
    }
}

/// `30 of 35 claims hold, 1 fails (C3.proper-accuracy), 4 are undecided.`
fn sentence(claims: Vec<(String, Verdict)>) -> Markup {
    let with = |v| claims.iter().filter(move |(_, verdict)| *verdict == v);
    let count = |v| with(v).count();
    let applying = claims.len() - count(Verdict::NotApplicable);
    let rest = [Verdict::Undecided, Verdict::NotShown, Verdict::NotMeasured];
    html! {
        b { (count(Verdict::Holds)) " of " (applying) " claims hold" }
        @match count(Verdict::Fails) {
            0 => ", none fails",
            n => {
                ", " b.fails { (n) @if n == 1 { " fails" } @else { " fail" } } " ("
                @for (i, (id, _)) in with(Verdict::Fails).enumerate() {
                    @if i > 0 { ", " }
                    a href={ "#" (id) } { (id) }
                }
                ")"
            }
        }
        @for v in rest {
            @if count(v) > 0 { ", " (count(v)) @if count(v) == 1 { " is " } @else { " are " } (v.words()) }
        }
        "."
    }
}
