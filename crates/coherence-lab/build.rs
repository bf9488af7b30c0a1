//! Writes the list of experiment files that are built into the program, so that it needs no folder.

use std::path::Path;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../experiments");
    let folder = folder.canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut entries = String::new();
    let mut paths = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    for path in paths {
        let id = path.file_stem().ok_or("a file has a name")?.to_string_lossy().into_owned();
        entries += &format!("({id:?}, include_str!({path:?})),\n");
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("experiments.rs"), format!("&[{entries}]"))?;
    Ok(())
}
