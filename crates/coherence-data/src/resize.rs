//! Resizing as Pillow does it: bilinear with antialiasing, in 8-bit fixed-point arithmetic.
//!
//! torchvision's `Resize` of a PIL image calls Pillow, so that the results are the same bytes. A weight is
//! max(0, 1 − |distance| / scale), where scale is the factor by which the axis shrinks, at least 1; columns
//! are resized first, then rows, and each pass rounds to bytes.
//! Source: Pillow, `src/libImaging/Resample.c`.

use std::ops::Range;

/// Bits of a weight after the point.
const PRECISION: u32 = 22;

/// Channels of a pixel.
const CHANNELS: usize = 3;

/// An image of three channels, [height, width, 3].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rgb {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) pixels: Vec<u8>,
}

impl Rgb {
    /// Resizes the shorter side to `size` and keeps the proportions: the longer side becomes
    /// ⌊size · longer / shorter⌋.
    pub(crate) fn resize_shorter_side(self, size: usize) -> Self {
        let (height, width) = if self.height < self.width {
            (size, size * self.width / self.height)
        } else {
            (size * self.height / self.width, size)
        };
        self.resize_columns(width).resize_rows(height)
    }

    /// The middle `size` × `size` pixels. Half of an odd margin is rounded to the even
    /// neighbour, as torchvision does.
    pub(crate) fn center_crop(&self, size: usize) -> Self {
        let [top, left] = [self.height, self.width].map(|n| half_to_even(n - size));
        let row = |y: usize| &self.pixels[(y * self.width + left) * CHANNELS..][..size * CHANNELS];
        let pixels = (top..top + size).flat_map(row).copied().collect();
        Self { height: size, width: size, pixels }
    }

    fn resize_columns(self, width: usize) -> Self {
        if width == self.width {
            return self;
        }
        let taps = taps(self.width, width);
        let mut pixels = Vec::with_capacity(self.height * width * CHANNELS);
        for row in self.pixels.chunks_exact(self.width * CHANNELS) {
            for tap in &taps {
                for channel in 0..CHANNELS {
                    let values = tap.inputs.clone().map(|x| row[x * CHANNELS + channel]);
                    pixels.push(tap.apply(values));
                }
            }
        }
        Self { width, pixels, ..self }
    }

    fn resize_rows(self, height: usize) -> Self {
        if height == self.height {
            return self;
        }
        let len = self.width * CHANNELS;
        let mut pixels = Vec::with_capacity(height * len);
        for tap in taps(self.height, height) {
            for at in 0..len {
                pixels.push(tap.apply(tap.inputs.clone().map(|y| self.pixels[y * len + at])));
            }
        }
        Self { height, pixels, ..self }
    }
}

/// n / 2; of the two neighbours of a half, the even one.
fn half_to_even(n: usize) -> usize {
    n / 2 + usize::from(n % 4 == 3)
}

/// The inputs of one output and their weights.
struct Tap {
    inputs: Range<usize>,
    weights: Vec<i32>,
}

impl Tap {
    fn apply(&self, values: impl Iterator<Item = u8>) -> u8 {
        let half = 1 << (PRECISION - 1);
        let terms = values.zip(&self.weights).map(|(value, weight)| i32::from(value) * weight);
        let sum = terms.fold(half, |sum, term| sum + term);
        (sum >> PRECISION).clamp(0, 255) as u8
    }
}

/// The taps that resize `inputs` positions to `outputs`.
fn taps(inputs: usize, outputs: usize) -> Vec<Tap> {
    let scale = inputs as f64 / outputs as f64;
    let support = scale.max(1.0);
    let tap = |output: usize| {
        let center = (output as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(inputs);
        let weight = |x: usize| {
            let distance = (x as f64 - center + 0.5) * (1.0 / support);
            (1.0 - distance.abs()).max(0.0)
        };
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: f64| (weight / sum * f64::from(1 << PRECISION) + 0.5) as i32;
        Tap { inputs: first..end, weights: weights.into_iter().map(fixed).collect() }
    };
    (0..outputs).map(tap).collect()
}
