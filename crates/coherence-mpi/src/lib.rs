//! Workers that train one network together as processes under MPI.
//!
//! Building this crate needs an MPI library with its C headers and libclang (Debian: `libopenmpi-dev libclang-dev`);
//! running it, a launcher such as `mpirun -np 3 PROGRAM`. It is the only crate that depends on MPI.
//!
//! Sums are added in the order of ranks by the workers themselves ([`Exchange::exchange`], then
//! [`Exchange::gather`]), not by `MPI_Allreduce`, whose order is the library's choice: the same number of workers
//! gives the same bits on every run.

mod patience;

use coherence_train::collective::{Collective, Exchange, block};
use mpi::{
    Threading,
    collective::CommunicatorCollectives,
    datatype::{Equivalence, Partition, PartitionMut},
    environment,
    topology::{Communicator, SimpleCommunicator},
};
pub use patience::GRACE;
use patience::Patience;
use std::{fmt::Display, sync::Arc, time::Duration};

/// Why workers cannot be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MpiError {
    /// MPI runs already, or ran before, in this process.
    #[error("MPI was initialised before in this process (connect workers once)")]
    Initialized,
    /// Training calls MPI from a thread of its pool.
    #[error(
        "this MPI library allows calls from the main thread only (use one built with MPI_THREAD_SERIALIZED)"
    )]
    Threads,
}

/// Calls `work` with this process's place among the workers that a launcher has started.
///
/// What ends the others, with a message of the process that ends first:
///
/// - a worker that dies: at once, by the launcher;
/// - one that waits for the others longer than `patience` in one exchange;
/// - one whose `work` fails while the others go on: [`GRACE`] later.
///
/// # Errors
///
/// [`MpiError`] if MPI cannot be started, else the result of `work`.
pub fn with_workers<R, E: From<MpiError> + Display>(
    patience: Duration,
    work: impl FnOnce(Arc<dyn Collective>) -> Result<R, E>,
) -> Result<R, E> {
    let (universe, level) = environment::initialize_with_threading(Threading::Serialized)
        .ok_or(MpiError::Initialized)?;
    if level < Threading::Serialized {
        return Err(MpiError::Threads.into());
    }
    let world = universe.world();
    let [rank, size] = [world.rank(), world.size()].map(|n| usize::try_from(n).expect("a rank"));
    let done =
        work(Arc::new(Worker { rank, size, patience: Patience::start(patience, rank, size) }));
    if let Err(error) = &done {
        patience::end_unless_all_do(format!("worker {rank} of {size} failed: {error:#}"));
    }
    // MPI ends here, as soon as all workers are here.
    drop(universe);
    done
}

/// This process among the others.
#[derive(Debug)]
struct Worker {
    rank: usize,
    size: usize,
    patience: Patience,
}

impl Worker {
    /// Counts and displacements of blocks that follow each other.
    fn layout(lengths: impl Iterator<Item = usize>) -> (Vec<i32>, Vec<i32>) {
        let mut next = 0;
        lengths
            .map(|length| {
                let count = i32::try_from(length).expect("MPI counts values in 32 bits");
                let at = next;
                next += count;
                (count, at)
            })
            .unzip()
    }

    fn blocks(&self, d: usize) -> (Vec<i32>, Vec<i32>) {
        Self::layout((0..self.size).map(|rank| block(d, self.size, rank).len()))
    }
}

impl Collective for Worker {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }
}

impl<T: Equivalence + Copy> Exchange<T> for Worker {
    fn exchange(&self, values: &[T], rows: &mut [T]) {
        let (counts, places) = self.blocks(values.len());
        let width = rows.len() / self.size;
        let (received, slots) = Self::layout((0..self.size).map(|_| width));
        self.patience.wait(|| {
            let sent = Partition::new(values, counts, places);
            let mut received = PartitionMut::new(rows, received, slots);
            SimpleCommunicator::world().all_to_all_varcount_into(&sent, &mut received);
        });
    }

    fn gather(&self, values: &mut [T]) {
        let (counts, places) = self.blocks(values.len());
        let mine = values[block(values.len(), self.size, self.rank)].to_vec();
        self.patience.wait(|| {
            let mut all = PartitionMut::new(values, counts, places);
            SimpleCommunicator::world().all_gather_varcount_into(&mine[..], &mut all);
        });
    }
}
