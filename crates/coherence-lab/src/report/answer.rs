//! The answer, before anything else: how many claims hold, here and on the committed records, and
//! which ones fail.

use maud::{Markup, html};

use crate::filed::{Filed, filed};
use crate::scale::Scale;
use crate::summary::{Summary, Verdict};

/// At most a hundred and fifty words, with links to the claims that fail.
pub(super) fn answer(summary: &Summary) -> Markup {
    let here = summary.claims().map(|claim| (claim.id.clone(), claim.verdict)).collect();
    let filed = filed();
    html! {
        @if summary.claims().next().is_some() {
            section.answer aria-label="the answer" {
                p { "At scale " b { (summary.scale) } ", in this run, " (sentence(here)) }
                @for scale in [Scale::Paper, Scale::Desk, Scale::Quick, Scale::Smoke] {
                    @let claims = of_scale(&filed, scale);
                    @if scale != summary.scale && !claims.is_empty() {
                        p {
                            "At scale " b { (scale) } ", on the committed records of "
                            (experiments(&filed, scale)) ", " (sentence(claims))
                        }
                    }
                }
            }
        }
    }
}

fn of_scale(filed: &[Filed], scale: Scale) -> Vec<(String, Verdict)> {
    let records = filed.iter().filter(|record| record.scale == scale);
    let claims = |record: &Filed| -> Vec<(String, Verdict)> {
        let name = |id: &str| format!("{}.{id}", record.experiment);
        record.claims.iter().map(|claim| (name(&claim.id), claim.verdict)).collect()
    };
    records.flat_map(claims).collect()
}

fn experiments(filed: &[Filed], scale: Scale) -> String {
    let records = filed.iter().filter(|record| record.scale == scale);
    records.map(|record| record.experiment.to_string()).collect::<Vec<_>>().join(", ")
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
