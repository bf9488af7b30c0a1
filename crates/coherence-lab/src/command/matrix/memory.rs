//! Allocations whose size depends on a file: if memory does not suffice, an error names the purpose.

use anyhow::{Result, bail};

use coherence_lab::memory::available;

/// Allocations smaller than this are not checked against the free memory.
const SMALL: usize = 1 << 26;

/// `len` zeros for `what`.
///
/// # Errors
/// If the machine does not have as much free memory; the message gives both sizes.
pub(crate) fn zeros<T: Default + Clone>(len: usize, what: &str) -> Result<Vec<T>> {
    let needed = len.checked_mul(size_of::<T>());
    let needed = needed.ok_or_else(|| anyhow::anyhow!("{what}: {len} values are too many"))?;
    if needed >= SMALL {
        check(needed, what)?;
    }
    // The limit of the process can only be found by trying. The buffer is freed at once: the one
    // returned then consists of fresh zero pages, mapped by the thread that fills them.
    if Vec::<T>::new().try_reserve_exact(len).is_err() {
        bail!("{what} needs {}, which this process may not have", size(needed as u64));
    }
    Ok(vec![T::default(); len])
}

fn check(needed: usize, what: &str) -> Result<()> {
    // Where the free memory is not known the process's own limits still apply.
    match available() {
        Some(free) if needed as u64 > free => {
            bail!("{what} needs {} of memory, {} are free", size(needed as u64), size(free))
        }
        _ => Ok(()),
    }
}

/// A number of bytes in a suitable unit.
fn size(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = (bytes.max(1).ilog2() / 10) as usize;
    if power == 0 {
        return format!("{bytes} bytes");
    }
    format!("{:.1} {}", bytes as f64 / 1024_f64.powi(power as i32), units[power])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_memory_than_any_machine_has_is_refused_with_both_sizes() {
        let error = zeros::<f64>(1 << 55, "the matrix").unwrap_err().to_string();
        assert!(error.starts_with("the matrix needs 256.0 PiB of memory, "), "{error}");
        assert!(error.ends_with(" are free"), "{error}");
        let error = zeros::<f64>(usize::MAX, "the matrix").unwrap_err().to_string();
        assert!(error.contains("too many"), "{error}");
        assert_eq!(zeros::<f32>(3, "three").unwrap(), [0.0; 3]);
    }
}
