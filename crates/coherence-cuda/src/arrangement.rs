//! Values moved, or scaled, by channel and position.

use crate::{
    View, ViewMut,
    argument::{Arguments, ByValue, Structure, add, blocks_for},
    engine::{Engine, Real},
};
use coherence_cpu::product::Output;
use core::ops::Range;

/// Asserts that `part` values are the channels `range` of `all` values in rows of `whole`.
fn check_channels(whole: usize, range: &Range<usize>, part: usize, all: usize) {
    assert!(range.start <= range.end && range.end <= whole, "{range:?} of {whole} channels");
    let rows = all.checked_div(whole).unwrap_or(0);
    assert_eq!((rows * whole, rows * range.len()), (all, part), "rows of {whole} channels");
}

/// `out [rows, whole] (+)= x [rows, len]` in the channels `range`.
pub fn put_channels<T: Real>(
    engine: &impl Engine,
    (whole, range): (usize, Range<usize>),
    x: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = x.len();
    x.check(engine, n);
    out.check(engine, out.len());
    check_channels(whole, &range, n, out.len());
    let arguments = (x, range.start, range.len(), whole, add(output), out, n);
    // SAFETY: x has rows of the range's length, out as many of `whole` values, on this engine.
    unsafe { arguments.launch::<T>(engine, "put_channels", blocks_for(n)) }
}

/// `out [rows, len] (+)=` the channels `range` of x [rows, whole].
pub fn take_channels<T: Real>(
    engine: &impl Engine,
    (whole, range): (usize, Range<usize>),
    x: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    x.check(engine, x.len());
    out.check(engine, n);
    check_channels(whole, &range, n, x.len());
    let arguments = (x, range.start, range.len(), whole, add(output), out, n);
    // SAFETY: out has rows of the range's length, x as many of `whole` values, on this engine.
    unsafe { arguments.launch::<T>(engine, "take_channels", blocks_for(n)) }
}

/// Every s-th row and column of images a [m, h, w, c], with zeros as further channels:
/// `z[y, x, j] = a[s·y, s·x, j − before]`, and 0 for the other channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subsampling {
    /// Height, width and channels of a.
    pub input: [usize; 3],
    /// Height, width and channels of z.
    pub output: [usize; 3],
    /// The stride s.
    pub stride: usize,
    /// Channels of zeros before those of a.
    pub before: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Subsampled {
    input: [u64; 3],
    output: [u64; 3],
    stride: u64,
    before: u64,
}

// SAFETY: eight numbers in the order of structures.h.
unsafe impl Structure for Subsampled {
    const NAME: &'static str = "Subsampling";
}

impl Subsampling {
    /// Asserts that the positions exist, and that `of_a` and `of_z` values are as many images.
    fn check(&self, of_a: usize, of_z: usize) -> ByValue<Subsampled> {
        let Self { input, output, stride, before } = *self;
        let fits = |axis: usize| {
            output[axis] == 0
                || (output[axis] - 1).checked_mul(stride).is_some_and(|at| at < input[axis])
        };
        let channels = before.checked_add(input[2]).is_some_and(|end| end <= output[2]);
        assert!(stride > 0 && fits(0) && fits(1) && channels, "{self:?}");
        let [image, of_image]: [usize; 2] = [input, output].map(|sizes| sizes.iter().product());
        let m = of_a.checked_div(image).unwrap_or(0);
        assert_eq!((m * image, m * of_image), (of_a, of_z), "images of {self:?}");
        let [input, output] = [input, output].map(|sizes| sizes.map(|size| size as u64));
        ByValue(Subsampled { input, output, stride: stride as u64, before: before as u64 })
    }
}

/// `out = z` for the images a.
pub fn subsample<T: Real>(
    engine: &impl Engine,
    sizes: &Subsampling,
    a: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    a.check(engine, a.len());
    out.check(engine, n);
    let arguments = (a, sizes.check(a.len(), n), out, n);
    // SAFETY: a and out are as many images of these sizes, on this engine; each place in z is one of a.
    unsafe { arguments.launch::<T>(engine, "subsample", blocks_for(n)) }
}

/// Backward: `out [m, h, w, c] (+)=` the delta of each value's place in z; values that are in no place get 0.
pub fn subsample_backward<T: Real>(
    engine: &impl Engine,
    sizes: &Subsampling,
    delta: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    delta.check(engine, delta.len());
    out.check(engine, n);
    let arguments = (delta, sizes.check(n, delta.len()), add(output), out, n);
    // SAFETY: out and delta are as many images of these sizes, on this engine.
    unsafe { arguments.launch::<T>(engine, "subsample_backward", blocks_for(n)) }
}

/// Asserts that `values` values in images of `image` have `factors` factors, one for each example and channel.
fn check_factors([image, channels]: [usize; 2], values: usize, factors: usize) {
    let m = factors.checked_div(channels).unwrap_or(0);
    assert!(
        channels > 0 && image.is_multiple_of(channels),
        "{image} values of {channels} channels"
    );
    assert_eq!((m * channels, m * image), (factors, values), "images of {image} values");
}

/// `out[e, p, j] = a[e, p, j] · s[e, j]`, for images of `[image, channels]` values: a [m, image], s [m, channels].
pub fn scale_channels<T: Real>(
    engine: &impl Engine,
    sizes: [usize; 2],
    a: View<'_, T>,
    s: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let n = a.len();
    a.check(engine, n);
    s.check(engine, s.len());
    out.check(engine, n);
    check_factors(sizes, n, s.len());
    let arguments = (a, s, sizes[0], sizes[1], out, n);
    // SAFETY: a and out have n values, whole images with a row of s each, on this engine.
    unsafe { arguments.launch::<T>(engine, "scale_channels", blocks_for(n)) }
}

/// Backward of [`scale_channels`] to the images: `out[e, p, j] (+)= delta[e, p, j] · s[e, j]`.
pub fn scale_channels_backward<T: Real>(
    engine: &impl Engine,
    sizes: [usize; 2],
    delta: View<'_, T>,
    s: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = delta.len();
    delta.check(engine, n);
    s.check(engine, s.len());
    out.check(engine, n);
    check_factors(sizes, n, s.len());
    let arguments = (delta, s, sizes[0], sizes[1], add(output), out, n);
    // SAFETY: delta and out have n values, whole images with a row of s each, on this engine.
    unsafe { arguments.launch::<T>(engine, "scale_channels_backward", blocks_for(n)) }
}

/// Backward of [`scale_channels`] to the factors: `out[e, j] (+)= Σ_p delta[e, p, j] · a[e, p, j]`, in this order.
pub fn scale_channels_gradient<T: Real>(
    engine: &impl Engine,
    sizes: [usize; 2],
    delta: View<'_, T>,
    a: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    delta.check(engine, a.len());
    a.check(engine, a.len());
    out.check(engine, n);
    check_factors(sizes, a.len(), n);
    let arguments = (delta, a, sizes[0], sizes[1], add(output), out, n);
    // SAFETY: delta and a have as many images as out has rows, on this engine.
    unsafe { arguments.launch::<T>(engine, "scale_channels_gradient", blocks_for(n)) }
}
