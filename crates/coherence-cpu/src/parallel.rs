//! How pieces of work are dealt to threads.

use core::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// Calls `run` once with each of `0..pieces`, on the ambient threads.
///
/// A thread that is free takes the next piece that none has begun, so that one which shares its core
/// with another program delays the rest by the single piece it holds. Halves of the range, as rayon's own
/// iterators deal them, are taken over later: beside a busy process a step then took a sixth longer.
pub(crate) fn for_each(pieces: usize, run: impl Fn(usize) + Sync) {
    let threads = rayon::current_num_threads().min(pieces);
    if threads <= 1 {
        return (0..pieces).for_each(run);
    }
    let next = AtomicUsize::new(0);
    // Only who takes which piece depends on the counter; what the pieces wrote is seen after the join.
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&piece| piece < pieces);
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        while let Some(piece) = take() {
            run(piece);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_runs_once_on_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for pieces in [0, 1, 2, 3, 1000] {
                let runs: Vec<_> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
                pool.install(|| {
                    for_each(pieces, |piece| {
                        runs[piece].fetch_add(1, Ordering::Relaxed);
                    });
                });
                assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1));
            }
        }
    }
}
