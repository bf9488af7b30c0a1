//! Losses of a batch, with SUM reduction.
//!
//! Legend: m: examples, k: outputs or classes, z: outputs [m, k], p = softmax(z), y: labels \[m\],
//! t: target values [m, k].
//!
//! The loss of a batch is the SUM over its examples, so the rows of `delta` = ∂ℓ_e/∂z_e are per-example
//! gradients, not divided by m. Losses are in f64.
//!
//! A NaN or +∞ among an example's outputs makes its loss and its deltas non-finite.

mod cross_entropy;

use crate::device::{Cpu, Memory};
use coherence_cpu::Element;
use core::{fmt, str::FromStr};

/// The loss ℓ_e of an example.
///
/// | name | ℓ_e | ∂ℓ_e/∂z_j | PyTorch |
/// |---|---|---|---|
/// | `cross-entropy` | −ln p\[y\] | p\[j\] − \[j = y\] | `CrossEntropyLoss(reduction="sum")` |
/// | `cross-entropy:ε` | −(1 − ε) ln p\[y\] − ε/k Σ_j ln p\[j\] | p\[j\] − (1 − ε) \[j = y\] − ε/k | the same with `label_smoothing=ε` |
/// | `squared-error` | ½ Σ_j (z_j − t_j)² | z_j − t_j | `MSELoss(reduction="sum")`, halved |
///
/// The factor ½ of the squared error is that of GM22 (Examples 1 and 7); the error is summed over the
/// outputs, not averaged. Its target for a label is 1 for the class and 0 for the others.
///
/// Labels are smoothed as in Szegedy et al. (2016), *Rethinking the Inception Architecture for Computer
/// Vision* (arXiv 1512.00567), §7.
///
/// ```
/// use coherence_nn::loss::{Loss, Targets};
/// let loss: Loss = "squared-error".parse()?;
/// let (mut delta, mut losses) = ([0.0; 2], [0.0]);
/// let sum = loss.with_gradient(&[3.0, 1.0], Targets::Values(&[1.0, 0.0][..]), &mut delta, &mut losses);
/// assert_eq!((sum, delta), (2.5, [2.0, 1.0]));
/// assert_eq!(loss.evaluate(&[3.0, 1.0], Targets::Labels(&[0][..]), &mut losses), 2.5);
/// # Ok::<(), coherence_nn::loss::LossError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Softmax cross-entropy of labels.
    CrossEntropy {
        /// The share ε of the target that is spread over all classes, 0 ≤ ε ≤ 1.
        smoothing: f64,
    },
    /// Half the squared distance of the outputs from their targets.
    SquaredError,
}

/// Cross-entropy without smoothing.
impl Default for Loss {
    fn default() -> Self {
        Self::CrossEntropy { smoothing: 0.0 }
    }
}

/// A text that is not the name of a [`Loss`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// The name is unknown.
    #[error("unknown loss {0} (known: cross-entropy, cross-entropy:SMOOTHING, squared-error)")]
    Name(String),
    /// The smoothing is not a number from 0 to 1.
    #[error("smoothing {0} of cross-entropy (must be from 0 to 1)")]
    Smoothing(String),
}

impl FromStr for Loss {
    type Err = LossError;

    fn from_str(text: &str) -> Result<Self, LossError> {
        if let Some(smoothing) = text.strip_prefix("cross-entropy:") {
            let valid = |smoothing: &f64| (0.0..=1.0).contains(smoothing);
            return match smoothing.parse().ok().filter(valid) {
                Some(smoothing) => Ok(Self::CrossEntropy { smoothing }),
                None => Err(LossError::Smoothing(smoothing.to_owned())),
            };
        }
        match text {
            "cross-entropy" => Ok(Self::default()),
            "squared-error" => Ok(Self::SquaredError),
            _ => Err(LossError::Name(text.to_owned())),
        }
    }
}

/// The name that [`FromStr`] reads.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CrossEntropy { smoothing: 0.0 } => f.write_str("cross-entropy"),
            Self::CrossEntropy { smoothing } => write!(f, "cross-entropy:{smoothing}"),
            Self::SquaredError => f.write_str("squared-error"),
        }
    }
}

