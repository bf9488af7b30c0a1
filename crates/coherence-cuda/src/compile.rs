//! The kernels' text, and its compilation by NVRTC. It needs no GPU.

use crate::{driver::DriverError, engine::Real};
use cudarc::nvrtc::{self, CompileOptions, compile_ptx_with_opts};
#[cfg(not(feature = "linked"))]
use cudarc::{cublas, driver};

/// The text of all kernels, without the words in which they are written.
const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.cu"));

/// What NVRTC compiles: the kernels of one precision, `f32` or `f64`.
pub fn source(precision: &str) -> String {
    let real = if precision == f32::PRECISION { "float" } else { "double" };
    let words = [include_str!("../kernels/device.cuh"), include_str!("../kernels/structures.h")];
    format!("{}\n{}\ntypedef {real} real;\n{KERNELS}", words[0], words[1])
}

/// The names of all kernels, which stand in `REGISTER(…)`.
pub fn kernels() -> impl Iterator<Item = &'static str> {
    let parts = KERNELS.split("REGISTER(").skip(1);
    parts.filter_map(|after| after.split_once(')').map(|(name, _)| name))
}

/// The kernels of each precision as PTX for an architecture such as `compute_80`.
///
/// # Errors
///
/// If NVRTC is missing or refuses the kernels.
pub fn ptx(architecture: &str) -> Result<[(&'static str, String); 2], DriverError> {
    present(&[Library::Compiler])?;
    Ok([
        (f32::PRECISION, compile(f32::PRECISION, architecture)?),
        (f64::PRECISION, compile(f64::PRECISION, architecture)?),
    ])
}

fn compile(precision: &str, architecture: &str) -> Result<String, DriverError> {
    let options = CompileOptions {
        options: vec![
            format!("--gpu-architecture={architecture}"),
            "--std=c++17".into(),
            "--diag-suppress=177".into(), // functions of the other precision are not used
        ],
        fmad: Some(false), // the same roundings as on the host
        ..CompileOptions::default()
    };
    let compiled = compile_ptx_with_opts(source(precision), options);
    compiled.map(|ptx| ptx.to_src()).map_err(|error| DriverError::Compile {
        architecture: architecture.to_owned(),
        log: match &error {
            nvrtc::CompileError::CompileError { log, .. } => log.to_string_lossy().into(),
            other => other.to_string(),
        },
    })
}

/// A library of CUDA.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Library {
    Driver,
    Compiler,
    Products,
}

/// Without these libraries a program that is linked with them does not start.
#[cfg(feature = "linked")]
pub(crate) fn present(_: &[Library]) -> Result<(), DriverError> {
    Ok(())
}

/// An error for the first library that is not there.
#[cfg(not(feature = "linked"))]
pub(crate) fn present(libraries: &[Library]) -> Result<(), DriverError> {
    const TOOLKIT: &str = "install the CUDA toolkit's run-time libraries";
    for library in libraries {
        // SAFETY: they look for a library and load it.
        let (present, library, remedy) = unsafe {
            match library {
                Library::Driver => {
                    (driver::sys::is_culib_present(), "libcuda", "install NVIDIA's driver")
                }
                Library::Compiler => (nvrtc::sys::is_culib_present(), "libnvrtc", TOOLKIT),
                Library::Products => (cublas::sys::is_culib_present(), "libcublas", TOOLKIT),
            }
        };
        if !present {
            return Err(DriverError::Missing { library, remedy });
        }
    }
    Ok(())
}
