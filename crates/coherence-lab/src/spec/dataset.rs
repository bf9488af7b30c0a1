//! Data sets as experiments and the command line name them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use coherence_data::{Shape, digits};
use serde::{Deserialize, Serialize};

/// The name of a data set with a training and a test part, as [`coherence_data::open`] knows it.
///
/// | name | training and test examples | image | classes |
/// |---|---|---|---|
/// | `digits` | 10,000 and 2,000, embedded, a subset of MNIST | 28 × 28 × 1 | 10 |
/// | `mnist`, `fashion-mnist` | 60,000 and 10,000 | 28 × 28 × 1 | 10 |
/// | `cifar10`, `cifar100`, `cifar100-coarse` | 50,000 and 10,000 | 32 × 32 × 3 | 10, 100, 20 |
/// | `cifar10:PATH` and so on | files in the binary layout, perhaps fewer | 32 × 32 × 3 | likewise |
/// | `imagenet` | class folders of JPEG files in `imagenet/train` and `imagenet/val`, in the folder of data sets | | |
/// | `folder:DIR` | class folders of JPEG or PNG files in DIR/train and DIR/val (or DIR/test) | | |
///
/// ```
/// use coherence_lab::spec::Dataset;
/// let mnist: Dataset = "mnist".parse()?;
/// assert_eq!(mnist.sizes(), Some((60_000, 10_000)));
/// assert!("mnisty".parse::<Dataset>().unwrap_err().to_string().contains("known: digits, mnist"));
/// # Ok::<(), coherence_lab::spec::DatasetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dataset(String);

/// A text that is not the name of a [`Dataset`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no data set is called \"{name}\" (known: {}, cifar10:PATH, folder:DIR)",
    coherence_data::names().collect::<Vec<_>>().join(", ")
)]
pub struct DatasetError {
    /// The text.
    pub name: String,
}

/// The names that go before a path.
const WITH_PATH: [&str; 4] = ["folder", "cifar10", "cifar100", "cifar100-coarse"];

impl Dataset {
    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The folder or file in the name, if it holds one.
    pub fn path(&self) -> Option<&Path> {
        self.0.split_once(':').map(|(_, path)| Path::new(path))
    }

    /// Whether the images are files in class folders, to be framed when they are read.
    pub fn is_folder(&self) -> bool {
        self.0 == coherence_data::IMAGENET || self.0.starts_with("folder:")
    }

    /// Numbers of training and of test examples, where the name determines them.
    pub fn sizes(&self) -> Option<(usize, usize)> {
        match &*self.0 {
            "digits" => Some((digits::TRAIN, digits::TEST)),
            "mnist" | "fashion-mnist" => Some((60_000, 10_000)),
            name if self.path().is_none() && name.starts_with("cifar") => Some((50_000, 10_000)),
            _ => None,
        }
    }

    /// The shape of an image and the number of classes, where the name determines them.
    pub fn shape(&self) -> Option<(Shape, usize)> {
        let image = |size, channels| Shape { channels, height: size, width: size };
        match self.0.split(':').next() {
            Some("digits" | "mnist" | "fashion-mnist") => Some((image(28, 1), 10)),
            Some("cifar10") => Some((image(32, 3), 10)),
            Some("cifar100") => Some((image(32, 3), 100)),
            Some("cifar100-coarse") => Some((image(32, 3), 20)),
            _ => None,
        }
    }
}

impl FromStr for Dataset {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        let known = match text.split_once(':') {
            Some((kind, path)) => WITH_PATH.contains(&kind) && !path.is_empty(),
            None => coherence_data::names().any(|name| name == text),
        };
        if known { Ok(Self(text.to_owned())) } else { Err(DatasetError { name: text.to_owned() }) }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Dataset {
    type Error = DatasetError;

    fn try_from(text: String) -> Result<Self, DatasetError> {
        text.parse()
    }
}

impl From<Dataset> for String {
    fn from(dataset: Dataset) -> Self {
        dataset.0
    }
}
