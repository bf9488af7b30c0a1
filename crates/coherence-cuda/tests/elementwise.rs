//! Operations on each value, on the host's engine.
#![cfg(feature = "host")]

mod engine;

use coherence_cuda::elementwise;
use engine::{download, engine, upload};

#[test]
fn axpy_adds_a_multiple() {
    let x: Vec<f64> = (0..1000).map(|j| j as f64).collect();
    let mut y = upload(&x);
    elementwise::axpy(engine(), 0.5, upload(&x).view(), y.view_mut());
    let found = download(&y);
    assert!(found.iter().zip(&x).all(|(found, x)| *found == 1.5 * x));
}
