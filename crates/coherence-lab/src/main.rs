//! The command line `coherence`.

use std::process::ExitCode;

/// glibc hands big buffers back to the kernel after each step, and page faults dominate.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    coherence_lab::program::main()
}
