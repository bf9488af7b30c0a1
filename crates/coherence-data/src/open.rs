//! Opening a data set by its name.

use std::path::{Path, PathBuf};

use crate::cifar::{Cifar, CifarError};
use crate::folder::{self, Folder, FolderError, Framing};
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
    /// The files of CIFAR are missing or damaged.
    #[error(transparent)]
    Cifar(#[from] CifarError),
    /// A folder holds no class folders of images.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There are no class folders of ImageNet on this machine.
    #[error(
        "imagenet is not on this machine; looked in {} (put its class folders into imagenet/train and \
         imagenet/val of one of these places, or set {} to the folder that holds imagenet/)",
        looked.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "),
        locate::VARIABLE
    )]
    NoImageNet {
        /// Every folder that was searched.
        looked: Vec<PathBuf>,
    },
    /// Only class folders are resized.
    #[error("{0} cannot be resized (only the images of imagenet and folder:DIR can)")]
    Size(String),
}

/// Opens a split of the data set called `name`.
///
/// - `digits` is compiled in.
/// - `mnist`, `fashion-mnist`, `cifar10`, `cifar100` and `cifar100-coarse` (20 classes) are searched for in
///   [`locate::roots`]. Format and length are checked, but not checksums (see
///   [`verify`](crate::verify::verify)).
/// - `cifar10:PATH` (or `cifar100:`, `cifar100-coarse:`) is a folder of files in the binary layout, which
///   may be incomplete, or one such file.
/// - `folder:DIR` holds class folders of JPEG or PNG files ([`Folder`]). If the folders in DIR are exactly
///   `train` and `val` (or `test`), these are its splits, which need the same classes. If none has one of these
///   three names, all are classes of the training split. Anything else is an error. All images must be of one
///   size (otherwise see [`open_framed`]).
/// - `imagenet` is the folder `imagenet` in the first of [`locate::roots`] that has one, opened as
///   `folder:DIR` is.
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
    open_framed(name, split, Framing::Original)
}

/// As [`open`]; the images of `folder:DIR` are resized and cropped as `framing` says.
///
/// # Errors
/// As [`open`]; [`OpenError::Size`] if other images are to be resized.
pub fn open_framed(
    name: &str,
    split: Split,
    framing: Framing,
) -> Result<Box<dyn Dataset>, OpenError> {
    if let Some(folder) = name.strip_prefix("folder:") {
        return Ok(Box::new(open_folder(Path::new(folder), split, framing)?));
    }
    if name == IMAGENET {
        return Ok(Box::new(open_folder(&imagenet_in(&locate::roots())?, split, framing)?));
    }
    if framing != Framing::Original {
        return Err(OpenError::Size(name.to_owned()));
    }
    let images = match name {
        "digits" => match split {
            Split::Train => digits::train(),
            Split::Test => digits::test(),
        },
        _ => open_images(name, split)?,
    };
    Ok(Box::new(images))
}

fn open_images(name: &str, split: Split) -> Result<Images, OpenError> {
    let (before, path) = name.split_once(':').map_or((name, None), |(a, b)| (a, Some(b)));
    if let Some(cifar) = Cifar::ALL.into_iter().find(|cifar| cifar.name() == before) {
        return Ok(match path {
            Some(path) => cifar.read(Path::new(path), split)?,
            None => cifar.open_in(&locate::roots(), split)?,
        });
    }
    let entry = manifest::entry(name)
        .ok_or_else(|| OpenError::Unknown { name: name.to_owned(), known: names().collect() })?;
    open_in(&locate::roots(), entry, split).map_err(|error| match error {
        OpenError::Missing { name, looked } => OpenError::absent(name, looked),
        other => other,
    })
}

/// The name of ImageNet, and of its folder.
pub const IMAGENET: &str = "imagenet";

fn imagenet_in(roots: &[PathBuf]) -> Result<PathBuf, OpenError> {
    let places: Vec<PathBuf> = roots.iter().map(|root| root.join(IMAGENET)).collect();
    let found = places.iter().find(|folder| folder.is_dir()).cloned();
    found.ok_or(OpenError::NoImageNet { looked: places })
}

fn open_folder(root: &Path, split: Split, framing: Framing) -> Result<Folder, FolderError> {
    match (folder::splits(root)?, split) {
        (Some([train, _]), Split::Train) => Folder::open(&train, framing),
        (Some([_, test]), Split::Test) => Folder::open(&test, framing),
        (None, Split::Train) => Folder::open(root, framing),
        (None, Split::Test) => Err(FolderError::NoSplit(root.to_owned())),
    }
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

/// The names that [`open`] accepts, without those that hold a path.
pub fn names() -> impl Iterator<Item = &'static str> {
    let files = manifest::entries().iter().map(|entry| entry.name.as_str());
    std::iter::once("digits").chain(files).chain(Cifar::ALL.map(Cifar::name)).chain([IMAGENET])
}
