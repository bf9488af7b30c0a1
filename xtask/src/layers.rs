//! The layer rule: a crate depends only on layers below its own.
//!
//! The table below is the picture of layers in ARCHITECTURE.md. Cargo's metadata is checked against
//! it. Development dependencies are not restricted.

use anyhow::{Result, bail, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Each crate of the workspace with its layer. Layer 0 of the picture holds the core and the kernel
/// crates. The kernel crates may use the core, so the core has layer −1 here; `coherence-cuda` uses
/// `coherence-cpu`, so it has layer 1, and the layers of the picture from 1 on have one number more here.
const LAYERS: &[(&str, i8)] = &[
    ("coherence-core", -1),
    ("coherence-cpu", 0),
    ("coherence-data", 0),
    ("coherence-cuda", 1),
    ("coherence-nn", 2),
    ("coherence-candle", 3),
    ("coherence-train", 3),
    ("coherence-mpi", 4),
    ("coherence-lab", 5),
    ("xtask", 6),
    ("coherence-tests", -2), // oracles: they use none of our crates
    ("coherence-benches", 6),
];

/// Fails on the first crate that is not in the table or depends on a crate of its own or a higher
/// layer.
pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(crate::workspace_root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    for package in &metadata.packages {
        check(package)?;
    }
    println!("layers: {} crates depend on lower layers only", metadata.packages.len());
    Ok(())
}

fn check(package: &Package) -> Result<()> {
    let Some(own) = layer(&package.name) else {
        bail!("{} is not in the table of layers: add it to xtask/src/layers.rs", package.name)
    };
    let built_in = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
    for dependency in built_in {
        if let Some(below) = layer(&dependency.name) {
            ensure!(
                below < own,
                "{} (layer {own}) may not depend on {} (layer {below}): dependencies point downwards only",
                package.name,
                dependency.name
            );
        }
    }
    Ok(())
}

fn layer(name: &str) -> Option<i8> {
    LAYERS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, layer)| *layer)
}
