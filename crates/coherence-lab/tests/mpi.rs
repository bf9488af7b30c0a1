//! `mpirun -np P coherence train`: the bits of one worker where the rule allows it, workers that die or hang, and
//! workers that were started differently.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const SETTINGS: [&str; 14] = [
    "--model",
    "lenet5",
    "--data",
    "digits",
    "--examples",
    "300",
    "--batch",
    "30",
    "--probe",
    "60",
    "--steps",
    "30",
    "--checkpoint-every",
    "6",
];

const FILES: [&str; 3] = ["metrics.csv", "learned.csv", "weights.safetensors"];

/// `mpirun` over groups of workers, each with arguments of its own. Worker r writes its process to `out/pid.r`.
fn mpirun(out: &Path, groups: &[(usize, Vec<&str>)]) -> Command {
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe"]);
    for (index, (size, arguments)) in groups.iter().enumerate() {
        if index > 0 {
            command.arg(":");
        }
        let program = env!("CARGO_BIN_EXE_coherence");
        let script = format!(
            "echo $$ > '{}'/pid.$OMPI_COMM_WORLD_RANK; exec '{program}' train \"$@\"",
            out.display()
        );
        command.args(["-np", &size.to_string(), "sh", "-c", &script, "sh"]).args(arguments);
        command.arg("--out").arg(out);
    }
    command.env("RAYON_NUM_THREADS", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn workers<'a>(out: &Path, size: usize, arguments: &[&'a str]) -> Command {
    let arguments: Vec<&'a str> = SETTINGS.iter().chain(arguments).copied().collect();
    mpirun(out, &[(size, arguments)])
}

/// The files of a run of `size` workers, after a start in `out`.
#[track_caller]
fn finish(out: &Path, size: usize, arguments: &[&str]) -> [Vec<u8>; 3] {
    fs::create_dir_all(out).unwrap();
    let output = workers(out, size, arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    FILES.map(|file| fs::read(out.join(file)).unwrap())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// Waits until all workers have made their first checkpoint, and returns their processes.
fn after_a_checkpoint(out: &Path, size: usize) -> Vec<String> {
    let begin = Instant::now();
    while !out.join("checkpoint.safetensors").exists() {
        assert!(begin.elapsed() < Duration::from_secs(120), "no checkpoint");
        thread::sleep(Duration::from_millis(20));
    }
    let process =
        |rank| fs::read_to_string(out.join(format!("pid.{rank}"))).unwrap().trim().to_owned();
    (0..size).map(process).collect()
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

/// The output of workers that must end by themselves within a minute.
#[track_caller]
fn ends(mut child: Child) -> Output {
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("the workers did not end");
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn three_workers_train_by_m3_to_the_bytes_of_one() {
    let folder = tempfile::tempdir().unwrap();
    for rule in ["m3", "a3"] {
        let one = finish(&folder.path().join(format!("{rule}-1")), 1, &["--rule", rule]);
        let three = finish(&folder.path().join(format!("{rule}-3")), 3, &["--rule", rule]);
        assert!(one == three, "{rule}");
    }
}

#[test]
fn two_three_and_four_workers_give_the_same_bytes_on_every_run() {
    let folder = tempfile::tempdir().unwrap();
    for (size, rule) in [(2, "mean"), (3, "median-of-means:3"), (4, "rm3")] {
        let run = |name: &str| {
            finish(&folder.path().join(format!("{rule}-{name}")), size, &["--rule", rule])
        };
        assert!(run("first") == run("second"), "{size} workers, {rule}");
    }
}

#[test]
fn a_killed_worker_ends_the_others_and_the_run_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = finish(&folder.path().join("whole"), 3, &["--rule", "m3"]);
    for rank in 0..3 {
        let out = folder.path().join(format!("killed-{rank}"));
        fs::create_dir(&out).unwrap();
        let child = workers(&out, 3, &["--rule", "m3"]).spawn().unwrap();
        signal("-9", &after_a_checkpoint(&out, 3)[rank]);
        let output = ends(child);
        // A run may have ended before its worker was killed.
        if !output.status.success() {
            assert!(!text(&output).is_empty());
        }
        assert!(finish(&out, 3, &["--rule", "m3"]) == whole, "worker {rank} killed");
    }
}

#[test]
fn a_worker_that_hangs_ends_all_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let long = ["--steps", "100000000", "--patience", "2"];
    let arguments = [&SETTINGS[..10], &long, &SETTINGS[12..]].concat();
    let child = mpirun(folder.path(), &[(2, arguments)]).spawn().unwrap();
    let processes = after_a_checkpoint(folder.path(), 2);
    signal("-STOP", &processes[1]);
    let output = ends(child);
    assert!(!output.status.success());
    assert!(text(&output).contains("worker 0 of 2 waited 2 s for the others"), "{}", text(&output));
}

#[test]
fn workers_with_other_data_or_another_model_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let with = |at: usize, value| {
        let mut arguments = SETTINGS.to_vec();
        arguments[at] = value;
        arguments
    };
    for other in [with(5, "200"), with(1, "convnet"), with(7, "20")] {
        let mut workers = mpirun(folder.path(), &[(2, SETTINGS.to_vec()), (1, other)]);
        let output = ends(workers.spawn().unwrap());
        assert!(!output.status.success());
        let message = text(&output);
        assert!(message.contains("workers [2] differ from worker 0"), "{message}");
        assert!(!folder.path().join("checkpoint.safetensors").exists());
    }
}

#[test]
fn rules_over_all_examples_are_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let output = workers(folder.path(), 2, &["--rule", "winsorized:2"]).output().unwrap();
    assert!(text(&output).contains("winsorized:2 over 2 workers (it needs"), "{}", text(&output));
}
