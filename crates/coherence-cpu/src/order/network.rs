//! Batcher's odd-even merging network over vectors in memory, pruned to the wanted ranks.
//!
//! Blocks of eight are sorted in registers first; the list of comparators starts at runs of eight.
//! K. E. Batcher (1968), *Sorting networks and their applications*, AFIPS Spring Joint Computer
//! Conference 32. Pruning walks the list backwards and drops the comparators that no
//! wanted wire depends on (half comparators stay whole: a branch costs more than a store).
#![allow(unsafe_code)]

use super::sort8::{BLOCK, sort8};
use crate::{Element, simd::Simd};

/// Puts the smaller of two wires on `low`, the larger on `high`.
#[derive(Clone, Copy, Debug)]
struct Comparator {
    low: u32,
    high: u32,
}

/// The comparators that put the wanted ranks of `len` values, sorted in blocks, on their wires.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    len: usize,
    comparators: Vec<Comparator>,
}

impl Network {
    /// A network for `len` values, a multiple of [`BLOCK`], that is right on the wires `wanted`
    /// (places from 0); places beyond `len` are ignored.
    pub(crate) fn new(len: usize, wanted: &[usize]) -> Self {
        assert!(len.is_multiple_of(BLOCK));
        let mut comparators = Vec::new();
        merge_runs(len, |low, high| {
            comparators.push(Comparator { low: low as u32, high: high as u32 });
        });
        prune(&mut comparators, len, wanted);
        Self { len, comparators }
    }

    /// Sorts the lanes of `wires`, `len` rows of `S::LANES` values at stride `TILE`.
    ///
    /// # Safety
    /// `wires` is readable and writable for `len` rows of `stride` values, `stride >= S::LANES`.
    #[inline(always)]
    pub(crate) unsafe fn run<T: Element, S: Simd<T>>(&self, simd: S, wires: *mut T, stride: usize) {
        for start in (0..self.len).step_by(BLOCK) {
            // SAFETY: rows start .. start + BLOCK lie below len, a multiple of BLOCK.
            unsafe { sort_block(simd, wires.add(start * stride), stride) }
        }
        for &Comparator { low, high } in &self.comparators {
            // SAFETY: comparators join rows below len.
            unsafe {
                let (low, high) =
                    (wires.add(low as usize * stride), wires.add(high as usize * stride));
                let (a, b) = (simd.load(low), simd.load(high));
                simd.store(low, simd.min(a, b));
                simd.store(high, simd.max(a, b));
            }
        }
    }
}

/// Sorts one block of rows.
///
/// # Safety
/// `rows` is readable and writable for [`BLOCK`] rows of `stride >= S::LANES` values.
#[inline(always)]
unsafe fn sort_block<T: Element, S: Simd<T>>(simd: S, rows: *mut T, stride: usize) {
    // SAFETY: n < BLOCK throughout; the caller's promise covers these rows.
    unsafe {
        let mut block: [S::V; BLOCK] = core::array::from_fn(|n| simd.load(rows.add(n * stride)));
        sort8(simd, &mut block);
        for (n, v) in block.into_iter().enumerate() {
            simd.store(rows.add(n * stride), v);
        }
    }
}

/// Batcher's merges of runs of 8, 16, 32, … for any `len`: wires beyond it are thought to hold +∞.
fn merge_runs(len: usize, mut comparator: impl FnMut(usize, usize)) {
    let mut run = BLOCK;
    while run < len {
        let mut distance = run;
        while distance > 0 {
            let mut start = distance % run;
            while start + distance < len {
                for low in start..(start + distance).min(len - distance) {
                    if low / (2 * run) == (low + distance) / (2 * run) {
                        comparator(low, low + distance);
                    }
                }
                start += 2 * distance;
            }
            distance /= 2;
        }
        run *= 2;
    }
}

/// Drops what no wanted wire depends on.
fn prune(comparators: &mut Vec<Comparator>, len: usize, wanted: &[usize]) {
    let mut live = vec![false; len];
    for &wire in wanted.iter().filter(|&&wire| wire < len) {
        live[wire] = true;
    }
    let mut needed: Vec<Comparator> = Vec::with_capacity(comparators.len());
    for &comparator in comparators.iter().rev() {
        let (low, high) = (comparator.low as usize, comparator.high as usize);
        if live[low] || live[high] {
            (live[low], live[high]) = (true, true);
            needed.push(comparator);
        }
    }
    needed.reverse();
    *comparators = needed;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Portable;

    /// Runs of eight zeros and ones in each combination of counts: by the 0-1 principle a network
    /// that puts these right puts every input right.
    #[test]
    fn every_rank_of_sorted_blocks_of_zeros_and_ones_is_right() {
        for len in [8, 16, 24, 32, 40] {
            let blocks = len / BLOCK;
            let networks: Vec<_> = (0..len).map(|rank| Network::new(len, &[rank])).collect();
            for code in 0..9usize.pow(blocks.min(4) as u32) {
                let ones: Vec<usize> =
                    (0..blocks).map(|b| code / 9usize.pow(b as u32) % 9).collect();
                let zeros = len - ones.iter().sum::<usize>();
                for (rank, network) in networks.iter().enumerate() {
                    let mut wires = Vec::new();
                    for &ones in &ones {
                        for n in 0..BLOCK {
                            wires.extend([if n >= BLOCK - ones { 1.0f32 } else { 0.0 }; 8]);
                        }
                    }
                    // SAFETY: `wires` holds len rows of 8.
                    unsafe { network.run(Portable, wires.as_mut_ptr(), 8) };
                    assert_eq!(
                        wires[rank * 8],
                        f32::from(u8::from(rank >= zeros)),
                        "{len} {rank} {ones:?}"
                    );
                }
            }
        }
    }
}
