//! Joins the kernels to one text, and compiles it as C++ for the engine `Host`.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=kernels");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let mut files: Vec<_> = fs::read_dir("kernels")
        .expect("the folder of kernels")
        .map(|entry| entry.expect("an entry of the folder of kernels").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cu"))
        .collect();
    files.sort();
    let text: String =
        files.iter().map(|path| fs::read_to_string(path).expect("a kernel's text")).collect();
    fs::write(Path::new(&out).join("kernels.cu"), text).expect("OUT_DIR can be written");
    #[cfg(feature = "host")]
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .flag("-ffp-contract=off")
        .opt_level(2)
        .include("kernels")
        .include(out)
        .file("kernels/host.cpp")
        .compile("coherence_host");
}
