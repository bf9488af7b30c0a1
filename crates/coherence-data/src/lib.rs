//! Data sets: found on disk, checked, and wrapped in the noise that the papers study.
//!
//! 1. [`open`] a data set by name; `digits` is compiled in, `mnist` and `fashion-mnist` are found
//!    on disk.
//! 2. Wrap it: [`noise::LabelNoise`], [`noise::PixelNoise`], [`select::Subset`]. A wrapper is a
//!    [`Dataset`] again, and every [`Target`] says whether noise changed its example.
//! 3. Read examples with [`Dataset::get`].
//!
//! ```
//! use coherence_data::{Dataset, Split, noise::LabelNoise, open};
//! let train = LabelNoise::permute(open("digits", Split::Train)?, 0.25, 1)?;
//! let mut image = vec![0.0; train.shape().features()];
//! let target = train.get(3, &mut image);
//! assert!(target.label < 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`matrix`] reads n × d matrices of other frameworks. Two services for all crates above are here as
//! well, so that they have one implementation: randomness ([`random::stream`]) and writing files
//! ([`files::write_atomically`]).
//!
//! # What this crate is not for
//! It knows no models, decodes no photographs, augments nothing, and opens no network connection
//! unless asked to fetch.

mod dataset;
pub mod digits;
pub mod fetch;
pub mod files;
pub mod idx;
mod images;
pub mod locate;
pub mod manifest;
pub mod matrix;
pub mod noise;
mod open;
pub mod random;
pub mod select;
pub mod verify;

pub use dataset::{Dataset, Designation, Shape, Target};
pub use images::Images;
pub use open::{OpenError, Split, names, open, open_in};
