//! coherence-candle with its feature `cuda`: candle's kernels are compiled by nvcc, and CUDA's libraries are linked.

use anyhow::{Context, Result, ensure};
use std::{collections::BTreeSet, fmt::Write, path::Path};
use xshell::{Shell, cmd};

const NVCC: &str = "nvcc was not found: install the CUDA toolkit, or without it from PyPI `pip install \
    'nvidia-cuda-nvcc==13.0.*' 'nvidia-cuda-crt==13.0.*' 'nvidia-nvvm==13.0.*' 'nvidia-cuda-runtime==13.0.*' \
    'nvidia-cuda-cccl==13.0.*' 'nvidia-cuda-nvrtc==13.0.*' 'nvidia-curand==10.4.0.*' 'nvidia-cublas==13.0.*'`. In the \
    folder nvidia/cu13 link lib64 to lib and every libX.so to its libX.so.N; CUDA_HOME names the folder, NVCC its \
    bin/nvcc, PATH has its bin, LIBRARY_PATH and LD_LIBRARY_PATH have its lib";

/// The package and its feature.
const WHAT: [&str; 4] = ["--package", "coherence-candle", "--features", "cuda"];

/// Builds the crate and runs its laws: on a GPU, which has to be there, or on the processor.
pub(crate) fn run(sh: &Shell, on_a_gpu: bool) -> Result<()> {
    cmd!(sh, "nvcc --version").quiet().read().context(NVCC)?;
    let _architecture = match cmd!(sh, "nvidia-smi").quiet().ignore_stdout().run() {
        Ok(()) => None, // that of the GPU
        Err(_) if std::env::var_os("CUDA_COMPUTE_CAP").is_some() => None,
        Err(_) => Some(sh.push_env("CUDA_COMPUTE_CAP", "80")),
    };
    cmd!(sh, "cargo build {WHAT...}").run()?;
    let stub = crate::target_dir().join("cuda/stub");
    let has_driver = cmd!(sh, "cc -shared -x c /dev/null -o /dev/null -lcuda").quiet();
    let _paths = if has_driver.ignore_stderr().run().is_ok() {
        None
    } else {
        ensure!(!on_a_gpu, "libcuda was not found: install NVIDIA's driver");
        write_stub(sh, &stub)?;
        let with_stub = |variable: &str| {
            let others = std::env::var(variable).unwrap_or_default();
            sh.push_env(variable, format!("{}:{others}", stub.display()))
        };
        Some(["LIBRARY_PATH", "LD_LIBRARY_PATH"].map(with_stub))
    };
    let _required = on_a_gpu.then(|| sh.push_env("COHERENCE_CUDA", "required"));
    // candle has one queue for each thread, and one handle of cuBLAS for all of them.
    let of_tests = ["--test-threads=1", "--nocapture"];
    cmd!(sh, "cargo test {WHAT...} --lib --test laws -- {of_tests...}").run()?;
    Ok(())
}

/// A library in place of the driver, whose functions find no device: the program is linked and starts.
fn write_stub(sh: &Shell, folder: &Path) -> Result<()> {
    let mut functions = BTreeSet::new();
    for file in sh.read_dir(crate::target_dir().join("debug/deps"))? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib")
            && ["libcudarc-", "libcandle_"].iter().any(|of| name.starts_with(of))
        {
            let symbols = cmd!(sh, "nm --undefined-only {file}").quiet().ignore_stderr().read()?;
            functions.extend(symbols.lines().filter_map(function_of_driver).map(str::to_owned));
        }
    }
    ensure!(!functions.is_empty(), "no rlib in {} calls the driver", folder.display());
    let mut text = String::new();
    for function in functions {
        writeln!(text, "int {function}(void) {{ return 100; }} /* CUDA_ERROR_NO_DEVICE */")?;
    }
    let (source, library) = (folder.join("stub.c"), folder.join("libcuda.so.1"));
    sh.write_file(&source, text)?;
    let options = ["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1"];
    cmd!(sh, "cc {options...} {source} -o {library}").run()?;
    sh.copy_file(&library, folder.join("libcuda.so"))?;
    Ok(())
}

/// The function of the driver that a line of nm names: `cu` and a capital, where cuBLAS has `cublas`.
fn function_of_driver(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix("U ")?;
    name.strip_prefix("cu")?.starts_with(|first: char| first.is_ascii_uppercase()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_driver_are_told_from_those_of_other_libraries() {
        assert_eq!(function_of_driver("                 U cuInit"), Some("cuInit"));
        for other in ["U cublasCreate_v2", "U cudaMalloc", "U current", "T cuInit", ""] {
            assert_eq!(function_of_driver(other), None);
        }
    }
}
