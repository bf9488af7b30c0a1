//! `cargo xtask inlined`: that no vector instruction and no loop of a kernel has become a call.
//!
//! An intrinsic is inlined only into functions that have its instruction set. A closure that the compiler
//! leaves as a function of its own has none: its intrinsics become calls through memory, and its plain loops are
//! compiled for the least processor. Results stay right, and the kernel takes several times as long. No test sees
//! that; the symbols and the calls of the program do.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};
use object::{Architecture, Object, ObjectSection, ObjectSymbol, Symbol};
use xshell::Shell;

/// Intrinsics that find out what the processor has; nothing is lost if they are called.
const DETECTION: [&str; 2] = ["_xgetbv", "__cpuid"];

/// What the mangled symbols of closures, and of loops over iterators that call one, have in them.
const CLOSURES: [&str; 4] = ["$closure$", "FnOnce9call_once", "8for_each", "4fold"];

/// Builds `coherence` with the release profile and fails if it has an intrinsic as a function, or a kernel that calls a
/// closure.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let program = crate::tools::build_coherence(sh)?;
    let bytes = std::fs::read(&program).with_context(|| program.display().to_string())?;
    let file = object::File::parse(&*bytes).with_context(|| program.display().to_string())?;
    let names: Vec<&str> = file.symbols().filter_map(|symbol| symbol.name().ok()).collect();
    ensure!(
        names.iter().any(|name| name.contains("coherence_cpu")),
        "{}: its symbols are stripped, so that nothing can be told",
        program.display()
    );
    let called: Vec<&str> = names.into_iter().filter(|name| is_called_intrinsic(name)).collect();
    ensure!(
        called.is_empty(),
        "intrinsics are called as functions, by a closure that is not inlined (write a loop instead):\n{}",
        called.join("\n")
    );
    if file.architecture() == Architecture::X86_64 {
        let called = called_closures(&file)?;
        ensure!(
            called.is_empty(),
            "kernels call closures, which are compiled for the least processor (mark them `#[inline(always)]`, or \
             write a loop instead):\n{}",
            called.join("\n")
        );
    }
    println!("inlined: every vector instruction and every closure of the kernels");
    Ok(())
}

/// Whether a mangled symbol is a function of `core::arch` other than the detection of features.
fn is_called_intrinsic(symbol: &str) -> bool {
    symbol.contains("core_arch") && !DETECTION.iter().any(|name| symbol.contains(name))
}

/// The closures that functions with an instruction set call, as lines `size: symbol`.
fn called_closures(file: &object::File<'_>) -> Result<Vec<String>> {
    let closures: HashMap<u64, Symbol<'_, '_>> = file
        .symbols()
        .filter(|symbol| symbol.name().is_ok_and(|name| CLOSURES.iter().any(|c| name.contains(c))))
        .map(|symbol| (symbol.address(), symbol))
        .collect();
    let mut called = Vec::new();
    let mut entries = 0;
    for entry in file.symbols().filter(|symbol| symbol.name().is_ok_and(is_entry)) {
        entries += 1;
        for target in calls(file, &entry).context("the code of a kernel")? {
            if let Some(symbol) = closures.get(&target) {
                called.push(format!("{} bytes: {}", symbol.size(), symbol.name()?));
            }
        }
    }
    ensure!(entries > 0, "no function with an instruction set was found");
    called.sort();
    called.dedup();
    Ok(called)
}

/// Whether a mangled symbol is the function in which a kernel has its instruction set.
fn is_entry(symbol: &str) -> bool {
    symbol.contains("coherence_cpu4simd") && symbol.contains("5enter5entry")
}

/// Where a function calls or jumps to.
fn calls(file: &object::File<'_>, function: &Symbol<'_, '_>) -> Option<Vec<u64>> {
    let section = file.section_by_index(function.section_index()?).ok()?;
    let code = section.data_range(function.address(), function.size()).ok()??;
    let decoder = Decoder::with_ip(64, code, function.address(), DecoderOptions::NONE);
    let leaves = |instruction: &Instruction| {
        matches!(instruction.flow_control(), FlowControl::Call | FlowControl::UnconditionalBranch)
    };
    Some(decoder.into_iter().filter(leaves).map(|call| call.near_branch_target()).collect())
}

#[cfg(test)]
mod tests {
    use super::{is_called_intrinsic, is_entry};

    #[test]
    fn a_shuffle_is_found_and_the_detection_of_features_is_not() {
        let of = |name| format!("_ZN4core9core_arch3x86{name}17h0123456789abcdefE");
        assert!(is_called_intrinsic(&of("7avx512f20_mm512_shuffle_f32x4")));
        assert!(!is_called_intrinsic(&of("5xsave7_xgetbv")));
        let entry = "_ZN13coherence_cpu4simd6avx5126Avx5125enter5entry17h0123456789abcdefE";
        assert!(is_entry(entry) && !is_called_intrinsic(entry));
    }
}
