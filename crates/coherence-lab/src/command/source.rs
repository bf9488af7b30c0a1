//! The data that a network is measured or trained on, as the command line names them.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZero;
use std::path::Path;
use std::str::FromStr;

use anyhow::ensure;
use clap::Args;
use serde::Deserialize;
use serde::de::{IntoDeserializer, value::Error as Unknown};

use crate::run::noisy;
use crate::spec::{self, Data};
use coherence_data::folder::Framing;
use coherence_data::select::Subset;
use coherence_data::{Dataset, Normalization, Normalized, Split, open_framed};

use crate::watch::line;

/// A data set and one of its splits.
#[derive(Clone, Debug)]
pub(super) struct Source {
    dataset: spec::Dataset,
    split: Split,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, split) = match text.rsplit_once(':') {
            Some((name, "train")) => (name, Split::Train),
            Some((name, "test")) => (name, Split::Test),
            _ => (text, Split::Train),
        };
        match (name.parse(), name.split_once(':')) {
            (Ok(dataset), _) => Ok(Self { dataset, split }),
            (Err(_), Some((before, other))) if before.parse::<spec::Dataset>().is_ok() => {
                Err(format!("no split {other}; there are train and test"))
            }
            (Err(error), _) => Err(error.to_string()),
        }
    }
}

impl Source {
    /// The file or folder that the name has, if it has one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.dataset.path()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let split = match self.split {
            Split::Train => "train",
            Split::Test => "test",
        };
        write!(f, "{}:{split}", self.dataset)
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

/// The data of a command.
#[derive(Debug, Args)]
pub(super) struct Input {
    /// The data: digits, mnist, fashion-mnist, cifar10, cifar100, cifar100-coarse (20 classes), cifar10:PATH,
    /// cifar100:PATH or cifar100-coarse:PATH (files in the binary layout), imagenet (its class folders in
    /// imagenet/train and imagenet/val) or folder:DIR (class folders of JPEG or PNG, in DIR/train and DIR/test or
    /// DIR/val if there is a test split); with :train (the default) or :test behind it the split
    #[arg(long, value_name = "DATASET[:SPLIT]")]
    pub(super) data: Source,
    /// Resize the shorter side of the images of imagenet or folder:DIR to N pixels and crop to the middle N × N
    #[arg(long, value_name = "N")]
    size: Option<NonZero<usize>>,
    /// Normalise the inputs as (pixel/255 − MEAN) / STD, after any noise; without it they are
    /// pixel/255. A name (imagenet, cifar10, mnist) or numbers, one for each channel or one for all:
    /// 0.485,0.456,0.406/0.229,0.224,0.225
    #[arg(long, value_name = "MEAN/STD", allow_hyphen_values = true)]
    pub(super) normalize: Option<Normalization>,
    /// Make the data noisy as experiments do: permuted-labels:PERCENT, redrawn-labels:PERCENT or
    /// random-pixels:PERCENT
    #[arg(long, value_name = "KIND:PERCENT")]
    pub(super) noise: Option<Noise>,
    /// Only the first N examples
    #[arg(long, value_name = "N")]
    examples: Option<NonZero<usize>>,
}

impl Input {
    /// Opens the data, makes them noisy, keeps the first `examples` and normalises them.
    pub(super) fn open(&self, seed: u64) -> anyhow::Result<Box<dyn Dataset>> {
        let mut data = self.open_split(self.data.split)?;
        if let Some(Noise { kind, percent, .. }) = &self.noise {
            data = noisy(data, *kind, percent / 100.0, seed)?;
        }
        if let Some(n) = self.examples.map(NonZero::get) {
            let there = data.len();
            ensure!(
                n <= there,
                "--examples {n} is more than {} has: {there} (ask for at most that)",
                self.data
            );
            data = Box::new(Subset::new(data, (0..n).collect())?);
            if let Some(warning) = absent_classes(data.as_ref()) {
                line(&format!("warning: --examples {n}: {warning}"));
            }
        }
        self.normalized(data)
    }

    /// Opens the test split of the data, without noise.
    pub(super) fn open_test(&self) -> anyhow::Result<Box<dyn Dataset>> {
        self.normalized(self.open_split(Split::Test)?)
    }

    fn open_split(&self, split: Split) -> anyhow::Result<Box<dyn Dataset>> {
        let framing = self.size.map(NonZero::get).map_or(Framing::Original, Framing::square);
        Ok(open_framed(self.data.dataset.name(), split, framing)?)
    }

    fn normalized(&self, data: Box<dyn Dataset>) -> anyhow::Result<Box<dyn Dataset>> {
        Ok(match self.normalize.clone() {
            Some(by) => Box::new(Normalized::new(data, by)?),
            None => data,
        })
    }
}

/// A warning if classes have no example, as where the examples of a folder, which are sorted by class, are cut off.
fn absent_classes(data: &dyn Dataset) -> Option<String> {
    let there: BTreeSet<u32> = (0..data.len()).map(|i| data.target(i).label).collect();
    (there.len() < data.classes()).then(|| {
        format!(
            "only {} of {} classes have examples: they are the first ones",
            there.len(),
            data.classes()
        )
    })
}
