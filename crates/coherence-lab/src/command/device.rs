//! `--device`: where a command computes.

#[cfg(feature = "cuda")]
mod cuda;

use std::fmt;
use std::str::FromStr;

use clap::Args;

use coherence_nn::device::{Cpu, Device};

/// The option of commands that compute.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct On {
    /// Where to compute: cpu, or cuda:N, the NVIDIA GPU of number N
    #[arg(long, default_value_t = Place::Cpu, value_name = "DEVICE")]
    device: Place,
}

/// A device by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Cpu,
    Cuda(usize),
}

/// A text that names no device.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown device {0} (known: cpu, and cuda:N for the GPU of number N = 0, 1, …)")]
struct UnknownDevice(String);

impl FromStr for Place {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        let gpu = || text.strip_prefix("cuda:")?.parse().ok().map(Self::Cuda);
        let place = if text == "cpu" { Some(Self::Cpu) } else { gpu() };
        place.ok_or_else(|| UnknownDevice(text.to_owned()))
    }
}

/// The name that [`FromStr`] reads.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// What can be computed on any device.
pub(super) trait Work {
    /// The result.
    type Output;

    /// Computes it on `device`, in either precision.
    fn on<D: Device<f32> + Device<f64>>(self, device: D) -> anyhow::Result<Self::Output>;
}

impl On {
    /// Does the work on the device that was asked for.
    ///
    /// # Errors
    ///
    /// If the device cannot be opened or fails during the work, and those of the work itself.
    pub(super) fn run<W: Work>(&self, work: W) -> anyhow::Result<W::Output> {
        match self.device {
            Place::Cpu => work.on(Cpu::detect()),
            #[cfg(feature = "cuda")]
            Place::Cuda(number) => cuda::run(number, work),
            #[cfg(not(feature = "cuda"))]
            Place::Cuda(_) => Err(self.not_built()),
        }
    }

    /// Refuses every device but the processor for `what`. If the device cannot be opened, the error says why.
    pub(super) fn needs_processor(&self, what: &str) -> anyhow::Result<()> {
        match self.device {
            Place::Cpu => Ok(()),
            #[cfg(feature = "cuda")]
            Place::Cuda(number) => {
                cuda::open(number)?;
                anyhow::bail!(
                    "{what} on the processor only: take --device cpu, not {}",
                    self.device
                )
            }
            #[cfg(not(feature = "cuda"))]
            Place::Cuda(_) => {
                Err(self.not_built().context(format!("{what} on the processor only")))
            }
        }
    }

    #[cfg(not(feature = "cuda"))]
    fn not_built(&self) -> anyhow::Error {
        anyhow::anyhow!(
            "this program was built without {} (build it with --features cuda, or take --device cpu)",
            self.device
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_name_that_it_is_read_from() {
        for (name, place) in
            [("cpu", Place::Cpu), ("cuda:0", Place::Cuda(0)), ("cuda:12", Place::Cuda(12))]
        {
            assert_eq!((name.parse(), place.to_string()), (Ok(place), name.to_owned()));
        }
        for name in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            assert_eq!(name.parse::<Place>(), Err(UnknownDevice(name.to_owned())));
        }
    }
}
