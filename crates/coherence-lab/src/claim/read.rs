//! Which points of which curves a measurement reads, so that a report can show them.

use serde::{Deserialize, Serialize};

use super::Quantity;
use super::formula::{Place, Reading};
use super::measure::Scope;

/// One reading of a measurement: a place on the curves of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The series of the curve.
    pub series: Vec<String>,
    /// The cell, as [`Cell`](crate::cell::Cell) prints it.
    pub cell: String,
    /// Where on the curve.
    pub place: Place,
    /// The step or the level, where the place has one.
    pub argument: Option<f64>,
}

impl Scope<'_> {
    /// What a quantity reads here; readings whose cell the record cannot have are left out.
    pub(super) fn reads(&self, quantity: &Quantity) -> Vec<Read> {
        quantity.readings().into_iter().filter_map(|reading| self.read_at(reading)).collect()
    }

    fn read_at(&self, reading: &Reading) -> Option<Read> {
        let argument = match reading.argument {
            None => None,
            Some(_) => Some(self.argument(reading).ok()?),
        };
        Some(Read {
            series: reading.series().into_iter().map(str::to_owned).collect(),
            cell: self.cell_of(reading).ok()?.to_string(),
            place: reading.place,
            argument,
        })
    }
}
