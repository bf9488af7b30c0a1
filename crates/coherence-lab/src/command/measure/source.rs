//! The data that a network is measured on, as the command line names them.

use std::fmt;
use std::str::FromStr;

use anyhow::ensure;
use serde::Deserialize;
use serde::de::{IntoDeserializer, value::Error as Unknown};

use coherence_data::select::Subset;
use coherence_data::{Dataset, Split, open};
use coherence_lab::run::noisy;
use coherence_lab::spec::Data;

/// A data set and one of its splits.
#[derive(Clone, Debug)]
pub(super) struct Source {
    name: String,
    split: Split,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, split) = text.split_once(':').unwrap_or((text, "train"));
        let split = match split {
            "train" => Split::Train,
            "test" => Split::Test,
            other => return Err(format!("no split {other}; there are train and test")),
        };
        Ok(Self { name: name.to_owned(), split })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let split = match self.split {
            Split::Train => "train",
            Split::Test => "test",
        };
        write!(f, "{}:{split}", self.name)
    }
}

/// Noise as experiments name it, with its percentage.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    kind: Data,
    percent: f64,
    /// As it was written.
    text: String,
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Noise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, percent) = text.split_once(':').unwrap_or((text, ""));
        let kind =
            Data::deserialize(name.into_deserializer()).map_err(|e: Unknown| e.to_string())?;
        if kind == Data::Real {
            return Err("real data are without noise: omit --noise".to_owned());
        }
        let percent = percent.parse().ok().filter(|p| (0.0..=100.0).contains(p));
        let percent = percent.ok_or("write a percentage after it: permuted-labels:50")?;
        Ok(Self { kind, percent, text: text.to_owned() })
    }
}

impl Source {
    /// Opens the data, makes them noisy and keeps the first `examples`.
    pub(super) fn open(
        &self,
        noise: Option<&Noise>,
        seed: u64,
        examples: Option<usize>,
    ) -> anyhow::Result<Box<dyn Dataset>> {
        let mut data = open(&self.name, self.split)?;
        if let Some(Noise { kind, percent, .. }) = noise {
            data = noisy(data, *kind, percent / 100.0, seed)?;
        }
        let Some(n) = examples else { return Ok(data) };
        let there = data.len();
        ensure!(
            n <= there,
            "--examples {n} is more than {self} has: {there} (ask for at most that)"
        );
        Ok(Box::new(Subset::new(data, (0..n).collect())?))
    }
}
