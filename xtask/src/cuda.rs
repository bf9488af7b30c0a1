//! `cargo xtask cuda`: what can be said of the CUDA kernels without a GPU, and their laws with one.
//!
//! The kernels are compiled by NVRTC and assembled by ptxas; `docs/cuda.md` has the registers and the memory of
//! each. A record in `records/cuda` says on which device the kernels of which text have run.

mod bundle;
mod goals;

use anyhow::{Context, Result, ensure};
use bundle::{Record, Time};
use clap::Args;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};
use xshell::{Shell, cmd};

/// Architectures that the kernels must suit: A100 and H100.
const ARCHITECTURES: [u32; 2] = [80, 90];

const NVRTC: &str = "the kernels are compiled by NVRTC, of the CUDA toolkit or of \
    `pip install 'nvidia-cuda-nvrtc-cu12==12.8.*'`; LD_LIBRARY_PATH must have the folder of libnvrtc";

const PTXAS: &str = "registers and spills were not looked at: no ptxas, of the CUDA toolkit or of \
    `pip install 'nvidia-cuda-nvcc-cu12==12.8.*'` (nvidia/cuda_nvcc/bin); --ptxas names it";

/// Compile the CUDA kernels, look for spills and write docs/cuda.md; run them under sanitizers or on a GPU.
#[derive(Debug, Args)]
pub(crate) struct Cuda {
    /// The assembler [default: ptxas on the path].
    #[arg(long, default_value = "ptxas")]
    ptxas: String,
    /// Run every kernel's tests on the processor under the address and undefined-behaviour sanitizers instead
    /// (needs g++ with both).
    #[arg(long, conflicts_with_all = ["device", "candle", "bundle", "record"])]
    sanitize: bool,
    /// Run the laws, compute-sanitizer and the bench on the GPU cuda:0 instead, and record them (needs CUDA's
    /// toolkit; the peers need PyTorch).
    #[arg(long)]
    device: bool,
    /// Write what another machine needs for --device, which may have no Rust, to this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["device", "candle", "record"])]
    bundle: Option<PathBuf>,
    /// Record what that machine wrote to this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["device", "candle"])]
    record: Option<PathBuf>,
    /// Build coherence-candle with its feature `cuda` and run its laws instead, with --device on the GPU cuda:0
    /// (needs nvcc, NVRTC, cuBLAS and cuRAND).
    #[arg(long)]
    candle: bool,
}

/// What a kernel takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Usage {
    registers: u32,
    /// Bytes that a block shares.
    shared: u32,
    /// Bytes of local memory a thread.
    local: u32,
    /// Bytes of registers stored to memory and loaded again.
    spilled: u32,
}

/// By kernel, then in the order of architectures and precisions.
type Table = BTreeMap<String, Vec<Usage>>;

impl Cuda {
    pub(crate) fn run(&self, sh: &Shell) -> Result<()> {
        let folder = crate::target_dir().join("cuda");
        if self.candle {
            return crate::candle::run(sh, self.device);
        }
        if self.sanitize {
            return sanitize(sh);
        } else if self.device {
            return run_on_device(sh, &folder);
        } else if let Some(folder) = &self.bundle {
            return bundle::write(sh, folder);
        } else if let Some(results) = &self.record {
            return bundle::keep(sh, results);
        }
        let hash = compile(sh, &folder)?;
        println!("the kernels' text has the SHA-256 {hash}");
        let table = self.assemble(&folder)?;
        let page = page(&hash, &records(sh)?, &table);
        crate::files::write(&crate::workspace_root().join("docs/cuda.md"), &page)?;
        println!("docs/cuda.md has {} kernels", table.len());
        Ok(())
    }

