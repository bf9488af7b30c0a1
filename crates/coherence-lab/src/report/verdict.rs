//! Verdicts as people see them: a colour, a symbol and words, so that none of the three is needed alone.

use maud::{Markup, html};

use crate::summary::{ExperimentSummary, Verdict};

/// Every verdict, the bad news first.
pub(super) const ALL: [Verdict; 4] =
    [Verdict::Fails, Verdict::Undecided, Verdict::Holds, Verdict::NotApplicable];

/// The style class, which names the colour.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Undecided => "undecided",
        Verdict::Fails => "fails",
        Verdict::NotApplicable => "not-applicable",
    }
}

pub(super) fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "✓",
        Verdict::Undecided => "≈",
        Verdict::Fails => "✗",
        Verdict::NotApplicable => "–",
    }
}

pub(super) fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Undecided => "undecided",
        Verdict::Fails => "fails",
        Verdict::NotApplicable => "does not apply",
    }
}

/// Symbol and words in the verdict's colour.
pub(super) fn badge(verdict: Verdict) -> Markup {
    html! {
        span class={ "verdict " (class(verdict)) } {
            span aria-hidden="true" { (symbol(verdict)) } " " (words(verdict))
        }
    }
}

/// The verdict of a whole experiment: its worst claim, or a failure to run.
pub(super) fn of_experiment(experiment: &ExperimentSummary) -> Verdict {
    let worst = |v: &Verdict| experiment.claims.iter().any(|claim| claim.verdict == *v);
    match experiment.failure {
        Some(_) => Verdict::Fails,
        None => ALL.into_iter().find(worst).unwrap_or(Verdict::NotApplicable),
    }
}
