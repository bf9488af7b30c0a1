//! Folders of class folders of JPEG or PNG files, in the layout of torchvision's `ImageFolder`.
//!
//! ```text
//! DIR/cat/1.jpg   DIR/cat/more/2.png   DIR/dog/1.jpg
//! ```
//! Classes are the folders in DIR, sorted by name; their files are found in nested folders too, and are
//! sorted by folder and then by name. Names are compared byte by byte. Only `.jpg`, `.jpeg` and `.png`
//! (in any case) are read; files that are no images are ignored, as by torchvision. [`open`](crate::open())
//! finds the splits in DIR/train and DIR/val (or DIR/test).
//!
//! A file is decoded when its example is read. Grey becomes three equal channels, transparency is dropped.

mod decode;
mod list;

use std::path::{Path, PathBuf};

use crate::{Dataset, Designation, ReadError, Shape, Target};

pub use list::FolderError;
pub(crate) use list::splits;

/// What is done to an image after decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing: all images must have the size of the first.
    Original,
    /// The shorter side is resized to `resize`, then the middle `crop` × `crop` pixels are kept:
    /// torchvision's `Resize(resize)` and `CenterCrop(crop)` on a PIL image, bilinear with antialiasing.
    Square {
        /// Length of the shorter side, at least `crop`.
        resize: usize,
        /// Height and width of the result.
        crop: usize,
    },
}

impl Framing {
    /// Resizes the shorter side to `size` and crops to a square.
    #[must_use]
    pub const fn square(size: usize) -> Self {
        Self::Square { resize: size, crop: size }
    }
}

/// Images in class folders, decoded when they are read.
///
/// ```no_run
/// use coherence_data::{Dataset, folder::{Folder, Framing}};
/// let photos = Folder::open("photos".as_ref(), Framing::Square { resize: 256, crop: 224 })?;
/// let mut image = vec![0.0; photos.shape().features()];
/// let target = photos.get(0, &mut image)?;
/// println!("{}: {}", photos.file(0).display(), photos.class_names()[target.label as usize]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Folder {
    classes: Vec<String>,
    files: Vec<(PathBuf, u32)>,
    framing: Framing,
    shape: Shape,
}

impl Folder {
    /// Lists the files in `folder`. With [`Framing::Original`] the first is decoded for its size.
    ///
    /// # Errors
    /// [`FolderError`] if there are no classes, a class has no images, a file has the extension of an
    /// unsupported image format, a folder cannot be read, or the framing is not possible.
    pub fn open(folder: &Path, framing: Framing) -> Result<Self, FolderError> {
        let (classes, files) = list::list(folder)?;
        let [height, width] = match framing {
            Framing::Square { resize, crop } if 0 < crop && crop <= resize => [crop; 2],
            Framing::Square { resize, crop } => return Err(FolderError::Framing { resize, crop }),
            Framing::Original => decode::size(&files[0].0)?,
        };
        Ok(Self { classes, files, framing, shape: Shape { channels: 3, height, width } })
    }

    /// The names of the classes by label.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.classes
    }

    /// The file of example `i`.
    ///
    /// # Panics
    /// If `i` is not below the number of examples.
    #[must_use]
    pub fn file(&self, i: usize) -> &Path {
        &self.files[i].0
    }
}

impl Dataset for Folder {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes.len()
    }

    fn target(&self, i: usize) -> Target {
        Target { label: self.files[i].1, designation: Designation::Pristine }
    }

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        let target = self.target(i);
        assert_eq!(input.len(), self.shape.features(), "the buffer must hold exactly one image");
        let file = self.file(i);
        let mut image = decode::decode(file)?;
        if let Framing::Square { resize, crop } = self.framing {
            decode::check_proportions(&image, resize, file)?;
            image = image.resize_shorter_side(resize).center_crop(crop);
        }
        let Shape { height, width, .. } = self.shape;
        if [image.height, image.width] != [height, width] {
            let reason = format!(
                "found {} × {} pixels, expected {height} × {width} like the first image (choose a size \
                 that all are resized to)",
                image.height, image.width
            );
            return Err(ReadError { file: file.to_owned(), reason });
        }
        for (value, &pixel) in input.iter_mut().zip(&image.pixels) {
            *value = f32::from(pixel) / 255.0;
        }
        Ok(target)
    }
}
