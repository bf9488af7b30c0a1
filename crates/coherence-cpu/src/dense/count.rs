//! Order statistics of many rows by counting (radix selection): exact, in passes over the rows,
//! without storing them.
//!
//! The bits of a value are mapped to a key that is ordered as the values are. Each pass determines one
//! more byte of the key of every rank sought: it counts the next byte of those values whose key begins
//! with the bytes found so far. Four passes find an `f32`, eight an `f64`.

use crate::Element;

/// The number of values of a byte.
const BINS: usize = 256;

/// A search for the values of given ranks in each column.
#[derive(Debug)]
pub(super) struct Counting {
    columns: usize,
    /// The bytes found so far, [ranks, columns].
    keys: Vec<u64>,
    /// Each rank among the values whose keys begin with these bytes, [ranks, columns].
    ranks: Vec<u64>,
    /// How often each next byte occurs, [ranks, columns, BINS].
    counts: Vec<u64>,
    /// Bytes not yet found.
    bytes: u32,
}

/// The bits of x, ordered as the values are: −∞ < … < −0 < +0 < … < +∞.
#[inline(always)]
fn key<T: Element>(x: T) -> u64 {
    // The compiler removes the conversion to f64 and back.
    if size_of::<T>() == size_of::<f32>() {
        let bits = (x.widen() as f32).to_bits();
        u64::from(bits ^ (((bits as i32 >> 31) as u32) | 1 << 31))
    } else {
        let bits = x.widen().to_bits();
        bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
    }
}

/// The value of a [`key`], in `f64`.
fn value<T: Element>(key: u64) -> f64 {
    if size_of::<T>() == size_of::<f32>() {
        let key = key as u32;
        f64::from(f32::from_bits(if key >> 31 == 1 { key ^ 1 << 31 } else { !key }))
    } else {
        f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
    }
}

impl Counting {
    /// A search for the values of `ranks` (from 0) in each of `columns` columns.
    pub(super) fn new<T: Element>(ranks: &[usize], columns: usize) -> Self {
        let places = ranks.len() * columns;
        Self {
            columns,
            keys: vec![0; places],
            ranks: ranks.iter().flat_map(|&r| std::iter::repeat_n(r as u64, columns)).collect(),
            counts: vec![0; places * BINS],
            bytes: size_of::<T>() as u32,
        }
    }

    /// Bytes of memory per column.
    pub(super) fn bytes_per_column(ranks: usize) -> usize {
        (BINS + 2) * ranks * size_of::<u64>()
    }

    /// Whether another pass over the rows is needed.
    pub(super) fn needs_pass(&self) -> bool {
        self.bytes > 0
    }

    /// Counts the values of `rows` [rows, columns].
    pub(super) fn add<T: Element>(&mut self, rows: &[T]) {
        let whole = size_of::<T>() as u32;
        let shift = 8 * (self.bytes - 1);
        let columns = self.columns;
        if self.bytes == whole {
            // No byte is known yet: the counts are the same for all ranks.
            for row in rows.chunks_exact(columns) {
                for (&x, counts) in row.iter().zip(self.counts.chunks_exact_mut(BINS)) {
                    counts[(key(x) >> shift) as usize & (BINS - 1)] += 1;
                }
            }
            return;
        }
        for row in rows.chunks_exact(columns) {
            let keys = self.keys.chunks_exact(columns);
            for (keys, counts) in keys.zip(self.counts.chunks_exact_mut(columns * BINS)) {
                let places = row.iter().zip(keys).zip(counts.chunks_exact_mut(BINS));
                for ((&x, &found), counts) in places {
                    let key = key(x);
                    if (key ^ found) >> shift >> 8 == 0 {
                        counts[(key >> shift) as usize & (BINS - 1)] += 1;
                    }
                }
            }
        }
    }

    /// Determines the next byte of every value, after all rows have been added.
    pub(super) fn end_pass<T: Element>(&mut self) {
        let first = self.bytes == size_of::<T>() as u32;
        self.bytes -= 1;
        let shift = 8 * self.bytes;
        let columns = self.columns;
        for (place, (key, rank)) in self.keys.iter_mut().zip(&mut self.ranks).enumerate() {
            let counted = if first { place % columns } else { place };
            let counts = &self.counts[counted * BINS..][..BINS];
            let mut byte = 0;
            // The counts sum to more than the rank, so the byte exists.
            while byte < BINS - 1 && *rank >= counts[byte] {
                *rank -= counts[byte];
                byte += 1;
            }
            *key |= (byte as u64) << shift;
        }
        self.counts.fill(0);
    }

    /// The values found, [ranks, columns], in `f64`.
    pub(super) fn values<T: Element>(&self) -> Vec<f64> {
        self.keys.iter().map(|&key| value::<T>(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<T: Element>(values: &[T], ranks: &[usize]) -> Vec<f64> {
        let mut counting = Counting::new::<T>(ranks, 1);
        while counting.needs_pass() {
            values.chunks(3).for_each(|some| counting.add(some));
            counting.end_pass::<T>();
        }
        counting.values::<T>()
    }

    #[test]
    fn every_rank_is_found_to_the_bit() {
        let values =
            [0.0, -0.0, 1.0, -1.0, 1.5, 1.5, f32::MIN_POSITIVE, -f32::from_bits(1), 3e38, -3e38];
        let mut sorted = values.to_vec();
        sorted.sort_by(f32::total_cmp);
        let ranks: Vec<usize> = (0..values.len()).collect();
        let bits = |x: f64| (x as f32).to_bits();
        let expected: Vec<u32> = sorted.iter().map(|x| x.to_bits()).collect();
        assert_eq!(found(&values, &ranks).into_iter().map(bits).collect::<Vec<_>>(), expected);
        let doubles = values.map(|x| f64::from(x) * 1e200 + f64::from(x) / 3.0);
        let mut sorted = doubles.to_vec();
        sorted.sort_by(f64::total_cmp);
        let found: Vec<u64> = found(&doubles, &ranks).into_iter().map(f64::to_bits).collect();
        assert_eq!(found, sorted.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    }
}
