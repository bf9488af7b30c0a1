//! `cargo xtask bench`: measures what the goals of speed are about, the peers beside it when asked,
//! and writes docs/performance.md from the measurements alone.

mod figure;
mod goal;
mod goals;
mod instructions;
mod machine;
mod ours;
mod page;
mod peers;
mod record;
mod scaling;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use clap::Args;
use machine::Machine;
use record::Record;
use std::path::{Path, PathBuf};
use xshell::Shell;

/// Raw measurements, from which the page is rendered.
const RECORD: &str = "docs/performance.json";

/// The page.
const PAGE: &str = "docs/performance.md";

/// `cargo xtask bench`: benches, peers, docs/performance.md.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measure briefly: to see that everything works, not for figures to keep.
    #[arg(long)]
    quick: bool,
    /// Also run the peers' scripts, which lie in this folder, and fill in the ratios.
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// The Python that has the peers installed (requirements.txt beside the scripts).
    #[arg(long, value_name = "PY", default_value = "python3", requires = "peers")]
    python: PathBuf,
    /// Measure only this bench again, a row such as `w1_step`, into docs/performance.json.
    #[arg(long, value_name = "BENCH", conflicts_with = "peers")]
    again: Vec<String>,
    /// Measure nothing: write the page again from docs/performance.json.
    #[arg(long, conflicts_with_all = ["quick", "peers", "again"])]
    render: bool,
}

impl Bench {
    pub(crate) fn run(&self, sh: &Shell) -> Result<()> {
        let root = crate::workspace_root();
        let record = if self.render {
            Record::load(&root.join(RECORD))?
        } else if !self.again.is_empty() {
            self.measure_again(sh, &root.join(RECORD))?
        } else {
            self.measure(sh, &root.join(RECORD))?
        };
        figure::write_all(&record, &root.join("docs/images"))?;
        std::fs::write(root.join(PAGE), page::render(&record)).context(PAGE)?;
        println!("wrote {PAGE} from {RECORD}");
        Ok(())
    }

    /// Some benches on top of what was measured before.
    fn measure_again(&self, sh: &Shell, path: &Path) -> Result<Record> {
        let mut record = Record::load(path)?;
        let folder = crate::target_dir().join("bench");
        for bench in &self.again {
            let machine = machine::here(sh)?;
            ours::measure_again(sh, &folder, bench, self.quick, &mut record)?;
            let Machine { commit, date, .. } = machine;
            record.again.push(format!("{bench} at commit {commit}, {date}"));
        }
        record.save(path)?;
        Ok(record)
    }

    /// Saves what there is after every stage: the next may be interrupted.
    fn measure(&self, sh: &Shell, path: &Path) -> Result<Record> {
        let mut record = Record::new(machine::here(sh)?, self.quick);
        let folder = crate::target_dir().join("bench");
        ours::measure(sh, &folder, self.quick, &mut record)?;
        record.machine.load_after = machine::load();
        record.save(path)?;
        instructions::measure(sh, &mut record)?;
        record.save(path)?;
        if let Some(scripts) = &self.peers {
            let scripts = scripts.canonicalize().with_context(|| scripts.display().to_string())?;
            peers::measure(&scripts, &self.python, &folder.join("peers"), &mut record)?;
            record.save(path)?;
        }
        Ok(record)
    }
}
