//! Operations on each value, on the host's engine.
#![cfg(feature = "host")]

mod engine;

use coherence_cuda::{Buffer, elementwise};
use engine::engine;

#[test]
fn axpy_adds_a_multiple() {
    let x: Vec<f64> = (0..1000).map(|j| j as f64).collect();
    let mut y = Buffer::from_host(engine(), &x);
    let on_device = Buffer::from_host(engine(), &x);
    elementwise::axpy(engine(), 0.5, on_device.view(), y.view_mut());
    let mut found = vec![0.0; x.len()];
    y.view().download(engine(), &mut found);
    assert!(found.iter().zip(&x).all(|(found, x)| *found == 1.5 * x));
}
