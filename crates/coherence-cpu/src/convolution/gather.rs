//! Which values a patch consists of: for each output position and tap a position of the source image,
//! or padding.
//!
//! The backward pass gathers, too: the gradient of an input position is a sum over the taps through
//! which it reaches output positions. With a stride s it is a gather for each of the s residues of the
//! input coordinate, each with its own taps.
//!
//! Taps that lie in the padding at every position are dropped here and nowhere else.

use core::ops::Range;

use super::Convolution;

/// One axis of a [`Gather`].
#[derive(Debug)]
pub(super) struct Axis {
    /// Coordinates of the positions.
    pub(super) positions: Vec<usize>,
    /// Taps that read the source from at least one of the positions.
    pub(super) taps: Vec<usize>,
    /// Source coordinates [positions, taps], `None` in the padding.
    pub(super) sources: Vec<Option<usize>>,
    /// How many taps, from this one on, have consecutive sources or are all padding.
    pub(super) runs: Vec<usize>,
}

impl Axis {
    fn new(
        positions: impl Iterator<Item = usize>,
        kernel: usize,
        source: impl Fn(usize, usize) -> Option<usize>,
    ) -> Self {
        let positions: Vec<usize> = positions.collect();
        let is_live = |&tap: &usize| positions.iter().any(|&at| source(at, tap).is_some());
        let taps: Vec<usize> = (0..kernel).filter(is_live).collect();
        let row = |at| taps.iter().map(move |&tap| (at, tap));
        let sources: Vec<_> =
            positions.iter().flat_map(|&at| row(at)).map(|(at, tap)| source(at, tap)).collect();
        let mut runs = vec![1; sources.len()];
        for at in (1..sources.len()).rev().filter(|at| at % taps.len() > 0) {
            if sources[at] == sources[at - 1].map(|source| source + 1) {
                runs[at - 1] = runs[at] + 1;
            }
        }
        Self { positions, taps, sources, runs }
    }
}

/// A matrix of patches [examples · positions, taps · channels] over images [examples, height, width,
/// channels], which is never formed as a whole.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) axes: [Axis; 2],
    kernel_width: usize,
    /// Size of a source image.
    pub(super) size: [usize; 2],
    /// Channels of a source image.
    pub(super) channels: usize,
    /// Channels of a patch.
    pub(super) group_channels: usize,
    /// Size of the image that the positions belong to.
    target: [usize; 2],
}

/// Columns of the patches that are consecutive columns of the weight: some whole taps, or some
/// channels of one tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The first tap of the kernel.
    pub(super) tap: usize,
    /// Channels of each tap.
    pub(super) channels: Range<usize>,
    /// The taps row by row of the kernel: index of the row and indices in it among the live taps.
    pub(super) spans: Vec<(usize, Range<usize>)>,
}

impl Block {
    /// Columns of the block.
    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(_, taps)| taps.len()).sum::<usize>() * self.channels.len()
    }
}

impl Gather {
    /// Patches of the input at the output positions.
    pub(super) fn forward(conv: &Convolution) -> Self {
        let target = conv.output();
        let axes = [0, 1].map(|axis| {
            let (stride, padding, dilation) =
                (conv.stride[axis], conv.padding[axis], conv.dilation[axis]);
            Axis::new(0..target[axis], conv.kernel[axis], |at, tap| {
                let padded = at * stride + tap * dilation;
                padded.checked_sub(padding).filter(|&at| at < conv.input[axis])
            })
        });
        let (size, channels) = (conv.input, conv.channels);
        let (kernel_width, group_channels) = (conv.kernel[1], conv.group_channels());
        Self { axes, kernel_width, size, channels, group_channels, target }
    }

    /// Patches of the output at the input positions whose coordinates have the given residues modulo the
    /// strides.
    fn backward(conv: &Convolution, residues: [usize; 2]) -> Self {
        let size = conv.output();
        let axes = [0, 1].map(|axis| {
            let (stride, padding, dilation) =
                (conv.stride[axis], conv.padding[axis], conv.dilation[axis]);
            let positions = (residues[axis]..conv.input[axis]).step_by(stride);
            Axis::new(positions, conv.kernel[axis], |at, tap| {
                let strided = (at + padding).checked_sub(tap * dilation)?;
                let at = strided / stride;
                (strided.is_multiple_of(stride) && at < size[axis]).then_some(at)
            })
        });
        let (target, channels) = (conv.input, conv.outputs);
        let (kernel_width, group_channels) = (conv.kernel[1], conv.group_outputs());
        Self { axes, kernel_width, size, channels, group_channels, target }
    }

