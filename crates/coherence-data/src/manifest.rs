//! The manifest: which data sets exist outside the crate, their files, sizes and checksums.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::Split;

/// One data set of the manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name for [`open`](crate::open) and of the subfolder that holds the files.
    pub name: String,
    /// Full name, authors and licence.
    pub title: String,
    /// The number of classes.
    pub classes: usize,
    /// URLs to which `NAME.gz` of each file is appended, tried in order.
    pub mirrors: Vec<String>,
    train: Pair,
    test: Pair,
}

/// The two files of a split.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// IDX [m, height, width].
    pub images: Item,
    /// IDX \[m\].
    pub labels: Item,
}

/// One file: its name, sizes and checksum.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The file's name without `.gz`.
    pub name: String,
    /// Size of the decompressed file.
    pub bytes: u64,
    /// Size of the publisher's gzip file; no download may be larger.
    pub compressed_bytes: u64,
    /// SHA-256 of the decompressed file, in lower-case hexadecimal.
    pub sha256: String,
}

impl Entry {
    /// The files of a split.
    #[must_use]
    pub fn pair(&self, split: Split) -> &Pair {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// All four files.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        [&self.train, &self.test].into_iter().flat_map(|pair| [&pair.images, &pair.labels])
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    dataset: Vec<Entry>,
}

/// Every data set that can be fetched.
///
/// ```
/// let names: Vec<_> = coherence_data::manifest::entries().iter().map(|e| &e.name).collect();
/// assert_eq!(names, ["mnist", "fashion-mnist"]);
/// ```
#[must_use]
pub fn entries() -> &'static [Entry] {
    static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
        toml::from_str(include_str!("manifest.toml")).expect("the manifest is valid: tests read it")
    });
    &MANIFEST.dataset
}

/// The data set called `name`.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.name == name)
}
