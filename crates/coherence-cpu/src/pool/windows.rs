//! The windows of a pooling layer, and the loops over them.

use core::ops::Range;

use rayon::prelude::*;

use super::PoolError;
use crate::{Element, Isa, isa::run_loop, product::Output};

/// A kernel that slides over an image; the fields are PyTorch's arguments.
///
/// On each axis, with input n, kernel k, stride s and padding p, there are
/// ⌊(n + 2p − k) / s⌋ + 1 windows, in ceil mode ⌈(n + 2p − k) / s⌉ + 1, without the last one if it would
/// start beyond the input and its left padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// Height and width of a window.
    pub kernel: [usize; 2],
    /// Distance of two windows on each axis.
    pub stride: [usize; 2],
    /// Padding on both sides of each axis, at most half the kernel.
    pub padding: [usize; 2],
    /// Whether the last window may reach beyond the padded input.
    pub ceil: bool,
}

impl Pool {
    /// The windows.
    ///
    /// # Errors
    ///
    /// [`PoolError`] for sizes that PyTorch refuses, too.
    ///
    /// ```
    /// use coherence_cpu::pool::Pool;
    /// let pool = Pool {
    ///     input: [112, 112],
    ///     channels: 64,
    ///     kernel: [3, 3],
    ///     stride: [2, 2],
    ///     padding: [1, 1],
    ///     ceil: false,
    /// };
    /// assert_eq!(pool.windows()?.output(), [56, 56]);
    /// # Ok::<(), coherence_cpu::pool::PoolError>(())
    /// ```
    pub fn windows(&self) -> Result<Windows, PoolError> {
        check(self.input, self.channels)?;
        let axis = |a: usize| {
            sliding(self.input[a], self.kernel[a], self.stride[a], self.padding[a], self.ceil)
        };
        let overflow = PoolError::TooLarge { input: self.input };
        let rows = axis(0).ok_or(overflow)??;
        let columns = axis(1).ok_or(overflow)??;
        Ok(Windows { input: self.input, channels: self.channels, rows, columns })
    }
}

/// The window of each output position, on each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    input: [usize; 2],
    channels: usize,
    rows: Axis,
    columns: Axis,
}

/// The windows of one axis; their starts and their ends are in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Axis {
    windows: Vec<Window>,
    /// For each input position the windows that contain it.
    containing: Vec<Range<usize>>,
}

/// The window of an output position on one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its input positions, at least one.
    pub inputs: Range<usize>,
    /// Its length with padding.
    pub padded: usize,
}

impl Windows {
    /// Windows that divide any input into `output` parts: part i of n inputs is
    /// ⌊i · n / output⌋ … ⌈(i + 1) · n / output⌉. An output of 1 × 1 is the whole image.
    ///
    /// # Errors
    ///
    /// [`PoolError::Zero`] and [`PoolError::TooLarge`].
    ///
    /// ```
    /// use coherence_cpu::{Isa, pool::{Divisor, Windows, average_forward}};
    /// let whole = Windows::adaptive([2, 2], [1, 1], 1)?;
    /// let mut mean = [0.0f32];
    /// average_forward(Isa::detect(), &whole, Divisor::Inputs, &[1.0, 2.0, 3.0, 6.0], &mut mean);
    /// assert_eq!(mean, [3.0]);
    /// # Ok::<(), coherence_cpu::pool::PoolError>(())
    /// ```
    pub fn adaptive(
        input: [usize; 2],
        output: [usize; 2],
        channels: usize,
    ) -> Result<Self, PoolError> {
        check(input, channels)?;
        if output.contains(&0) {
            return Err(PoolError::Zero { what: "output size" });
        }
        let axis = |a: usize| parts(input[a], output[a]);
        let overflow = PoolError::TooLarge { input };
        let (rows, columns) = (axis(0).ok_or(overflow)?, axis(1).ok_or(overflow)?);
        Ok(Self { input, channels, rows, columns })
    }

    /// Height and width of the output.
    pub fn output(&self) -> [usize; 2] {
        [self.rows.windows.len(), self.columns.windows.len()]
    }

