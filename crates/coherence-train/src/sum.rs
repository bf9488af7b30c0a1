//! S of some chunks of examples.
//!
//! S of a single chunk stays as its products gave it, in f32: for a large network, adding it to f64 numbers and reading
//! these again takes a tenth of the time of a pass over a hundred examples. Which of both it is depends on the number
//! of chunks alone, so that any number of workers gives the same bits.
//!
//! Legend: d: parameters, S = Σ g_e.

use crate::collective::Collective;
use coherence_cpu::product::Output;
use coherence_nn::device::Device;
use core::{mem, ops::Range};

/// A running sum \[d\] of the sums of chunks.
#[derive(Debug, Clone)]
pub(crate) struct Sum<D: Device<f32>> {
    device: D,
    d: usize,
    chunks: usize,
    /// Whether the sum is in `narrow`: that of one chunk.
    is_narrow: bool,
    narrow: D::Buffer<f32>,
    /// Empty until it was needed.
    wide: D::Buffer<f64>,
}

impl<D: Device<f32>> Sum<D> {
    pub(crate) fn new(device: &D, d: usize) -> Self {
        let (narrow, wide) = (device.zeros(0), device.zeros(0));
        Self { device: device.clone(), d, chunks: 0, is_narrow: false, narrow, wide }
    }

    /// Forgets all chunks; the next one overwrites the sum.
    pub(crate) fn clear(&mut self) {
        (self.chunks, self.is_narrow) = (0, false);
    }

    /// Adds the sum of a chunk \[d\].
    pub(crate) fn add(&mut self, chunk: &D::Buffer<f32>) {
        if self.chunks == 0 {
            self.narrow.clone_from(chunk);
            self.is_narrow = true;
        } else {
            self.add_narrow(D::view(chunk), 0..self.d);
        }
        self.chunks += 1;
    }

    /// As [`add`](Self::add), but the buffer of the first chunk is taken: another one, or none, is left.
    pub(crate) fn take(&mut self, chunk: &mut D::Buffer<f32>) {
        if self.chunks > 0 {
            return self.add(chunk);
        }
        mem::swap(&mut self.narrow, chunk);
        (self.chunks, self.is_narrow) = (1, true);
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.is_narrow {
            return self.add(&other.narrow);
        }
        if other.chunks > 0 {
            let (device, output) = (self.device.clone(), self.output());
            device.accumulate_wide(D::view(&other.wide), output, self.wide());
            self.chunks += other.chunks;
        }
    }

    /// ‖S‖² of the coordinates `range`; of no chunks 0.
    pub(crate) fn sq_norm(&self, range: Range<usize>) -> f64 {
        if self.chunks == 0 {
            return 0.0;
        }
        if self.is_narrow {
            let of = D::part(D::view(&self.narrow), range);
            return self.device.dot(of, of);
        }
        let of = D::part(D::view(&self.wide), range);
        self.device.dot_wide(of, of)
    }

    /// S · S′ of two sums of one chunk or more.
    pub(crate) fn dot(&mut self, other: &mut Self) -> f64 {
        if self.is_narrow && other.is_narrow {
            return self.device.dot(D::view(&self.narrow), D::view(&other.narrow));
        }
        self.widen();
        other.widen();
        self.device.dot_wide(D::view(&self.wide), D::view(&other.wide))
    }

    /// Writes S of one chunk or more to `to` \[d\].
    pub(crate) fn narrow_to(&self, to: D::SliceMut<'_, f32>) {
        if self.is_narrow {
            self.device.copy(D::view(&self.narrow), to);
        } else {
            self.device.narrow(D::view(&self.wide), to);
        }
    }

    /// Adds the coordinates `own` of the sum of another worker's chunk, which [`complete`](Self::complete) makes
    /// whole.
    pub(crate) fn add_block(&mut self, own: Range<usize>, block: D::Slice<'_, f32>) {
        self.add_narrow(block, own);
        self.chunks += 1;
    }

    /// Takes the coordinates that the other workers have summed.
    pub(crate) fn complete(&mut self, workers: &dyn Collective) {
        if self.chunks == 0 {
            return;
        }
        let device = self.device.clone();
        device.with_host_mut(self.wide(), |sum| workers.gather(sum));
        if self.chunks == 1 {
            device.reserve(&mut self.narrow, self.d);
            device.narrow(D::view(&self.wide), D::view_mut(&mut self.narrow));
            self.is_narrow = true;
        }
    }

