//! Allocations whose size depends on a file: if memory does not suffice, an error names the purpose.

use anyhow::{Context, Result};

use crate::memory;

/// Allocations smaller than this are not checked against the free memory.
const SMALL: usize = 1 << 26;

/// `len` zeros for `what`, a noun that begins the message.
///
/// # Errors
/// If the machine does not have as much free memory, or this process may not have it.
pub(crate) fn zeros<T: Default + Clone>(len: usize, what: &str) -> Result<Vec<T>> {
    check::<T>(len, what)?;
    // The limit of the process can only be found by trying. The buffer is freed at once: the one
    // returned then consists of fresh zero pages, mapped by the thread that fills them.
    Vec::<T>::new().try_reserve_exact(len).with_context(|| format!("{what}: {len} values"))?;
    Ok(vec![T::default(); len])
}

/// Whether the machine has as much free memory as `len` values for `what` need.
///
/// # Errors
/// If it has not.
pub(crate) fn check<T>(len: usize, what: &str) -> Result<()> {
    let needed = len.checked_mul(size_of::<T>());
    let needed = needed.with_context(|| format!("{what}: {len} values are too many"))?;
    if needed >= SMALL {
        memory::check(what, needed as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_memory_than_any_machine_has_is_refused_with_both_sizes() {
        let error = zeros::<f64>(1 << 55, "the matrix").unwrap_err().to_string();
        assert!(error.starts_with("the matrix needs at least 256 PiB of memory, "), "{error}");
        let error = zeros::<f64>(usize::MAX, "the matrix").unwrap_err().to_string();
        assert!(error.contains("too many"), "{error}");
        assert_eq!(zeros::<f32>(3, "three").unwrap(), [0.0; 3]);
    }
}
