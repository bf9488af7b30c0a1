//! Data sets: found on disk, checked, and wrapped in the noise that the papers study.
//!
//! 1. [`open`] a data set by name; `digits` is compiled in, `mnist`, `fashion-mnist`, `cifar10` and
//!    `cifar100` are found on disk, and `folder:DIR` is a folder of class folders of JPEG or PNG files.
//! 2. Wrap it: [`noise::LabelNoise`], [`noise::PixelNoise`], [`select::Subset`], [`Normalized`],
//!    [`augment::Augmented`]. A wrapper is a [`Dataset`] again, and every [`Target`] says whether noise
//!    changed its example.
//! 3. Read examples with [`Dataset::get`], or whole batches, prefetched, with [`Batches`].
//!
//! An image is [height, width, channels] (channels last) with values pixel / 255, unless normalised.
//!
//! ```
//! use coherence_data::{Dataset, Split, noise::LabelNoise, open};
//! let train = LabelNoise::permute(open("digits", Split::Train)?, 0.25, 1)?;
//! let mut image = vec![0.0; train.shape().features()];
//! let target = train.get(3, &mut image)?;
//! assert!(target.label < 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`matrix`] reads n × d matrices of other frameworks. Two services for all crates above are here as
//! well, so that they have one implementation: randomness ([`random::stream`]) and writing files
//! ([`files::write_atomically`]).
//!
//! # What this crate is not for
//! It knows no models and no tensors, and opens no network connection unless asked to fetch.

pub mod augment;
mod batches;
pub mod cifar;
mod dataset;
pub mod digits;
pub mod fetch;
pub mod files;
pub mod folder;
pub mod idx;
mod images;
pub mod locate;
pub mod manifest;
pub mod matrix;
pub mod noise;
mod normalize;
mod open;
pub mod random;
mod resize;
pub mod select;
pub mod verify;

pub use batches::{Batch, Batches};
pub use dataset::{Dataset, Designation, ReadError, Shape, Target};
pub use images::Images;
pub use normalize::{Normalization, NormalizationError, Normalized};
pub use open::{IMAGENET, OpenError, Split, names, open, open_framed, open_in};
