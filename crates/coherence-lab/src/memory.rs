//! Whether what is asked for fits into this machine's memory, asked before anything is allocated.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// More memory needed than is available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} needs at least {} of memory, {} are available here (ask for less)",
    in_units(*needed),
    in_units(*available)
)]
pub struct MemoryError {
    /// What needs the memory, as a noun.
    pub what: String,
    /// Bytes needed.
    pub needed: u64,
    /// Bytes available.
    pub available: u64,
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
    match available() {
        Some(available) if needed > available => {
            Err(MemoryError { what: what.to_owned(), needed, available })
        }
        _ => Ok(()),
    }
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
    use super::in_units;

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
