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
    #[error("{}", framing(*resize, *crop))]
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
    /// The class folders lie in the folder itself, so that all of them are the training split.
    #[error(
        "{}: found no test images: its class folders are the training split (move them into {}/train, \
         and put those of the test images into {}/val)",
        .0.display(), .0.display(), .0.display()
    )]
    NoSplit(PathBuf),
    /// Some folders have the names of splits, but they are not one training and one test split alone.
    #[error(
        "{}: found {}, expected exactly train and val (or test), or no folder of these names ({})",
        root.display(), a_few(found), splits_remedy(root, found)
    )]
    Splits {
        /// The folder of all.
        root: PathBuf,
        /// The names of the folders in it: those of splits, then the others, sorted.
        found: Vec<String>,
    },
}

/// `only in train: cat, dog and 5 more`.
fn only(split: &str, classes: &[String]) -> String {
    format!("only in {split}: {}", a_few(classes))
}

/// `cat, dog and 5 more`; a few names, since there may be a thousand.
fn a_few(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = match names {
        [] => "none".to_owned(),
        _ => names[..names.len().min(SHOWN)].join(", "),
    };
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{shown}{more}")
}

/// Why images cannot be resized to `resize` and then cropped to `crop`.
fn framing(resize: usize, crop: usize) -> String {
    match resize {
        0 => "images cannot be resized to 0 pixels (the size must be at least 1)".to_owned(),
        _ => {
            format!("a crop of {crop} from images resized to {resize} (must be from 1 to {resize})")
        }
    }
}

/// What to do with the folders `found` in `root`. It asks for no folder that is there.
fn splits_remedy(root: &Path, found: &[String]) -> String {
    let has = |name: &str| found.iter().any(|found| found == name);
    let at = |name: &str| root.join(name).display().to_string();
    let put = |kind, name| format!("put the class folders of the {kind} images into {}", at(name));
    let mut steps = Vec::new();
    if !has("train") {
        steps.push(put("training", "train"));
    }
    match [has("val"), has("test")] {
        [false, false] => steps.push(put("test", "val")),
        [true, true] => steps.push(format!("move {} or {} elsewhere", at("val"), at("test"))),
        _ => {}
    }
    if !found.iter().all(|name| is_split(name)) {
        steps.push("move the other folders elsewhere".to_owned());
    }
    steps.push(match found {
        [alone] => format!("or open {} itself", at(alone)),
        _ => "or rename what is a class and not a split".to_owned(),
    });
    steps.join(", ")
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
/// (or `test`); `None` if no folder has such a name, so that all are classes.
///
/// # Errors
/// [`FolderError`] if a folder cannot be listed, there is none, some but not exactly these two have names of
/// splits, or the splits have not the same classes.
pub(crate) fn splits(root: &Path) -> Result<Option<[PathBuf; 2]>, FolderError> {
    let folders = entries(root)?.folders;
    if folders.is_empty() {
        return Err(FolderError::NoClasses(root.to_owned()));
    }
    let mut found: Vec<String> = folders.iter().map(|folder| shown_name(folder)).collect();
    // The names of splits first, so that a message shows them.
    found.sort_by_key(|name| (!is_split(name), name.clone()));
    let test = match found.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [first, ..] if !is_split(first) => return Ok(None),
        ["train", "val"] => "val",
        ["test", "train"] => "test",
        _ => return Err(FolderError::Splits { root: root.to_owned(), found }),
    };
    let [train, test] = ["train", test].map(|name| root.join(name));
    same_classes(root, [&train, &test])?;
    Ok(Some([train, test]))
}

/// Whether a folder of this name is a split and not a class.
fn is_split(name: &str) -> bool {
    ["train", "val", "test"].contains(&name)
}

/// The last part of a path, for a message.
fn shown_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
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
        test: shown_name(splits[1]),
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
