//! Writes the kernels as PTX for some architectures, and prints the SHA-256 of their text:
//! `cargo run -p coherence-cuda --example ptx -- FOLDER compute_80 compute_90`. It needs NVRTC, but no GPU.
//! Without architectures it needs nothing and only prints.

#![allow(clippy::print_stdout, reason = "the hash is the program's output")]

use coherence_cuda::compile;
use sha2::{Digest, Sha256};
use std::{env, error::Error, fs, path::Path};

#[allow(clippy::print_stdout)] // a program for the command line
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("a folder for the PTX, then architectures")?;
    fs::create_dir_all(&folder)?;
    for architecture in arguments {
        for (precision, ptx) in compile::ptx(&architecture)? {
            fs::write(Path::new(&folder).join(format!("{precision}_{architecture}.ptx")), ptx)?;
        }
    }
    let hash = Sha256::digest(compile::source("f32"));
    println!("{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    Ok(())
}
