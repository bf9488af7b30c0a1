//! Writing a file so that a reader, or a crash, sees the old content or the new, never a part.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file could not be written; what stood at `path` before still stands there.
#[derive(Debug, thiserror::Error)]
#[error("could not write {}: {source}", path.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// What the operating system, or the caller's closure, said.
    pub source: io::Error,
}

/// Writes `path` by way of a temporary file in the same folder: write, sync, rename, sync the folder.
///
/// Missing parent folders are made. Whatever moment the machine stops at, `path` holds either its
/// old content or all of the new; a temporary file `.NAME.….tmp` may be left behind after a kill.
///
/// # Errors
/// [`WriteError`] when any step fails or the closure returns an error; `path` is then untouched.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("run/answer.txt");
/// coherence_data::files::write_atomically(&path, |w| writeln!(w, "42")).unwrap();
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "42\n");
/// # use std::io::Write;
/// ```
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    try_write(path, write).map_err(|source| WriteError { path: path.to_owned(), source })
}

fn try_write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let mut temporary = temporary_beside(path, folder)?;
    let mut buffered = BufWriter::new(temporary.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    sync_folder(folder)
}

/// Moves `from` to `to` in the same folder and makes the move durable.
pub(crate) fn rename_durably(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    std::fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary_beside(path: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        // tempfile's 0600 would make results private; the umask still applies.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Makes a rename in `folder` durable; only Unix can sync a folder, and needs to.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
