//! The generalisation bound along a run, from the coherence that was measured.
//!
//! Legend: m: training examples, t: a step, η_t: its rate, α_t: coherence of the probe sample before it, taken from the
//! last measurement; E‖g‖²: mean squared norm of the sample's gradients, likewise.

use coherence_core::bounds::{distance_bound, divergence};

use super::{PlannedRun, RunError, data::settings_error};
use crate::record::Row;
use crate::spec::Bound;

/// What is measured at a step.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    step: u64,
    alpha: f64,
    /// E‖g‖².
    energy: f64,
}

/// The series of the bound at each measured step T of a run with these `rows`:
///
/// - `bound.theorem`: (1/m) Σ_{t ≤ T} [Π_{k = t+1..T} (1 + η_k β)] η_t √(2 (1 − α_t)). The gap of the losses is at most L² times
///   that (GM22 Theorem 1).
/// - `bound.divergence`: the same with √(2 (1 − α_t) E‖g‖²) in place of the root. It bounds the distance of the parameters
///   when one training example differs; the gap is at most L times that (GM22 App. C).
pub(super) fn rows(run: &PlannedRun, rows: &[Row]) -> Result<Vec<Row>, RunError> {
    let Some(Bound { smoothness }) = run.settings.bound else { return Ok(Vec::new()) };
    let there = run.settings.dataset.sizes().map(|(train, _)| train);
    let m = run.settings.examples.or(there).ok_or_else(|| {
        settings_error(run, &"the bound needs the number of training examples: write examples")
    })?;
    let (config, hit_share) = (run.settings.config(run.seed), 1.0 / m as f64);
    let (mut theorem, mut diverged) = (0.0, 0.0);
    let mut all = Vec::new();
    let measured = measured(rows, run.settings.probe as f64);
    for (at, here) in measured.iter().enumerate() {
        let row = |series: &str, value| Row {
            cell: run.cell.clone(),
            seed: run.seed,
            step: here.step,
            series: series.to_owned(),
            value,
        };
        all.extend([row("bound.theorem", theorem), row("bound.divergence", diverged)]);
        let next = measured.get(at + 1).map_or(here.step, |next| next.step);
        for step in here.step..next {
            let rate = config.rate_at(step);
            let take = |previous, energy| {
                divergence(
                    previous,
                    rate,
                    smoothness,
                    hit_share,
                    distance_bound(here.alpha, energy),
                )
            };
            (theorem, diverged) = (take(theorem, 1.0), take(diverged, here.energy));
        }
    }
    Ok(all)
}

/// α and E‖g‖² at the measured steps, in order. α is at most 1 but for rounding.
fn measured(rows: &[Row], probe: f64) -> Vec<Measured> {
    let of = |series: &'static str| rows.iter().filter(move |row| row.series == series);
    of("probe.alpha")
        .zip(of("probe.sum_sq_norms"))
        .map(|(alpha, sum)| Measured {
            step: alpha.step,
            alpha: alpha.value.min(1.0),
            energy: sum.value / probe,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::Scale;
    use crate::spec::Library;

    /// Against the double sum of the theorem, for α measured at steps 0, 2 and 3 of 5.
    #[test]
    fn a12_the_bound_equals_the_double_sum() {
        let experiment = Library::Embedded.load("C11").unwrap();
        let mut run = crate::run::plan(&experiment, Scale::Smoke, None).remove(0);
        let (beta, eta, m, probe) = (0.3, 0.1, 50, 20);
        run.settings.bound = Some(Bound { smoothness: beta });
        (run.settings.rate, run.settings.examples, run.settings.probe) = (eta, Some(m), probe);
        let known = [(0, 0.5, 8.0), (2, 0.25, 6.0), (3, 1.0 + 1e-9, 4.0), (5, 0.0, 2.0)];
        let row = |step, series: &str, value| Row {
            cell: run.cell.clone(),
            seed: run.seed,
            step,
            series: series.to_owned(),
            value,
        };
        let given: Vec<Row> = known
            .iter()
            .flat_map(|&(step, alpha, q)| {
                [row(step, "probe.alpha", alpha), row(step, "probe.sum_sq_norms", q)]
            })
            .collect();
        let found = rows(&run, &given).unwrap();
        // The coherence and the energy before each of the five steps.
        let alphas: [f64; 5] = [0.5, 0.5, 0.25, 1.0, 1.0];
        let energies = [8.0, 8.0, 6.0, 4.0, 4.0].map(|q| q / probe as f64);
        for (last, ..) in known {
            let sum = |energy: &dyn Fn(usize) -> f64| -> f64 {
                let term = |t: usize| {
                    let expansion = (1.0 + eta * beta).powi((last as usize - 1 - t) as i32);
                    expansion * eta * (2.0 * (1.0 - alphas[t]) * energy(t)).sqrt()
                };
                (0..last as usize).map(term).sum::<f64>() / m as f64
            };
            let expected =
                [("bound.theorem", sum(&|_| 1.0)), ("bound.divergence", sum(&|t| energies[t]))];
            for (series, expected) in expected {
                let row =
                    found.iter().find(|row| row.step == last && row.series == series).unwrap();
                assert!((row.value - expected).abs() < 1e-12, "{series} at {last}: {}", row.value);
            }
        }
        assert_eq!(found.len(), 8);
    }

    #[test]
    fn nothing_is_added_unless_it_is_asked_for() {
        let experiment = Library::Embedded.load("C1").unwrap();
        let run = crate::run::plan(&experiment, Scale::Smoke, None).remove(0);
        assert_eq!(rows(&run, &[]).unwrap(), []);
    }
}