    /// Assembles the PTX files of `folder`. Fails if a kernel's registers are spilled to memory.
    fn assemble(&self, folder: &Path) -> Result<Table> {
        let found = Command::new(&self.ptxas).arg("--version").output();
        ensure!(found.is_ok_and(|found| found.status.success()), PTXAS);
        let mut table = Table::new();
        for architecture in ARCHITECTURES {
            for precision in ["f32", "f64"] {
                let file = folder.join(format!("{precision}_compute_{architecture}.ptx"));
                let output = Command::new(&self.ptxas)
                    .args(["-v", &format!("-arch=sm_{architecture}"), "-o", "/dev/null"])
                    .arg(&file)
                    .output()?;
                let log = String::from_utf8_lossy(&output.stderr);
                ensure!(output.status.success(), "ptxas refuses {}:\n{log}", file.display());
                for (kernel, usage) in usages(&log) {
                    let (n, name) =
                        (usage.spilled, format!("{kernel} ({precision}, sm_{architecture})"));
                    ensure!(
                        n == 0,
                        "{name} spills {n} bytes of registers: keep fewer values at a time"
                    );
                    table.entry(kernel).or_default().push(usage);
                }
            }
        }
        ensure!(!table.is_empty(), "ptxas lists no kernel");
        Ok(table)
    }
}

/// Compiles the kernels to PTX files in `folder`; returns the hash of their text.
fn compile(sh: &Shell, folder: &Path) -> Result<String> {
    let architectures = ARCHITECTURES.map(|n| format!("compute_{n}"));
    let program = ["--package", "coherence-cuda", "--example", "ptx"];
    cmd!(sh, "cargo run --quiet {program...} -- {folder} {architectures...}").read().context(NVRTC)
}

/// The kernels that `ptxas -v` lists, with what they take.
fn usages(log: &str) -> Vec<(String, Usage)> {
    let before = |line: &str, unit: &str| {
        let words: Vec<_> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let unit: Vec<_> = unit.split(' ').collect();
        let at = words.windows(unit.len()).position(|words| words == unit)?;
        words.get(at.checked_sub(1)?)?.parse::<u32>().ok()
    };
    let mut usages: Vec<(String, Usage)> = Vec::new();
    for line in log.lines() {
        if let Some((_, name)) = line.split_once("Compiling entry function '") {
            let name = name.split('\'').next().unwrap_or_default();
            usages.push((name.to_owned(), Usage::default()));
        } else if let Some((_, usage)) = usages.last_mut() {
            usage.local = before(line, "bytes stack frame").unwrap_or(usage.local);
            let spills = ["bytes spill stores", "bytes spill loads"];
            usage.spilled += spills.iter().filter_map(|unit| before(line, unit)).sum::<u32>();
            usage.registers = before(line, "registers").unwrap_or(usage.registers);
            usage.shared = before(line, "bytes smem").unwrap_or(usage.shared);
        }
    }
    usages
}

/// The records of devices.
fn records(sh: &Shell) -> Result<Vec<Record>> {
    let folder = Path::new("records/cuda");
    if !sh.path_exists(folder) {
        return Ok(Vec::new());
    }
    let read = |path: std::path::PathBuf| Ok(serde_json::from_str(&sh.read_file(path)?)?);
    let files = sh.read_dir(folder)?.into_iter();
    files.filter(|path| crate::files::is_json(path)).map(read).collect()
}

/// What the page says of devices: kernels that have changed since have not run.
fn devices(hash: &str, records: &[Record]) -> String {
    if records.is_empty() {
        return "These kernels were not run on a device.\n".to_owned();
    }
    records.iter().map(|record| device(hash, record)).collect()
}

