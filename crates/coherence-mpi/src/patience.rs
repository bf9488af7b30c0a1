//! The end of a worker that waits too long for the others, or that has failed alone.

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

/// The time that the others have to end, after the work of one worker has failed. If all fail for the same reason,
/// they end together.
pub const GRACE: Duration = Duration::from_secs(5);

/// The exit status of a worker whose patience ends, or that has failed alone.
const ENDED: i32 = 3;

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
                    end(&format!(
                        "worker {rank} of {size} waited {} s for the others: one of them hangs, or is slower than \
                         that (see --patience)",
                        limit.as_secs()
                    ));
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

/// Ends the process with `message` after [`GRACE`], unless it ends before because the other workers do.
pub(crate) fn end_unless_all_do(message: String) {
    thread::spawn(move || {
        thread::sleep(GRACE);
        end(&message);
    });
}

#[allow(clippy::print_stderr, reason = "no caller is there to be told: the others are waited for")]
fn end(message: &str) -> ! {
    eprintln!("error: {message}");
    std::process::exit(ENDED);
}
