//! Work on an NVIDIA GPU.

use std::any::Any;
use std::env;
use std::panic::{self, AssertUnwindSafe};

use coherence_cuda::{Driver, DriverError};
use coherence_nn::device::Cuda;

use super::Work;

/// A failure of the device during an operation. Operations return no errors: they panic with the cause and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DeviceFailed(String);

/// Does the work on the GPU of this number.
pub(super) fn run<W: Work>(number: usize, work: W) -> anyhow::Result<W::Output> {
    let device = Cuda::new(open(number)?);
    unless_it_fails(|| work.on(device))
}

/// The GPU of this number.
pub(super) fn open(number: usize) -> Result<Driver, DriverError> {
    Driver::new(number)
}

/// Calls `work`. A panic becomes an error with its message; the place of the panic and a backtrace are printed only if
/// RUST_BACKTRACE is set.
fn unless_it_fails<R>(work: impl FnOnce() -> anyhow::Result<R>) -> anyhow::Result<R> {
    let is_quiet = env::var_os("RUST_BACKTRACE").is_none();
    if is_quiet {
        panic::set_hook(Box::new(|_| {}));
    }
    let ended = panic::catch_unwind(AssertUnwindSafe(work));
    if is_quiet {
        drop(panic::take_hook());
    }
    ended.unwrap_or_else(|payload| Err(DeviceFailed(message(&*payload)).into()))
}

/// The message of a panic.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("the computation failed without a message (set RUST_BACKTRACE=1 to see where)")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_device_is_an_error_with_its_message() {
        let found = unless_it_fails(|| Ok(rayon::scope(|_| 3))).unwrap();
        assert_eq!(found, 3);
        let bytes = 5;
        let fails =
            || -> anyhow::Result<()> { rayon::scope(|_| panic!("no memory for {bytes} bytes")) };
        let error = unless_it_fails(fails).unwrap_err();
        assert!(error.is::<DeviceFailed>() && error.to_string() == "no memory for 5 bytes");
        let error = unless_it_fails(|| -> anyhow::Result<()> { panic!("too old") }).unwrap_err();
        assert_eq!(error.to_string(), "too old");
    }
}
