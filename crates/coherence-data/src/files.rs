//! Atomic file writes: readers, also after a crash, see the old content or the new, never a mixture.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file could not be written; the previous content of `path` is unchanged.
#[derive(Debug, thiserror::Error)]
#[error("could not write {}: {source}", path.display())]
pub struct WriteError {
    /// The file to be written.
    pub path: PathBuf,
    /// The error of the operating system or of the caller's closure.
    pub source: io::Error,
}

/// Writes `path` through a temporary file in the same folder: write, sync, rename, sync the folder.
///
/// Missing parent folders are created. If the machine stops at any moment, `path` holds either its
/// old content or all of the new. A killed process leaves the temporary file `.NAME.tmp` behind; the
/// next write of the same name reuses it, so that leftovers do not accumulate. A temporary file is
/// locked while a process writes it; a second process then writes `.NAME.1.tmp`.
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
    let durably = || {
        let folder = folder_of(path);
        let temporary = Temporary::with_content(path, write)?;
        temporary.file.sync_all()?;
        temporary.rename(path)?;
        sync_folder(folder)
    };
    durably().map_err(|source| WriteError { path: path.to_owned(), source })
}

/// As [`write_atomically`], but without waiting for the disk: for results that can be recomputed.
///
/// Every process sees the old content or all of the new, even if the writer is killed. If the machine
/// stops within seconds of the write, the new content may be lost.
///
/// # Errors
/// As [`write_atomically`].
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    Temporary::with_content(path, write)
        .and_then(|temporary| temporary.rename(path))
        .map_err(|source| WriteError { path: path.to_owned(), source })
}

/// Whether two paths refer to the same file, also through links; `false` if either does not exist.
#[must_use]
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    let metadata = |path: &Path| fs::metadata(path).ok();
    let (Some(one), Some(other)) = (metadata(a), metadata(b)) else { return false };
    identity(&one).zip(identity(&other)).map_or_else(
        || fs::canonicalize(a).ok() == fs::canonicalize(b).ok(),
        |(one, other)| one == other,
    )
}

/// Moves `from` to `to` in the same folder and makes the move durable.
pub(crate) fn rename_durably(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file locked by this process. It is removed on drop unless it was renamed.
struct Temporary {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// The most processes that may write one file at the same time.
    const MOST: usize = 100;

    /// A temporary file beside `path` that holds the new content; missing folders are created.
    fn with_content(
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Self> {
        let folder = folder_of(path);
        fs::create_dir_all(folder)?;
        let temporary = Self::beside(path, folder)?;
        let mut buffered = BufWriter::new(&temporary.file);
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        Ok(temporary)
    }

    /// The first temporary name of `path` that no other process holds: a new file, or one that a
    /// killed process left behind.
    fn beside(path: &Path, folder: &Path) -> io::Result<Self> {
        let name =
            path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        let name = name.to_string_lossy();
        for number in 0..Self::MOST {
            let number = if number == 0 { String::new() } else { format!(".{number}") };
            let path = folder.join(format!(".{name}{number}.tmp"));
            if let Some(file) = take(&path)? {
                return Ok(Self { file, path, renamed: false });
            }
        }
        let busy = format!("{} processes hold its temporary files", Self::MOST);
        Err(io::Error::new(io::ErrorKind::ResourceBusy, busy))
    }

    /// Renames the file while the lock is held, so that no other process reuses it as a leftover.
    fn rename(mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // If it cannot be removed now, the next write reuses it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file at `path`, emptied and locked; `None` if another process holds it.
fn take(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true);
    let file = match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // `None` if it was renamed or removed meanwhile, is not a regular file, or is not writable.
            let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
            let Some(file) = is_file.then(|| options.open(path).ok()).flatten() else {
                return Ok(None);
            };
            file
        }
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        // Without locks a leftover cannot be told from a file in use: only a new file is safe.
        Err(TryLockError::Error(_)) if file.metadata()?.len() == 0 => {}
        Err(TryLockError::Error(_)) => return Ok(None),
    }
    // Between opening and locking, another process may have renamed the file to its final name, or
    // replaced the path by a link.
    if !is_plain_file_at(&file, path)? {
        return Ok(None);
    }
    file.set_len(0)?;
    Ok(Some(file))
}

/// Whether `path` is the open `file` itself, not a link to it, and the file has no other name.
fn is_plain_file_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    let Ok(there) = fs::symlink_metadata(path) else { return Ok(false) };
    Ok(there.is_file() && identity(&open) == identity(&there) && has_one_name(&open))
}

/// Device and inode number of a file.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // other systems have no such numbers
fn identity(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(unix)]
fn has_one_name(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.nlink() == 1
}

#[cfg(not(unix))]
fn has_one_name(_: &fs::Metadata) -> bool {
    true
}

/// Makes a rename in `folder` durable. Only Unix can sync a folder, and only Unix needs it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
