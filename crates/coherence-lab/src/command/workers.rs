//! This process among the workers that `mpirun` started.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use coherence_train::collective::{Collective, Solo};

/// The variables by which launchers tell a process the number of all: Open MPI, MPICH and Slurm's PMI, MVAPICH.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];

/// How long workers wait for each other.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Patience {
    /// Of several workers under mpirun: the seconds that one waits for the others before it ends all with a message
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    patience: u64,
}

impl Patience {
    pub(crate) const fn with_seconds(patience: u64) -> Self {
        Self { patience }
    }
}

/// The number of processes that a launcher started, this one among them; 1 without a launcher.
fn started() -> usize {
    SIZES.iter().find_map(|name| env::var(name).ok()?.parse().ok()).unwrap_or(1)
}

/// Refuses to be one of several processes, for a command that would do the same work in each of them.
pub(crate) fn refuse(command: &str, remedy: &str) -> anyhow::Result<()> {
    let size = started();
    anyhow::ensure!(
        size <= 1,
        "coherence {command} does not share its work: it was started as one of {size} MPI processes ({remedy})"
    );
    Ok(())
}

/// Calls `work` as one of the workers that a launcher started, or alone. A worker that waits longer than `patience`
/// for the others ends all.
pub(crate) fn among<R>(
    Patience { patience }: Patience,
    work: impl FnOnce(Arc<dyn Collective>) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    match started() {
        size if size > 1 => join(size, Duration::from_secs(patience), work),
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
    })
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
