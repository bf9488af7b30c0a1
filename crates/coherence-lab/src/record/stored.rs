//! A header as it is on disk, in the present form or in that of the first records.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Header;
use crate::cell::Axis;
use crate::id::Id;
use crate::machine::Machine;
use crate::made::Made;
use crate::scale::Scale;

/// The keys of a header. The first records have `date` and `machine` and no `made`; their
/// `wall_seconds` are the runs' own seconds divided by the number of runs at a time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    experiment: Id,
    scale: Scale,
    seeds: Vec<u64>,
    wall_seconds: f64,
    axes: Vec<Axis>,
    settings: BTreeMap<String, String>,
    #[serde(default)]
    made: Vec<Made>,
    date: Option<String>,
    machine: Option<Machine>,
}

impl TryFrom<Stored> for Header {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { experiment, scale, seeds, wall_seconds, axes, settings, made, .. } = stored;
        let made = match (stored.date, stored.machine) {
            (None, None) if !made.is_empty() => made,
            (Some(date), Some(machine)) if made.is_empty() => vec![first_form(date, machine)],
            _ => return Err("it must say what made it: either [[made]] or date and [machine]"),
        };
        Ok(Self { experiment, scale, seeds, wall_seconds, axes, settings, made })
    }
}

fn first_form(date: String, machine: Machine) -> Made {
    let (runs, seconds, threads, device, results) = (None, None, None, None, None);
    Made { first: date.clone(), last: date, runs, seconds, threads, device, results, machine }
}
