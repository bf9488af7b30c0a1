//! A step reuses the buffers of earlier steps.

use coherence_data::{Dataset, digits, random, select};
use coherence_nn::{Model, model::mlp};
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
