//! The embedded digits: 10,000 training and 2,000 test images of MNIST, compiled into the crate.
//!
//! A fixed random subset: training images are the first 10,000 of the full set in the order
//! `permutation(stream(0, "digits.train"), 60_000)`, test images the first 2,000 of
//! `permutation(stream(0, "digits.test"), 10_000)`. They are kept in that order, so that any prefix
//! is a random sample as well. `examples/make_digits.rs` writes the files; a test repeats the choice.
//! Licence and attribution: `digits/README.md`.

use crate::idx;
use crate::{Images, Split};

/// The number of classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// The number of training images.
pub const TRAIN: usize = 10_000;

/// The number of test images.
pub const TEST: usize = 2_000;

/// The training split: 10,000 images of 28 × 28.
#[must_use]
pub fn train() -> Images {
    embedded(
        include_bytes!("../digits/train-images-idx3-ubyte.gz"),
        include_bytes!("../digits/train-labels-idx1-ubyte.gz"),
    )
}

/// The test split: 2,000 images of 28 × 28.
#[must_use]
pub fn test() -> Images {
    embedded(
        include_bytes!("../digits/t10k-images-idx3-ubyte.gz"),
        include_bytes!("../digits/t10k-labels-idx1-ubyte.gz"),
    )
}

/// For each embedded image of a split, its index in the full MNIST data set.
#[must_use]
pub fn chosen(split: Split) -> Vec<usize> {
    let (name, full, count) = match split {
        Split::Train => ("digits.train", 60_000, TRAIN),
        Split::Test => ("digits.test", 10_000, TEST),
    };
    let mut order = crate::random::permutation(&mut crate::random::stream(0, name), full);
    order.truncate(count);
    order
}

fn embedded(images: &[u8], labels: &[u8]) -> Images {
    let limit = (TRAIN * 28 * 28) as u64;
    let array = (idx::decode(images, limit), idx::decode(labels, limit));
    let (Ok(images), Ok(labels)) = array else {
        unreachable!("the embedded files are valid: tests decode them")
    };
    Images::new(images, labels, CLASSES).expect("the embedded files match: tests join them")
}
