//! Proof that `coherence-core` needs neither std nor an allocator: builds a program that has neither,
//! links it statically and runs it.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

/// Folder of the probe, which is a workspace of its own.
const PROBE: &str = "tests/no-std-probe";

/// Builds and runs the probe with no features and with `alloc`; prints the sizes.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let _folder = sh.push_dir(PROBE);
    for features in ["", "alloc"] {
        let size = build_and_run(sh, features)?;
        println!("no_std probe, features [{features}]: runs, {size} bytes, statically linked");
    }
    Ok(())
}

fn build_and_run(sh: &Shell, features: &str) -> Result<u64> {
    let target = crate::target_dir().join("no-std-probe");
    let _flags =
        sh.push_env("RUSTFLAGS", "-C relocation-model=static -C target-feature=+crt-static");
    cmd!(sh, "cargo build --quiet --release --features={features} --target-dir {target}").run()?;
    let program = target.join("release/no-std-probe");
    let status = std::process::Command::new(&program).status()?;
    ensure!(status.success(), "the probe with features [{features}] ended with {status}");
    Ok(std::fs::metadata(&program).context("the probe's size")?.len())
}
