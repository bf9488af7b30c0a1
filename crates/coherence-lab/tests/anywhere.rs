//! The installed binary, away from the repository.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use coherence_tests::output::{check, stderr, stdout};
use serde_json::Value;

/// The program in an empty folder, where no experiments are.
fn elsewhere(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.args(args).current_dir(folder.path()).output().unwrap()
}

#[test]
fn experiments_are_there_without_the_repository() {
    let list = elsewhere(&["list"]);
    check(&list, 0);
    assert!(stdout(&list).contains("Depth amplifies the common signal"));
    assert!(stdout(&list).contains("experiments: those built into coherence"));
    let one = elsewhere(&["check", "C3"]);
    check(&one, 0);
    assert_eq!(stdout(&one), "C3: valid\n");
    check(&elsewhere(&["check"]), 0);
    let run = elsewhere(&["run", "B5", "--scale", "smoke"]);
    check(&run, 0);
    assert!(stdout(&run).contains("B5.rises-to-4"));
    let unknown = elsewhere(&["run", "B99"]);
    check(&unknown, 2);
    assert!(stderr(&unknown).contains("there are B1, B2"), "{}", stderr(&unknown));
}

#[test]
fn files_of_a_folder_called_experiments_win_over_those_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/B1.toml");
    let text = fs::read_to_string(ours).unwrap().replace("id = \"B1\"", "id = \"X1\"");
    fs::create_dir(folder.path().join("experiments")).unwrap();
    fs::write(folder.path().join("experiments/X1.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    let list = command.arg("list").current_dir(folder.path()).output().unwrap();
    check(&list, 0);
    assert!(stdout(&list).contains("X1") && !stdout(&list).contains("B2"));
    assert!(stdout(&list).contains("experiments: the folder experiments"));
}

#[test]
fn the_version_is_that_of_coherence() {
    let output = elsewhere(&["--version"]);
    check(&output, 0);
    assert_eq!(stdout(&output), format!("coherence {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_know_the_commands_of_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let output = elsewhere(&["completions", shell]);
        check(&output, 0);
        assert!(stdout(&output).contains("reproduce"), "{shell}");
    }
}

#[test]
fn models_are_listed_with_their_size_and_the_memory_of_a_batch() {
    let models = |args: &[&str]| -> Vec<Value> {
        let output = elsewhere(&[&["list", "models", "--json"], args].concat());
        check(&output, 0);
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let (one, batch) = (models(&[]), models(&["--batch", "32"]));
    assert_eq!(one.len(), batch.len());
    for (one, batch) in one.iter().zip(&batch) {
        let size = if one["name"].as_str().unwrap().starts_with("inception") { 299 } else { 224 };
        assert_eq!(one["size"], size, "{one}");
        let bytes = [one, batch].map(|model| model["activation_bytes"].as_u64());
        assert_eq!(bytes[1], bytes[0].map(|bytes| 32 * bytes), "{batch}");
        assert!(bytes[0].is_some(), "{one}");
    }
    assert!(models(&["--size", "224"]).iter().any(|model| model["parameters"].is_null()));

    let table = |args: &[&str]| stdout(&elsewhere(&[&["list", "models"], args].concat()));
    let (one, batch) = (table(&[]), table(&["--batch", "32"]));
    assert!(one.contains("activations of an image, MiB"), "{one}");
    assert!(batch.contains("activations of 32 images, MiB"), "{batch}");
    assert!(table(&["--size", "224"]).contains("not for this size"));
}

#[test]
fn a_wrong_variable_for_data_is_told() {
    for args in [&["data", "list"][..], &["data", "path"], &["run", "B5", "--scale", "smoke"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        command.args(args).env("COHERENCE_DATA", "/no/such/folder");
        let folder = tempfile::tempdir().unwrap();
        let said = stderr(&command.current_dir(folder.path()).output().unwrap());
        assert!(
            said.contains("COHERENCE_DATA is /no/such/folder, which is not a folder"),
            "{said}"
        );
    }
}

#[test]
fn a_new_experiment_is_valid_and_runs_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let coherence = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        command.args(args).current_dir(folder.path()).output().unwrap()
    };
    let new = coherence(&["new", "T1"]);
    check(&new, 0);
    assert!(stdout(&new).contains("coherence run ./T1.toml --scale smoke"), "{}", stdout(&new));
    check(&coherence(&["check", "T1.toml"]), 0);
    let run = coherence(&["run", "T1.toml", "--scale", "smoke", "--out", "out"]);
    assert_ne!(run.status.code(), Some(2), "{}", stderr(&run)); // a claim of so short a run may fail
    assert!(stdout(&run).contains("T1.less-memorised"));
    assert!(
        fs::read_to_string(folder.path().join("out/report.html")).unwrap().contains("T1-overfit")
    );
    let again = coherence(&["new", "T1"]);
    check(&again, 2);
    assert!(stderr(&again).contains("T1.toml exists: choose another id or --out"));
    check(&coherence(&["new", "a/b"]), 2);
}

#[test]
fn more_threads_than_a_machine_can_start_and_what_is_no_number_are_errors() {
    for (threads, said) in [
        ("1000000", "RAYON_NUM_THREADS is 1000000"),
        ("two", "RAYON_NUM_THREADS is \"two\": write a number of threads"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        let list = command.args(["list", "models"]).env("RAYON_NUM_THREADS", threads).output();
        let list = list.unwrap();
        check(&list, 2);
        assert!(stderr(&list).contains(said), "{}", stderr(&list));
    }
}

#[test]
fn a_batch_whose_activations_no_machine_can_address_is_refused() {
    let list = elsewhere(&["list", "models", "--batch", "99999999999999999"]);
    check(&list, 2);
    assert!(stderr(&list).contains("--batch 99999999999999999 is more than"), "{}", stderr(&list));
}
