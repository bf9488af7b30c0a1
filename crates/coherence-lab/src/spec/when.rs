//! Settings that only some cells of a grid have.

use serde::{Deserialize, Serialize};

use crate::cell::{Cell, Setting};
use std::collections::BTreeMap;

/// Settings of the cells with certain values, in place of those of the scale:
/// `{ cell = { rule = "m3" }, set = { batch = 32, steps = 3000 } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The value of each of these axes.
    pub cell: BTreeMap<String, Setting>,
    /// The settings.
    pub set: toml::Table,
}

impl When {
    /// The keys that belong to the whole scale.
    pub const OF_THE_SCALE: [&str; 4] = ["grid", "when", "seeds", "first_seed"];

    /// Whether the settings are those of `cell`.
    pub fn applies_to(&self, cell: &Cell) -> bool {
        self.cell.iter().all(|(axis, value)| cell.get(axis) == Some(value))
    }
}
