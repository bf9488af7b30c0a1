//! This process among the workers that `mpirun` started.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use coherence_train::collective::{Collective, Solo};

/// The variables by which launchers tell a process the number of all: Open MPI, MPICH and Slurm's PMI, MVAPICH.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];

/// Calls `work` as one of the workers that a launcher started, or alone. A worker that waits longer than `patience`
/// for the others ends all.
pub(crate) fn among<R>(
    patience: Duration,
    work: impl FnOnce(Arc<dyn Collective>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    let size = SIZES.iter().find_map(|name| env::var(name).ok()?.parse::<usize>().ok());
    match size {
        Some(size) if size > 1 => join(size, patience, work),
        _ => work(Arc::new(Solo)),
    }
}

#[cfg(feature = "mpi")]
fn join<R>(
    size: usize,
    patience: Duration,
    work: impl FnOnce(Arc<dyn Collective>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    coherence_mpi::with_workers(patience, |workers| {
        anyhow::ensure!(
            workers.size() == size,
            "started as one of {size} processes, but MPI has {} (is mpirun that of the MPI library which this \
             program was built with?)",
            workers.size()
        );
        work(workers)
    })?
}

#[cfg(not(feature = "mpi"))]
fn join<R>(
    size: usize,
    _: Duration,
    _: impl FnOnce(Arc<dyn Collective>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    anyhow::bail!(
        "started as one of {size} MPI processes, but this program was built without MPI (build it with --features \
         mpi)"
    )
}
