//! `cargo xtask inlined`: that no vector instruction has become a call.
//!
//! An intrinsic is inlined only into functions that have its instruction set. A closure that the compiler
//! leaves as a function of its own has none, and its intrinsics become calls through memory: results stay
//! right, and the kernel takes several times as long. No test sees that; the symbols of the program do.

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol};
use xshell::Shell;

/// Intrinsics that find out what the processor has; nothing is lost if they are called.
const DETECTION: [&str; 2] = ["_xgetbv", "__cpuid"];

/// Builds `coherence` with the release profile and fails if it has an intrinsic as a function.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let program = crate::tools::build_coherence(sh)?;
    let bytes = std::fs::read(&program).with_context(|| program.display().to_string())?;
    let file = object::File::parse(&*bytes).with_context(|| program.display().to_string())?;
    let names: Vec<&str> = file.symbols().filter_map(|symbol| symbol.name().ok()).collect();
    if !names.iter().any(|name| name.contains("coherence_cpu")) {
        bail!("{}: its symbols are stripped, so that nothing can be told", program.display());
    }
    let called: Vec<&str> = names.into_iter().filter(|name| is_called_intrinsic(name)).collect();
    if !called.is_empty() {
        bail!(
            "intrinsics are called as functions, by a closure that is not inlined (write a loop \
             instead):\n{}",
            called.join("\n")
        );
    }
    println!("inlined: every vector instruction of the kernels");
    Ok(())
}

/// Whether a mangled symbol is a function of `core::arch` other than the detection of features.
fn is_called_intrinsic(symbol: &str) -> bool {
    symbol.contains("core_arch") && !DETECTION.iter().any(|name| symbol.contains(name))
}

#[cfg(test)]
mod tests {
    use super::is_called_intrinsic;

    #[test]
    fn a_shuffle_is_found_and_the_detection_of_features_is_not() {
        let of = |name| format!("_ZN4core9core_arch3x86{name}17h0123456789abcdefE");
        assert!(is_called_intrinsic(&of("7avx512f20_mm512_shuffle_f32x4")));
        assert!(!is_called_intrinsic(&of("5xsave7_xgetbv")));
        assert!(!is_called_intrinsic("_ZN13coherence_cpu4simd6avx5126Avx5125enter5entry"));
    }
}
