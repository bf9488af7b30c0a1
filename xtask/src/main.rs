//! `cargo xtask`: the only door for people and CI.
//!
//! Each command has a file; commands that only run another program share `tools.rs`. CI runs the same
//! commands, so CI and laptop cannot differ.

#![allow(clippy::print_stdout, reason = "what a command finds is its output")]

mod bare;
mod bench;
mod candle;
mod cuda;
mod files;
mod inlined;
mod laws;
mod layers;
mod tidy;
mod tools;
mod validate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xshell::Shell;

/// Test, measure, document and reproduce: every task of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the experiments of the papers, judge their claims, write the report.
    ///
    /// Builds `coherence` for speed and passes all arguments on to `coherence reproduce`;
    /// `cargo xtask reproduce --help` lists them.
    #[command(disable_help_flag = true)]
    Reproduce {
        /// Arguments of `coherence reproduce`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// List, fetch, verify or locate the data sets (arguments of `coherence data`).
    #[command(disable_help_flag = true)]
    Data {
        /// Arguments of `coherence data`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run every check of CI: formatting, tidiness, layers, laws, no_std, lints, tests, documentation.
    Test {
        /// Number of cases of each property test [default: set by each test, 1000 for a law].
        #[arg(long)]
        cases: Option<u32>,
    },
    /// Check module docs, file sizes, forbidden words and the layer rule.
    Tidy,
    /// Check that every crate depends only on crates of lower layers.
    Layers,
    /// Write docs/laws.md from doc comments and test names.
    Laws {
        /// Write nothing; fail if the page is stale or a law has no function or no test.
        #[arg(long)]
        check: bool,
    },
    /// Build and run a program that uses coherence-core without std; print its size.
    NoStd,
    /// Fuzz the parsers and aggregators (needs nightly and cargo-fuzz).
    Fuzz(tools::Fuzz),
    /// Measure speed, beside other libraries if asked; write docs/performance.md.
    Bench(bench::Bench),
    /// Check that the tests notice every mutant of coherence-core (needs cargo-mutants).
    Mutants(tools::Mutants),
    /// Check that no vector instruction of the kernels has become a call.
    Inlined,
    /// Run the tests of coherence-cpu under the address sanitizer (needs nightly).
    Sanitize(tools::Sanitize),
    /// Compile the CUDA kernels for GPUs, look for spills; run them under sanitizers or on a GPU.
    Cuda(cuda::Cuda),
    /// Build the documentation of all crates.
    Doc {
        /// Open the documentation in a browser.
        #[arg(long)]
        open: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    if let Some(status) = tools::without_variables_of_cargo()? {
        return Ok(status);
    }
    let args = Args::parse();
    let sh = Shell::new()?;
    sh.change_dir(workspace_root());
    match args.command {
        Command::Reproduce { args } => return tools::coherence(&sh, "reproduce", &args),
        Command::Data { args } => return tools::coherence(&sh, "data", &args),
        Command::Test { cases } => validate::test(&sh, cases)?,
        Command::Tidy => {
            tidy::run(&sh)?;
            layers::run()?;
        }
        Command::Layers => layers::run()?,
        Command::Laws { check } => laws::run(check)?,
        Command::NoStd => bare::run(&sh)?,
        Command::Fuzz(fuzz) => fuzz.run(&sh)?,
        Command::Bench(bench) => bench.run(&sh)?,
        Command::Mutants(mutants) => mutants.run(&sh)?,
        Command::Inlined => inlined::run(&sh)?,
        Command::Sanitize(sanitize) => sanitize.run(&sh)?,
        Command::Cuda(cuda) => cuda.run(&sh)?,
        Command::Doc { open } => tools::doc(&sh, open)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where cargo builds.
fn target_dir() -> std::path::PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace_root().join(folder) // as is where it is absolute; cargo is run in the root
}

/// The folder that holds the workspace's manifest.
fn workspace_root() -> std::path::PathBuf {
    let xtask = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace").to_path_buf()
}
