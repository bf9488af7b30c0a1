//! What experiments would cost: the answer to `--dry-run`.

use std::fmt;

use serde::Serialize;

use crate::memory::in_units;
use crate::run::{self, Cost, Workers};
use crate::scale::Scale;
use crate::spec::Experiment;

use crate::output::{self, Status};

/// The costs of the experiments at a scale.
#[derive(Serialize)]
struct Costs {
    scale: Scale,
    experiments: Vec<One>,
}

#[derive(Serialize)]
struct One {
    id: String,
    cells: Vec<Cost>,
    core_hours: f64,
}

/// Prints what the experiments would cost. A worked example costs nothing to speak of and is left out.
pub(super) fn print(
    json: bool,
    experiments: &[Experiment],
    scale: Scale,
    seeds: Option<u64>,
    workers: Workers,
) -> anyhow::Result<Status> {
    let one = |experiment: &Experiment| -> anyhow::Result<One> {
        let cells = run::cost(experiment, scale, seeds, workers)?;
        let core_hours = cells.iter().map(Cost::core_hours).sum();
        Ok(One { id: experiment.id.to_string(), cells, core_hours })
    };
    let trained = experiments.iter().filter(|experiment| experiment.worked.is_none());
    let experiments = trained.map(one).collect::<anyhow::Result<_>>()?;
    output::result(json, &Costs { scale, experiments })?;
    Ok(Status::Holds)
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for One { id, cells, core_hours } in &self.experiments {
            writeln!(f, "{id} at scale {}: {core_hours:.2} core-hours", self.scale)?;
            for cost in cells {
                writeln!(f, "  {}: {}", cost.cell, line(cost))?;
            }
        }
        writeln!(
            f,
            "a step and a measurement of each kind timed here, with as many at a time as runs (--jobs)"
        )
    }
}

fn line(cost: &Cost) -> String {
    let Cost { runs, steps, training, measurement, step_seconds, measurement_seconds, .. } = *cost;
    let measured = match cost.measurements {
        Some(count) => format!("{count} measurements of {measurement:.1e}"),
        None => format!("and {measurement:.1e} a measurement, whose number depends on the loss"),
    };
    format!(
        "{runs} × {steps} steps, {training:.1e} multiply-adds, {measured}; at least {} of memory; \
         {:.2} core-hours at {step_seconds:.2e} s a step and {measurement_seconds:.2e} s a measurement",
        in_units(cost.memory),
        cost.core_hours(),
    )
}
