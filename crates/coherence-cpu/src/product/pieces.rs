//! How a product is cut into pieces: bands of rows, each cut into stretches of columns.
//!
//! There are several pieces for each thread, so that a free thread takes those that a disturbed thread
//! has not begun. A piece packs its own columns of the right factor, so that only a second band packs
//! them again. No result depends on the cut.

use core::ops::Range;

use super::kernel::DEPTH;
use crate::{Element, cache, simd::TILE};

/// Operations of a piece at least: some 2 µs, twice what handing it out costs.
const LEAST: usize = 200_000;

/// Pieces for each thread at most: with twice as many, packing them takes more than waiting for the last.
const FOR_EACH_THREAD: usize = 4;

/// Columns of a stretch at least: two vectors of the widest instruction set.
const LEAST_COLS: usize = 2 * TILE;

/// Rows of a band at least where bands are cut for threads: packing the right factor again for so
/// many costs a twentieth of multiplying them.
const LEAST_ROWS: usize = 96;

/// Bands begin at multiples of this: the least common multiple of the instruction sets' tile heights.
const ROWS: usize = 24;

/// A cut of `rows × cols` in `bands × stretches` pieces, nearly equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    shape: [usize; 2],
    parts: [usize; 2],
}

impl Cut {
    /// The cut of a product [rows, inner] · [inner, cols] for the ambient threads and this machine, where each piece
    /// packs its rows of the left factor, too, or not.
    pub(crate) fn new<T: Element>(shape: [usize; 3], packs_left: bool) -> Self {
        Self::with_machine::<T>(shape, packs_left, rayon::current_num_threads(), cache::l2())
    }

    /// [`Cut::new`] for so many threads and bytes of second-level cache, half of which is for
    /// the rows of a band, as deep as a panel.
    pub(super) fn with_machine<T: Element>(
        [rows, inner, cols]: [usize; 3],
        packs_left: bool,
        threads: usize,
        l2: usize,
    ) -> Self {
        let band = (l2 / 2 / (DEPTH * size_of::<T>())).max(LEAST_ROWS);
        let bands = rows.div_ceil(band).max(1);
        let most = if threads == 1 { 1 } else { threads * FOR_EACH_THREAD };
        let wanted = (2 * rows * inner * cols / LEAST).clamp(1, most);
        // Square pieces pack the fewest values of both factors.
        let square = (wanted * cols).div_ceil(rows.max(1)).isqrt();
        let cuts = |wanted: usize| wanted.min(cols / LEAST_COLS).max(1);
        let stretches = cuts(if packs_left { square } else { wanted });
        // Packing the left factor costs more, so that pieces are to be square rather than few bands.
        let least = if packs_left { LEAST_ROWS / 2 } else { LEAST_ROWS };
        let bands = bands.max((wanted / stretches).min(rows / least));
        let stretches = cuts(wanted / bands);
        Self { shape: [rows, cols], parts: [bands, stretches] }
    }

    /// The same bands and stretches of a product of other rows.
    pub(crate) fn of_rows(&self, rows: usize) -> Self {
        Self { shape: [rows, self.shape[1]], ..*self }
    }

    pub(crate) fn pieces(&self) -> usize {
        self.parts[0] * self.parts[1]
    }

    /// Rows and columns of a piece, `at < pieces`; columns begin at multiples of [`TILE`].
    pub(crate) fn piece(&self, at: usize) -> [Range<usize>; 2] {
        let ([rows, cols], [bands, stretches]) = (self.shape, self.parts);
        let (band, stretch) = (at / stretches, at % stretches);
        let row = |band: usize| rows.min(rows.div_ceil(ROWS) * band / bands * ROWS);
        let col = |stretch| cols.min(cols.div_ceil(TILE) * stretch / stretches * TILE);
        [row(band)..row(band + 1), col(stretch)..col(stretch + 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_in_one_piece() {
        for shape in [[1, 1, 1], [100, 784, 256], [500, 256, 10], [1000, 300, 33], [3, 70_000, 70]]
        {
            for (threads, l2) in [(1, 0), (1, 1 << 19), (2, 1 << 19), (7, 1 << 12), (64, 1 << 30)] {
                let cut = Cut::with_machine::<f32>(shape, threads == 7, threads, l2);
                let mut times = vec![0; shape[0] * shape[2]];
                for [rows, cols] in (0..cut.pieces()).map(|at| cut.piece(at)) {
                    assert!(cols.start % TILE == 0);
                    rows.for_each(|r| cols.clone().for_each(|c| times[r * shape[2] + c] += 1));
                }
                assert!(times.iter().all(|&times| times == 1), "{shape:?} {cut:?}");
            }
        }
    }

    #[test]
    fn a_products_pieces_keep_two_threads_busy() {
        let layers = [[100, 784, 256], [100, 256, 256], [256, 100, 784], [500, 784, 256]];
        for (shape, packs_left) in layers.into_iter().flat_map(|s| [(s, false), (s, true)]) {
            let pieces = Cut::with_machine::<f32>(shape, packs_left, 2, 1 << 19).pieces();
            assert!((8..=17).contains(&pieces), "{shape:?}: {pieces}");
        }
    }
}