/// What the outputs of a batch are compared with, in the memory of the device.
#[derive(Debug)]
pub enum Targets<'a, T: Element, D: Memory = Cpu> {
    /// The class of each example \[m\].
    Labels(D::Slice<'a, u32>),
    /// The values of each example [m, k].
    Values(D::Slice<'a, T>),
}

impl<T: Element, D: Memory> Clone for Targets<'_, T, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element, D: Memory> Copy for Targets<'_, T, D> {}

impl Loss {
    /// Writes each example's loss to `losses` \[m\]; returns the SUM of the losses. `outputs` is
    /// [m, k]. This is the definition, on slices; [`Losses`](crate::device::Losses) are the losses of a
    /// device.
    ///
    /// # Panics
    ///
    /// If the lengths disagree, a label is not below k, or the targets of a cross-entropy are values.
    pub fn evaluate<T: Element>(
        self,
        outputs: &[T],
        targets: Targets<'_, T>,
        losses: &mut [f64],
    ) -> f64 {
        let batch = Batch::new(outputs, &targets, losses.len());
        let mut sum = 0.0;
        for (e, loss) in losses.iter_mut().enumerate() {
            let (z, target) = batch.get(e);
            *loss = match (self, target) {
                (Self::CrossEntropy { smoothing }, Target::Label(label)) => {
                    cross_entropy::loss(z, label, smoothing)
                }
                (Self::CrossEntropy { .. }, Target::Values(_)) => values_have_no_classes(),
                (Self::SquaredError, target) => half_of_squares(target.errors(z)),
            };
            sum += *loss;
        }
        sum
    }

    /// As [`evaluate`](Self::evaluate), and writes the gradient with respect to the outputs to `delta`
    /// [m, k].
    ///
    /// # Panics
    ///
    /// As [`evaluate`](Self::evaluate).
    pub fn with_gradient<T: Element>(
        self,
        outputs: &[T],
        targets: Targets<'_, T>,
        delta: &mut [T],
        losses: &mut [f64],
    ) -> f64 {
        assert_eq!(outputs.len(), delta.len(), "outputs and delta differ in length");
        let batch = Batch::new(outputs, &targets, losses.len());
        let mut sum = 0.0;
        for (e, delta) in delta.chunks_exact_mut(batch.width).enumerate() {
            let (z, target) = batch.get(e);
            losses[e] = match (self, target) {
                (Self::CrossEntropy { smoothing }, Target::Label(label)) => {
                    cross_entropy::loss_and_delta(z, label, smoothing, delta)
                }
                (Self::CrossEntropy { .. }, Target::Values(_)) => values_have_no_classes(),
                (Self::SquaredError, target) => {
                    let errors = delta.iter_mut().zip(target.errors(z));
                    errors.for_each(|(delta, error)| *delta = T::narrow(error));
                    half_of_squares(target.errors(z))
                }
            };
            sum += losses[e];
        }
        sum
    }
}

pub(crate) fn values_have_no_classes() -> ! {
    panic!("cross-entropy of target values (it needs labels; squared-error takes values)")
}

fn half_of_squares(errors: impl Iterator<Item = f64>) -> f64 {
    0.5 * errors.map(|error| error * error).sum::<f64>()
}

/// Outputs with their targets, of checked lengths.
struct Batch<'a, T: Element> {
    outputs: &'a [T],
    targets: Targets<'a, T>,
    /// The number of outputs k.
    width: usize,
}

/// The target of one example.
#[derive(Clone, Copy)]
enum Target<'a, T> {
    Label(usize),
    Values(&'a [T]),
}

impl<'a, T: Element> Batch<'a, T> {
    fn new(outputs: &'a [T], targets: &'a Targets<'_, T>, m: usize) -> Self {
        let width = outputs.len().checked_div(m).unwrap_or(1);
        assert_eq!(outputs.len(), m * width, "outputs are not [m, k]");
        let targets = match *targets {
            Targets::Labels(labels) => {
                assert_eq!(labels.len(), m, "labels and losses differ in length");
                Targets::Labels(labels)
            }
            Targets::Values(values) => {
                assert_eq!(values.len(), outputs.len(), "targets and outputs differ in length");
                Targets::Values(values)
            }
        };
        Self { outputs, targets, width }
    }

    fn get(&self, e: usize) -> (&'a [T], Target<'a, T>) {
        let k = self.width;
        let target = match self.targets {
            Targets::Labels(labels) => {
                let label = labels[e] as usize;
                assert!(label < k, "label {label} of example {e} is not below {k}");
                Target::Label(label)
            }
            Targets::Values(values) => Target::Values(&values[e * k..][..k]),
        };
        (&self.outputs[e * k..][..k], target)
    }
}

impl<'a, T: Element> Target<'a, T> {
    /// z − t for each output.
    fn errors(self, z: &'a [T]) -> impl Iterator<Item = f64> {
        z.iter().enumerate().map(move |(j, z)| match self {
            Self::Label(label) => z.widen() - f64::from(u8::from(j == label)),
            Self::Values(values) => z.widen() - values[j].widen(),
        })
    }
}

/// The index of the largest value; the first of equal ones; 0 if the first value is NaN.
///
/// ```
/// assert_eq!(coherence_nn::loss::argmax(&[1.0, 3.0, 3.0]), 1);
/// ```
///
/// # Panics
///
/// If `row` is empty.
pub fn argmax<T: Element>(row: &[T]) -> usize {
    assert!(!row.is_empty(), "argmax of no values");
    (1..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best })
}

/// Whether the logits `row` \[k\] of an example predict its label: the label's is the largest, of equal ones the
/// first. Logits that are not all finite, as after divergence, predict nothing.
///
/// ```
/// use coherence_nn::loss::is_correct;
/// assert!(is_correct(&[1.0, 3.0, 3.0], 1) && !is_correct(&[1.0, 3.0, 3.0], 2));
/// assert!(!is_correct(&[f32::NAN, 3.0], 0));
/// ```
///
/// # Panics
///
/// If `row` is empty.
pub fn is_correct<T: Element>(row: &[T], label: u32) -> bool {
    argmax(row) == label as usize && row.iter().all(|z| z.is_finite())
}
