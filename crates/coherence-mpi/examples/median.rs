//! `mpirun -np 3 median [D]`: the exact coordinate-wise median of one vector of D numbers from each worker, in turn with
//! MPI's own all-reduce of the same vectors.
//!
//! Wall times mean something only where each worker has a core of its own; the ratio of the least times is printed.

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_core::{
    aggregate::{AnyCoordinateRule, Median},
    finite::Policy,
};
use coherence_cpu::dense::Columnwise;
use coherence_mpi::with_workers;
use coherence_train::collective::Collective;
use mpi::{
    collective::{CommunicatorCollectives, SystemOperation},
    topology::SimpleCommunicator,
};
use std::{
    env,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

/// Turns of both.
const TURNS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let d: usize = env::args().nth(1).map_or(Ok(11_000_000), |text| text.parse())?;
    with_workers(Duration::from_secs(600), |worker| compare(worker, d))
}

/// Prints the least time of each on worker 0.
fn compare(worker: Arc<dyn Collective>, d: usize) -> Result<(), Box<dyn Error>> {
    let (size, rank) = (worker.size(), worker.rank());
    let mine: Vec<f32> = (0..d).map(|i| ((i * 31 + rank * 17) % 101) as f32).collect();
    let (mut median, mut sum, mut scratch) = (mine.clone(), mine.clone(), Vec::new());
    let rule = Columnwise::new(AnyCoordinateRule::Median(Median), size)?;
    let [mut ours, mut theirs] = [Duration::MAX; 2];
    for _ in 0..TURNS {
        let world = SimpleCommunicator::world();
        median.copy_from_slice(&mine);
        world.barrier();
        let begin = Instant::now();
        worker.aggregate(&rule, Policy::Propagate, &vec![1; size], &mut median, &mut scratch)?;
        ours = ours.min(begin.elapsed());
        world.barrier();
        let begin = Instant::now();
        world.all_reduce_into(&mine[..], &mut sum[..], SystemOperation::sum());
        theirs = theirs.min(begin.elapsed());
    }
    if rank == 0 {
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!(
            "{size} workers, {d} numbers: median {ours:?}, all-reduce {theirs:?}, ratio {ratio:.2}"
        );
    }
    Ok(())
}
