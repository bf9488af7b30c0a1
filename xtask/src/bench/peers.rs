//! Runs the peers' scripts, each in a process of its own, and keeps the rows that they print.
//!
//! The scripts lie outside of this repository; what fails or is not installed becomes a line of
//! the page. Two settings of a peer are two peers: MKL with or without the preload that gives it
//! its AVX-512 path on AMD processors, the default heap or one that keeps freed memory in huge pages.

use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::record::{PeerRow, Record};

/// Runs a script with patience, see there.
const RUNNER: &str = include_str!("peer.py");

/// Turns MNIST's own files into what the scripts read.
const MNIST: &str = include_str!("mnist.py");

/// A process that has taken so long is ended.
const LIMIT: Duration = Duration::from_secs(200);

/// Which of a peer's settings differ from how it is installed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    /// None.
    Installed,
    /// MKL takes its AVX-512 path.
    MklFix,
    /// Freed memory stays in the heap, huge pages are asked for.
    HeapKept,
    /// Both.
    MklFixHeapKept,
}

use Setting::{HeapKept, Installed, MklFix, MklFixHeapKept};

/// The module that a run needs, its setting, script and arguments.
type Run = (&'static str, Setting, &'static str);

/// The strongest peers for each row, and what users get who change no setting.
const RUNS: [Run; 37] = [
    ("numpy", Installed, "w1_sgd.py numpy"),
    ("jax", Installed, "w1_sgd.py jax"),
    ("torch", MklFix, "w1_sgd.py torch_manual"),
    ("torch", MklFix, "w1_sgd.py torch_eager"),
    ("torch", Installed, "w1_sgd.py torch_eager"),
    ("jax", HeapKept, "w2_wsgd.py jax network 1 2 4 8"),
    ("jax", Installed, "w2_wsgd.py jax network 1 2 4 8"),
    ("numpy", HeapKept, "w2_wsgd.py numpy sort_threads 1 2 4 8 50"),
    ("numpy", Installed, "w2_wsgd.py numpy sort_threads 1 2 4 8 50"),
    ("torch", MklFixHeapKept, "w2_wsgd.py torch topk 1 2 4 8 50"),
    ("torch", MklFix, "w2_wsgd.py torch topk 1 50"),
    ("jax", Installed, "w3_w4_alpha.py mlp 10000 jax_ghost 1000"),
    ("torch", MklFix, "w3_w4_alpha.py mlp 10000 torch_hooks 1000"),
    ("numpy", Installed, "w3_w4_alpha.py mlp 10000 numpy_ghost 500"),
    ("backpack", MklFix, "w3_w4_alpha.py mlp 10000 backpack 1000"),
    ("opacus", MklFix, "w3_w4_alpha.py mlp 10000 opacus_ghost 1000"),
    ("torch", Installed, "w3_w4_alpha.py mlp 10000 torch_hooks 1000"),
    ("jax", Installed, "w3_w4_alpha.py mlp 50000 jax_ghost 500"),
    ("jax", Installed, "w3_w4_alpha.py mlp 50000 jax_ghost 1000"),
    ("torch", MklFix, "w3_w4_alpha.py mlp 50000 torch_hooks 1000"),
    ("numpy", Installed, "w3_w4_alpha.py mlp 50000 numpy_ghost 500"),
    ("numpy", Installed, "w5_aggregators.py numpy 100 335114"),
    ("numpy", Installed, "w5_aggregators.py numpy 15 1000000 mean,geomedian,krum"),
    ("numpy", Installed, "w5_aggregators.py numpy 3 11000000 mean,geomedian,median3"),
    ("jax", Installed, "w5_aggregators.py jax 100 335114 mean,geomedian,krum"),
    ("jax", Installed, "w5_aggregators.py jax 15 1000000 median,trimmed,winsorized,geomedian,krum"),
    ("jax", Installed, "w5_aggregators.py jax 3 11000000 median,trimmed,winsorized,median3"),
    ("torch", MklFix, "w5_aggregators.py torch 100 335114 mean,krum"),
    ("torch", MklFix, "w5_aggregators.py torch 15 1000000 mean,krum"),
    ("torch", MklFix, "w5_aggregators.py torch 3 11000000 mean,krum,median3"),
    ("byzfl", Installed, "w5_aggregators.py byzfl_numpy 100 335114 trimmed"),
    ("byzfl", MklFix, "w5_aggregators.py byzfl_torch 15 1000000 geomedian,krum"),
    ("byzfl", MklFix, "w5_aggregators.py byzfl_torch 3 11000000 krum"),
    ("torch", MklFix, "w6_rm3.py torch small"),
    ("torch", MklFix, "w6_rm3.py torch big"),
    ("jax", Installed, "w6_rm3.py jax small"),
    ("jax", Installed, "w6_rm3.py jax big"),
];

