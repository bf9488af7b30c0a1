//! Whether what is asked for fits into this machine's memory, asked before anything is allocated.

use coherence_nn::Graph;
use coherence_nn::device::{Device, Memory};
use coherence_train::Config;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// More memory needed than is available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} needs at least {} of memory, {} are available {} (ask for less)",
    in_units(*needed),
    in_units(*available),
    device.as_ref().map_or("here".to_owned(), |name| format!("on {name}"))
)]
pub struct MemoryError {
    /// What needs the memory, as a noun.
    pub what: String,
    /// Bytes needed.
    pub needed: u64,
    /// Bytes available.
    pub available: u64,
    /// The accelerator whose memory it is; `None` for this machine's.
    pub device: Option<String>,
}

/// Bytes of memory that work needs at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// For the examples, which the host holds.
    pub data: u64,
    /// For the network and what is computed with it, which the device holds.
    pub network: u64,
}

impl Needed {
    /// What [training](Config::memory) needs, with training and test sets of `examples` \[2\].
    pub fn in_training<D: Device<f32>>(
        config: &Config,
        network: &Graph<f32, D>,
        examples: [usize; 2],
    ) -> Self {
        let (all, network) = (config.memory(network, examples), config.memory(network, [0, 0]));
        Self { data: all - network, network }
    }

    /// What both need at the same time.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            data: self.data.saturating_add(other.data),
            network: self.network.saturating_add(other.network),
        }
    }

    /// Bytes where the device's memory is that of the host.
    pub fn total(self) -> u64 {
        self.data.saturating_add(self.network)
    }

    /// Whether the memory is available for `what`, a noun that begins the message: all of it here, or that of the
    /// network on a device that has its own. Where the available memory is not known nothing is refused.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] if not.
    pub fn check(self, what: &str, device: &impl Memory) -> Result<(), MemoryError> {
        let Some(free) = device.free_bytes() else { return check(what, self.total()) };
        check(what, self.data)?;
        compare(what, self.network, free, device.name())
    }
}

/// Whether `needed` bytes are available for `what`, a noun that begins the message.
///
/// Where the [`available`] memory is not known nothing is refused.
///
/// ```
/// use coherence_lab::memory;
/// assert!(memory::check("a small network", 1 << 20).is_ok());
/// let error = memory::check("a network of widths 784,99999999,10", u64::MAX).unwrap_err();
/// assert!(error.to_string().starts_with("a network of widths 784,99999999,10 needs at least 16.0 EiB"));
/// ```
///
/// # Errors
///
/// [`MemoryError`] if not.
pub fn check(what: &str, needed: u64) -> Result<(), MemoryError> {
    available().map_or(Ok(()), |available| compare(what, needed, available, None))
}

fn compare(
    what: &str,
    needed: u64,
    available: u64,
    device: Option<&str>,
) -> Result<(), MemoryError> {
    if needed <= available {
        return Ok(());
    }
    let (what, device) = (what.to_owned(), device.map(str::to_owned));
    Err(MemoryError { what, needed, available, device })
}

/// Bytes that the operating system can hand out without swapping, or that are left to this process's
/// control group if that is less; `None` where neither is known.
pub fn available() -> Option<u64> {
    let wanted = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok()?;
    let of_group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    Some(system.available_memory().min(of_group)).filter(|&bytes| bytes > 0)
}

/// Bytes in the largest unit of which there is one, to three or four digits.
pub fn in_units(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = bytes.max(1).ilog2() / 10;
    let value = bytes as f64 / 1024_f64.powi(unit as i32);
    let decimals = if unit == 0 || value >= 100.0 { 0 } else { 1 };
    format!("{value:.decimals$} {}", units[unit as usize])
}

#[cfg(test)]
mod tests {
    use super::{compare, in_units};

    #[test]
    fn memory_of_an_accelerator_is_refused_with_its_name() {
        assert_eq!(compare("a run", 1 << 30, 1 << 30, Some("NVIDIA H100")), Ok(()));
        let error = compare("a run", 3 << 30, 1 << 30, Some("NVIDIA H100")).unwrap_err();
        let expected = "a run needs at least 3.0 GiB of memory, 1.0 GiB are available on NVIDIA H100 (ask for less)";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn bytes_are_told_in_the_largest_unit_of_which_there_is_one() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536 << 20, "1.5 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(in_units(bytes), expected);
        }
    }
}