    /// Adds the sums of the workers, in f64, in the order of ranks; all together have `chunks`.
    pub(crate) fn sum_over(&mut self, workers: &dyn Collective, chunks: usize) {
        let (device, is_empty) = (self.device.clone(), self.chunks == 0);
        let mut wide = self.wide();
        if is_empty {
            device.fill(0.0, D::reborrow(&mut wide));
        }
        device.with_host_mut(wide, |sum| workers.sum_f64(sum));
        self.chunks = chunks;
    }

    pub(crate) fn chunks(&self) -> usize {
        self.chunks
    }

    /// d.
    pub(crate) fn len(&self) -> usize {
        self.d
    }

    /// What the next sum does to those so far.
    fn output(&self) -> Output {
        if self.chunks == 0 { Output::Overwrite } else { Output::Add }
    }

    fn add_narrow(&mut self, x: D::Slice<'_, f32>, range: Range<usize>) {
        let (device, output) = (self.device.clone(), self.output());
        device.accumulate(x, output, D::part_mut(self.wide(), range));
    }

    /// The sum \[d\] in f64, where it is from now on; without chunks unspecified values.
    fn wide(&mut self) -> D::SliceMut<'_, f64> {
        self.widen();
        self.is_narrow = false;
        D::view_mut(&mut self.wide)
    }

    /// Writes the sum of a chunk to `wide`, too, if there is one.
    fn widen(&mut self) {
        self.device.reserve(&mut self.wide, self.d);
        if self.is_narrow {
            let wide = D::view_mut(&mut self.wide);
            self.device.accumulate(D::view(&self.narrow), Output::Overwrite, wide);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;
    use coherence_nn::device::Cpu;

    /// One more than an f32 tells from 2²⁴.
    const CHUNKS: [[f32; 2]; 3] = [[16_777_216.0, 1.0], [1.0, 2.0], [1.0, -4.0]];

    fn sum_of(chunks: &[[f32; 2]]) -> Sum<Cpu> {
        let mut sum = Sum::new(&Cpu::detect(), 2);
        chunks.iter().for_each(|chunk| sum.take(&mut chunk.to_vec()));
        sum
    }

    /// The sum of some chunks at coordinate `at`.
    fn expected(chunks: &[[f32; 2]], at: usize) -> f64 {
        chunks.iter().map(|chunk| f64::from(chunk[at])).sum()
    }

    #[test]
    fn a_chunk_keeps_its_values_and_several_are_added_in_f64() {
        for count in 0..=3 {
            let sum = sum_of(&CHUNKS[..count]);
            for at in 0..2 {
                let of = expected(&CHUNKS[..count], at);
                assert_eq!(sum.sq_norm(at..at + 1), of * of, "{count} chunks");
            }
        }
    }

    #[test]
    fn sums_of_any_numbers_of_chunks_are_merged_and_multiplied() {
        for (a, b) in (0..=3).flat_map(|a| (a..=3).map(move |b| (a, b))) {
            let (mut whole, mut rest) = (sum_of(&CHUNKS[..a]), sum_of(&CHUNKS[a..b]));
            let mut at_once = sum_of(&CHUNKS[..b]);
            if a > 0 && b > a {
                let dot = |at| expected(&CHUNKS[..a], at) * expected(&CHUNKS[a..b], at);
                assert_eq!(whole.dot(&mut rest), dot(0) + dot(1), "{a} {b}");
            }
            whole.merge(&rest);
            assert_eq!(whole.sq_norm(0..2), at_once.sq_norm(0..2), "{a} {b}");
            if b > 0 {
                let [mut these, mut those] = [[0.0; 2]; 2];
                whole.narrow_to(&mut these);
                at_once.narrow_to(&mut those);
                assert_eq!(these, those, "{a} {b}");
                assert_eq!(whole.dot(&mut at_once), whole.sq_norm(0..2), "{a} {b}");
            }
        }
    }

    #[test]
    fn a_cleared_sum_is_overwritten() {
        let mut sum = sum_of(&CHUNKS);
        sum.clear();
        assert_eq!(sum.sq_norm(0..2), 0.0);
        sum.take(&mut vec![3.0, 4.0]);
        assert_eq!(sum.sq_norm(0..2), 25.0);
        sum.take(&mut vec![-3.0, 1.0]);
        assert_eq!(sum.sq_norm(0..2), 25.0);
    }
}