fn device(hash: &str, record: &Record) -> String {
    let of = if record.kernels == hash { "these kernels" } else { "earlier kernels: stale" };
    let mut text = format!("### {}\n\n{}: {of}.\n\n", record.device, record.date);
    text.push_str("| programs of tests | laws | memcheck | racecheck |\n|---|---|---|---|\n");
    let outcome = |lines: &[String], name: &str| {
        let of_program = |line: &&String| line.split(':').next() == Some(name);
        let line = lines.iter().find(of_program).map_or("not run", String::as_str);
        if bundle::is_unfinished(line) {
            return "not finished in 200 s, nothing found".to_owned();
        }
        line.split_once("test result: ").map_or(line, |(_, end)| end).split(';').take(2).collect()
    };
    for line in &record.laws {
        let name = line.split(':').next().unwrap_or_default();
        let [laws, memcheck, racecheck]: [String; 3] =
            [&record.laws, &record.memcheck, &record.racecheck].map(|lines| outcome(lines, name));
        text.push_str(&format!("| `{name}` | {laws} | {memcheck} | {racecheck} |\n"));
    }
    for line in &record.networks {
        text.push_str(&format!("\n`{line}`\n"));
    }
    text.push_str("\nGoals of speed:\n\n");
    text.push_str(&goals::table(record));
    text.push_str("\nMedian seconds for ResNet-50, mini-batches of 256 images of 224 × 224, for products in f32 and with factors rounded to TF32:\n\n");
    text.push_str("| what | program | f32 | TF32 |\n|---|---|---|---|\n");
    for Time { name, peer, .. } in record.times.iter().filter(|time| time.products == "f32") {
        let [single, tf32] = ["f32", "tf32"].map(|products| {
            let of = |t: &&Time| (&t.name, &t.peer, &t.products[..]) == (name, peer, products);
            record.times.iter().find(of).map_or("".to_owned(), |t| format!("{:.4}", t.median_s))
        });
        let name = name.trim_start_matches("W9.");
        text.push_str(&format!("| {name} | {peer} | {single} | {tf32} |\n"));
    }
    text + "\n"
}

/// What the page says of itself; the tables of devices and of kernels follow.
const HEAD: &str = "# CUDA kernels

Written by `cargo xtask cuda`; do not edit.

| command | what it does | needs |
|---|---|---|
| `cargo test -p coherence-cuda --features host` | compares every kernel, run on the processor, with coherence-cpu | a C++ compiler |
| `cargo test -p coherence-nn --test laws cuda` | compares networks on `Cuda<Host>` with the processor | a C++ compiler |
| `cargo xtask cuda --sanitize` | the first under the address and undefined-behaviour sanitizers | g++ |
| `cargo xtask cuda` | compiles for sm_80 and sm_90, fails where registers are spilled, writes this page | NVRTC, ptxas |
| `cargo xtask cuda --device` | runs the laws, compute-sanitizer and the bench on cuda:0, and records them | a GPU, CUDA's toolkit; PyTorch for the peers |
| `cargo xtask cuda --candle` | builds coherence-candle with its feature `cuda` and runs its laws; with `--device` on cuda:0 | nvcc, NVRTC, cuBLAS, cuRAND |
| `cargo xtask cuda --bundle DIR`, then `--record RESULTS` | the same on a machine that has no Rust, by `DIR/on_device.sh RESULTS` | there: as above |

NVRTC and ptxas come with the CUDA toolkit, or without it from PyPI: `pip install 'nvidia-cuda-nvrtc-cu12==12.8.*' 'nvidia-cuda-nvcc-cu12==12.8.*'`; then `LD_LIBRARY_PATH` has the folder `nvidia/cuda_nvrtc/lib`, and `--ptxas` names `nvidia/cuda_nvcc/bin/ptxas`.
With `COHERENCE_CUDA=required` the tests of kernels and networks run on cuda:0, and fail where there is none; otherwise kernels are tested on the processor.
";

fn page(hash: &str, records: &[Record], table: &Table) -> String {
    let columns =
        ARCHITECTURES.iter().flat_map(|n| ["f32", "f64"].map(|p| format!(" {p}, sm_{n} |")));
    let columns: String = columns.collect();
    let mut page = format!(
        "{HEAD}\n## Devices\n\n{}\nSHA-256 of the kernels' text: `{hash}`\n\n## Registers and memory\n\n\
         Registers of a thread, as ptxas counts them, for blocks of 256 threads; then bytes of memory that a \
         block shares and bytes of a thread's local memory, where there are any. No kernel spills registers to \
         memory.\n\n| kernel |{columns}\n|---|---|---|---|---|\n",
        devices(hash, records)
    );
    for (kernel, usages) in table {
        let cells = usages.iter().map(|Usage { registers, shared, local, .. }| {
            let part = |bytes: u32, what| match bytes {
                0 => String::new(),
                _ => format!(", {bytes} {what}"),
            };
            format!(" {registers}{}{} |", part(*shared, "shared"), part(*local, "local"))
        });
        page.push_str(&format!("| `{kernel}` |{}\n", cells.collect::<String>()));
    }
    page
}