    /// [`Gather::backward`] for all residues: each input position is in one of them.
    pub(super) fn backward_by_residue(conv: &Convolution) -> Vec<Self> {
        let [rows, cols] = [0, 1].map(|axis| conv.stride[axis].min(conv.input[axis]));
        let residues = (0..rows).flat_map(|row| (0..cols).map(move |col| [row, col]));
        residues.map(|residues| Self::backward(conv, residues)).collect()
    }

    /// Positions of an example.
    pub(super) fn positions(&self) -> usize {
        self.axes[0].positions.len() * self.axes[1].positions.len()
    }

    /// Positions of a source image.
    pub(super) fn source_positions(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The number of taps that are not in the padding everywhere.
    pub(super) fn live_taps(&self) -> usize {
        self.axes[0].taps.len() * self.axes[1].taps.len()
    }

    /// Columns of the patches.
    pub(super) fn width(&self) -> usize {
        self.live_taps() * self.group_channels
    }

    /// Channels of a source image.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Channels of a patch.
    pub(super) fn group_channels(&self) -> usize {
        self.group_channels
    }

    /// Whether the patches are the rows of the source itself.
    pub(super) fn is_identity(&self) -> bool {
        let identity =
            |axis: &Axis| axis.sources.iter().copied().eq((0..axis.sources.len()).map(Some));
        self.live_taps() == 1
            && self.positions() == self.size[0] * self.size[1]
            && self.axes.iter().all(identity)
    }

    /// Whether the rows are all positions of the target in their order.
    pub(super) fn is_whole(&self) -> bool {
        self.positions() == self.target[0] * self.target[1]
    }

    /// Index of row `row`'s position among all positions of all target images.
    pub(super) fn target(&self, row: usize) -> usize {
        let (example, y, x) = self.position(row);
        let [y, x] = [self.axes[0].positions[y], self.axes[1].positions[x]];
        (example * self.target[0] + y) * self.target[1] + x
    }

    /// Example of a row and indices of its position on each axis.
    pub(super) fn position(&self, row: usize) -> (usize, usize, usize) {
        let (example, at) = (row / self.positions(), row % self.positions());
        let cols = self.axes[1].positions.len();
        (example, at / cols, at % cols)
    }

    /// First values of the sources of row `row`, one for each live tap.
    #[inline(always)]
    pub(super) fn sources(&self, row: usize) -> impl Iterator<Item = Option<usize>> {
        let (example, y, x) = self.position(row);
        let [rows, cols] = &self.axes;
        let (row, col) = (
            &rows.sources[y * rows.taps.len()..][..rows.taps.len()],
            &cols.sources[x * cols.taps.len()..][..cols.taps.len()],
        );
        let start = example * self.size[0];
        row.iter().flat_map(move |y| {
            col.iter().map(move |x| Some(((start + (*y)?) * self.size[1] + (*x)?) * self.channels))
        })
    }

    /// The live taps in order, as taps of the kernel.
    pub(super) fn taps(&self) -> impl Iterator<Item = usize> {
        let [rows, cols] = &self.axes;
        rows.taps
            .iter()
            .flat_map(move |row| cols.taps.iter().map(move |col| row * self.kernel_width + col))
    }

    /// The columns of the patches in blocks of at most `most` columns and `most_taps` taps.
    pub(super) fn blocks(&self, most: usize, most_taps: usize) -> Vec<Block> {
        let taps: Vec<usize> = self.taps().collect();
        let consecutive = taps.chunk_by(|tap, next| tap + 1 == *next);
        let mut start = 0;
        let mut blocks = Vec::new();
        for run in consecutive {
            let for_each = (most / self.group_channels.max(1)).clamp(1, most_taps);
            let cuts = run.len().div_ceil(for_each);
            for cut in 0..cuts {
                let [first, end] = [cut, cut + 1].map(|cut| start + run.len() * cut / cuts);
                let pieces = self.group_channels.div_ceil(most);
                for piece in 0..pieces {
                    let [low, high] = [piece, piece + 1].map(|p| self.group_channels * p / pieces);
                    let spans = self.spans(first..end);
                    blocks.push(Block { tap: taps[first], channels: low..high, spans });
                }
            }
            start += run.len();
        }
        blocks
    }

    fn spans(&self, taps: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let cols = self.axes[1].taps.len();
        let rows = taps.start / cols..taps.end.div_ceil(cols);
        let within = |row: usize| taps.start.max(row * cols)..taps.end.min((row + 1) * cols);
        rows.map(|row| (row, within(row).start - row * cols..within(row).end - row * cols))
            .collect()
    }
}
