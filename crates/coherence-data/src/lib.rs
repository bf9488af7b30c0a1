//! Data sets as they are on disk: found, checked, and wrapped in the noise that the papers study.
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
//! Beside them stand the two things every crate above needs and none may do for itself:
//! randomness ([`random::stream`]) and writing files ([`files::write_atomically`]).
//!
//! # What this crate is not for
//! It knows no tensors and no models, decodes no photographs, augments nothing, and opens no
//! connection unless asked to fetch.

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
