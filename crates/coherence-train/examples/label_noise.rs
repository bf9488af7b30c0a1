//! Training against label noise, and watching what is learned and what is memorised.
//!
//! Half of the labels of ten thousand digits are permuted. SGD fits them all in the end; a winsorised
//! step, which clips the eight smallest and largest of a hundred per-example gradients in each
//! coordinate, learns what examples have in common and leaves the rest.
//!
//! ```text
//! cargo run --release -p coherence-train --example label_noise
//! ```

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_data::{digits, noise::LabelNoise, random};
use coherence_nn::Mlp;
use coherence_train::{Aggregation, Config, Row, Schedule, Trainer};

/// The series printed: accuracies (a corrupt example counts against its wrong label), and how many
/// examples of the probe one example helps, for both groups.
const SERIES: [&str; 5] = [
    "pristine.accuracy",
    "corrupt.accuracy",
    "test.accuracy",
    "probe.pristine.m_coherence",
    "probe.corrupt.m_coherence",
];

fn train(aggregation: Aggregation) -> Result<(), Box<dyn std::error::Error>> {
    let data = LabelNoise::permute(digits::train(), 0.5, 1)?;
    let mlp = Mlp::xavier(&[784, 128, 128, 10], &mut random::stream(1, "initialisation"))?;
    let config = Config {
        batch: 100,
        rate: 0.1,
        steps: 6000,
        aggregation,
        seed: 1,
        evaluate: Schedule::Every { steps: 1000 },
        probe: 500,
        checkpoint_every: 0,
    };
    let mut trainer = Trainer::new(config, mlp, &data, &digits::test())?;
    println!(
        "\n{aggregation:?}\n step  pristine   corrupt      test   m-coherence: pristine, corrupt"
    );
    loop {
        if trainer.is_due() {
            let mut rows: Vec<Row> = Vec::new();
            trainer.observe(&mut rows)?;
            let value =
                |name| rows.iter().find(|row| row.series == name).map_or(f64::NAN, |r| r.value);
            let [pristine, corrupt, test, of_pristine, of_corrupt] = SERIES.map(value);
            print!("{:5}", trainer.step());
            print!("  {:7.1} %{:8.1} %{:8.1} %", 100.0 * pristine, 100.0 * corrupt, 100.0 * test);
            println!("{of_pristine:24.1}{of_corrupt:9.1}");
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
