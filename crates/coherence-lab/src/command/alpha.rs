//! `coherence alpha`.
//!
//! m: rows, one gradient each; d: columns.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use coherence_core::finite::NonFinite;
use coherence_core::unbiased::jackknife;
use coherence_core::{Coherence, Member, Sums};
use coherence_data::matrix::Matrix;

use crate::output::{self, Status};

/// Values held at once: 32 MiB as f64.
const MOST_VALUES: usize = 1 << 22;
/// Columns held at once; the file is read in runs of as many values.
const MOST_COLUMNS: usize = 1 << 18;

/// Measure the coherence of the rows of a matrix from any framework
///
/// FILE is .npy (f2, f4, f8) or safetensors, one row per example: the gradient of its loss, not
/// divided by the number of examples. It is read by blocks, twice if it is large, and may be larger
/// than memory. Values that are NaN or infinite are refused.
#[derive(Debug, Args)]
pub(crate) struct Alpha {
    /// The matrix
    file: PathBuf,
    /// The tensor of a safetensors file that holds several
    #[arg(long)]
    tensor: Option<String>,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Alpha {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let mut matrix = Matrix::open(&self.file, self.tensor.as_deref())?;
        let measured = measure(&mut matrix)
            .with_context(|| format!("{} could not be measured", self.file.display()))?;
        output::result(self.json, &measured)?;
        Ok(Status::Holds)
    }
}

/// What is printed; the names are those of the JSON.
#[derive(Serialize)]
struct Measured {
    m: u64,
    d: usize,
    alpha: f64,
    m_coherence: f64,
    /// `None` for fewer than two rows.
    alpha_unbiased: Option<f64>,
    /// Of `alpha_unbiased`, by the jackknife; `None` for fewer than three rows.
    standard_error: Option<f64>,
    sum_sq_norms: f64,
    sq_norm_of_sum: f64,
}

/// α of the matrix, from one block of columns after the other: memory O(block + m).
fn measure(matrix: &mut Matrix) -> anyhow::Result<Measured> {
    let (m, d) = (matrix.rows(), matrix.cols());
    let mut whole = Coherence { m: m as u64, sq_norm_of_sum: 0.0, sum_sq_norms: 0.0 };
    let mut members = vec![Member { dot_with_sum: 0.0, sq_norm: 0.0 }; m];
    for start in (0..d).step_by(MOST_COLUMNS) {
        let end = d.min(start + MOST_COLUMNS);
        let part = Columns::new(matrix, start, end).add_to(&mut members)?;
        whole.sq_norm_of_sum += part.sq_norm_of_sum;
        whole.sum_sq_norms += part.sum_sq_norms;
    }
    Ok(Measured {
        m: whole.m,
        d,
        alpha: whole.alpha(),
        m_coherence: whole.m_coherence(),
        alpha_unbiased: Some(whole.alpha_debiased()).filter(|x| !x.is_nan()),
        standard_error: Some(jackknife(whole, members).standard_error).filter(|x| !x.is_nan()),
        sum_sq_norms: whole.sum_sq_norms,
        sq_norm_of_sum: whole.sq_norm_of_sum,
    })
}

/// A block of columns, walked in chunks of rows.
struct Columns<'m> {
    matrix: &'m mut Matrix,
    start: usize,
    end: usize,
    /// Rows read at once.
    rows: usize,
    chunk: Vec<f64>,
    /// The first row of what `chunk` holds; rows read at once are not read again.
    held: Option<usize>,
}

impl<'m> Columns<'m> {
    fn new(matrix: &'m mut Matrix, start: usize, end: usize) -> Self {
        let rows = (MOST_VALUES / (end - start)).clamp(1, matrix.rows().max(1));
        Self { matrix, start, end, rows, chunk: Vec::new(), held: None }
    }

    /// The coherence of these columns; each row's dot with their sum and squared norm are added to `members`.
    fn add_to(mut self, members: &mut [Member]) -> anyhow::Result<Coherence> {
        let start = self.start;
        let mut sums = Sums::zeros(self.end - start);
        self.each_row(|i, row| {
            sums.add(row).or_else(|NonFinite { index }| {
                bail!("the value in row {i}, column {} is not finite", start + index)
            })
        })?;
        self.each_row(|i, row| {
            if let Some(member) = sums.member(row)? {
                members[i].dot_with_sum += member.dot_with_sum;
                members[i].sq_norm += member.sq_norm;
            }
            Ok(())
        })?;
        Ok(sums.coherence())
    }

    fn each_row(
        &mut self,
        mut visit: impl FnMut(usize, &[f64]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (n, width) = (self.matrix.rows(), self.end - self.start);
        for first in (0..n).step_by(self.rows) {
            let last = n.min(first + self.rows);
            if self.held != Some(first) {
                self.chunk.resize((last - first) * width, 0.0);
                self.matrix.read(first..last, self.start..self.end, &mut self.chunk)?;
                self.held = Some(first);
            }
            for (i, row) in self.chunk.chunks_exact(width).enumerate() {
                visit(first + i, row)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |x: Option<f64>| x.map_or("-".to_owned(), |x| x.to_string());
        writeln!(f, "examples m            {}", self.m)?;
        writeln!(f, "parameters d          {}", self.d)?;
        writeln!(f, "alpha                 {}", self.alpha)?;
        writeln!(f, "m-coherence           {}", self.m_coherence)?;
        writeln!(f, "alpha, de-biased      {}", or_none(self.alpha_unbiased))?;
        writeln!(f, "its standard error    {}", or_none(self.standard_error))?;
        writeln!(f, "sum of squared norms  {}", self.sum_sq_norms)?;
        writeln!(f, "squared norm of sum   {}", self.sq_norm_of_sum)
    }
}
