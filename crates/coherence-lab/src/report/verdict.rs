//! Verdicts as people see them: a colour, a symbol and words. Each of the three suffices alone.

use maud::{Markup, html};

use crate::summary::{ExperimentSummary, Verdict};

/// The style class, which names the colour.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Undecided => "undecided",
        Verdict::Fails => "fails",
        Verdict::NotShown => "not-shown",
        Verdict::NotMeasured => "not-measured",
        Verdict::NotApplicable => "not-applicable",
    }
}

pub(super) fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "✓",
        Verdict::Undecided => "≈",
        Verdict::Fails => "✗",
        Verdict::NotShown => "∅",
        Verdict::NotMeasured => "?",
        Verdict::NotApplicable => "–",
    }
}

/// Symbol and words in the verdict's colour.
pub(super) fn badge(verdict: Verdict) -> Markup {
    html! {
        span class={ "verdict " (class(verdict)) } {
            span aria-hidden="true" { (symbol(verdict)) } " " (verdict.words())
        }
    }
}

/// The verdict on a whole experiment: that on its worst claim, or *not measured* if it could not run.
pub(super) fn worst(experiment: &ExperimentSummary) -> Verdict {
    let has = |v: &Verdict| experiment.claims.iter().any(|claim| claim.verdict == *v);
    match experiment.failure {
        Some(_) => Verdict::NotMeasured,
        None => Verdict::ALL.into_iter().find(has).unwrap_or(Verdict::NotApplicable),
    }
}
