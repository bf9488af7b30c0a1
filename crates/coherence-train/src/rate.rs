//! Schedules of the learning rate.

use core::{f64::consts::PI, fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// How the learning rate changes during training: the rate of mini-batch t is η · [`factor`](Self::factor).
///
/// | text | factor at mini-batch t = 0, 1, … of T, after W mini-batches of warm-up | PyTorch |
/// |---|---|---|
/// | `constant` | 1 | `ConstantLR(factor=1)` |
/// | `steps:A,B,…` | 1/10 for each of the steps A, B, … with A ≤ t | `MultiStepLR([A, B, …], 0.1)` |
/// | `steps:A,B,…/D` | 1/D for each | `MultiStepLR([A, B, …], 1/D)` |
/// | `cosine` | (1 + cos(π (t − W)/(T − W)))/2, and 1 for t < W | `CosineAnnealingLR(T − W)` |
///
/// A linear warm-up multiplies the factor of the first W mini-batches by (t + 1)/W: PyTorch's
/// `LinearLR(start_factor=1/W, total_iters=W − 1)`. The steps A, B, … count from the beginning of training,
/// warm-up included.
///
/// ```
/// use coherence_train::RateSchedule;
/// let schedule: RateSchedule = "steps:40,60".parse()?;
/// let rates = [0, 39, 40, 60].map(|step| 0.1 * schedule.factor(step, 100, 0));
/// assert_eq!(rates.map(|rate| (rate * 1e6).round() / 1e6), [0.1, 0.1, 0.01, 0.001]);
/// assert_eq!(RateSchedule::Cosine.factor(50, 100, 0), 0.5 + 0.5 * f64::cos(0.5 * core::f64::consts::PI));
/// assert_eq!(RateSchedule::Constant.factor(1, 100, 4), 0.5); // the second of four of warm-up
/// # Ok::<(), coherence_train::RateScheduleError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RateSchedule {
    /// The same rate at every step.
    #[default]
    Constant,
    /// The rate is divided at some steps.
    Steps {
        /// The mini-batches from which on the rate is divided once more, ascending.
        at: Vec<u64>,
        /// The divisor, positive and finite.
        divisor: f64,
    },
    /// Half a period of a cosine, from 1 towards 0 at the end of training.
    Cosine,
}

/// A text that is not a [`RateSchedule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no schedule: {reason} (write constant, cosine, steps:A,B,… or steps:A,B,…/DIVISOR)"
)]
pub struct RateScheduleError {
    /// The text.
    pub text: String,
    /// The cause.
    pub reason: &'static str,
}

/// The divisor of the literature.
const DIVISOR: f64 = 10.0;

impl RateSchedule {
    /// The factor of the rate of mini-batch `step`, counted from 0, of a run of `steps` mini-batches with
    /// `warmup` mini-batches of linear warm-up.
    pub fn factor(&self, step: u64, steps: u64, warmup: u64) -> f64 {
        let shape = match self {
            Self::Constant => 1.0,
            Self::Steps { at, divisor } => {
                at.iter().filter(|&&at| at <= step).fold(1.0, |factor, _| factor / divisor)
            }
            Self::Cosine => match step.checked_sub(warmup) {
                Some(after) => {
                    let part = after as f64 / steps.saturating_sub(warmup) as f64;
                    0.5 + 0.5 * (PI * part).cos()
                }
                None => 1.0,
            },
        };
        if step < warmup { shape * ((step + 1) as f64 / warmup as f64) } else { shape }
    }
}

impl FromStr for RateSchedule {
    type Err = RateScheduleError;

    fn from_str(text: &str) -> Result<Self, RateScheduleError> {
        let refused = |reason| RateScheduleError { text: text.to_owned(), reason };
        match text {
            "constant" => return Ok(Self::Constant),
            "cosine" => return Ok(Self::Cosine),
            _ => {}
        }
        let steps = text.strip_prefix("steps:").ok_or_else(|| refused("unknown name"))?;
        let (at, divisor) = match steps.split_once('/') {
            Some((at, divisor)) => (at, divisor.parse().unwrap_or(f64::NAN)),
            None => (steps, DIVISOR),
        };
        if !(divisor.is_finite() && divisor > 0.0) {
            return Err(refused("the divisor is not a positive number"));
        }
        let at: Option<Vec<u64>> = at.split(',').map(|step| step.parse().ok()).collect();
        let at = at.ok_or_else(|| refused("a step is not a whole number"))?;
        if at.windows(2).any(|pair| pair[1] <= pair[0]) {
            return Err(refused("the steps do not ascend"));
        }
        Ok(Self::Steps { at, divisor })
    }
}

/// The text that [`FromStr`] reads.
impl fmt::Display for RateSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Cosine => f.write_str("cosine"),
            Self::Steps { at, divisor } => {
                let at: Vec<String> = at.iter().map(u64::to_string).collect();
                write!(f, "steps:{}", at.join(","))?;
                if *divisor == DIVISOR { Ok(()) } else { write!(f, "/{divisor}") }
            }
        }
    }
}

impl TryFrom<String> for RateSchedule {
    type Error = RateScheduleError;

    fn try_from(text: String) -> Result<Self, RateScheduleError> {
        text.parse()
    }
}

impl From<RateSchedule> for String {
    fn from(schedule: RateSchedule) -> Self {
        schedule.to_string()
    }
}
