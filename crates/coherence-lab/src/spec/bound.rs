//! The generalisation bound along a run.

use serde::{Deserialize, Serialize};

/// The generalisation bound of GM22, Theorem 1, evaluated from the measured coherence of a run.
///
/// Its Lipschitz constants are not known. L, of the losses, is the unit of the series; β, of the gradients, is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// β ≥ 0, the Lipschitz constant of the gradients; 0 leaves out the expansion term.
    pub smoothness: f64,
}
