//! `--device`, as people use it on machines without a GPU.

use std::path::Path;
use std::process::Command;

/// The exit status and stderr of a command, which is started in an empty folder.
fn coherence(folder: &Path, arguments: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    let arguments = arguments.split_whitespace();
    let output = command.current_dir(folder).env_remove("RUST_BACKTRACE").args(arguments).output();
    let output = output.unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Commands that compute; each is complete but for its device.
const COMMANDS: [&str; 7] = [
    "train --model mlp:784,8,10 --data digits --steps 1 --probe 0 --out out",
    "measure --model mlp:784,8,10 --data digits --weights absent.safetensors",
    "reproduce --scale smoke --only C1 --out out",
    "run C1 --scale smoke --out out",
    "run C1 --scale smoke --dry-run --out out",
    "alpha absent.npy",
    "aggregate absent.npy --rule mean",
];

/// A GPU of this number is on no machine.
#[test]
fn a_gpu_that_is_not_there_is_an_error_that_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(feature = "cuda")]
    let expected = coherence_cuda::Driver::new(4096).expect_err("no such GPU").to_string();
    #[cfg(not(feature = "cuda"))]
    let expected = "built without cuda:4096 (build it with --features cuda, or take --device cpu)";
    for command in COMMANDS {
        let (code, message) = coherence(folder.path(), &format!("{command} --device cuda:4096"));
        assert_eq!(code, Some(2), "{command}: {message}");
        assert!(message.contains(&expected[..]), "{command}: {message}");
        assert!(!message.contains("panicked"), "{command}: {message}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing is written without a device");
}

#[test]
fn a_text_that_names_no_device_is_refused_with_the_names_that_are_known() {
    let folder = tempfile::tempdir().unwrap();
    for (command, name) in COMMANDS.iter().zip(["gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "CPU"])
    {
        let (code, message) = coherence(folder.path(), &format!("{command} --device {name}"));
        assert_eq!(code, Some(2), "{message}");
        let expected = format!("unknown device {name} (known: cpu, and cuda:N");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn the_processor_is_the_device_that_is_taken_without_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let train = |out: &str, more: &str| {
        let command = format!(
            "train --model mlp:784,8,10 --data digits --examples 100 --steps 3 --batch 20 --probe 20 --quiet \
             --out {out} {more}"
        );
        let (code, message) = coherence(folder.path(), &command);
        assert_eq!(code, Some(0), "{message}");
        std::fs::read(folder.path().join(out).join("metrics.csv")).unwrap()
    };
    assert!(train("a", "") == train("b", "--device cpu"));
}
