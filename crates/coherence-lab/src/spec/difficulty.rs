//! Easy and hard examples: how they are told apart before a run, and which of them it trains on.

use serde::{Deserialize, Serialize};

/// How the difficulty of the training examples is found before a run (WS20 §4).
///
/// R networks are trained for a few steps on the data set without noise, by the mean gradient and at a
/// constant rate, and otherwise with the settings of the run. They differ in their initial weights alone. The difficulty of an example is the number
/// of networks that do not classify it correctly after the last step: 0, …, R.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difficulty {
    /// Networks, R.
    pub initialisations: usize,
    /// Steps of training of each.
    pub steps: u64,
    /// Training examples whose difficulty is found, the first of a seeded shuffle; absent is all.
    pub examples: Option<usize>,
    /// The momentum of these trainings; absent is that of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
}

/// The examples of a data set that a run trains on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subset {
    /// All of them, tested on the test part. With a [`Difficulty`] these are all examples whose difficulty is found.
    #[default]
    All,
    /// As many of those of difficulty 0, learned by every network, as the run has training examples. The test set is drawn from the training part: examples of
    /// difficulty 0 and as many of difficulty R, on which the run does not train.
    Easy,
    /// Those of difficulty R, learned by no network, with the same test set.
    Hard,
}

/// Training on single examples before a run: how long each takes to be fitted alone (GM22 §8).
///
/// For each of the first examples of a seeded shuffle of the training set, a network with the initial weights of the
/// run is trained on it alone, in mini-batches of one, with the other settings of the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Single {
    /// Examples.
    pub examples: usize,
    /// The loss at which an example is fitted. One that is not fitted after the steps of the run counts as these.
    pub loss: f64,
}

impl Difficulty {
    /// The name of the group of training examples with a difficulty, as in `train.difficulty8.accuracy`.
    pub fn group(level: usize) -> String {
        format!("difficulty{level}")
    }
}

impl Subset {
    /// The groups of the test set of a run on easy or hard examples, as in `test.easy.accuracy`.
    pub const TESTED: [&str; 2] = ["easy", "hard"];
}
