//! For those who run a server of federated learning: seven updates, two of them Byzantine, every rule.
//!
//! ```text
//! cargo run -p coherence-core --example byzantine_round
//! ```

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_core::aggregate::{Rows, Rule, VectorRule};
use coherence_core::finite::Policy;

/// The direction that the honest workers see, each with some noise of its own.
const TRUTH: [f32; 3] = [1.0, -2.0, 0.5];

/// What arrives at the server: five honest updates, one huge, one that is not a number.
fn updates() -> Vec<Vec<f32>> {
    let honest = |i: usize| -> Vec<f32> {
        let noise = |j: usize| 0.1 * ((i * 7 + j * 3) as f32).sin();
        TRUTH.iter().enumerate().map(|(j, x)| x + noise(j)).collect()
    };
    let mut all: Vec<Vec<f32>> = (0..5).map(honest).collect();
    all.insert(2, vec![-1e6; 3]);
    all.insert(5, vec![f32::NAN, 0.0, 0.0]);
    all
}

/// How far an update is from the truth.
fn distance_from_truth(update: &[f32]) -> f32 {
    update.iter().zip(&TRUTH).map(|(x, t)| (x - t) * (x - t)).sum::<f32>().sqrt()
}

fn main() {
    let updates = updates();
    let slices: Vec<&[f32]> = updates.iter().map(Vec::as_slice).collect();
    let rows = Rows::slices(&slices).expect("updates of one length");
    println!("{:24} {:>9}  update", "rule", "off by");
    for text in [
        "mean",
        "median",
        "winsorized:2",
        "trimmed:2",
        "mean-around-median:2",
        "geometric-median",
        "krum:2",
        "multi-krum:2:4",
        "minimum-diameter:2",
        "centered-clipping:1:3",
        "norm-clipping:3",
    ] {
        let rule: Rule = text.parse().expect("a rule");
        // The worker that sent NaN is left out, and no longer counts against f.
        let update = rule.aggregate_to_vec(rows, Policy::Omit).expect("enough workers");
        let off = distance_from_truth(&update);
        println!("{text:24} {off:>9.3}  {update:.3?}");
        assert_eq!(off < 2.5, text != "mean", "every rule but the mean is near the truth");
    }
}