/// Runs every peer of [`RUNS`] that `python` has installed.
pub(crate) fn measure(
    scripts: &Path,
    python: &Path,
    folder: &Path,
    record: &mut Record,
) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let bench = Folder { scripts, python, folder };
    bench.prepare_mnist()?;
    let preload = bench.compile_preload(record);
    let mut absent: Vec<&str> = Vec::new();
    for (module, setting, arguments) in RUNS {
        if absent.contains(&module) {
            continue;
        }
        let needs_preload = matches!(setting, MklFix | MklFixHeapKept);
        if !bench.has(module) {
            absent.push(module);
            record.missing.push(format!("{module}: not installed"));
        } else if !needs_preload || preload.is_some() {
            let preload = preload.as_deref().filter(|_| needs_preload);
            println!("peer {arguments}");
            match bench.run(arguments, setting, preload) {
                Ok(rows) => record.peers.extend(rows),
                Err(error) => record.missing.push(format!("{arguments}: {error:#}")),
            }
        }
    }
    Ok(())
}

/// Where the scripts are, who runs them and where they may write.
struct Folder<'a> {
    scripts: &'a Path,
    python: &'a Path,
    folder: &'a Path,
}

impl Folder<'_> {
    fn python(&self) -> Command {
        let mut command = Command::new(self.python);
        command
            .current_dir(self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONWARNINGS", "ignore")
            .env("MNIST_PKL", self.folder.join("mnist.pkl.gz"))
            .env("REF_DIR", ".")
            .env_remove("OPENBLAS_CORETYPE") // numpy's OpenBLAS picks its AVX-512 kernels itself
            .env_remove("OPENBLAS_L2_SIZE");
        command
    }

    fn has(&self, module: &str) -> bool {
        let found = "import sys, importlib.util as u; sys.exit(u.find_spec(sys.argv[1]) is None)";
        let status = self.python().args(["-c", found, module]).status();
        status.is_ok_and(|status| status.success())
    }

    /// Writes `mnist.pkl.gz` once.
    fn prepare_mnist(&self) -> Result<()> {
        if self.folder.join("mnist.pkl.gz").exists() {
            return Ok(());
        }
        let data = std::env::var_os("COHERENCE_DATA")
            .map_or_else(|| crate::workspace_root().join("data"), PathBuf::from)
            .join("mnist");
        ensure!(
            data.exists(),
            "{}: no MNIST (cargo xtask data fetch mnist, or set COHERENCE_DATA)",
            data.display()
        );
        let status = self.python().args(["-c", MNIST]).arg(data).arg("mnist.pkl.gz").status();
        let status = status.with_context(|| self.python.display().to_string())?;
        ensure!(status.success(), "{}: numpy is needed to pack MNIST", self.python.display());
        Ok(())
    }

    /// The library whose preload makes MKL take its AVX-512 path; `None` where it will not compile.
    fn compile_preload(&self, record: &mut Record) -> Option<PathBuf> {
        let library = self.folder.join("mklfix.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library);
        let compiled = cc.arg(self.scripts.join("mklfix.c")).status();
        if compiled.is_ok_and(|status| status.success()) {
            return Some(library);
        }
        record.missing.push("torch+mklfix: no C compiler (cc) for mklfix.c".to_owned());
        None
    }

    /// The rows that one script prints.
    fn run(
        &self,
        arguments: &str,
        setting: Setting,
        preload: Option<&Path>,
    ) -> Result<Vec<PeerRow>> {
        let (out, errors) = (self.folder.join("stdout"), self.folder.join("stderr"));
        let mut command = self.python();
        command.args(["-c", RUNNER]).arg(self.scripts).args(arguments.split(' '));
        command.env("MAX_S", "8").env("REPS", "7");
        command.stdout(File::create(&out)?).stderr(File::create(&errors)?);
        if let Some(library) = preload {
            command.env("LD_PRELOAD", library);
        }
        if matches!(setting, HeapKept | MklFixHeapKept) {
            command
                .env("MALLOC_MMAP_MAX_", "0")
                .env("MALLOC_TRIM_THRESHOLD_", "100000000000")
                .env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
                .env("PEER_SUFFIX", " [heap kept, huge pages]");
        }
        let ended = wait(command)?;
        let rows = std::fs::read_to_string(&out)?;
        let rows: Vec<PeerRow> =
            rows.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        let errors = std::fs::read_to_string(&errors)?;
        let last = errors.lines().last().unwrap_or("no rows");
        ensure!(ended || !rows.is_empty(), "failed: {last}");
        ensure!(!rows.is_empty(), "no rows: {last}");
        Ok(rows)
    }
}

/// Whether the process ended well within [`LIMIT`]; after that it is killed.
fn wait(mut command: Command) -> Result<bool> {
    let mut child = command.spawn()?;
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}
