//! `cargo xtask test`: the cheapest check first, so that a fault shows soon.

use anyhow::Result;
use std::time::Instant;
use xshell::{Shell, cmd};

/// The features of `coherence-core` whose tests run by themselves; the workspace's have `std`.
const CORE_FEATURES: [&str; 2] = ["", "alloc"];

/// The feature that brings the taps of candle models; a library without it is what people build.
const TAP: &str = "coherence-nn/candle";

/// Everything that a change must pass.
pub(crate) fn test(sh: &Shell, cases: Option<u32>) -> Result<()> {
    let _cases = cases.map(|n| sh.push_env("PROPTEST_CASES", n.to_string()));
    let start = Instant::now();
    stage("formatting", || Ok(cmd!(sh, "cargo fmt --all --check").run()?))?;
    stage("tidiness", || crate::tidy::run(sh))?;
    stage("layers", crate::layers::run)?;
    stage("laws", || crate::laws::run(true))?;
    stage("core without std", || core_features(sh))?;
    stage("no_std probe", || crate::bare::run(sh))?;
    stage("lints", || Ok(clippy(sh)?))?;
    stage("tests", || Ok(tests(sh)?))?;
    stage("doc tests", || Ok(cmd!(sh, "cargo test --workspace --doc").run()?))?;
    stage("documentation", || crate::tools::doc(sh, false))?;
    println!("all checks passed in {} s", start.elapsed().as_secs());
    Ok(())
}

fn core_features(sh: &Shell) -> Result<()> {
    for features in CORE_FEATURES {
        let of_features = ["--no-default-features", &format!("--features={features}")];
        cmd!(sh, "cargo test --quiet --package coherence-core {of_features...} --lib --tests")
            .run()?;
    }
    Ok(())
}

fn clippy(sh: &Shell) -> xshell::Result<()> {
    cmd!(sh, "cargo clippy --workspace --all-targets --features {TAP} -- -D warnings").run()
}

/// Everything but the benches, which only the lints build.
fn tests(sh: &Shell) -> xshell::Result<()> {
    cmd!(sh, "cargo test --workspace --features {TAP} --lib --bins --tests --examples").run()
}

/// Names the stage before and its wall time after, so that a slow one is seen.
fn stage(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let start = Instant::now();
    check()?;
    println!("── {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
