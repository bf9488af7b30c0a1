//! The table of claims, as a terminal shows it.

use std::fmt;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};

use crate::report::number;
use crate::summary::{ClaimSummary, Summary, Verdict};

/// Characters in a line where stdout is no terminal.
const WIDTH_OF_FILES: u16 = 120;

/// Identifier, statement, measured value with its uncertainty and verdict of every claim, then how
/// many there are of each verdict and what could not run.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims: Vec<&ClaimSummary> = self.claims().collect();
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if table.width().is_none() {
            table.set_width(WIDTH_OF_FILES);
        }
        table.set_header(["claim", "statement", "measured", "verdict"]);
        for claim in &claims {
            let verdict = words(claim.verdict).to_owned();
            table.add_row([claim.id.clone(), claim.statement.clone(), measured(claim), verdict]);
        }
        writeln!(f, "{table}")?;
        for experiment in &self.experiments {
            if let Some(failure) = &experiment.failure {
                writeln!(f, "{} could not run: {failure}", experiment.id)?;
            }
        }
        let count = |verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
        let counts = Verdict::ALL.map(|v| format!("{} {}", count(v), v.plural())).join(", ");
        let n = claims.len();
        let scales: Vec<String> = self.scales().iter().map(ToString::to_string).collect();
        let scales = scales.join(" and ");
        let time = number::duration(self.wall_seconds);
        write!(f, "scale {scales}, {n} claims: {counts} ({time})")
    }
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fails => "FAILS",
        Verdict::NotMeasured => "NOT MEASURED",
        other => other.words(),
    }
}

/// The measurement that decided the verdict, and the number of measurements.
fn measured(claim: &ClaimSummary) -> String {
    let decisive = claim.measurements.iter().find(|m| m.verdict == claim.verdict);
    let text = match (decisive, &claim.reason) {
        (Some(measurement), None) => number::measurement(measurement),
        (Some(measurement), Some(reason)) => {
            format!("{} ({reason})", number::measurement(measurement))
        }
        (None, reason) => return reason.clone().unwrap_or_default(),
    };
    let text = match (claim.holding(), claim.measurements.len()) {
        (_, 0 | 1) => text,
        (holding, n) => {
            let label = decisive.map_or("", |m| &m.label);
            format!("{holding} of {n} hold; {text}, {label}")
        }
    };
    match claim.seeds_to_decide {
        Some(seeds) => format!("{text}; {seeds} seeds would decide"),
        None => text,
    }
}
