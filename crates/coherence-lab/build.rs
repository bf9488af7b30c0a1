//! Writes the list of experiment files that are built into the program, so that it needs no folder,
//! and tells it the commit that it is built from.

use std::path::Path;
use std::process::Command;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    embed(&root.join("experiments"))?;
    println!("cargo::rustc-env=COHERENCE_COMMIT={}", commit(&root).unwrap_or("unknown".to_owned()));
    Ok(())
}

fn embed(folder: &Path) -> Result<(), Box<dyn Error>> {
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

/// The commit, `+` for changes in tracked files since; asked again when a commit is made and when a
/// crate is changed. `None` outside of a git repository.
fn commit(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let log = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    println!("cargo::rerun-if-changed={}", root.join("crates").display());
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if changed { hash + "+" } else { hash })
}
