//! For those without std or a heap: fixed arrays, f32 gradients, as on a microcontroller.
//!
//! A linear model y = w · x on three examples that share one feature and own another each. Each round measures
//! α, then steps along the median instead of the mean, which keeps what is common and drops what is not
//! (GM22, Example 5).
//!
//! Run with `cargo run -p coherence-core --example three_slices_no_std`.

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_core::{
    Sums,
    aggregate::{CoordinateRule, Median},
    finite::Policy,
};

const EXAMPLES: usize = 3;
const FEATURES: usize = 5;

/// Inputs; all targets are 1. The feature at index 4 is common, that at index 3 is nobody's.
const INPUTS: [[f32; FEATURES]; EXAMPLES] =
    [[1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0, 1.0]];

/// ∇ of ½ (w · x − 1)².
fn gradient(w: &[f32; FEATURES], x: &[f32; FEATURES]) -> [f32; FEATURES] {
    let error: f32 = w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() - 1.0;
    x.map(|x| error * x)
}

fn main() {
    let mut w = [0.0f32; FEATURES];
    let mut buffer = [0.0f64; FEATURES]; // all the memory that α needs
    for round in 0..5 {
        let gradients = INPUTS.map(|x| gradient(&w, &x));

        let mut sums = Sums::new(&mut buffer);
        for (i, g) in gradients.iter().enumerate() {
            sums.add(g).unwrap_or_else(|error| panic!("example {i}: {error}"));
        }
        let coherence = sums.coherence();
        println!(
            "round {round}: α = {:.4}, m·α = {:.3}",
            coherence.alpha(),
            coherence.m_coherence()
        );

        for j in 0..FEATURES {
            let mut values = gradients.map(|g| g[j]);
            w[j] -=
                0.5 * Median.aggregate(&mut values, Policy::Error).expect("three finite values");
        }
    }
    println!("weights: {w:.3?}");
    assert!(w[..4].iter().all(|&w| w == 0.0), "nothing idiosyncratic was learned");
}
