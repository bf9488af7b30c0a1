//! Workers that train one network together as processes under MPI.
//!
//! Building this crate needs an MPI library with its C headers and libclang (Debian: `libopenmpi-dev libclang-dev`);
//! running it, a launcher such as `mpirun -np 3 PROGRAM`. It is the only crate that depends on MPI.
//!
//! Sums are added in the order of ranks by the workers themselves ([`Collective::exchange`], then
//! [`Collective::gather`]), not by `MPI_Allreduce`, whose order is the library's choice: the same number of workers
//! gives the same bits on every run.

mod patience;

use coherence_train::collective::{Collective, block};
use mpi::{
    Threading,
    collective::CommunicatorCollectives,
    datatype::{Partition, PartitionMut},
    environment,
    topology::{Communicator, SimpleCommunicator},
};
use patience::Patience;
use std::{sync::Arc, time::Duration};

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

/// Calls `work` with this process's place among the workers that a launcher has started, one after the other of
/// whose exchanges takes at most `patience`; afterwards the process prints a message and ends, whereupon the launcher
/// ends the others. A worker that dies ends the others at once.
///
/// # Errors
///
/// [`MpiError`] if MPI cannot be started.
pub fn with_workers<R>(
    patience: Duration,
    work: impl FnOnce(Arc<dyn Collective>) -> R,
) -> Result<R, MpiError> {
    let (universe, level) = environment::initialize_with_threading(Threading::Serialized)
        .ok_or(MpiError::Initialized)?;
    if level < Threading::Serialized {
        return Err(MpiError::Threads);
    }
    let world = universe.world();
    let [rank, size] = [world.rank(), world.size()].map(|n| usize::try_from(n).expect("a rank"));
    // MPI ends when `universe` is dropped, after the work.
    Ok(work(Arc::new(Worker { rank, size, patience: Patience::start(patience, rank, size) })))
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

    fn exchange(&self, values: &[f32], rows: &mut [f32]) {
        let (counts, places) = self.blocks(values.len());
        let width = rows.len() / self.size;
        let (received, slots) = Self::layout((0..self.size).map(|_| width));
        self.patience.wait(|| {
            let sent = Partition::new(values, counts, places);
            let mut received = PartitionMut::new(rows, received, slots);
            SimpleCommunicator::world().all_to_all_varcount_into(&sent, &mut received);
        });
    }

    fn gather(&self, values: &mut [f32]) {
        let (counts, places) = self.blocks(values.len());
        let mine = values[block(values.len(), self.size, self.rank)].to_vec();
        self.patience.wait(|| {
            let mut all = PartitionMut::new(values, counts, places);
            SimpleCommunicator::world().all_gather_varcount_into(&mine[..], &mut all);
        });
    }

    fn gather_f64(&self, mine: &[f64], all: &mut [f64]) {
        self.patience.wait(|| SimpleCommunicator::world().all_gather_into(mine, all));
    }
}
