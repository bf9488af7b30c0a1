//! The machine and the build that made a measurement; named in every record.

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Commit of this build: twelve digits of its hash, with `+` behind them where a file was changed
/// after it; `unknown` where it was not built from a git repository.
pub const COMMIT: &str = env!("COHERENCE_COMMIT");

/// Where and with what a record was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Processor, as it calls itself.
    pub cpu: String,
    /// Logical cores.
    pub cores: usize,
    /// Memory in GiB, rounded.
    pub memory_gib: u64,
    /// Operating system and architecture, for example `linux-x86_64`.
    pub platform: String,
    /// Version of coherence-lab.
    pub version: String,
    /// See [`COMMIT`]; `unknown` in old records.
    #[serde(default = "unknown")]
    pub commit: String,
}

fn unknown() -> String {
    "unknown".to_owned()
}

impl Machine {
    /// The machine that this process runs on.
    pub fn detect() -> Self {
        let wanted = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(wanted).ok();
        let cpu = system.as_ref().and_then(|system| system.cpus().first());
        let memory = system.as_ref().map_or(0, System::total_memory);
        Self {
            cpu: cpu.map_or("unknown", |cpu| cpu.brand()).trim().to_owned(),
            cores: cores(),
            memory_gib: (memory + (1 << 29)) >> 30,
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            version: VERSION.to_owned(),
            commit: COMMIT.to_owned(),
        }
    }

    /// A short name for files: letters, digits and hyphens of the processor's name and the cores.
    pub fn slug(&self) -> String {
        format!("{}-{}c", slug(&self.cpu), self.cores)
    }
}

/// The letters and digits of a name, other characters as single hyphens.
pub(crate) fn slug(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// Logical cores that this process may use; 1 where the system does not say.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
