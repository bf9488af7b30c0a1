//! The end of a worker that waits too long for the others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often the time is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// The exit status of a worker whose patience ends.
const TOO_LONG: i32 = 3;

/// Watches how long an exchange takes.
#[derive(Debug)]
pub(crate) struct Patience {
    start: Instant,
    /// Milliseconds from `start` to the beginning of the exchange, plus 1; 0 between exchanges.
    since: Arc<AtomicU64>,
}

impl Patience {
    /// Starts the thread that ends the process.
    pub(crate) fn start(limit: Duration, rank: usize, size: usize) -> Self {
        let (start, since) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let watched = Arc::clone(&since);
        thread::spawn(move || {
            loop {
                thread::sleep(INTERVAL);
                let since = watched.load(Ordering::Relaxed);
                if since > 0 && start.elapsed() > limit + Duration::from_millis(since) {
                    end(limit, rank, size);
                }
            }
        });
        Self { start, since }
    }

    /// Runs an exchange.
    pub(crate) fn wait<R>(&self, exchange: impl FnOnce() -> R) -> R {
        let now = self.start.elapsed().as_millis() as u64 + 1;
        self.since.store(now, Ordering::Relaxed);
        let result = exchange();
        self.since.store(0, Ordering::Relaxed);
        result
    }
}

#[allow(clippy::print_stderr, reason = "no caller is there to be told: all threads wait")]
fn end(limit: Duration, rank: usize, size: usize) -> ! {
    eprintln!(
        "error: worker {rank} of {size} waited {} s for the others: one of them hangs, or is slower than that (see \
         --patience)",
        limit.as_secs()
    );
    std::process::exit(TOO_LONG);
}
