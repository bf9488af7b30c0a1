//! Proof that coherence-core needs no std, no libc and no allocator: this program links statically
//! without them and checks a few numbers. Exit status: 0, or the number of the check that failed.

#![no_std]
#![no_main]

#[cfg(feature = "alloc")]
mod heap;
mod start;

use coherence_core::{
    Coherence, Sums,
    aggregate::{CoordinateRule, Winsorized},
    finite::Policy,
    minibatch::{amplify, deamplify},
    similarity::cosine_stiffness,
    unbiased::jackknife,
};

/// GM22's dataset L at the first step: α = 5/8.
const SAMPLE: [[f32; 5]; 4] = [
    [1.0, 0.0, 0.0, 0.0, 1.0],
    [0.0, 1.0, 0.0, 0.0, 1.0],
    [0.0, 0.0, 1.0, 0.0, 1.0],
    [0.0, 0.0, 0.0, 1.0, 1.0],
];

/// The number of the first check that fails, or 0.
fn run() -> i32 {
    let mut sums = Sums::new([0.0; 5]);
    for gradient in &SAMPLE {
        if sums.add(gradient).is_err() {
            return 1;
        }
    }
    let checks = [
        sums.coherence().alpha() == 0.625,
        (deamplify(amplify(0.625, 8), 8) - 0.625).abs() < 1e-12,
        has_error(&sums),
        has_stiffness(),
        Winsorized { clip: 1 }.aggregate(&mut [3.0f32, 100.0, 1.0, 4.0, 2.0], Policy::Error)
            == Ok(3.0),
        owned() == sums.coherence(),
    ];
    checks.iter().position(|holds| !holds).map_or(0, |failed| failed as i32 + 2)
}

fn has_stiffness() -> bool {
    let stiffness = cosine_stiffness(&SAMPLE, Policy::Error);
    stiffness.is_ok_and(|cosine| (cosine - 0.5).abs() < 1e-12)
}

fn has_error(sums: &Sums<[f64; 5]>) -> bool {
    let members = SAMPLE.iter().flat_map(|gradient| sums.member(gradient)).flatten();
    jackknife(sums.coherence(), members).standard_error < 1e-12
}

/// The same statistics; with an allocator, from the accumulator that owns its buffer.
fn owned() -> Coherence {
    #[cfg(feature = "alloc")]
    let mut sums = Sums::zeros(5);
    #[cfg(not(feature = "alloc"))]
    let mut sums = Sums::new([0.0; 5]);
    for gradient in &SAMPLE {
        let _ = sums.add(gradient);
    }
    sums.coherence()
}
