//! For those who write their training loop by hand: M3 on plain slices, no framework.
//!
//! The data of the papers' worked example: four examples share one feature, and each has one of its
//! own. The mean of three micro-batches learns all of them; their median only what is shared.
//!
//! ```text
//! cargo run -p coherence-core --example m3_by_hand
//! ```

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_core::aggregate::{OverTime, Recent, Update};
use coherence_core::finite::Policy;

/// Features: one of each example's own, then the shared one.
const D: usize = 5;
/// x [4, D] and y [4] of a linear regression whose answer is the sign of the shared feature.
const EXAMPLES: [([f64; D], f64); 4] = [
    ([1.0, 0.0, 0.0, 0.0, 1.0], 1.0),
    ([0.0, 1.0, 0.0, 0.0, -1.0], -1.0),
    ([0.0, 0.0, -1.0, 0.0, 1.0], 1.0),
    ([0.0, 0.0, 0.0, 1.0, -1.0], -1.0),
];

/// The gradient [D] of ½(w·x − y)² with respect to w.
fn gradient(w: &[f64; D], (x, y): &([f64; D], f64)) -> [f64; D] {
    let error = w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() - y;
    x.map(|x| error * x)
}

/// Trains with micro-batches of one example and a rule over three of them.
fn train(rule: OverTime) -> [f64; D] {
    let mut w = [0.0; D];
    let mut recent = Recent::new([[0.0; D]; 2]);
    let mut direction = [0.0; D];
    for t in 0..600 {
        let g = gradient(&w, &EXAMPLES[t % EXAMPLES.len()]);
        let update = rule.step(&mut recent, &g, Policy::Error, &mut direction);
        if update.expect("finite gradients") == Update::Apply {
            w.iter_mut().zip(&direction).for_each(|(w, g)| *w -= 0.1 * g);
        }
    }
    w
}

fn main() {
    println!("rule  weights of the examples' own features   shared");
    for rule in [OverTime::A3, OverTime::Ra3, OverTime::Rm3, OverTime::M3] {
        let w = train(rule);
        let own: Vec<String> = w[..D - 1].iter().map(|w| format!("{w:+.3}")).collect();
        println!("{:4}  {:39} {:+.3}", format!("{rule:?}"), own.join("  "), w[D - 1]);
    }
    let w = train(OverTime::M3);
    assert!(w[..D - 1].iter().all(|w| *w == 0.0), "the median of three drops what one example has");
    assert!((w[D - 1] - 1.0).abs() < 1e-6, "and keeps what they share");
}
