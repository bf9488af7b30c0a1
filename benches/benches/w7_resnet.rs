//! W7: steps and α of ResNet-18 over images of 32 × 32 with torchvision's stem, batch 100, and with
//! the stem for small images, batch 32; batch normalisation by the running statistics.

use coherence_benches::{
    Images, RATE, Ratio, THREADS, initialized, ratio, ratios, step, time, trainer_of,
};
use coherence_nn::{
    Graph, Shape,
    model::{Stem, resnet18},
};
use coherence_train::{
    Aggregation, Trainer,
    measure::{BUDGET, By, Meter},
};
use criterion::{Criterion, criterion_group, criterion_main};

/// A stem, the name of its rows, the mini-batch and the clips to measure; half of the batch is the
/// median.
struct Case {
    name: &'static str,
    stem: Stem,
    batch: usize,
    clips: &'static [usize],
}

const CASES: [Case; 2] = [
    Case { name: "w7", stem: Stem::ImageNet, batch: 100, clips: &[1, 2, 8, 50] },
    Case { name: "w7 cifar stem", stem: Stem::Cifar, batch: 32, clips: &[1] },
];

impl Case {
    fn network(&self) -> Graph<f32> {
        resnet18(Shape::image(32, 32, 3), 10, self.stem).expect("images fit the network")
    }

    fn trainer(&self, aggregation: Aggregation, rate: f64) -> Trainer {
        let (data, test) = (Images::new(self.batch, 32), Images::new(1, 32));
        trainer_of(self.network(), &data, &test, self.batch, aggregation, rate)
    }

    fn plain(&self) -> Trainer {
        self.trainer(Aggregation::Mean, RATE)
    }

    fn winsorized(&self, clip: usize) -> Trainer {
        self.trainer(Aggregation::Winsorized { clip }, RATE)
    }

    /// Nothing is clipped with c = 0, so that the step is that of the mean.
    fn check(&self) {
        const RATE: f64 = 1e-3;
        let mut moved = [Aggregation::Mean, Aggregation::Winsorized { clip: 0 }].map(|rule| {
            let mut trainer = self.trainer(rule, RATE);
            let before = trainer.model().parameters().to_vec();
            step(&mut trainer);
            let after = trainer.model().parameters();
            before.iter().zip(after).map(|(b, a)| f64::from(b - a)).collect::<Vec<_>>()
        });
        let [mean, winsorized] = &mut moved;
        let size = mean.iter().map(|v| v * v).sum::<f64>();
        let error = mean.iter().zip(winsorized).map(|(a, b)| (*a - *b).powi(2)).sum::<f64>();
        assert!(size > 0.0 && error < 1e-6 * size, "{}: {error} {size}", self.name);
    }
}

fn times(c: &mut Criterion) {
    for case in CASES {
        case.check();
        let mut group = c.benchmark_group(case.name);
        let mut plain = case.plain();
        time(&mut group, "plain step", THREADS, || step(&mut plain));
        time(&mut group, "plain step, one thread", 1, || step(&mut plain));
        for &clip in case.clips {
            let mut trainer = case.winsorized(clip);
            time(&mut group, &format!("step, c = {clip}"), THREADS, || step(&mut trainer));
        }
        group.finish();
    }
}

fn pairs(c: &mut Criterion<Ratio>) {
    for case in CASES {
        let mut group = c.benchmark_group(format!("{} ratio", case.name));
        let (model, data) = (initialized(case.network()), Images::new(case.batch, 32));
        let meter = || Meter::new(&model, &data, By::default(), BUDGET).expect("images fit");
        let (mut alpha, mut base) = (meter(), meter());
        let mut sum = vec![0.0; model.parameters().len()];
        let name = "alpha to forward and backward";
        ratio(&mut group, name, || alpha.measure(), || base.passes(&mut sum));
        let mut plain = case.plain();
        for &clip in case.clips {
            let mut trainer = case.winsorized(clip);
            let name = format!("c = {clip} to plain step");
            ratio(&mut group, &name, || step(&mut trainer), || step(&mut plain));
        }
        group.finish();
    }
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
