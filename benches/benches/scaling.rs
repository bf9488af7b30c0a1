//! Step time against the batch, the width and c, on one thread and on two.
//!
//! Ids end in the number that varies: `scaling/plain by batch, 2 threads/100`.

use coherence_benches::{BATCH, RATE, SMALL, step, time_on_cores, trainer};
use coherence_train::Aggregation;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

const BATCHES: [usize; 7] = [10, 20, 50, 100, 200, 500, 1000];
const WIDTHS: [usize; 7] = [64, 128, 256, 512, 1024, 2048, 4096];
const CLIPS: [usize; 11] = [0, 1, 2, 4, 8, 16, 24, 32, 40, 48, 50];

/// The rules whose steps are timed by batch and by width.
const RULES: [(&str, Aggregation); 2] =
    [("plain", Aggregation::Mean), ("c = 2", Aggregation::Winsorized { clip: 2 })];

/// Times one step on one thread and on two.
fn point(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (series, at): (&str, usize),
    widths: &[usize],
    batch: usize,
    aggregation: Aggregation,
) {
    let mut trainer = trainer(widths, [10_000, batch], aggregation, RATE);
    for (threads, of) in [(1, "1 thread"), (2, "2 threads")] {
        time_on_cores(group, &format!("{series}, {of}/{at}"), threads, || step(&mut trainer));
    }
}

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("scaling");
    for (name, rule) in RULES {
        for batch in BATCHES {
            point(&mut group, (&format!("{name} by batch"), batch), &SMALL, batch, rule);
        }
        for width in WIDTHS {
            let widths = [784, width, width, width, 10];
            point(&mut group, (&format!("{name} by width"), width), &widths, BATCH, rule);
        }
    }
    for clip in CLIPS {
        let rule = Aggregation::Winsorized { clip };
        point(&mut group, ("winsorized by c", clip), &SMALL, BATCH, rule);
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
