//! A wrong `COHERENCE_DATA` is named in the error.

use std::fs;
use std::path::Path;
use std::process::Command;

fn path_of_mnist(data: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_coherence"))
        .args(["data", "path", "mnist"])
        .env("COHERENCE_DATA", data)
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_folder_that_does_not_exist_or_lacks_the_set_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let absent = folder.path().join("absent");
    let is_not_a_folder = format!("COHERENCE_DATA is {}, which is not a folder", absent.display());
    assert!(path_of_mnist(&absent).contains(&is_not_a_folder), "{}", path_of_mnist(&absent));
    fs::create_dir(&absent).expect("a folder");
    let lacks_it =
        format!("COHERENCE_DATA is {}, which holds no complete mnist/", absent.display());
    assert!(path_of_mnist(&absent).contains(&lacks_it), "{}", path_of_mnist(&absent));
}
