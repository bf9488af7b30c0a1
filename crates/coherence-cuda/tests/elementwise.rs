//! Operations on each value, on the host's engine.
#![cfg(feature = "host")]

use coherence_cuda::{Buffer, Host, elementwise};

#[test]
fn axpy_adds_a_multiple() {
    let x: Vec<f64> = (0..1000).map(|j| j as f64).collect();
    let mut y = Buffer::from_host(&Host, &x);
    let on_device = Buffer::from_host(&Host, &x);
    elementwise::axpy(&Host, 0.5, on_device.view(), y.view_mut());
    let mut found = vec![0.0; x.len()];
    y.view().download(&Host, &mut found);
    assert!(found.iter().zip(&x).all(|(found, x)| *found == 1.5 * x));
}