    /// Height and width of the input.
    pub fn input(&self) -> [usize; 2] {
        self.input
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The windows along an axis, 0 vertical and 1 horizontal; both ends are in ascending order.
    pub fn along(&self, axis: usize) -> &[Window] {
        &[&self.rows, &self.columns][axis].windows
    }

    /// For each input position along an axis the windows that contain it.
    pub fn containing_along(&self, axis: usize) -> &[Range<usize>] {
        &[&self.rows, &self.columns][axis].containing
    }

    /// The number of examples with so many input and output values.
    ///
    /// # Panics
    ///
    /// Unless both are whole images, and as many.
    pub fn examples(&self, inputs: usize, outputs: usize) -> usize {
        let [image, pooled] = [self.input, self.output()].map(|[h, w]| h * w * self.channels);
        assert!(inputs.is_multiple_of(image), "{inputs} inputs in images of {image}");
        assert_eq!(outputs, inputs / image * pooled, "outputs of {} images", inputs / image);
        inputs / image
    }

    /// The values of one row of an output.
    pub(super) fn output_row_len(&self) -> usize {
        self.columns.windows.len() * self.channels
    }

    /// Calls `f(row, item)`, a closure that is always inlined, for every row of the outputs of all examples; the items
    /// are in that order.
    pub(super) fn each_output_row<I: IndexedParallelIterator>(
        &self,
        isa: Isa,
        items: I,
        f: impl Fn(OutputRow<'_>, I::Item) + Sync,
    ) {
        let height = self.rows.windows.len();
        let taps = self.rows.windows[0].inputs.len() * self.columns.windows[0].inputs.len();
        let work = self.output_row_len().saturating_mul(taps);
        items.enumerate().with_min_len(1 + PIECE / work).for_each(|(at, item)| {
            let (example, y) = (at / height, at % height);
            let row = OutputRow { windows: self, example, window: &self.rows.windows[y] };
            run_loop!(isa, { f(row, item) });
        });
    }

    /// For every input pixel calls `add(window, index, out)`, a closure that is always inlined, for each window that
    /// contains it, in a fixed order; `out` holds the pixel's channels, and is cleared before for
    /// [`Output::Overwrite`].
    pub(super) fn each_input_pixel<T: Element>(
        &self,
        isa: Isa,
        output: Output,
        out: &mut [T],
        add: impl Fn(OutputPixel, u32, &mut [T]) + Sync,
    ) {
        let [height, width] = self.input;
        let len = width * self.channels;
        out.par_chunks_mut(len).enumerate().with_min_len(1 + PIECE / len).for_each(|(at, out)| {
            let (example, y) = (at / height, at % height);
            run_loop!(isa, {
                for (x, out) in out.chunks_exact_mut(self.channels).enumerate() {
                    if output == Output::Overwrite {
                        out.fill(T::zero());
                    }
                    for (oy, ox) in self.containing(y, x) {
                        add(self.output_pixel(example, oy, ox), (y * width + x) as u32, out);
                    }
                }
            });
        });
    }

    fn containing(&self, y: usize, x: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let columns = &self.columns.containing[x];
        self.rows.containing[y].clone().flat_map(|oy| columns.clone().map(move |ox| (oy, ox)))
    }

    fn output_pixel(&self, example: usize, oy: usize, ox: usize) -> OutputPixel {
        let [height, width] = self.output();
        let start = ((example * height + oy) * width + ox) * self.channels;
        let (rows, columns) = (&self.rows.windows[oy], &self.columns.windows[ox]);
        OutputPixel {
            values: start..start + self.channels,
            padded: rows.padded * columns.padded,
            inputs: rows.inputs.len() * columns.inputs.len(),
        }
    }
}

/// Values read by a piece of work, at least and roughly.
const PIECE: usize = 1 << 14;

/// One row of the output of one example.
#[derive(Clone, Copy)]
pub(super) struct OutputRow<'a> {
    windows: &'a Windows,
    example: usize,
    window: &'a Window,
}

impl<'a> OutputRow<'a> {
    /// The windows of the row from left to right.
    pub(super) fn windows<'x, T>(&self, x: &'x [T]) -> impl Iterator<Item = InputWindow<'x, T>>
    where
        'a: 'x,
    {
        let Windows { input: [height, width], channels: c, columns, .. } = self.windows;
        let image = &x[self.example * height * width * c..][..height * width * c];
        let rows = self.window;
        columns.windows.iter().map(move |columns| InputWindow {
            image,
            width: *width,
            channels: *c,
            rows: rows.inputs.clone(),
            columns: columns.inputs.clone(),
            padded: rows.padded * columns.padded,
        })
    }
}

