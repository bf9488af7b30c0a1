//! CIFAR-10 and CIFAR-100 in their binary layout.
//!
//! A file is a sequence of records without a header:
//!
//! ```text
//! CIFAR-10:   1 byte label                          | 1024 red | 1024 green | 1024 blue
//! CIFAR-100:  1 byte coarse label, 1 byte fine label | 1024 red | 1024 green | 1024 blue
//! ```
//! A colour's 1024 bytes are 32 rows of 32 pixels. On reading, the planes are transposed to
//! [height, width, channels].
//! Source: A. Krizhevsky (2009), *Learning Multiple Layers of Features from Tiny Images*;
//! <https://www.cs.toronto.edu/~kriz/cifar.html>.

mod error;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use error::{CifarError, CifarFault};

use crate::{Images, Shape, Split};

/// The shape of every image.
pub const SHAPE: Shape = Shape { channels: 3, height: 32, width: 32 };

/// Pixels of a colour plane.
const PLANE: usize = 32 * 32;

/// The records of an official file of CIFAR-10, and of both files of CIFAR-100.
const OFFICIAL: [u64; 3] = [10_000, 50_000, 10_000];

/// A data set in the binary layout and the label that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cifar {
    /// CIFAR-10.
    Ten,
    /// CIFAR-100 with its 100 fine labels.
    Hundred,
    /// CIFAR-100 with its 20 coarse labels.
    HundredCoarse,
}

impl Cifar {
    /// Every data set, in the order of its name.
    pub const ALL: [Self; 3] = [Self::Ten, Self::Hundred, Self::HundredCoarse];

