//! Opening a data set by its name.

use std::path::PathBuf;

use crate::idx::IdxError;
use crate::{Dataset, Images, digits, locate, manifest};

/// The two parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// For training.
    Train,
    /// For evaluation.
    Test,
}

/// A data set could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name is unknown.
    #[error("no data set is called \"{name}\" (known: {})", known.join(", "))]
    Unknown {
        /// The requested name.
        name: String,
        /// All known names.
        known: Vec<&'static str>,
    },
    /// Its files are not on this machine.
    #[error(
        "{name} is not on this machine; looked in {} (fetch it with `coherence data fetch {name}`, \
         or set {} to the folder that holds {name}/)",
        looked.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "),
        locate::VARIABLE
    )]
    Missing {
        /// The data set.
        name: String,
        /// Every folder that was searched.
        looked: Vec<PathBuf>,
    },
    /// Its files are not in the folder given by `$COHERENCE_DATA`.
    #[error(
        "{name} is not on this machine: {} is {}, which {} (set it to the folder that holds {name}/, \
         or unset it)",
        locate::VARIABLE,
        root.display(),
        if root.is_dir() { format!("holds no complete {name}/") } else { "is not a folder".to_owned() },
    )]
    Misdirected {
        /// The data set.
        name: String,
        /// The value of `$COHERENCE_DATA`.
        root: PathBuf,
    },
    /// One of its files is damaged.
    #[error("{0} (fetch it again with `coherence data fetch`)")]
    Damaged(IdxError),
}

/// Opens a split of the data set called `name`: `digits` (compiled in), `mnist` or `fashion-mnist`.
///
/// Files are searched for in [`locate::roots`]. Their format is checked, but not their checksums (see
/// [`verify`](crate::verify::verify)).
///
/// # Errors
/// [`OpenError`] with the cause and the remedy.
///
/// ```
/// use coherence_data::{Dataset, Split, open};
/// assert_eq!(open("digits", Split::Train).unwrap().len(), 10_000);
/// assert!(open("digit", Split::Train).err().unwrap().to_string().contains("known: digits, mnist"));
/// ```
pub fn open(name: &str, split: Split) -> Result<Box<dyn Dataset>, OpenError> {
    if name == "digits" {
        return Ok(Box::new(match split {
            Split::Train => digits::train(),
            Split::Test => digits::test(),
        }));
    }
    let entry = manifest::entry(name)
        .ok_or_else(|| OpenError::Unknown { name: name.to_owned(), known: names().collect() })?;
    open_in(&locate::roots(), entry, split)
        .map(|images| Box::new(images) as Box<dyn Dataset>)
        .map_err(|error| match error {
            OpenError::Missing { name, looked } => OpenError::absent(name, looked),
            other => other,
        })
}

impl OpenError {
    /// The error for a data set that is in none of the folders `looked`, which are those under
    /// [`locate::roots`]: [`Misdirected`](Self::Misdirected) if `$COHERENCE_DATA` is set, else
    /// [`Missing`](Self::Missing).
    #[must_use]
    pub fn absent(name: String, looked: Vec<PathBuf>) -> Self {
        match locate::named() {
            Some(root) => Self::Misdirected { name, root },
            None => Self::Missing { name, looked },
        }
    }
}

/// Opens a split of `entry` from the folders under `roots`.
///
/// # Errors
/// As [`open`].
pub fn open_in(
    roots: &[PathBuf],
    entry: &manifest::Entry,
    split: Split,
) -> Result<Images, OpenError> {
    let pair = entry.pair(split);
    let (images, labels) = locate::find(roots, entry, pair)
        .map_err(|looked| OpenError::Missing { name: entry.name.clone(), looked })?;
    Images::read(&images, &labels, entry.classes, pair.images.bytes).map_err(OpenError::Damaged)
}

/// The names that [`open`] accepts.
pub fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once("digits").chain(manifest::entries().iter().map(|entry| entry.name.as_str()))
}
