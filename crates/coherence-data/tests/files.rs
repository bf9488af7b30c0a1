//! Atomic writing leaves the old content or the new, and nothing else.

use std::fs;
use std::io;

use coherence_data::files::write_atomically;

#[test]
fn a_failed_write_leaves_the_old_content_and_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.csv");
    fs::write(&path, "old").unwrap();
    let error = write_atomically(&path, |w| {
        w.write_all(b"half of the new")?;
        Err(io::Error::other("the disk is full"))
    })
    .unwrap_err();
    assert_eq!(error.to_string(), format!("could not write {}: the disk is full", path.display()));
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn the_new_content_appears_only_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.csv");
    fs::write(&path, "old").unwrap();
    write_atomically(&path, |w| {
        w.write_all(&[b'x'; 100_000])?;
        assert_eq!(fs::read_to_string(&path)?, "old");
        Ok(())
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), [b'x'; 100_000]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn missing_folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/c");
    write_atomically(&path, |w| w.write_all(b"new")).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "new");
}

#[test]
fn a_path_without_a_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(write_atomically(&folder.path().join(".."), |_| Ok(())).is_err());
}

#[cfg(unix)]
#[test]
fn results_are_as_readable_as_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    write_atomically(&ours, |_| Ok(())).unwrap();
    fs::write(&plain, "").unwrap();
    assert_eq!(mode(&ours), mode(&plain));
}