    /// The name for [`open`](crate::open).
    ///
    /// ```
    /// use coherence_data::cifar::Cifar;
    /// let names = Cifar::ALL.map(Cifar::name);
    /// assert_eq!(names, ["cifar10", "cifar100", "cifar100-coarse"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ten => "cifar10",
            Self::Hundred => "cifar100",
            Self::HundredCoarse => "cifar100-coarse",
        }
    }

    /// The number of classes: 10, 100 or 20.
    #[must_use]
    pub const fn classes(self) -> usize {
        match self {
            Self::Ten => 10,
            Self::Hundred => 100,
            Self::HundredCoarse => 20,
        }
    }

    /// The files of a split, in order.
    #[must_use]
    pub const fn files(self, split: Split) -> &'static [&'static str] {
        match (self, split) {
            (Self::Ten, Split::Train) => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            (Self::Ten, Split::Test) => &["test_batch.bin"],
            (_, Split::Train) => &["train.bin"],
            (_, Split::Test) => &["test.bin"],
        }
    }

    /// The folder under `$COHERENCE_DATA`, and the one that the official archive unpacks to.
    const fn folders(self) -> [&'static str; 2] {
        match self {
            Self::Ten => ["cifar10", "cifar-10-batches-bin"],
            Self::Hundred | Self::HundredCoarse => ["cifar100", "cifar-100-binary"],
        }
    }

    /// The official archive.
    const fn archive(self) -> &'static str {
        match self {
            Self::Ten => "cifar-10-binary.tar.gz",
            Self::Hundred | Self::HundredCoarse => "cifar-100-binary.tar.gz",
        }
    }

    /// Bytes before the pixels of a record.
    const fn labels(self) -> usize {
        match self {
            Self::Ten => 1,
            Self::Hundred | Self::HundredCoarse => 2,
        }
    }

    /// The place of the label among them, and the number of classes of each.
    const fn label(self) -> (usize, &'static [usize]) {
        match self {
            Self::Ten => (0, &[10]),
            Self::Hundred => (1, &[20, 100]),
            Self::HundredCoarse => (0, &[20, 100]),
        }
    }

    /// Bytes of a record: 3073 or 3074.
    #[must_use]
    pub const fn record(self) -> usize {
        self.labels() + 3 * PLANE
    }

    /// Bytes of an official file.
    const fn official(self, split: Split) -> u64 {
        let records = match (self, split) {
            (Self::Ten, _) => OFFICIAL[0],
            (_, Split::Train) => OFFICIAL[1],
            (_, Split::Test) => OFFICIAL[2],
        };
        records * self.record() as u64
    }

    /// Reads a file, or the files of a split in a folder. Any whole number of records is accepted.
    ///
    /// # Errors
    /// [`CifarError`] with the file, what was found and what was expected.
    pub fn read(self, path: &Path, split: Split) -> Result<Images, CifarError> {
        if !path.is_dir() {
            return self.read_files(&[path.to_owned()], None);
        }
        let files: Vec<PathBuf> = self.files(split).iter().map(|name| path.join(name)).collect();
        self.read_files(&files, None)
    }

    /// Reads a split from the first folder under `roots` that has its files, which must have the official
    /// number of records: 50,000 and 10,000.
    ///
    /// For each root these are `ROOT/cifar10`, `ROOT/cifar10/cifar-10-batches-bin` and
    /// `ROOT/cifar-10-batches-bin`, and accordingly for CIFAR-100.
    ///
    /// # Errors
    /// [`CifarError`] if no folder has all files, or one of them is damaged or incomplete.
    pub fn open_in(self, roots: &[PathBuf], split: Split) -> Result<Images, CifarError> {
        let [name, unpacked] = self.folders();
        let places = roots.iter().flat_map(|root| {
            [root.join(name), root.join(name).join(unpacked), root.join(unpacked)]
        });
        let places: Vec<PathBuf> = places.collect();
        let files = places.iter().find_map(|folder| {
            let files = self.files(split).iter().map(|name| folder.join(name));
            let files: Vec<PathBuf> = files.collect();
            files.iter().all(|file| file.is_file()).then_some(files)
        });
        match files {
            Some(files) => self.read_files(&files, Some(self.official(split))),
            None => Err(CifarError::Missing {
                name: self.name(),
                archive: self.archive(),
                looked: places,
            }),
        }
    }

    fn read_files(self, files: &[PathBuf], official: Option<u64>) -> Result<Images, CifarError> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for file in files {
            let damaged = |fault| CifarError::File { file: file.clone(), fault };
            let bytes = read(file).map_err(|error| damaged(CifarFault::Io(error)))?;
            let found = bytes.len() as u64;
            if let Some(expected) = official.filter(|&expected| expected != found) {
                let (name, archive) = (self.name(), self.archive());
                return Err(damaged(CifarFault::Incomplete { found, expected, archive, name }));
            }
            self.decode(&bytes, &mut pixels, &mut labels).map_err(damaged)?;
        }
        Ok(Images::from_checked(SHAPE, self.classes(), pixels, labels))
    }

    /// Appends the images, channels last, and the labels of a file's content.
    fn decode(
        self,
        bytes: &[u8],
        pixels: &mut Vec<u8>,
        labels: &mut Vec<u8>,
    ) -> Result<(), CifarFault> {
        let (record, (place, classes)) = (self.record(), self.label());
        if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
            return Err(CifarFault::Length { found: bytes.len() as u64, record: record as u64 });
        }
        pixels.reserve(bytes.len() / record * 3 * PLANE);
        for (index, bytes) in bytes.chunks_exact(record).enumerate() {
            let (targets, planes) = bytes.split_at(self.labels());
            if let Some((&found, &classes)) = targets
                .iter()
                .zip(classes)
                .find(|&(&label, &classes)| usize::from(label) >= classes)
            {
                return Err(CifarFault::Label { index, found, classes });
            }
            labels.push(targets[place]);
            for i in 0..PLANE {
                pixels.extend([planes[i], planes[PLANE + i], planes[2 * PLANE + i]]);
            }
        }
        Ok(())
    }
}

/// The content of a file that is no longer than any official one; of a longer one, more than that.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let most = Cifar::Hundred.official(Split::Train);
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
