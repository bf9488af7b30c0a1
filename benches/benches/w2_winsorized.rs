//! W2: a winsorised step, MLP 784–256–256–256–10, batch 100, c = 1, 2, 4, 8 and the median,
//! compared with the plain step.

use coherence_benches::{
    BATCH, Passes, RATE, Ratio, SMALL, THREADS, ratio, ratios, step, time, trainer,
};
use coherence_nn::{Gradients, PerExample};
use coherence_train::{Aggregation, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};

const CLIPS: [usize; 5] = [1, 2, 4, 8, BATCH / 2];

/// Compares one step of rate 1 over a data set of one batch with sorting the examples' gradients,
/// at some coordinates of the first layer.
fn check(clip: usize) {
    let mut trainer = trainer(&SMALL, [BATCH, BATCH], Aggregation::Winsorized { clip }, 1.0);
    let before = trainer.model().parameters().to_vec();
    step(&mut trainer);
    let mut passes = Passes::new(&SMALL, BATCH, BATCH);
    let mut delta = Vec::new();
    passes.run(0, BATCH, |factors| match factors.gradients {
        Gradients::PerExample(PerExample::Outer { delta: of_layer, .. }) if factors.tensor == 0 => {
            delta = of_layer.to_vec();
        }
        _ => {}
    });
    let clip = clip.min(BATCH / 2 - 1); // at half, both thresholds are the two middle values
    for at in (0..SMALL[0] * SMALL[1]).step_by(97) {
        let (row, column) = (at / SMALL[0], at % SMALL[0]);
        let product = |e: usize| delta[e * SMALL[1] + row] * passes.x[e * SMALL[0] + column];
        let mut values: Vec<f32> = (0..BATCH).map(product).collect();
        values.sort_by(f32::total_cmp);
        let (low, high) = (values[clip], values[BATCH - 1 - clip]);
        let mean = values.iter().map(|v| v.clamp(low, high)).sum::<f32>() / BATCH as f32;
        let moved = before[at] - trainer.model().parameters()[at];
        let rounding = f32::EPSILON * (before[at].abs() + 10.0 * high.max(-low));
        assert!((moved - mean).abs() <= rounding, "clip {clip} at {at}: {moved} {mean}");
    }
}

fn plain() -> Trainer {
    trainer(&SMALL, [10_000, BATCH], Aggregation::Mean, RATE)
}

fn winsorized(clip: usize) -> Trainer {
    trainer(&SMALL, [10_000, BATCH], Aggregation::Winsorized { clip }, RATE)
}

fn times(c: &mut Criterion) {
    CLIPS.into_iter().for_each(check);
    let mut group = c.benchmark_group("w2");
    let mut base = plain();
    time(&mut group, "plain step", THREADS, || step(&mut base));
    for clip in CLIPS {
        let mut trainer = winsorized(clip);
        time(&mut group, &format!("step, c = {clip}"), THREADS, || step(&mut trainer));
    }
    group.finish();
}

fn pairs(c: &mut Criterion<Ratio>) {
    let mut group = c.benchmark_group("w2 ratio");
    let mut base = plain();
    for clip in CLIPS {
        let mut trainer = winsorized(clip);
        let name = format!("c = {clip} to plain step");
        ratio(&mut group, &name, || step(&mut trainer), || step(&mut base));
    }
    group.finish();
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
