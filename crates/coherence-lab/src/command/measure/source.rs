//! The data that a network is measured on, as the command line names them.

use std::str::FromStr;

use anyhow::Context;
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

/// Noise as experiments name it, with its percentage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    kind: Data,
    percent: f64,
}

impl FromStr for Noise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, percent) = text.split_once(':').unwrap_or((text, ""));
        let kind =
            Data::deserialize(kind.into_deserializer()).map_err(|e: Unknown| e.to_string())?;
        if kind == Data::Real {
            return Err("real data are without noise: leave --noise away".to_owned());
        }
        let percent = percent.parse().ok().filter(|p| (0.0..=100.0).contains(p));
        let percent = percent.ok_or("write a percentage behind it: permuted-labels:50")?;
        Ok(Self { kind, percent })
    }
}

impl Source {
    /// Opens the data, makes them noisy and keeps the first `examples`.
    pub(super) fn open(
        &self,
        noise: Option<Noise>,
        seed: u64,
        examples: Option<usize>,
    ) -> anyhow::Result<Box<dyn Dataset>> {
        let mut data = open(&self.name, self.split)?;
        if let Some(Noise { kind, percent }) = noise {
            data = noisy(data, kind, percent / 100.0, seed)?;
        }
        let Some(n) = examples else { return Ok(data) };
        let first = Subset::new(data, (0..n).collect());
        let first =
            first.with_context(|| format!("--examples {n} is more than {} has", self.name))?;
        Ok(Box::new(first))
    }
}
