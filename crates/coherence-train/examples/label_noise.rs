//! Trains on noisy labels and shows what is learned and what is memorised.
//!
//! Half of the labels of ten thousand digits are permuted. SGD eventually fits all of them. A
//! winsorised step clips the eight smallest and the eight largest of a hundred per-example
//! gradients in each coordinate; it learns what the examples have in common and does not memorise
//! the rest.
//!
//! ```text
//! cargo run --release -p coherence-train --example label_noise
//! ```

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_data::{digits, noise::LabelNoise, random};
use coherence_nn::{Model, model::mlp};
use coherence_train::{Aggregation, Config, Examples, Row, Schedule, Trainer};

/// The series printed: accuracies (of corrupt examples with respect to their wrong labels), and the
/// m-coherence of both groups of the probe sample: how many examples one example helps.
const SERIES: [&str; 5] = [
    "pristine.accuracy",
    "corrupt.accuracy",
    "test.accuracy",
    "probe.pristine.m_coherence",
    "probe.corrupt.m_coherence",
];

fn train(aggregation: Aggregation) -> Result<(), Box<dyn std::error::Error>> {
    let data = LabelNoise::permute(digits::train(), 0.5, 1)?;
    let network = mlp(&[784, 128, 128, 10])?;
    let model = Model::initialized(network, &mut random::stream(1, "initialisation"));
    let config = Config {
        steps: 6000,
        aggregation,
        evaluate: Schedule::Every { steps: 1000 },
        probe: 500,
        ..Config::default()
    };
    let (train, test) = (Examples::decode(&data)?, Examples::decode(&digits::test())?);
    let mut trainer = Trainer::new(config, model, train, test)?;
    println!(
        "\n{aggregation:?}\n step  pristine   corrupt      test   m-coherence: pristine, corrupt"
    );
    loop {
        if trainer.is_due() {
            let mut rows: Vec<Row> = Vec::new();
            trainer.observe(&mut rows)?;
            let value =
                |name| rows.iter().find(|row| row.series == name).map_or(f64::NAN, |r| r.value);
            let [pristine, corrupt, test, m_coherence_pristine, m_coherence_corrupt] =
                SERIES.map(value);
            print!("{:5}", trainer.step());
            print!("  {:7.1} %{:8.1} %{:8.1} %", 100.0 * pristine, 100.0 * corrupt, 100.0 * test);
            println!("{m_coherence_pristine:24.1}{m_coherence_corrupt:9.1}");
        }
        if trainer.is_finished() {
            return Ok(());
        }
        trainer.advance()?;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    train(Aggregation::Mean)?;
    train(Aggregation::Winsorized { clip: 8 })
}
