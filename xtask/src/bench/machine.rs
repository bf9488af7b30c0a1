//! Where and when something was measured.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};
use xshell::{Shell, cmd};

/// The machine, the build and the day.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) platform: String,
    /// The instruction set that the kernels choose here.
    pub(crate) isa: String,
    pub(crate) rustc: String,
    pub(crate) commit: String,
    /// Load averages of one minute before and after the benches.
    pub(crate) load_before: f64,
    pub(crate) load_after: f64,
}

/// This machine, now.
pub(crate) fn here(sh: &Shell) -> Result<Machine> {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted)?;
    let cpu = system.cpus().first().map_or("unknown", |cpu| cpu.brand());
    Ok(Machine {
        date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        cpu: cpu.trim().to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        memory_gib: (system.total_memory() + (1 << 29)) >> 30,
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        isa: isa().to_owned(),
        rustc: cmd!(sh, "rustc --version").quiet().read()?,
        commit: cmd!(sh, "git rev-parse --short HEAD").quiet().read().unwrap_or_default(),
        load_before: load(),
        load_after: 0.0,
    })
}

/// How many programs wanted a core, on average over the last minute.
pub(crate) fn load() -> f64 {
    System::load_average().map_or(0.0, |load| load.one)
}

#[cfg(target_arch = "x86_64")]
fn isa() -> &'static str {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw");
    if avx512 {
        "AVX-512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "AVX2"
    } else {
        "portable"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn isa() -> &'static str {
    "portable"
}
