//! Results do not depend on the number of threads.

use coherence_data::{Dataset, digits, noise::LabelNoise, random, select};
use coherence_nn::{Model, model::mlp};
use coherence_train::{
    Aggregation, Config, Examples, OverTime, Row, State, Trainer,
    measure::{By, Measurement, measure},
};

/// Large enough that products are worth splitting among threads.
fn run(aggregation: Aggregation) -> (State, Vec<Row>, Measurement) {
    let (train, _) = select::split(digits::train(), 600).unwrap();
    let (test, _) = select::split(digits::test(), 100).unwrap();
    let train = LabelNoise::permute(train, 0.5, 1).unwrap();
    let config = Config { steps: 6, aggregation, probe: 550, ..Config::default() };
    let network = mlp(&[784, 256, 64, 10]).unwrap();
    let model = Model::initialized(network, &mut random::stream(1, "initialisation"));
    let examples = |data: &dyn Dataset| Examples::decode(data).unwrap();
    let mut trainer = Trainer::new(config, model, examples(&train), examples(&test)).unwrap();
    let mut rows = Vec::new();
    while !trainer.is_finished() {
        trainer.advance().unwrap();
    }
    trainer.observe(&mut rows).unwrap();
    let measured =
        measure(trainer.model(), &train, By { class: true, example: true, errors: true }).unwrap();
    (trainer.state(), rows, measured)
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    for rule in [
        Aggregation::Mean,
        Aggregation::Winsorized { clip: 2 },
        Aggregation::OverTime(OverTime::Rm3),
    ] {
        let [one, two] = [1, 2].map(|n| pool(n).install(|| run(rule)));
        assert!(one == two, "{rule:?} differs between 1 and 2 threads");
    }
}
