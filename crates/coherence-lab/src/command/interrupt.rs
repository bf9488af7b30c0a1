//! Ctrl-C and SIGTERM: what runs saves itself and ends.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use crate::output::Status;
use crate::watch;

/// Raised by the first signal.
static STOP: AtomicBool = AtomicBool::new(false);

/// How long runs may take to save themselves.
const GRACE: Duration = Duration::from_secs(30);

/// Watches for signals; the flag is raised by the first one.
pub(super) fn flag() -> anyhow::Result<&'static AtomicBool> {
    ctrlc::set_handler(stop).context("cannot watch for Ctrl-C")?;
    Ok(&STOP)
}

/// On the first signal runs save themselves and end; on a second, or when they take too long, the
/// process ends at once, which costs each run the steps since its last checkpoint.
fn stop() {
    if STOP.swap(true, Ordering::Relaxed) {
        process::exit(Status::CouldNotRun.code().into());
    }
    thread::spawn(|| {
        thread::sleep(GRACE);
        watch::line(
            "coherence: not saved in time; the same command goes on from the last checkpoints",
        );
        process::exit(Status::CouldNotRun.code().into());
    });
}
