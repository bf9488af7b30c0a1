//! `coherence aggregate`.
//!
//! n: rows (one vector each), d: columns.

mod columns;
mod on_device;
mod outcome;
mod ranks;
#[cfg(test)]
mod tests;
mod vectors;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use coherence_core::aggregate::{AggregateError, Requirements, Rule};
use coherence_core::finite::{NonFinite, Policy};
use coherence_cpu::Element;
use coherence_data::files::is_same_file;
use coherence_data::matrix::{Dtype, Format, Matrix, Source, Value, write_vector};
use coherence_nn::device::Device;
use coherence_train::collective::{Collective, Exchange};

use super::device::{On, Work};
use super::matrix::number::Number;
use super::matrix::told::Told;
use super::matrix::workers::threads;
use super::workers::{self as launched, Patience};
use crate::output::{self, Status};
use crate::watch::Progress;
use outcome::{Outcome, Output};

/// Aggregate the rows of a matrix from any framework into one vector
///
/// FILE is .npy (f2, f4, f8, in C or Fortran order) or safetensors (F16, BF16, F32, F64), one vector
/// per row. Order statistics are exact; sums run in f64, those of clipped values in parts of eight; the
/// result has the input's precision (f4 for half precision). Coordinate-wise rules, krum, multi-krum, bulyan
/// and minimum-diameter read the file in blocks, so that it may be larger than memory; the other rules hold it
/// in memory.
/// krum takes the n − f − 2 nearest others, as Blanchard et al. (2017) do; ByzFL's takes one more.
///
/// Several workers: with a program built with --features mpi, `mpirun -np P coherence aggregate --rule median
/// 'gradients.{rank}.npy' …` aggregates the rows of P files, each read by one worker: {rank} in FILE stands for 0 to
/// P − 1. The result is that of one file with the rows of all, by rank, bit for bit; coordinate-wise rules only.
/// Worker 0 writes it.
///
/// With --device cuda:N a GPU computes the mean, winsorized:CLIP or C%, trimmed:TRIM, the median and
/// median-of-means:GROUPS of finite values, block by block of columns, for one worker. The order statistics are the
/// same; sums differ by rounding.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct Aggregate {
    /// The matrix
    file: PathBuf,
    /// The aggregation rule: one of those below
    #[arg(long)]
    rule: Rule,
    /// Where to write the vector: .npy or .safetensors [default: stdout, one value per line]
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// What to do with NaN and infinite values
    #[arg(long, value_enum, default_value_t)]
    non_finite: NonFiniteValues,
    /// Name of the tensor, if a safetensors file has several
    #[arg(long)]
    tensor: Option<String>,
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    patience: Patience,
    /// JSON instead of text; NaN and infinite values, as of --non-finite propagate, become null
    #[arg(long)]
    json: bool,
    /// No progress on stderr, which a command of more than two seconds shows
    #[arg(long, short)]
    quiet: bool,
}

/// [`Policy`] on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum NonFiniteValues {
    /// Refuse, and print the position of the first
    #[default]
    Error,
    /// Compute with them by IEEE arithmetic
    Propagate,
    /// Leave them out: single values for coordinate-wise rules, else whole rows
    Omit,
}

impl From<NonFiniteValues> for Policy {
    fn from(values: NonFiniteValues) -> Self {
        match values {
            NonFiniteValues::Error => Self::Error,
            NonFiniteValues::Propagate => Self::Propagate,
            NonFiniteValues::Omit => Self::Omit,
        }
    }
}

/// The rules, one per line, and examples, for `--help`.
fn help() -> String {
    let width = Rule::FORMS.iter().map(|(form, _)| form.len()).max().unwrap_or(0);
    let line = |(form, meaning): &(&str, &str)| format!("  {form:width$}  {meaning}\n");
    let lines: String = Rule::FORMS.iter().map(line).collect();
    format!(
        "Rules, for n rows of which at most F are Byzantine:\n{lines}\n\
         Examples:\n  \
         coherence aggregate --rule median gradients.npy -o update.npy\n  \
         coherence aggregate --rule krum:2 --tensor grads gradients.safetensors --json"
    )
}

