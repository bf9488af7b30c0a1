//! `cargo xtask test`: every check of CI, the cheapest first, so that a fault shows soon.

use anyhow::{Result, ensure};
use std::time::Instant;
use xshell::{Shell, cmd};

/// Everything that a change must pass.
pub(crate) fn test(sh: &Shell, cases: Option<u32>) -> Result<()> {
    let _cases = cases.map(|n| sh.push_env("PROPTEST_CASES", n.to_string()));
    let start = Instant::now();
    stage("formatting", || Ok(cmd!(sh, "cargo fmt --all --check").run()?))?;
    stage("tidiness", || crate::tidy::run(sh))?;
    stage("layers", crate::layers::run)?;
    stage("laws", || crate::laws::run(true))?;
    stage("no_std probe", || crate::bare::run(sh))?;
    stage("core without std", || Ok(core_without_std(sh)?))?;
    stage("lints", || Ok(clippy(sh)?))?;
    stage("tests", || Ok(tests(sh)?))?;
    stage("doc tests", || Ok(doc_tests(sh)?))?;
    stage("workers under MPI", || workers(sh))?;
    stage("documentation", || crate::tools::doc(sh, false))?;
    println!("all checks passed in {} s", start.elapsed().as_secs());
    Ok(())
}

/// The tests of `coherence-core` with its own square roots and powers instead of those of std. They
/// run with `alloc` and `serde`, which only add functions; without them the library is built by the
/// lints here and run by the probe. Not optimised, they are compiled and run in less than half the
/// time that compiling them optimised takes.
fn core_without_std(sh: &Shell) -> xshell::Result<()> {
    let core = ["--package", "coherence-core", "--no-default-features"];
    cmd!(sh, "cargo clippy --quiet {core...} -- -D warnings").run()?;
    let fast_to_build = ["--config", "profile.dev.opt-level=0"];
    cmd!(sh, "cargo test --quiet {core...} --features alloc,serde --lib --tests {fast_to_build...}")
        .run()
}

fn clippy(sh: &Shell) -> xshell::Result<()> {
    cmd!(sh, "cargo clippy --workspace {WITHOUT_MPI...} --all-targets -- -D warnings").run()
}

/// The workspace without the benches. They have no tests, and their dependencies take minutes to
/// compile: the lints alone check them.
const TESTED: [&str; 5] =
    ["--workspace", "--exclude", "coherence-benches", "--exclude", "coherence-mpi"];

/// `coherence-mpi` needs an MPI library, which is not everywhere.
pub(crate) const WITHOUT_MPI: [&str; 2] = ["--exclude", "coherence-mpi"];

/// Lints and tests of several processes, which need an MPI library and its launcher: on request only, with
/// `COHERENCE_MPI=required`.
fn workers(sh: &Shell) -> Result<()> {
    if !sh.var("COHERENCE_MPI").is_ok_and(|value| value == "required") {
        println!("not run (COHERENCE_MPI=required runs them, where mpicc, mpirun and clang are)");
        return Ok(());
    }
    for tool in ["mpicc", "mpirun", "clang"] {
        let found = cmd!(sh, "{tool} --version").quiet().ignore_stdout().ignore_stderr().run();
        ensure!(found.is_ok(), "no {tool} (install an MPI library with its headers, and clang)");
    }
    let lab = ["--package", "coherence-lab", "--features", "mpi"];
    cmd!(sh, "cargo clippy {lab...} --package coherence-mpi --test mpi -- -D warnings").run()?;
    Ok(cmd!(sh, "cargo test {lab...} --test mpi").run()?)
}

fn tests(sh: &Shell) -> xshell::Result<()> {
    cmd!(sh, "cargo test {TESTED...} --lib --bins --tests --examples").run()
}

fn doc_tests(sh: &Shell) -> xshell::Result<()> {
    cmd!(sh, "cargo test {TESTED...} --doc").run()
}

/// Prints the name of a stage before it and its time after it.
fn stage(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let start = Instant::now();
    check()?;
    println!("── {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
