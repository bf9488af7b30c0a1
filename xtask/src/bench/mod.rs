//! `cargo xtask bench`: runs our benches and the peers' scripts, keeps the figures by processor in
//! docs/performance/, and writes docs/performance.md from these files alone.

mod goal;
mod goals;
mod ours;
mod page;
mod parts;
mod peers;
mod processor;
mod record;
mod scaling;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, ensure};
use clap::{Args, builder::PossibleValuesParser};
use parts::{PARTS, Plan};
use peers::Peers;
use processor::Processor;
use record::{Measured, PartRecord, Record};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};
use xshell::{Shell, cmd};

/// The package of the benches, with the libraries that they alone need.
const BENCHES: [&str; 4] = ["--package", "coherence-benches", "--features", "faer"];

/// `cargo xtask bench`: measure, keep the figures, write docs/performance.md.
///
/// The machine should be idle otherwise. Figures are kept after every bench and every script: after
/// an interruption the same command goes on where it stopped. Older figures of a part stand until its
/// first bench has succeeded.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measure only these parts; all of them when left out.
    #[arg(long, value_name = "PART", value_delimiter = ',', ignore_case = true,
          value_parser = PossibleValuesParser::new(PARTS.map(|part| part.name)))]
    only: Vec<String>,
    /// Also run the peers' scripts in this folder; MNIST_PKL names their data, mnist.pkl.gz.
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// The Python that has the peers installed (requirements.txt beside the scripts).
    #[arg(long, value_name = "PY", default_value = "python3")]
    python: PathBuf,
    /// Measure again what was measured at this commit already.
    #[arg(long)]
    again: bool,
    /// Measure briefly, to try the command: figures and page go to target/bench/quick.
    #[arg(long)]
    quick: bool,
    /// Measure nothing, only write the page.
    #[arg(long, conflicts_with_all = ["only", "peers", "again", "quick"])]
    render: bool,
}

impl Bench {
    pub(crate) fn run(&self, sh: &Shell) -> Result<()> {
        let quick = crate::target_dir().join("bench/quick");
        let folder = if self.quick { quick } else { crate::workspace_root().join("docs") };
        let failed = if self.render { Vec::new() } else { self.measure(sh, &folder)? };
        page::write(&folder)?;
        let parts = failed.join(", ");
        ensure!(failed.is_empty(), "older figures stand, as the first bench failed: {parts}");
        Ok(())
    }

    /// Returns the parts whose first bench failed, so that older figures stand.
    fn measure(&self, sh: &Shell, folder: &Path) -> Result<Vec<&'static str>> {
        let peers = self.peers.as_deref().map(|scripts| Peers::new(scripts, &self.python));
        let peers = peers.transpose()?;
        let chosen = |plan: &&Plan| {
            self.only.is_empty()
                || self.only.iter().any(|name| plan.name.eq_ignore_ascii_case(name))
        };
        let plans: Vec<&Plan> = PARTS.iter().filter(chosen).collect();
        let targets = plans.iter().flat_map(|plan| plan.benches).map(|bench| bench.name);
        let targets = targets.chain(["instruction_set"]).flat_map(|name| ["--bench", name]);
        cmd!(sh, "cargo bench {BENCHES...} --no-run {targets...}").quiet().run()?;
        // The command's bench would build it, which would count as measuring.
        let times_command = plans.iter().any(|plan| plan.name == "command");
        let program = times_command.then(|| crate::tools::build_coherence(sh)).transpose()?;
        let _program = program.map(|program| sh.push_env("COHERENCE_BIN", program));
        let start = Instant::now();
        let _numpy = peers.as_ref().map(|peers| sh.push_env("COHERENCE_NUMPY", peers.python()));
        let patience = if self.quick { 0 } else { 20 };
        let mut record = Record::open(folder, Processor::detect(sh)?, patience)?;
        let commit = commit(sh)?;
        let again = self.again || self.quick || commit.ends_with(CHANGED);
        let mut failed = Vec::new();
        for plan in plans {
            record.begin(plan.name, PartRecord::new(sh, &commit)?, again);
            if !self.measure_part(sh, &mut record, plan, peers.as_ref())? {
                failed.push(plan.name);
            }
        }
        println!("measured in {} s", start.elapsed().as_secs());
        Ok(failed)
    }

    /// Measures a part. False if its first bench failed and older figures stand.
    fn measure_part(
        &self,
        sh: &Shell,
        record: &mut Record,
        plan: &Plan,
        peers: Option<&Peers>,
    ) -> Result<bool> {
        for bench in plan.benches {
            if !record.keep(plan.name, bench.name, || ours::measure(sh, bench, self.quick))? {
                return Ok(false);
            }
        }
        if let Some(peers) = peers {
            for script in plan.peers {
                record.keep(plan.name, script, || self.beside_ours(sh, peers, plan, script))?;
            }
        }
        Ok(true)
    }

    /// Measures a peer's script, and in some parts our own figure before and after it, several times.
    fn beside_ours(
        &self,
        sh: &Shell,
        peers: &Peers,
        plan: &Plan,
        script: &str,
    ) -> Result<Measured> {
        let Some(id) = parts::beside(plan.name, script) else {
            return peers.measure(script);
        };
        let bench = &plan.benches[0];
        let mut before = ours::again(sh, bench, id, self.quick)?;
        let mut rounds = Vec::new();
        for _ in 0..if self.quick { 1 } else { ROUNDS } {
            let mut measured = peers.measure(script)?;
            let after = ours::again(sh, bench, id, self.quick)?;
            for row in &mut measured.peers {
                row.ours.insert(id.to_owned(), (before * after).sqrt());
            }
            rounds.push(measured);
            before = after;
        }
        Measured::median_of(rounds, id)
    }
}

/// How often a peer is measured between measurements of ours.
const ROUNDS: usize = 3;

/// What follows the commit where sources differ from it.
const CHANGED: &str = " with changes";

/// The commit that is measured; docs/ does not matter, the figures themselves are written there.
fn commit(sh: &Shell) -> Result<String> {
    let commit = cmd!(sh, "git rev-parse --short HEAD").quiet().read()?;
    let changes = cmd!(sh, "git status --porcelain --untracked-files=no -- . :!docs").quiet();
    let changed = !changes.read().context("git status")?.is_empty();
    Ok(commit + if changed { CHANGED } else { "" })
}
