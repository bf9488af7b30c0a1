//! Files are written whole: a reader, also after a crash, sees the old content or all of the new.
//!
//! `coherence_data::files` does this for our crates; depending on it would double the number of crates that are
//! compiled before any command of xtask starts.

use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Writes `text` to `.NAME.tmp` beside `path`, syncs it and renames it. Missing folders are created.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.tmp"));
        fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Whether `path` names a record, and not a temporary file that a killed [`write()`] left behind.
pub(crate) fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}
