//! W8: a plain step of VGG-13, ResNet-50 and EfficientNet-B0 over 8 images of 224 × 224; batch normalisation
//! by the running statistics.

use coherence_benches::{Images, THREADS, step, time, trainer_of};
use coherence_nn::{
    Graph, GraphError, Shape,
    model::{Norm, Stem, efficientnet_b0, resnet50, vgg13},
};
use coherence_train::Aggregation;
use criterion::{Criterion, criterion_group, criterion_main};

const BATCH: usize = 8;
const SIZE: usize = 224;
/// Small enough for networks without normalisation.
const RATE: f64 = 1e-6;

type Network = fn(Shape, usize) -> Result<Graph<f32>, GraphError>;

const NETWORKS: [(&str, Network); 3] = [
    ("vgg13", |input, classes| vgg13(input, classes, false)),
    ("resnet50", |input, classes| resnet50(input, classes, Stem::ImageNet, Norm::Batch)),
    ("efficientnet_b0", efficientnet_b0),
];

fn times(c: &mut Criterion) {
    let mut group = c.benchmark_group("w8");
    for (name, network) in NETWORKS {
        let network = network(Shape::image(SIZE, SIZE, 3), 10).expect("images fit the network");
        let (data, test) = (Images::new(BATCH, SIZE), Images::new(1, SIZE));
        let mut trainer = trainer_of(network, &data, &test, BATCH, Aggregation::Mean, RATE);
        let before = trainer.model().parameters().to_vec();
        step(&mut trainer);
        let after = trainer.model().parameters();
        assert!(after.iter().all(|w| w.is_finite()) && before != after, "{name}: a step moves it");
        time(&mut group, &format!("{name}, plain step"), THREADS, || step(&mut trainer));
    }
    group.finish();
}

criterion_group!(benches, times);
criterion_main!(benches);
