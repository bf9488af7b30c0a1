//! `cargo xtask`: the only door for people and CI.
//!
//! One file a command; CI calls the same commands, so CI and laptop cannot differ.

#![allow(clippy::print_stdout, reason = "a task's findings are its output")]

mod bare;
mod bench;
mod laws;
mod layers;
mod tidy;
mod tools;
mod validate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xshell::Shell;

/// Build, check, reproduce: everything that is done with this repository.
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
    /// Everything after `reproduce` is passed on to `coherence reproduce`
    /// (see `cargo xtask reproduce --help`).
    #[command(disable_help_flag = true)]
    Reproduce {
        /// Passed on to `coherence reproduce`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// List, fetch, verify or locate the data sets (`coherence data`).
    #[command(disable_help_flag = true)]
    Data {
        /// Passed on to `coherence data`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Formatting, tidiness, layers, lints, no_std, unit, property, integration and doc tests.
    Test {
        /// Cases a property test runs; the default is each test's own (1,000 for a law).
        #[arg(long)]
        cases: Option<u32>,
    },
    /// Check module docs, file sizes, forbidden words; then the layer rule.
    Tidy,
    /// Check that every crate depends only on layers below its own.
    Layers,
    /// Write docs/laws.md from the sources, or check that it is current.
    Laws {
        /// Fail if the file is stale or a law has no function or no test.
        #[arg(long)]
        check: bool,
    },
    /// Build and run the bare-metal probe of coherence-core; print its size.
    NoStd,
    /// Fuzz the parsers and aggregators with libFuzzer (nightly, cargo-fuzz).
    Fuzz(tools::Fuzz),
    /// Measure the goals of speed, beside the peers if asked; write docs/performance.md.
    Bench(bench::Bench),
    /// Mutate coherence-core and see that a test notices (cargo-mutants).
    Mutants(tools::Mutants),
    /// Run coherence-cpu's tests under the address sanitizer (nightly).
    Sanitize(tools::Sanitize),
    /// Build the documentation of all crates.
    Doc {
        /// Open it in a browser.
        #[arg(long)]
        open: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
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
        Command::Sanitize(sanitize) => sanitize.run(&sh)?,
        Command::Doc { open } => tools::doc(&sh, open)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where cargo builds.
fn target_dir() -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace_root().join("target"), Into::into)
}

/// The folder that holds the workspace's manifest.
fn workspace_root() -> std::path::PathBuf {
    let xtask = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace").to_path_buf()
}
