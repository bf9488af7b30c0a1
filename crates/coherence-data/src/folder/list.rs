//! The classes and files of a folder.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::ReadError;

/// Extensions of the formats that are read, in lower case.
const SUPPORTED: [&str; 3] = ["jpg", "jpeg", "png"];

/// Further extensions that torchvision takes for images.
const UNSUPPORTED: [&str; 6] = ["ppm", "bmp", "pgm", "tif", "tiff", "webp"];

/// A folder is no data set.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A folder could not be listed.
    #[error("{}: cannot be read as a folder: {source}", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// There are no folders in it.
    #[error("{}: found no class folders (expected FOLDER/CLASS/IMAGE.jpg or .png)", .0.display())]
    NoClasses(PathBuf),
    /// A class has no images.
    #[error("{}: found no .jpg, .jpeg or .png file in this class folder (add some or remove it)", .0.display())]
    EmptyClass(PathBuf),
    /// The name of a class is not UTF-8.
    #[error("{}: the name of this class folder is not UTF-8 (rename it)", .0.display())]
    Name(PathBuf),
    /// A file is an image in another format.
    #[error("{}: this image format is not supported (convert it to PNG, or remove it)", .0.display())]
    Unsupported(PathBuf),
    /// A link leads to a folder that contains it.
    #[error("{}: this link leads to a folder that contains it (remove it)", .0.display())]
    Loop(PathBuf),
    /// There are more images or classes than 32 bits can number.
    #[error("{}: found {count} entries, expected fewer than 2³²", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// Their number.
        count: usize,
    },
    /// The crop is empty or larger than the resized image.
    #[error("a crop of {crop} from images resized to {resize} (must be from 1 to {resize})")]
    Framing {
        /// Length of the shorter side after resizing.
        resize: usize,
        /// Side of the crop.
        crop: usize,
    },
    /// The first image could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The training and the test split have not the same classes.
    #[error(
        "{}: the class folders of the splits differ: {}; {} (labels are the places of the sorted names, so both need \
         the same: rename, add or remove class folders)",
        root.display(), only("train", train_only), only(test, test_only)
    )]
    Classes {
        /// The folder of both.
        root: PathBuf,
        /// The name of the test split, `val` or `test`.
        test: String,
        /// The classes that only the training split has, sorted.
        train_only: Vec<String>,
        /// Those that only the test split has.
        test_only: Vec<String>,
    },
    /// There is no folder of this split.
    #[error(
        "{}: found no test images (put class folders into {}/train and {}/val)",
        .0.display(), .0.display(), .0.display()
    )]
    NoSplit(PathBuf),
}

/// `only in train: cat, dog and 5 more`; a few names, since there may be a thousand.
fn only(split: &str, classes: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = match classes {
        [] => "none".to_owned(),
        _ => classes[..classes.len().min(SHOWN)].join(", "),
    };
    let more = match classes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("only in {split}: {shown}{more}")
}

/// The class names, and every file with its label.
type Listing = (Vec<String>, Vec<(PathBuf, u32)>);

pub(super) fn list(root: &Path) -> Result<Listing, FolderError> {
    let mut folders = entries(root)?.folders;
    folders.sort_by(|a, b| bytes(a).cmp(bytes(b)));
    if folders.is_empty() {
        return Err(FolderError::NoClasses(root.to_owned()));
    }
    if u32::try_from(folders.len()).is_err() {
        return Err(FolderError::TooMany { folder: root.to_owned(), count: folders.len() });
    }
    let (mut classes, mut files) = (Vec::new(), Vec::new());
    for (label, folder) in folders.into_iter().enumerate() {
        let images = images(&folder)?;
        if images.is_empty() {
            return Err(FolderError::EmptyClass(folder));
        }
        files.extend(images.into_iter().map(|file| (file, label as u32)));
        let name = folder.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        classes.push(name.ok_or(FolderError::Name(folder))?);
    }
    Ok((classes, files))
}

