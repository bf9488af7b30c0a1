//! The embedded digits: 10,000 training and 2,000 test images of MNIST, always at hand.
//!
//! A fixed random subset: training images are the first 10,000 of the full set in the order
//! `permutation(stream(0, "digits.train"), 60_000)`, test images the first 2,000 of
//! `permutation(stream(0, "digits.test"), 10_000)`, kept in that order, so that any prefix is a
//! random sample too. `examples/make_digits.rs` makes the files and a test repeats the choice.
//! Licence and attribution: `digits/README.md`.

use crate::idx;
use crate::{Images, Split};

/// The number of classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// Images of the training part.
pub const TRAIN: usize = 10_000;

/// Images of the test part.
pub const TEST: usize = 2_000;

/// The training part: 10,000 images of 28 × 28.
#[must_use]
pub fn train() -> Images {
    embedded(
        include_bytes!("../digits/train-images-idx3-ubyte.gz"),
        include_bytes!("../digits/train-labels-idx1-ubyte.gz"),
    )
}

/// The test part: 2,000 images of 28 × 28.
#[must_use]
pub fn test() -> Images {
    embedded(
        include_bytes!("../digits/t10k-images-idx3-ubyte.gz"),
        include_bytes!("../digits/t10k-labels-idx1-ubyte.gz"),
    )
}

/// The indices into full MNIST of the embedded images of a split, in order.
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
    Images::new(images, labels, CLASSES).expect("the embedded files fit: tests join them")
}
