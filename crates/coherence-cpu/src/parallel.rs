//! How pieces of work are dealt to threads.
//!
//! Handing work to a thread that waits for it costs about 1 µs. A thread that has waited for some 20 µs sleeps,
//! and waking it costs ten times as much.

use core::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// Calls `run` once with each of `0..pieces`, on the ambient threads.
///
/// Each thread has an equal share of pieces that follow each other, the calling one the first, so that a
/// thread finds in its cache what it wrote in an earlier call over the same places. One that has no piece
/// left takes the next of another's that is not begun, so that a thread which shares its core with another
/// program delays the rest by the single piece it holds. Halves of the range, as rayon's own iterators deal
/// them, are taken over later: beside a busy process a step then took a sixth longer.
pub(crate) fn for_each(pieces: usize, run: impl Fn(usize) + Sync) {
    let threads = rayon::current_num_threads();
    if threads.min(pieces) <= 1 {
        return (0..pieces).for_each(run);
    }
    let start = |share: usize| share * pieces / threads;
    let next: Vec<_> = (0..threads).map(|share| AtomicUsize::new(start(share))).collect();
    // Only who takes which piece depends on the counters; what the pieces wrote is seen after the join.
    let take = |share: usize| {
        let piece = next[share].fetch_add(1, Ordering::Relaxed);
        (piece < start(share + 1)).then_some(piece)
    };
    let index = || rayon::current_thread_index().unwrap_or(0);
    let caller = index();
    (0..threads.min(pieces)).into_par_iter().with_max_len(1).for_each(|_| {
        let own = (threads + index() - caller) % threads;
        for share in (own..threads).chain(0..own) {
            while let Some(piece) = take(share) {
                run(piece);
            }
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