/// All that can be run on cuda:0 of this machine, then a record.
fn run_on_device(sh: &Shell, folder: &Path) -> Result<()> {
    let (bundle, results) = (folder.join("bundle"), folder.join("results"));
    bundle::write(sh, &bundle)?;
    let script = bundle.join("on_device.sh");
    cmd!(sh, "{script} {results}").run()?;
    bundle::keep(sh, &results)
}

/// The target is named so that build scripts, which run here, are not linked with the sanitizers.
fn sanitize(sh: &Shell) -> Result<()> {
    let _kernels =
        sh.push_env("CXXFLAGS", "-fsanitize=address,undefined -fno-sanitize-recover=all -g");
    // rustc links without the compiler's default libraries: the sanitizers' are named here. The address sanitizer's
    // has to come before all others, so that it is loaded first.
    let _linking = sh.push_env("RUSTFLAGS", "-Clink-arg=-lasan -Clink-arg=-lubsan");
    let runtime = cmd!(sh, "c++ -print-file-name=libasan.so").read()?;
    let runner = format!("env LD_PRELOAD={runtime}");
    let _runner = sh.push_env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
    let _options = sh.push_env("ASAN_OPTIONS", "detect_leaks=0"); // the test harness keeps threads
    let target = "x86_64-unknown-linux-gnu";
    let what = ["--package", "coherence-cuda", "--features", "host", "--tests"];
    cmd!(sh, "cargo test {what...} --target {target}").run()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "ptxas info    : 0 bytes gmem\n\
        ptxas info    : Compiling entry function 'axpy' for 'sm_80'\n\
        ptxas info    : Function properties for axpy\n    \
        0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n\
        ptxas info    : Used 12 registers, used 0 barriers, 384 bytes cmem[0]\n\
        ptxas info    : Compiling entry function 'sums' for 'sm_80'\n\
        ptxas info    : Function properties for sums\n    \
        16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n\
        ptxas info    : Used 255 registers, used 1 barriers, 2048 bytes smem, 392 bytes cmem[0]\n";

    #[test]
    fn the_assemblers_log_is_read() {
        let axpy = Usage { registers: 12, ..Usage::default() };
        let sums = Usage { registers: 255, shared: 2048, local: 16, spilled: 12 };
        assert_eq!(usages(LOG), [("axpy".to_owned(), axpy), ("sums".to_owned(), sums)]);
    }

    #[test]
    fn kernels_that_changed_since_have_not_run() {
        let record = |kernels: &str| Record {
            device: "NVIDIA H100, 580.1".to_owned(),
            date: "2026-01-02".to_owned(),
            kernels: kernels.to_owned(),
            laws: vec![
                "select: exit status 0, test result: ok. 4 passed; 0 failed; 0 ignored".to_owned(),
            ],
            memcheck: Vec::new(),
            racecheck: Vec::new(),
            networks: Vec::new(),
            times: vec![Time {
                name: "W9.plain step".to_owned(),
                peer: "coherence".to_owned(),
                products: "f32".to_owned(),
                median_s: 0.25,
                min_s: 0.2,
            }],
        };
        assert!(devices("a", &[]).contains("not run on a device"));
        let page = devices("a", &[record("a"), record("b")]);
        assert!(page.contains("2026-01-02: these kernels."));
        assert!(page.contains("2026-01-02: earlier kernels: stale."));
        assert!(page.contains("| `select` | ok. 4 passed 0 failed | not run | not run |"));
        assert!(page.contains("| plain step | coherence | 0.2500 |  |"));
        assert!(page.contains("| plain step over the fastest peer's | ≤ 1.2 |  |  |"));
    }
}
