//! `coherence alpha`.
//!
//! m: rows (one gradient each), d: columns.

mod measure;
mod on_device;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use coherence_core::Coherence;
use coherence_core::unbiased::Estimate;
use coherence_cpu::Element;
use coherence_data::matrix::{Dtype, Matrix, Source, Value};
use coherence_nn::device::Device;

use super::device::{On, Work};
use super::matrix::number::Number;
use super::matrix::scale::{PowerOfTwo, Square};
use super::matrix::told::Told;
use super::matrix::workers;
use crate::output::{self, Status};
use crate::watch::Progress;
use measure::measure;

/// Measure the coherence of the rows of a matrix from any framework
///
/// FILE is .npy (f2, f4, f8, in C or Fortran order) or safetensors (F16, BF16, F32, F64), one row per
/// example: the gradient of its own loss, not divided by the number of examples. alpha is
/// |sum g|^2 / (m sum |g|^2): 1 if all gradients are equal, about 1/m if they are orthogonal. The file
/// is read twice, in blocks, and may be larger than memory. NaN and infinite values are refused. With --device cuda:N a
/// GPU measures blocks of whole rows; sums differ by rounding.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coherence alpha gradients.npy --json")]
pub(crate) struct Alpha {
    /// The matrix
    file: PathBuf,
    /// Name of the tensor, if a safetensors file has several
    #[arg(long)]
    tensor: Option<String>,
    #[command(flatten)]
    on: On,
    /// JSON instead of text
    #[arg(long)]
    json: bool,
    /// No progress on stderr, which a command of more than two seconds shows
    #[arg(long, short)]
    quiet: bool,
}

impl Alpha {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        super::workers::refuse("alpha", "start it without mpirun: it uses all cores")?;
        let on = self.on;
        on.run(self)
    }

    fn measure<D: Device<f32> + Device<f64>>(&self, device: &D) -> anyhow::Result<Measured> {
        let matrix = Matrix::open(&self.file, self.tensor.as_deref())?;
        let matrix = matrix.through(|file| Told::new(file, "alpha", Progress::new(self.quiet)));
        let measured = match matrix.dtype() {
            Dtype::F64 => measure_on::<f64, D>(device, &matrix),
            Dtype::F16 | Dtype::BF16 | Dtype::F32 => measure_on::<f32, D>(device, &matrix),
        };
        measured.with_context(|| format!("{} could not be measured", self.file.display()))
    }
}

impl Work for Alpha {
    type Output = Status;

    fn on<D: Device<f32> + Device<f64>>(self, device: D) -> anyhow::Result<Status> {
        output::result(self.json, &self.measure(&device)?)?;
        Ok(Status::Holds)
    }
}

fn measure_on<T: Value + Element, D: Device<T>>(
    device: &D,
    matrix: &Matrix<impl Source>,
) -> anyhow::Result<Measured> {
    match device.name() {
        None => measure::<T>(matrix, workers::threads()),
        Some(name) => on_device::measure(device, name, matrix, workers::threads()),
    }
}

/// The values printed. The field names are those of the JSON, in which non-finite values are null.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Measured {
    m: u64,
    d: usize,
    alpha: f64,
    m_coherence: f64,
    /// NaN (JSON: null) for fewer than two rows.
    alpha_debiased: f64,
    /// Jackknife standard error of `alpha_debiased`; NaN (JSON: null) for fewer than three rows.
    standard_error: f64,
    sum_sq_norms: Square,
    sq_norm_of_sum: Square,
}

impl Measured {
    /// From `whole` and `estimate` of rows scaled by `scale`.
    fn new(whole: Coherence, d: usize, estimate: Estimate, scale: PowerOfTwo) -> Self {
        Self {
            m: whole.m,
            d,
            alpha: whole.alpha(),
            m_coherence: whole.m_coherence(),
            alpha_debiased: whole.alpha_debiased(),
            standard_error: estimate.standard_error,
            sum_sq_norms: scale.undo_square(whole.sum_sq_norms),
            sq_norm_of_sum: scale.undo_square(whole.sq_norm_of_sum),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |x: f64| {
            if x.is_nan() { "-".to_owned() } else { Number::Double(x).to_string() }
        };
        writeln!(f, "examples m            {}", self.m)?;
        writeln!(f, "parameters d          {}", self.d)?;
        writeln!(f, "alpha                 {}", number(self.alpha))?;
        writeln!(f, "m-coherence           {}", number(self.m_coherence))?;
        writeln!(f, "alpha, de-biased      {}", number(self.alpha_debiased))?;
        writeln!(f, "its standard error    {}", number(self.standard_error))?;
        writeln!(f, "sum of squared norms  {}", self.sum_sq_norms)?;
        writeln!(f, "squared norm of sum   {}", self.sq_norm_of_sum)
    }
}