impl Aggregate {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let on = self.on;
        launched::among(self.patience, |workers| {
            on.run(Aggregating { command: self, workers: &*workers })
        })
    }

    fn aggregate<D: Device<f32> + Device<f64>>(
        mut self,
        workers: &(dyn Collective + 'static),
        device: &D,
    ) -> anyhow::Result<Status> {
        self.file = ranks::file_of(workers, &self.file)?;
        let matrix = Matrix::open(&self.file, self.tensor.as_deref())?;
        let progress = Progress::new(self.quiet || workers.rank() > 0);
        let matrix = matrix.through(|file| Told::new(file, "aggregate", progress));
        self.check_out()?;
        let result = match matrix.dtype() {
            Dtype::F64 => self.finish::<f64, D>(workers, device, &matrix)?,
            Dtype::F16 | Dtype::BF16 | Dtype::F32 => {
                self.finish::<f32, D>(workers, device, &matrix)?
            }
        };
        if let Some(result) = result {
            output::result(self.json, &result)?;
        }
        Ok(Status::Holds)
    }

    /// Refuses, before any work, an output file with an unknown extension or that is the input itself.
    fn check_out(&self) -> anyhow::Result<()> {
        let Some(out) = &self.out else { return Ok(()) };
        Format::from_path(out)?;
        if is_same_file(&self.file, out) {
            bail!("{} is the input matrix: choose another file for the result", out.display());
        }
        Ok(())
    }

    /// Aggregates in precision `T`; worker 0 writes the output file, if one is given, and has the outcome.
    fn finish<T: Value + Element, D: Device<T>>(
        &self,
        workers: &(dyn Collective + 'static),
        device: &D,
        matrix: &Matrix<impl Source>,
    ) -> anyhow::Result<Option<Outcome>>
    where
        Number: From<T>,
        dyn Collective: Exchange<T>,
    {
        let (rule, policy) = (self.rule, self.non_finite.into());
        let n = matrix.rows();
        let aggregated = match (device.name(), workers.size()) {
            (None, 1) => aggregate(matrix, rule, policy, threads()).map(|values| (n, values)),
            (None, _) => ranks::aggregate(workers, matrix, rule, policy),
            (Some(name), 1) => {
                let values = on_device::aggregate(device, name, matrix, rule, policy, threads());
                values.map(|values| (n, values))
            }
            (Some(_), size) => Err(anyhow::anyhow!(
                "the rows of {size} workers are aggregated on the processor only: take --device cpu"
            )),
        };
        let (n, values): (usize, Vec<T>) = aggregated
            .with_context(|| format!("{} could not be aggregated", self.file.display()))?;
        if workers.rank() > 0 {
            return Ok(None);
        }
        let out = match &self.out {
            Some(path) => {
                // Before this point Ctrl-C ends the process; from here on it is ignored, so that
                // the file is completed.
                ctrlc::set_handler(|| ()).context("cannot watch for Ctrl-C")?;
                write_vector(path, "aggregate", &values)?;
                Output::File(path.clone())
            }
            None => Output::Values(values.into_iter().map(Number::from).collect()),
        };
        Ok(Some(Outcome { rule: rule.to_string(), n, d: matrix.cols(), out }))
    }
}

/// The aggregation of one worker.
struct Aggregating<'a> {
    command: Aggregate,
    workers: &'a (dyn Collective + 'static),
}

impl Work for Aggregating<'_> {
    type Output = Status;

    fn on<D: Device<f32> + Device<f64>>(self, device: D) -> anyhow::Result<Status> {
        self.command.aggregate(self.workers, &device)
    }
}

/// Applies the rule to the whole matrix on `threads` threads; the result does not depend on their
/// number.
fn aggregate<T: Value + Element>(
    matrix: &Matrix<impl Source>,
    rule: Rule,
    policy: Policy,
    threads: usize,
) -> anyhow::Result<Vec<T>> {
    rule.check(matrix.rows())?;
    match rule {
        Rule::Coordinate(rule) => columns::aggregate(matrix, rule, policy, threads),
        Rule::Vector(rule) => vectors::aggregate(matrix, rule, policy, threads),
    }
}

/// The error of a block of `width` columns whose first value is at (`row`, `column`): an index becomes
/// a row and a column of the matrix.
fn located(error: AggregateError, row: usize, column: usize, width: usize) -> anyhow::Error {
    match error {
        AggregateError::NonFinite(NonFinite { index }) => anyhow::anyhow!(
            "the value in row {}, column {} is not finite (choose --non-finite propagate or omit \
             to go on)",
            row + index / width,
            column + index % width
        ),
        other => other.into(),
    }
}
