//! Prints the instruction set that the kernels choose on this machine.

#![allow(clippy::print_stdout, reason = "the answer is the output")]

use coherence_cpu::Isa;

fn main() {
    println!(
        "{}",
        match Isa::detect() {
            Isa::Portable => "portable",
            Isa::Avx2 => "AVX2",
            Isa::Avx512 => "AVX-512",
        }
    );
}
