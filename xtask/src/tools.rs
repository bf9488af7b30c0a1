//! Commands that run another program: `coherence`, cargo-fuzz, cargo-mutants, rustdoc, the
//! sanitizer.

use anyhow::{Context, Result, ensure};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use xshell::{Shell, cmd};

/// Builds `coherence` with the release profile; returns its path.
pub(crate) fn build_coherence(sh: &Shell) -> Result<PathBuf> {
    cmd!(sh, "cargo build --release --package coherence-lab --bin coherence").quiet().run()?;
    Ok(crate::target_dir().join("release/coherence"))
}

/// Builds `coherence` with the release profile, runs one of its subcommands and returns its exit
/// status.
pub(crate) fn coherence(sh: &Shell, subcommand: &str, args: &[String]) -> Result<ExitCode> {
    let program = build_coherence(sh)?;
    let status = Command::new(&program)
        .arg(subcommand)
        .args(args)
        .current_dir(sh.current_dir())
        .status()
        .with_context(|| format!("running {}", program.display()))?;
    Ok(exit_code(status))
}

/// The exit code of a program that this one stands for; 2 if a signal ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2))
}

/// Runs this program again without the variables by which cargo describes xtask to it, if there are any:
/// build scripts that look at them would run anew whenever a build by `cargo` follows one by `cargo xtask`,
/// and most of the workspace after them.
pub(crate) fn without_variables_of_cargo() -> Result<Option<ExitCode>> {
    let describes =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let names: Vec<OsString> = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_str().is_some_and(describes))
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    Ok(Some(exit_code(again.status()?)))
}

/// The fuzz targets, each with its folder of committed seeds.
const FUZZ_TARGETS: [(&str, &str); 5] = [
    ("idx", "crates/coherence-data/tests/hostile/idx"),
    ("npy", "crates/coherence-data/tests/hostile/npy"),
    ("safetensors", "crates/coherence-data/tests/hostile/safetensors"),
    ("experiment", "experiments"),
    ("aggregate", ""),
];

/// `cargo xtask fuzz`: runs libFuzzer on one target or on all in turn.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// The target [default: all, one after the other].
    #[arg(value_parser = FUZZ_TARGETS.map(|(name, _)| name))]
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

impl Fuzz {
    pub(crate) fn run(&self, sh: &Shell) -> Result<()> {
        let chosen = |name: &str| self.target.as_deref().is_none_or(|target| target == name);
        // Only `experiment` needs the lab, which is most of the build.
        let features = (!chosen("experiment")).then_some("--no-default-features");
        for (name, seeds) in FUZZ_TARGETS.into_iter().filter(|(name, _)| chosen(name)) {
            self.fuzz(sh, features, name, seeds)?;
        }
        Ok(())
    }

    /// New inputs are kept in fuzz/corpus.
    fn fuzz(&self, sh: &Shell, features: Option<&str>, name: &str, seeds: &str) -> Result<()> {
        let corpus = format!("fuzz/corpus/{name}");
        sh.create_dir(&corpus)?;
        let seeds = Some(seeds).filter(|folder| !folder.is_empty());
        let seconds = format!("-max_total_time={}", self.seconds);
        cmd!(sh, "cargo +nightly fuzz run {features...} {name} {corpus} {seeds...} -- {seconds}")
            .run()
            .context("cargo-fuzz and nightly are needed: cargo install --locked cargo-fuzz")
    }
}

/// `cargo xtask mutants`: cargo-mutants over coherence-core.
///
/// A mutant counts as noticed when a test fails or does not end: a loop that was made endless is
/// stopped after five times what the tests take unchanged, or 20 s. The exit status is 0 when
/// every mutant was noticed.
#[derive(Debug, Args)]
pub(crate) struct Mutants {
    /// Only these files, relative to the repository's root; may be repeated.
    #[arg(long)]
    file: Vec<String>,
    /// Only this part of the mutants, for example 0/8 for the first of eight.
    #[arg(long)]
    shard: Option<String>,
    /// Mutants tried at a time.
    #[arg(long, default_value_t = 2)]
    jobs: u32,
}

/// cargo-mutants' exit status when a test did not end, whether or not mutants were missed besides.
const TIMEOUTS: i32 = 3;

impl Mutants {
    /// The property tests run fewer cases here: a mutant that survives 64 survives 1,000.
    pub(crate) fn run(&self, sh: &Shell) -> Result<()> {
        let jobs = self.jobs.to_string();
        let files = self.file.iter().flat_map(|file| ["--file", file]);
        let shard = self.shard.iter().flat_map(|shard| ["--shard", shard]);
        let status = Command::from(cmd!(
            sh,
            "cargo mutants --package coherence-core --jobs {jobs} {files...} {shard...}"
        ))
        .env("PROPTEST_CASES", "64")
        .status()?;
        ensure!(
            status.success() || status.code() == Some(TIMEOUTS),
            "cargo-mutants ended with {status}: a mutant was missed, or it is not installed (cargo install --locked cargo-mutants)"
        );
        let missed = sh.read_file("mutants.out/missed.txt")?;
        ensure!(missed.is_empty(), "no test notices these mutants:\n{missed}");
        Ok(())
    }
}

/// `cargo xtask sanitize`: the kernels' tests under the address sanitizer.
#[derive(Debug, Args)]
pub(crate) struct Sanitize {
    /// Cases that a property test runs; each takes longer than without the sanitizer.
    #[arg(long, default_value_t = 64)]
    cases: u32,
}

impl Sanitize {
    /// The target is named so that build scripts and macros, which run here, are not instrumented.
    pub(crate) fn run(&self, sh: &Shell) -> Result<()> {
        let _flags = sh.push_env("RUSTFLAGS", "-Zsanitizer=address");
        let _cases = sh.push_env("PROPTEST_CASES", self.cases.to_string());
        let target = "x86_64-unknown-linux-gnu";
        cmd!(sh, "cargo +nightly test --package coherence-cpu --lib --tests --target {target}")
            .run()
            .context("a nightly toolchain is needed: rustup toolchain install nightly")
    }
}

/// The documentation of our crates, private dependencies left out, warnings as errors.
pub(crate) fn doc(sh: &Shell, open: bool) -> Result<()> {
    let _flags = sh.push_env("RUSTDOCFLAGS", "-D warnings");
    let open = open.then_some("--open");
    let without = crate::validate::WITHOUT_MPI;
    cmd!(sh, "cargo doc --workspace {without...} --no-deps {open...}").run()?;
    Ok(())
}
