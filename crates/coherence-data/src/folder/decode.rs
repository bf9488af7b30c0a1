//! Decoding one JPEG or PNG file to three channels.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use image::{ImageFormat, ImageReader, Limits};

use crate::ReadError;
use crate::resize::Rgb;

/// The most memory that decoding one file may take.
const MOST_MEMORY: u64 = 1 << 29;

/// The most pixels for each byte of a file: DEFLATE expands at most 1032 times, to 8 pixels of one bit
/// for each byte. A header that promises more is false.
const MOST_PIXELS_PER_BYTE: u64 = 8 * 1032;

/// The largest ratio of the sides of an image that is enlarged.
const MOST_PROPORTION: usize = 100;

/// What to do about a file that is no image.
const REMEDY: &str = "(replace the file or remove it)";

/// Height and width of the image in `file`, which is decoded.
pub(super) fn size(file: &Path) -> Result<[usize; 2], ReadError> {
    decode(file).map(|image| [image.height, image.width])
}

/// Decodes a file; the format is recognised by its content.
pub(super) fn decode(file: &Path) -> Result<Rgb, ReadError> {
    let failed = |reason: String| ReadError { file: file.to_owned(), reason };
    let bytes = read(file).map_err(failed)?;
    decode_bytes(&bytes).map_err(failed)
}

/// The content of a regular file, perhaps behind a link: a device or a pipe may never end.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    if !fs::metadata(file).map_err(unreadable)?.is_file() {
        let found = "found a device, pipe, socket or folder, expected a regular file";
        return Err(format!("{found} {REMEDY}"));
    }
    fs::read(file).map_err(unreadable)
}

fn decode_bytes(bytes: &[u8]) -> Result<Rgb, String> {
    let damaged = |error: image::ImageError| format!("damaged image: {error} {REMEDY}");
    let reader = || {
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
        reader.map_err(|error| format!("cannot be read: {error}"))
    };
    match reader()?.format() {
        Some(ImageFormat::Jpeg) if !ends_as_jpeg(bytes) => {
            return Err(format!("damaged image: the JPEG data are truncated {REMEDY}"));
        }
        Some(ImageFormat::Jpeg | ImageFormat::Png) => {}
        _ => return Err(format!("the content is neither JPEG nor PNG {REMEDY}")),
    }
    let (width, height) = reader()?.into_dimensions().map_err(damaged)?;
    if width == 0 || height == 0 {
        return Err(format!("an image of {height} × {width} pixels {REMEDY}"));
    }
    let most = bytes.len() as u64 * MOST_PIXELS_PER_BYTE;
    if u64::from(width) * u64::from(height) > most {
        return Err(format!(
            "damaged image: {height} × {width} pixels in {} bytes, which can hold at most {most} {REMEDY}",
            bytes.len()
        ));
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let pixels = reader.decode().map_err(damaged)?.into_rgb8().into_raw();
    Ok(Rgb { height: height as usize, width: width as usize, pixels })
}

/// Refuses long strips: resizing the shorter side to `size` would make the longer one immense.
pub(super) fn check_proportions(image: &Rgb, size: usize, file: &Path) -> Result<(), ReadError> {
    let (height, width) = (image.height, image.width);
    let (short, long) = (height.min(width), height.max(width));
    let is_enlarged = size.saturating_mul(long) / short > long;
    if is_enlarged && long / short > MOST_PROPORTION {
        let reason = format!(
            "an image of {height} × {width} pixels whose shorter side is to be resized to {size} \
             (images of a ratio of more than {MOST_PROPORTION} cannot be enlarged: crop it)"
        );
        return Err(ReadError { file: file.to_owned(), reason });
    }
    Ok(())
}

/// Whether the segments and scans of a JPEG file lead to its end marker. The decoder would fill a
/// truncated image with grey.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    const END: u8 = 0xd9;
    let mut at = 2; // after the start marker
    loop {
        // A marker is FF, perhaps repeated, and a byte that is not FF.
        if bytes.get(at) != Some(&0xff) {
            return false;
        }
        let Some(skip) = bytes[at..].iter().position(|&byte| byte != 0xff) else { return false };
        let marker = bytes[at + skip];
        at += skip + 1;
        if marker == END {
            return true;
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else { return false };
        at += usize::from(u16::from_be_bytes([high, low]));
        if marker == START_OF_SCAN {
            // Within a scan FF is followed by 00 (a byte FF) or by a restart marker.
            let is_marker =
                |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
            let Some(length) = bytes.get(at..).and_then(|scan| scan.windows(2).position(is_marker))
            else {
                return false;
            };
            at += length;
        }
    }
}
