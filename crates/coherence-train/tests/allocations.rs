//! A step reuses the buffers of earlier steps, and a run takes no less memory than it was said to need.

use coherence_data::{Dataset, digits, random, select};
use coherence_nn::{
    Model, Shape,
    model::{Norm, ResNet, Stem, mlp, resnet},
};
use coherence_tests::memory::{CountingAllocator, peak};
use coherence_train::{Aggregation, Config, Examples, OverTime, Trainer};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The most bytes that a step may allocate: the sums of 20 groups of a bias take 22 kB. For comparison,
/// the parameters take 870 kB.
const LITTLE: usize = 24 << 10;

#[test]
fn a_step_allocates_next_to_nothing() {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let [median, trimmed] = ["median@20", "trimmed:1@3"].map(|text| text.parse().unwrap());
    for (aggregation, momentum) in [
        Aggregation::Mean,
        Aggregation::Winsorized { clip: 1 },
        Aggregation::Winsorized { clip: 20 },
        Aggregation::Winsorized { clip: 50 },
        Aggregation::MedianOfMeans { groups: 3 },
        Aggregation::MedianOfMeans { groups: 20 },
        median,
        trimmed,
        Aggregation::OverTime(OverTime::M3),
        Aggregation::OverTime(OverTime::Rm3),
    ]
    .into_iter()
    .flat_map(|rule| [(rule, 0.0), (rule, 0.9)])
    {
        let examples = |data: &dyn Dataset| Examples::decode(data).unwrap();
        let (train, _) = select::split(digits::train(), 600).unwrap();
        let (test, _) = select::split(digits::test(), 100).unwrap();
        let config = Config { steps: 20, aggregation, momentum, ..Config::default() };
        let widths = [784, 256, 64, 10];
        let network = mlp(&widths).unwrap();
        let model = Model::initialized(network, &mut random::stream(1, "initialisation"));
        let mut trainer = Trainer::new(config, model, examples(&train), examples(&test)).unwrap();
        let mut steps = |n| {
            for _ in 0..n {
                trainer.advance().unwrap();
            }
        };
        let held = one_thread.install(|| {
            steps(7);
            peak(|| steps(6))
        });
        assert!(held <= LITTLE, "{aggregation} with momentum {momentum} allocates {held} bytes");
    }
}

/// What a run is refused by where memory is short is a lower bound, and no small part of what it takes.
#[test]
fn a_run_takes_at_least_the_memory_that_is_told() {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let [by_coordinate, by_rows] = ["median@10", "krum:1@10"].map(|text| text.parse().unwrap());
    let narrow = ResNet { stem: Stem::ImageNet, norm: Norm::Batch, width: 16 };
    let image = Shape::image(28, 28, 1);
    for (aggregation, micro_batch, momentum) in [
        (Aggregation::Mean, None, 0.0),
        (Aggregation::Winsorized { clip: 2 }, None, 0.9),
        (Aggregation::OverTime(OverTime::M3), None, 0.0),
        (Aggregation::MedianOfMeans { groups: 10 }, Some(5), 0.0),
        (by_coordinate, None, 0.0),
        (by_coordinate, Some(5), 0.0),
        (by_rows, None, 0.9),
    ] {
        let networks = [mlp(&[784, 512, 512, 10]), resnet(18, image, 10, narrow)];
        for (network, probe) in networks.into_iter().map(Result::unwrap).zip([0, 20]) {
            let name = network.name().to_owned();
            let config = Config {
                aggregation,
                micro_batch,
                momentum,
                batch: 10,
                rate: 1e-4,
                probe,
                batch_statistics: false,
                ..Config::default()
            };
            let told = usize::try_from(config.memory(&network, [0, 0])).unwrap();
            let data = select::split(digits::train(), 40).unwrap().0;
            let examples = Examples::decode(&data).unwrap();
            let work = || {
                let model = Model::initialized(network, &mut random::stream(1, "initialisation"));
                let mut trainer = Trainer::new(config, model, examples.clone(), examples).unwrap();
                trainer.observe(&mut Vec::new()).unwrap();
                for _ in 0..3 {
                    trainer.advance().unwrap();
                }
            };
            let taken = one_thread.install(|| peak(work));
            let context = format!("{name}, {aggregation}, {micro_batch:?}: {taken}, not {told}");
            assert!(told <= taken && taken <= 3 * told, "{context}");
        }
    }
}
