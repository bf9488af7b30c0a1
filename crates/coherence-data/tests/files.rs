//! Atomic writes leave the old content or the new, and nothing else.

use std::fs;
use std::io;

use coherence_data::files::{is_same_file, replace, write_atomically};

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

/// The temporary file of a killed writer has the first name and no lock.
#[test]
fn a_leftover_is_reused_and_does_not_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.csv");
    fs::write(folder.path().join(".metrics.csv.tmp"), "a longer text than the new one").unwrap();
    write_atomically(&path, |w| w.write_all(b"new")).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn concurrent_writers_of_one_file_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = &folder.path().join("metrics.csv");
    std::thread::scope(|scope| {
        for writer in 0..8_u8 {
            scope.spawn(move || {
                for _ in 0..50 {
                    write_atomically(path, |w| w.write_all(&[writer; 10_000])).unwrap();
                    let read = fs::read(path).unwrap();
                    assert!(read.len() == 10_000 && read.iter().all(|&x| x == read[0]));
                }
            });
        }
    });
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_replaced_file_is_whole_and_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/result.npy");
    for content in ["first", "second"] {
        replace(&path, |w| w.write_all(content.as_bytes())).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    assert!(replace(&path, |_| Err(io::Error::other("the disk is full"))).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "second");
    assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
}

/// A link in place of the temporary file is neither followed nor overwritten.
#[cfg(unix)]
#[test]
fn links_in_place_of_the_temporary_file_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("out"), folder.path().join("other"));
    fs::write(&other, "untouched").unwrap();
    std::os::unix::fs::symlink(&other, folder.path().join(".out.tmp")).unwrap();
    fs::hard_link(&other, folder.path().join(".out.1.tmp")).unwrap();
    fs::create_dir(folder.path().join(".out.2.tmp")).unwrap();
    write_atomically(&path, |w| w.write_all(b"new")).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::read_to_string(&other).unwrap(), "untouched");
}

#[cfg(unix)]
#[test]
fn a_file_is_the_same_file_through_links() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, soft, hard] = ["a", "b", "soft", "hard"].map(|name| folder.path().join(name));
    fs::write(&a, "").unwrap();
    fs::write(&b, "").unwrap();
    std::os::unix::fs::symlink(&a, &soft).unwrap();
    fs::hard_link(&a, &hard).unwrap();
    assert!(is_same_file(&a, &a) && is_same_file(&a, &soft) && is_same_file(&hard, &soft));
    assert!(!is_same_file(&a, &b) && !is_same_file(&a, &folder.path().join("absent")));
}

#[test]
fn missing_folders_are_created() {
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
fn results_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    write_atomically(&ours, |_| Ok(())).unwrap();
    fs::write(&plain, "").unwrap();
    assert_eq!(mode(&ours), mode(&plain));
}
