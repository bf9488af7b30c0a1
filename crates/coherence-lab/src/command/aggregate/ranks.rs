//! Coordinate-wise rules over rows that lie in files of several workers.
//!
//! Legend: P: workers, n_r: rows of the file of worker r, n = Σ n_r, d: columns.
//!
//! The columns are taken strip by strip: each worker reads its rows of a strip, receives a block of the strip's columns
//! of all n rows, and applies the rule to it. Results do not depend on the strips.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use coherence_core::aggregate::{AggregateError, AnyCoordinateRule, Rule};
use coherence_core::finite::{NonFinite, Policy};
use coherence_cpu::{Element, dense::Columnwise};
use coherence_data::matrix::{Dtype, Matrix, Source, Value};
use coherence_train::collective::{Collective, Exchange, SharedRuleError};

use super::located;
use crate::command::matrix::blocks::{BlockShape, parts};
use crate::command::matrix::memory::zeros;

/// What stands for the rank in the name of a file.
const RANK: &str = "{rank}";

/// Bytes of a strip of one worker, about.
const STRIP: usize = 1 << 23;

/// The file of this worker: `file` with its rank.
///
/// # Errors
///
/// If all of several workers would read the same file, or there is a file for a rank that no worker has.
pub(super) fn file_of(workers: &dyn Collective, file: &Path) -> Result<PathBuf> {
    let (size, rank) = (workers.size(), workers.rank());
    let Some(name) = file.to_str().filter(|name| name.contains(RANK)) else {
        ensure!(
            size == 1,
            "{size} workers would read the same rows {size} times: name a file for each, such as \
             'gradients.{RANK}.npy'"
        );
        return Ok(file.to_owned());
    };
    let of = |rank: usize| PathBuf::from(name.replace(RANK, &rank.to_string()));
    ensure!(
        !of(size).exists(),
        "{} has no worker: {size} of them read the files of the ranks 0 to {} (start more by mpirun -np, with a \
         program built with --features mpi)",
        of(size).display(),
        size - 1
    );
    Ok(of(rank))
}

/// Applies the rule to the rows of all workers; returns n and the result \[d\].
pub(super) fn aggregate<T: Value + Element>(
    workers: &(dyn Collective + 'static),
    matrix: &Matrix<impl Source>,
    rule: Rule,
    policy: Policy,
) -> Result<(usize, Vec<T>)>
where
    dyn Collective: Exchange<T>,
{
    let rule = coordinate(rule)?;
    let (counts, d) = (counts(workers, matrix)?, matrix.cols());
    let n: usize = counts.iter().sum();
    let most = BlockShape::most_rows::<T>();
    ensure!(n <= most, "{n} rows are too many for several workers (at most {most}; take one file)");
    let rule = Columnwise::new(rule, n)?;
    let mut out = zeros::<T>(d, "the result")?;
    let (mut block, mut rows) = (Vec::new(), Vec::new());
    let longest = counts.iter().copied().max().unwrap_or(1);
    let share = longest.max(n.div_ceil(workers.size()));
    let width = (STRIP / size_of::<T>() / share).clamp(workers.size(), d.max(workers.size()));
    for columns in parts(0..d, width) {
        let width = columns.len();
        block.resize(matrix.rows() * width, T::default());
        matrix.read(0..matrix.rows(), columns.clone(), &mut block)?;
        workers
            .aggregate(&rule, policy, &counts, &mut block, &mut rows)
            .map_err(|error| placed(error, columns.start, width))?;
        out[columns].copy_from_slice(&block[..width]);
    }
    Ok((n, out))
}

fn coordinate(rule: Rule) -> Result<AnyCoordinateRule> {
    match rule {
        Rule::Coordinate(rule) => Ok(rule),
        Rule::Vector(rule) => bail!(
            "{rule} needs whole rows on one worker: put all rows in one file and start without mpirun, or take a \
             coordinate-wise rule"
        ),
    }
}

/// The rows of each worker's file.
///
/// # Errors
///
/// If the files differ in columns or in precision.
fn counts(
    workers: &(dyn Collective + 'static),
    matrix: &Matrix<impl Source>,
) -> Result<Vec<usize>> {
    let double = matrix.dtype() == Dtype::F64;
    let mine = [matrix.rows(), matrix.cols(), usize::from(double)].map(|x| x as f64);
    let mut all = vec![0.0; workers.size() * mine.len()];
    workers.gather_f64(&mine, &mut all);
    let (all, _) = all.as_chunks::<3>();
    for (rank, [_, d, double]) in all.iter().enumerate() {
        let [_, first, first_double] = all[0];
        ensure!(*d == first, "the file of worker {rank} has {d} columns, that of worker 0 {first}");
        ensure!(
            *double == first_double,
            "the file of worker {rank} has another precision than that of worker 0 (convert one of them)"
        );
    }
    Ok(all.iter().map(|[n, ..]| *n as usize).collect())
}

/// The error of a strip of `width` columns from column `start`: rows are counted over all files, by rank.
fn placed(error: SharedRuleError, start: usize, width: usize) -> anyhow::Error {
    match error {
        SharedRuleError::Rule(error @ AggregateError::NonFinite(NonFinite { .. })) => {
            located(error, 0, start, width)
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coherence_train::collective::{Solo, threads};

    #[test]
    fn each_worker_has_a_file_of_its_own_or_all_are_refused() {
        let names: Vec<_> = threads(2)
            .iter()
            .map(|worker| file_of(&**worker, Path::new("a.{rank}.npy")).unwrap())
            .collect();
        assert_eq!(names, [Path::new("a.0.npy"), Path::new("a.1.npy")]);
        let same = Path::new("a.npy");
        assert_eq!(file_of(&Solo, same).unwrap(), same);
        let error = file_of(&*threads(2)[1], same).unwrap_err().to_string();
        assert!(error.contains("2 workers would read the same rows"), "{error}");
    }
}
