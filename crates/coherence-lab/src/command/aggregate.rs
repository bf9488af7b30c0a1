//! `coherence aggregate`.
//!
//! n: rows, one vector each; d: columns.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;

use coherence_core::aggregate::{
    AggregateError, Coordinatewise, Rows, Rule, ScratchBuffer, VectorRule,
};
use coherence_core::finite::{NonFinite, Policy};
use coherence_data::matrix::{Dtype, Matrix, Value, write_vector};
use num_traits::Float;

use crate::output::{self, Status};

/// Values of a block of columns: 16 MiB as f32.
const MOST_VALUES: usize = 1 << 22;

/// Aggregate the rows of a matrix from any framework to one vector
///
/// FILE is .npy (f2, f4, f8) or safetensors. Sums run in f64; the result has the input's precision (f4
/// for f2). For rules by coordinate the file is read by blocks of columns and may be larger than
/// memory; the others (krum, geometric-median and so on) hold it whole.
#[derive(Debug, Args)]
#[command(after_help = rules())]
pub(crate) struct Aggregate {
    /// The matrix
    file: PathBuf,
    /// How to aggregate: one of the rules below
    #[arg(long)]
    rule: Rule,
    /// Where to write the vector: .npy or .safetensors [default: stdout, as text]
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// What to do with NaN and infinite values
    #[arg(long, value_enum, default_value_t)]
    non_finite: NonFiniteValues,
    /// The tensor of a safetensors file that holds several
    #[arg(long)]
    tensor: Option<String>,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
}

/// [`Policy`] on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum NonFiniteValues {
    /// Refuse, and say where the first is
    #[default]
    Error,
    /// Compute with them, as IEEE arithmetic has it
    Propagate,
    /// Leave them out: the value for a rule by coordinate, else the whole row
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

/// The rules, one a line, for `--help`.
fn rules() -> String {
    let width = Rule::FORMS.iter().map(|(form, _)| form.len()).max().unwrap_or(0);
    let line = |(form, meaning): &(&str, &str)| format!("  {form:width$}  {meaning}");
    let lines: Vec<String> = Rule::FORMS.iter().map(line).collect();
    format!("Rules (of n rows, F of them bad at most):\n{}", lines.join("\n"))
}

impl Aggregate {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let mut matrix = Matrix::open(&self.file, self.tensor.as_deref())?;
        let shape = (matrix.rows(), matrix.cols());
        let result = match matrix.dtype() {
            Dtype::F64 => self.finish::<f64>(&mut matrix, shape)?,
            Dtype::F16 | Dtype::BF16 | Dtype::F32 => self.finish::<f32>(&mut matrix, shape)?,
        };
        output::result(self.json, &result)?;
        Ok(Status::Holds)
    }

    /// Aggregates in the precision `T`, and writes the file if one is asked for.
    fn finish<T: Value + Float>(
        &self,
        matrix: &mut Matrix,
        (n, d): (usize, usize),
    ) -> anyhow::Result<Outcome> {
        let values: Vec<T> = aggregate(matrix, self.rule, self.non_finite.into())
            .with_context(|| format!("{} could not be aggregated", self.file.display()))?;
        let out = match &self.out {
            Some(path) => {
                write_vector(path, "aggregate", &values)?;
                Output::File(path.clone())
            }
            None => Output::Values(values.iter().map(|x| Number::of(*x)).collect()),
        };
        Ok(Outcome { rule: self.rule.to_string(), n, d, out })
    }
}

/// The rule over a whole matrix.
fn aggregate<T: Value + Float>(
    matrix: &mut Matrix,
    rule: Rule,
    policy: Policy,
) -> anyhow::Result<Vec<T>> {
    let (n, d) = (matrix.rows(), matrix.cols());
    let mut out = vec![T::zero(); d];
    match rule {
        Rule::Coordinate(rule) => {
            let width = (MOST_VALUES / n.max(1)).max(1);
            for start in (0..d).step_by(width) {
                let end = d.min(start + width);
                block(matrix, &Coordinatewise(rule), policy, start, &mut out[start..end])?;
            }
        }
        Rule::Vector(rule) => block(matrix, &rule, policy, 0, &mut out)?,
    }
    Ok(out)
}

/// The rule over the columns from `start` on, as many as `out` has.
fn block<T: Value + Float>(
    matrix: &mut Matrix,
    rule: &impl VectorRule<T>,
    policy: Policy,
    start: usize,
    out: &mut [T],
) -> anyhow::Result<()> {
    let (n, width) = (matrix.rows(), out.len());
    let mut values = vec![T::zero(); n * width];
    matrix.read(0..n, start..start + width, &mut values)?;
    let mut scratch = ScratchBuffer::new(rule.scratch_len(n, width));
    let rows = Rows::matrix(&values, width)?;
    rule.aggregate(rows, policy, scratch.as_scratch(), out).map_err(|error| match error {
        AggregateError::NonFinite(NonFinite { index }) => anyhow::anyhow!(
            "the value in row {}, column {} is not finite (choose --non-finite propagate or omit to go on)",
            index / width,
            start + index % width
        ),
        other => other.into(),
    })
}

/// What was done, for people and machines.
#[derive(Serialize)]
struct Outcome {
    rule: String,
    n: usize,
    d: usize,
    #[serde(flatten)]
    out: Output,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Output {
    File(PathBuf),
    Values(Vec<Number>),
}

/// A value in the shortest digits of its own precision; JSON has null for what is not finite.
#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Single(f32),
    Double(f64),
}

impl Number {
    fn of<T: Value + Float>(x: T) -> Self {
        match (T::DTYPE, x.to_f32(), x.to_f64()) {
            (Dtype::F32, Some(x), _) => Self::Single(x),
            (_, _, x) => Self::Double(x.unwrap_or(f64::NAN)),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(x) => x.fmt(f),
            Self::Double(x) => x.fmt(f),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.out {
            Output::File(path) => {
                let path: &Path = path;
                writeln!(
                    f,
                    "{} of {} × {} values is in {}",
                    self.rule,
                    self.n,
                    self.d,
                    path.display()
                )
            }
            Output::Values(values) => values.iter().try_for_each(|x| writeln!(f, "{x}")),
        }
    }
}