/// The input of one window.
pub(super) struct InputWindow<'x, T> {
    image: &'x [T],
    width: usize,
    channels: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    /// Positions with padding.
    pub(super) padded: usize,
}

impl<T: Copy> InputWindow<'_, T> {
    /// Positions of the input.
    pub(super) fn inputs(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// Index of the first position.
    pub(super) fn first(&self) -> u32 {
        (self.rows.start * self.width + self.columns.start) as u32
    }

    /// Calls `f(index, values)` for every position in row-major order, with the values of the `N` channels
    /// from `start` on.
    #[inline(always)]
    pub(super) fn each<const N: usize>(&self, start: usize, mut f: impl FnMut(u32, &[T; N])) {
        for y in self.rows.clone() {
            for x in self.columns.clone() {
                let index = y * self.width + x;
                let at = index * self.channels + start;
                f(index as u32, self.image[at..at + N].try_into().expect("a slice of N values"));
            }
        }
    }
}

/// One output position and the sizes of its window.
pub(super) struct OutputPixel {
    /// Place of its channels in the output.
    pub(super) values: Range<usize>,
    /// Positions with padding.
    pub(super) padded: usize,
    /// Positions of the input.
    pub(super) inputs: usize,
}

fn check(input: [usize; 2], channels: usize) -> Result<(), PoolError> {
    if input.contains(&0) {
        return Err(PoolError::Zero { what: "input size" });
    }
    if channels == 0 {
        return Err(PoolError::Zero { what: "number of channels" });
    }
    match input[0].checked_mul(input[1]) {
        Some(positions) if u32::try_from(positions).is_ok() => Ok(()),
        _ => Err(PoolError::TooLarge { input }),
    }
}

/// The windows of a kernel on one axis; `None` if a size overflows.
fn sliding(
    n: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    ceil: bool,
) -> Option<Result<Axis, PoolError>> {
    if kernel == 0 {
        return Some(Err(PoolError::Zero { what: "kernel" }));
    }
    if stride == 0 {
        return Some(Err(PoolError::Zero { what: "stride" }));
    }
    if padding > kernel / 2 {
        return Some(Err(PoolError::Padding { padding, kernel }));
    }
    let padded = n.checked_add(padding.checked_mul(2)?)?;
    let reach = if ceil { padded.checked_add(stride - 1)? } else { padded };
    let Some(room) = reach.checked_sub(kernel) else {
        return Some(Err(PoolError::Kernel { kernel, input: n, padding }));
    };
    let mut count = room / stride + 1;
    if ceil && (count - 1) * stride >= n + padding {
        count -= 1;
    }
    // Positions are shifted by the padding, so that none is negative.
    let window = |o: usize| {
        let (start, end) = (o * stride, (o * stride).saturating_add(kernel).min(padded));
        let inputs = start.saturating_sub(padding)..(end - padding).min(n);
        Window { inputs, padded: end - start }
    };
    Some(Ok(axis(n, (0..count).map(window).collect())))
}

/// The adaptive windows on one axis; `None` if a product overflows.
fn parts(n: usize, output: usize) -> Option<Axis> {
    n.checked_mul(output)?;
    let window = |o: usize| {
        let inputs = o * n / output..((o + 1) * n).div_ceil(output);
        Window { padded: inputs.len(), inputs }
    };
    Some(axis(n, (0..output).map(window).collect()))
}

fn axis(n: usize, windows: Vec<Window>) -> Axis {
    let containing = (0..n).map(|i| {
        let first = windows.partition_point(|window| window.inputs.end <= i);
        first..windows.partition_point(|window| window.inputs.start <= i).max(first)
    });
    Axis { containing: containing.collect(), windows }
}
