//! W6: whole training steps of SGD, RM3 and M3, batch 100, 0.34 M and 11.1 M parameters.
//!
//! RM3 steps along the median of the gradients of the last three mini-batches. M3 takes the median over
//! three groups of the mini-batch's examples (34, 33 and 33), as the peers do; `m3 by mini-batch` keeps
//! the weights fixed for three whole mini-batches.

use coherence_benches::{
    BATCH, BIG, Passes, RATE, Ratio, SMALL, THREADS, ratio, ratios, step, time, trainer,
};
use coherence_core::aggregate::groups;
use coherence_train::{Aggregation, OverTime, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};

/// M3 in one mini-batch.
const M3: Aggregation = Aggregation::MedianOfMeans { groups: 3 };

/// A trainer after enough steps that its rule over three mini-batches is fully active.
fn begun(widths: &[usize], aggregation: Aggregation) -> Trainer {
    let mut trainer = trainer(widths, [10_000, BATCH], aggregation, RATE);
    (0..3).for_each(|_| step(&mut trainer));
    trainer
}

/// Compares steps of rate 1 from zero weights with the median of the gradients of three groups.
fn check() {
    let mut passes = Passes::new(&SMALL, BATCH, BATCH);
    let sum = |of: std::ops::Range<usize>| {
        let mut sum = vec![0.0; passes.model.parameters().len()];
        passes.gradient(of.start, of.len(), &mut sum);
        sum
    };
    let sums: Vec<Vec<f32>> = groups(BATCH, 3).map(sum).collect();
    passes.run(0, BATCH, |factors| {
        let mut step = vec![0.0; factors.range.len()];
        factors.median_of_sums_step(3, 1.0, &mut step);
        for (at, step) in factors.range.clone().zip(step) {
            let mut three = [0, 1, 2].map(|group| sums[group][at]);
            three.sort_by(f32::total_cmp);
            assert_eq!(step, -three[1]);
        }
    });
}

/// The networks by name, as in the rows of the peers.
const NETS: [(&str, [usize; 5]); 2] = [("small", SMALL), ("big", BIG)];

fn times(c: &mut Criterion) {
    check();
    for (name, widths) in NETS {
        let mut group = c.benchmark_group(format!("w6 {name}"));
        for (name, rule) in
            [("sgd", Aggregation::Mean), ("rm3", Aggregation::OverTime(OverTime::Rm3)), ("m3", M3)]
        {
            let mut trainer = begun(&widths, rule);
            time(&mut group, name, THREADS, || step(&mut trainer));
        }
        group.finish();
    }
}

fn pairs(c: &mut Criterion<Ratio>) {
    for (name, widths) in NETS {
        let mut group = c.benchmark_group(format!("w6 {name} ratio"));
        let mut sgd = begun(&widths, Aggregation::Mean);
        for (name, rule) in
            [("rm3 to sgd", Aggregation::OverTime(OverTime::Rm3)), ("m3 to sgd", M3)]
        {
            let mut trainer = begun(&widths, rule);
            ratio(&mut group, name, || step(&mut trainer), || step(&mut sgd));
        }
        let mut by_three = begun(&widths, Aggregation::OverTime(OverTime::M3));
        let three = |trainer: &mut Trainer| (0..3).for_each(|_| step(trainer));
        ratio(&mut group, "m3 by mini-batch to sgd", || three(&mut by_three), || three(&mut sgd));
        group.finish();
    }
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
