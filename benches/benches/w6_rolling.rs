//! W6: whole training steps of SGD, RM3 and M3, batch 100, 0.34 M and 11.1 M parameters.
//!
//! RM3 steps along the median of the last three mini-batches' gradients. M3 takes the median of
//! three: here of micro-batches of 34, 33 and 33 examples, one update a step, as the peers do it.

use coherence_benches::{
    BATCH, BIG, Passes, RATE, Ratio, SMALL, THREADS, ratio, ratios, step, time, trainer,
};
use coherence_cpu::elementwise::median_of_three_update;
use coherence_train::{Aggregation, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};

/// Start and length of M3's micro-batches.
const MICRO: [(usize, usize); 3] = [(0, 34), (34, 33), (67, 33)];

/// A step of M3 over micro-batches.
struct M3 {
    passes: Passes,
    gradients: [Vec<f32>; 3],
    batch: usize,
}

impl M3 {
    fn new(widths: &[usize]) -> Self {
        let passes = Passes::new(widths, 10_000, BATCH);
        let gradients = [(); 3].map(|()| vec![0.0; passes.mlp.parameters().len()]);
        Self { passes, gradients, batch: 0 }
    }

    fn step(&mut self, rate: f32) {
        let first = self.batch * BATCH;
        self.batch = (self.batch + 1) % 100;
        for ((start, m), gradient) in MICRO.into_iter().zip(&mut self.gradients) {
            self.passes.gradient(first + start, m, gradient);
        }
        let [a, b, c] = [0, 1, 2].map(|g| (&self.gradients[g][..], 1.0 / MICRO[g].1 as f32));
        median_of_three_update(self.passes.mlp.parameters_mut(), [a, b, c], rate);
    }
}

/// A trainer whose rule over three mini-batches has begun.
fn begun(widths: &[usize], aggregation: Aggregation) -> Trainer {
    let mut trainer = trainer(widths, [10_000, BATCH], aggregation, RATE);
    (0..3).for_each(|_| step(&mut trainer));
    trainer
}

/// Moves by M3 of rate 1 against the middle of three sorted mean gradients.
fn check() {
    let mut m3 = M3::new(&SMALL);
    let before = m3.passes.mlp.parameters().to_vec();
    m3.step(1.0);
    for at in (0..before.len()).step_by(101) {
        let mut means = [0, 1, 2].map(|g| m3.gradients[g][at] * (1.0 / MICRO[g].1 as f32));
        means.sort_by(f32::total_cmp);
        assert_eq!(m3.passes.mlp.parameters()[at], before[at] - means[1]);
    }
}

/// A network with its name, as the peers' rows have it.
const NETS: [(&str, [usize; 5]); 2] = [("small", SMALL), ("big", BIG)];

fn times(c: &mut Criterion) {
    check();
    for (name, widths) in NETS {
        let mut group = c.benchmark_group(format!("w6 {name}"));
        for (name, rule) in [("sgd", Aggregation::Mean), ("rm3", Aggregation::Rm3)] {
            let mut trainer = begun(&widths, rule);
            time(&mut group, name, THREADS, || step(&mut trainer));
        }
        let mut m3 = M3::new(&widths);
        time(&mut group, "m3", THREADS, || m3.step(RATE as f32));
        group.finish();
    }
}

fn pairs(c: &mut Criterion<Ratio>) {
    for (name, widths) in NETS {
        let mut group = c.benchmark_group(format!("w6 {name} ratio"));
        let mut sgd = begun(&widths, Aggregation::Mean);
        let mut rm3 = begun(&widths, Aggregation::Rm3);
        ratio(&mut group, "rm3 to sgd", || step(&mut rm3), || step(&mut sgd));
        let mut rule = begun(&widths, Aggregation::M3);
        let three = |trainer: &mut Trainer| (0..3).for_each(|_| step(trainer));
        ratio(&mut group, "m3 by mini-batch to sgd", || three(&mut rule), || three(&mut sgd));
        let mut m3 = M3::new(&widths);
        ratio(&mut group, "m3 to sgd", || m3.step(RATE as f32), || step(&mut sgd));
        group.finish();
    }
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
