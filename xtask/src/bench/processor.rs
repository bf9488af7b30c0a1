//! The processor that is measured.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};
use xshell::{Shell, cmd};

use super::BENCHES;

/// What tells a processor from others and bears on speed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Processor {
    /// As the vendor, or the virtual machine, calls it.
    pub(super) name: String,
    pub(super) family: String,
    pub(super) model: String,
    /// "unknown" where it was not recorded.
    pub(super) stepping: String,
    /// Level and size a core (of the last level: a group of cores).
    pub(super) caches: String,
    /// What the kernels choose here.
    pub(super) instruction_set: String,
    pub(super) cores: usize,
    pub(super) memory_gib: u64,
    pub(super) platform: String,
}

impl Processor {
    /// This machine's. lscpu names the processor on every Linux; the instruction set is what the
    /// kernels themselves choose: a bench prints it, so that the rule is not written down twice.
    pub(super) fn detect(sh: &Shell) -> Result<Self> {
        let _locale = sh.push_env("LC_ALL", "C");
        let lscpu = cmd!(sh, "lscpu").quiet().read().context("lscpu (util-linux) is needed")?;
        let field = |name: &str| {
            let mut fields = lscpu.lines().filter_map(|line| line.trim().split_once(':'));
            let field = fields.find(|(key, _)| *key == name);
            field
                .map(|(_, value)| value.trim().to_owned())
                .with_context(|| format!("lscpu: no {name}"))
        };
        let caches = cmd!(sh, "lscpu --caches=NAME,ONE-SIZE").quiet().read()?;
        let cache = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let memory = System::new_with_specifics(memory)?.total_memory();
        Ok(Self {
            name: field("Model name")?,
            family: field("CPU family")?,
            model: field("Model")?,
            stepping: field("Stepping")?,
            caches: caches.lines().skip(1).map(cache).collect::<Vec<_>>().join(", "),
            instruction_set: cmd!(sh, "cargo bench --quiet {BENCHES...} --bench instruction_set")
                .read()?
                .trim()
                .to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: (memory + (1 << 29)) >> 30,
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        })
    }

    /// Its name on the page.
    pub(super) fn title(&self) -> String {
        format!("{}, family {} model {}", self.name, self.family, self.model)
    }

    /// The name of its file.
    pub(super) fn slug(&self) -> String {
        let title = self.title().to_lowercase();
        let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
        words.collect::<Vec<_>>().join("-")
    }
}

/// Waits until programs keep less than a tenth of a core busy for a second, at most so many seconds;
/// the cores that they kept busy in the last one.
pub(super) fn busy_cores(patience: u32) -> Result<f32> {
    let mut system = System::new()?;
    let mut busy = 0.0;
    for _ in 0..patience {
        system.refresh_cpu_usage();
        std::thread::sleep(std::time::Duration::from_secs(1));
        system.refresh_cpu_usage();
        busy = system.cpus().iter().map(|cpu| cpu.usage() / 100.0).sum();
        if busy < 0.1 {
            break;
        }
    }
    Ok(busy)
}
