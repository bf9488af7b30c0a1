//! `cargo xtask test`: the cheapest check first, so that a fault shows soon.

use anyhow::Result;
use std::time::Instant;
use xshell::{Shell, cmd};

/// The features that `coherence-core` must build with, each alone.
const CORE_FEATURES: [&str; 3] = ["", "alloc", "std"];

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
    stage("tests", || Ok(cmd!(sh, "cargo test --workspace --all-targets").run()?))?;
    stage("tap of candle models", || {
        Ok(cmd!(sh, "cargo test --package coherence-nn --features candle --test tap").run()?)
    })?;
    stage("doc tests", || Ok(cmd!(sh, "cargo test --workspace --doc").run()?))?;
    stage("documentation", || crate::tools::doc(sh, false))?;
    println!("all checks passed in {} s", start.elapsed().as_secs());
    Ok(())
}

fn core_features(sh: &Shell) -> Result<()> {
    for features in CORE_FEATURES {
        cmd!(
            sh,
            "cargo check --quiet --package coherence-core --no-default-features --features={features}"
        )
        .run()?;
    }
    Ok(())
}

fn clippy(sh: &Shell) -> xshell::Result<()> {
    cmd!(sh, "cargo clippy --workspace --all-targets --features coherence-nn/candle -- -D warnings")
        .run()
}

/// Names the stage before and its wall time after, so that a slow one is seen.
fn stage(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let start = Instant::now();
    check()?;
    println!("── {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