/// The folders of the training and the test split, if the only folders in `root` are `train` and `val`
/// (or `test`).
///
/// # Errors
/// [`FolderError`] if a folder cannot be listed, or the splits have not the same classes.
pub(crate) fn splits(root: &Path) -> Result<Option<[PathBuf; 2]>, FolderError> {
    let mut folders = entries(root)?.folders;
    folders.sort();
    let names: Vec<&str> =
        folders.iter().filter_map(|folder| folder.file_name()?.to_str()).collect();
    let test = match names[..] {
        ["train", "val"] | ["train", "test"] => 1,
        ["test", "train"] => 0,
        _ => return Ok(None),
    };
    let (train, test) = (root.join("train"), folders[test].clone());
    same_classes(root, [&train, &test])?;
    Ok(Some([train, test]))
}

/// Whether the training and the test split have class folders of the same names, since these are their labels.
fn same_classes(root: &Path, splits: [&Path; 2]) -> Result<(), FolderError> {
    let mut names = [BTreeSet::new(), BTreeSet::new()];
    for (split, names) in splits.into_iter().zip(&mut names) {
        let folders = entries(split)?.folders;
        names.extend(folders.iter().filter_map(|folder| folder.file_name().map(OsStr::to_owned)));
    }
    let [train, test] = &names;
    if train == test {
        return Ok(());
    }
    let lacking = |a: &BTreeSet<OsString>, b: &BTreeSet<OsString>| {
        a.difference(b).map(|name| name.to_string_lossy().into_owned()).collect()
    };
    Err(FolderError::Classes {
        root: root.to_owned(),
        test: splits[1].file_name().unwrap_or_default().to_string_lossy().into_owned(),
        train_only: lacking(train, test),
        test_only: lacking(test, train),
    })
}

/// All images of a class, in the order of Python's `sorted(os.walk(folder))`.
fn images(class: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let mut folders = Vec::new();
    walk(class, &mut Vec::new(), &mut folders)?;
    folders.sort_by(|(a, _), (b, _)| bytes(a).cmp(bytes(b)));
    Ok(folders.into_iter().flat_map(|(_, files)| files).collect())
}

/// A folder and the images that lie directly in it.
type Found = (PathBuf, Vec<PathBuf>);

/// Appends `folder` and all folders below it; `parents` are the folders that contain it, without links.
fn walk(
    folder: &Path,
    parents: &mut Vec<PathBuf>,
    found: &mut Vec<Found>,
) -> Result<(), FolderError> {
    let failed = |source| FolderError::Io { folder: folder.to_owned(), source };
    let real = fs::canonicalize(folder).map_err(failed)?;
    if parents.contains(&real) {
        return Err(FolderError::Loop(folder.to_owned()));
    }
    let Entries { folders, mut files } = entries(folder)?;
    files.sort_by(|a, b| bytes(a).cmp(bytes(b)));
    let mut images = Vec::new();
    for file in files {
        match kind(&file) {
            Kind::Image => images.push(file),
            Kind::Unsupported => return Err(FolderError::Unsupported(file)),
            Kind::Other => {}
        }
    }
    found.push((folder.to_owned(), images));
    parents.push(real);
    for folder in folders {
        walk(&folder, parents, found)?;
    }
    parents.pop();
    Ok(())
}

struct Entries {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

/// What is in `folder`; links are followed, and those that lead nowhere count as files.
fn entries(folder: &Path) -> Result<Entries, FolderError> {
    let failed = |source| FolderError::Io { folder: folder.to_owned(), source };
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() { folders.push(path) } else { files.push(path) }
    }
    Ok(Entries { folders, files })
}

enum Kind {
    Image,
    Unsupported,
    Other,
}

fn kind(file: &Path) -> Kind {
    let extension = file.extension().map(|extension| extension.to_ascii_lowercase());
    match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some(extension) if SUPPORTED.contains(&extension) => Kind::Image,
        Some(extension) if UNSUPPORTED.contains(&extension) => Kind::Unsupported,
        _ => Kind::Other,
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
