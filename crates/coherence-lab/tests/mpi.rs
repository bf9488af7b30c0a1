//! `mpirun -np P coherence …`: the bits of one worker where the rule allows it, workers that die, hang or fail alone, and
//! workers that were started differently.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

const SETTINGS: [&str; 15] = [
    "train",
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

/// `mpirun` over groups of workers, each with arguments of its own. Worker r writes its process to `folder/pid.r`.
fn mpirun(folder: &Path, groups: &[(usize, Vec<&str>)]) -> Command {
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe"]);
    for (index, (size, arguments)) in groups.iter().enumerate() {
        if index > 0 {
            command.arg(":");
        }
        let program = env!("CARGO_BIN_EXE_coherence");
        let script = format!(
            "echo $$ > '{}'/pid.$OMPI_COMM_WORLD_RANK; exec '{program}' \"$@\"",
            folder.display()
        );
        command.args(["-np", &size.to_string(), "sh", "-c", &script, "sh"]).args(arguments);
    }
    command.env("RAYON_NUM_THREADS", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn workers(out: &Path, size: usize, arguments: &[&str]) -> Command {
    let mut arguments: Vec<&str> = SETTINGS.iter().chain(arguments).copied().collect();
    let folder = out.to_str().unwrap();
    arguments.extend(["--out", folder]);
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
fn three_workers_train_to_the_bytes_of_one() {
    let folder = tempfile::tempdir().unwrap();
    for rule in ["m3", "a3", "median-of-means:3"] {
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

/// Within this time after a worker was killed, all have ended.
const KILLED: Duration = Duration::from_secs(10);

/// Trains by `rule`, kills a worker at a random moment after the first checkpoint, and waits for the others. Whether the
/// run was not finished before.
#[track_caller]
fn kill(out: &Path, size: usize, rule: &str, rank: usize) -> bool {
    fs::create_dir(out).unwrap();
    let child = workers(out, size, &["--rule", rule]).spawn().unwrap();
    let processes = after_a_checkpoint(out, size);
    let random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_micros();
    thread::sleep(Duration::from_micros((random % 100_000).into()));
    let _ = Command::new("kill").args(["-9", &processes[rank]]).stderr(Stdio::null()).status();
    let begin = Instant::now();
    let output = ends(child);
    assert!(begin.elapsed() < KILLED, "{:?} after worker {rank} was killed", begin.elapsed());
    assert!(output.status.success() || !text(&output).is_empty());
    !output.status.success()
}

#[test]
fn a_killed_worker_ends_the_others_and_the_run_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = finish(&folder.path().join("whole"), 3, &["--rule", "m3"]);
    let mut killed = 0;
    for (rank, size) in [(0, 3), (1, 3), (2, 3), (0, 1), (2, 1)] {
        let out = folder.path().join(format!("killed-{rank}-{size}"));
        killed += u32::from(kill(&out, 3, "m3", rank));
        // With three workers again, or with one.
        let found = finish(&out, size, &["--rule", "m3"]);
        assert!(found == whole, "worker {rank} killed, {size} go on");
    }
    assert!(killed > 0, "every run was over before its worker was killed");
}

#[test]
fn a_run_of_a_killed_worker_goes_on_with_another_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    for (rule, sizes) in [("mean", [3, 2]), ("rm3", [2, 3]), ("mean", [2, 1])] {
        let out = folder.path().join(format!("{rule}-{}", sizes[0]));
        kill(&out, sizes[0], rule, 1);
        let [metrics, ..] = finish(&out, sizes[1], &["--rule", rule]);
        let metrics = String::from_utf8(metrics).unwrap();
        assert!(metrics.lines().any(|line| line.starts_with("30,test.loss,")), "{metrics}");
    }
    // The groups of the median are the workers: another number is another rule.
    let (out, rule) = (folder.path().join("median"), ["--rule", "median-of-means:3"]);
    kill(&out, 3, rule[1], 0);
    let output = workers(&out, 2, &rule).output().unwrap();
    assert!(text(&output).contains("take as many groups as workers"), "{}", text(&output));
}

#[test]
fn a_worker_that_hangs_ends_all_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let long = ["--steps", "100000000", "--patience", "2"];
    let out = ["--out", folder.path().to_str().unwrap()];
    let arguments = [&SETTINGS[..11], &long, &SETTINGS[13..], &out].concat();
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
    let out = ["--out", folder.path().to_str().unwrap()];
    let with = |at: usize, value| {
        let mut arguments = [&SETTINGS[..], &out].concat();
        arguments[at] = value;
        arguments
    };
    let normalized = [&SETTINGS[..], &out, &["--normalize", "0.1/0.3"]].concat();
    for other in [with(6, "200"), with(2, "convnet"), with(8, "20"), normalized] {
        let mut workers =
            mpirun(folder.path(), &[(2, [&SETTINGS[..], &out].concat()), (1, other.clone())]);
        let output = ends(workers.spawn().unwrap());
        assert!(!output.status.success());
        let message = text(&output);
        assert!(message.contains("workers [2] differ from worker 0"), "{other:?}: {message}");
        assert!(!folder.path().join("checkpoint.safetensors").exists());
    }
}

#[test]
fn rules_over_all_examples_are_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let output = workers(folder.path(), 2, &["--rule", "winsorized:2"]).output().unwrap();
    assert!(text(&output).contains("winsorized:2 over 2 workers (it needs"), "{}", text(&output));
}

#[test]
fn a_command_that_does_not_share_its_work_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let output = mpirun(folder.path(), &[(2, vec!["alpha", "gradients.npy"])]).output().unwrap();
    assert!(!output.status.success());
    let message = text(&output);
    assert!(message.contains("one of 2 MPI processes (start it without mpirun"), "{message}");
}

/// The files `metrics.csv` below a folder, by path.
fn all_metrics(folder: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_metrics(folder, &path, found);
        } else if path.ends_with("metrics.csv") {
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn processes_share_the_runs_of_an_experiment() {
    let folder = tempfile::tempdir().unwrap();
    let [one, three] = [1, 3].map(|size| {
        let out = folder.path().join(size.to_string());
        let run = ["run", "C1", "--scale", "smoke", "--jobs", "1", "--threads", "1", "--quiet"];
        let arguments = [&run[..], &["--out", out.to_str().unwrap()]].concat();
        let output = mpirun(folder.path(), &[(size, arguments)]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        assert!(out.join("report.html").exists());
        let mut found = BTreeMap::new();
        all_metrics(&out, &out, &mut found);
        found
    });
    assert!(one.len() > 2 && one == three, "{:?} {:?}", one.keys(), three.keys());
}

#[test]
fn workers_measure_a_network_together() {
    let folder = tempfile::tempdir().unwrap();
    let trained = folder.path().join("trained");
    finish(&trained, 1, &[]);
    let weights = trained.join("weights.safetensors");
    let measure = |size, by| {
        let arguments = ["measure", "--model", "lenet5", "--data", "digits", "--examples", "1700"];
        let more = ["--by", by, "--errors", "--json", "--weights", weights.to_str().unwrap()];
        let arguments = [&arguments[..], &more].concat();
        let output = mpirun(folder.path(), &[(size, arguments)]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).expect("one result")
    };
    for by in ["layer,group", "layer,class,group,example"] {
        let one = measure(1, by);
        for size in [2, 3] {
            let found = measure(size, by);
            assert_eq!([&found["loss"], &found["accuracy"]], [&one["loss"], &one["accuracy"]]);
            assert_eq!(found, measure(size, by), "{size} workers");
            close(&found, &one);
        }
    }
}

/// Whether two results agree but for the last bits of their numbers.
#[track_caller]
fn close(found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            let error = (found - expected).abs();
            assert!(error <= 1e-6 * expected.abs().max(1e-3), "{found} {expected}");
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len());
            found.iter().zip(expected).for_each(|(found, expected)| close(found, expected));
        }
        (Value::Object(found), Value::Object(expected)) => {
            assert!(found.keys().eq(expected.keys()));
            found.iter().for_each(|(key, found)| close(found, &expected[key]));
        }
        _ => assert_eq!(found, expected),
    }
}

/// Writes rows [n, d] as `numpy.save` does.
fn save(path: &Path, d: usize, rows: &[f32]) {
    let shape = format!("({}, {d})", rows.len() / d);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{header:117}\n").bytes());
    file.extend(rows.iter().flat_map(|x| x.to_le_bytes()));
    fs::write(path, file).unwrap();
}

#[test]
fn the_rows_of_several_workers_are_aggregated_to_the_bytes_of_one_file() {
    let (folder, d) = (tempfile::tempdir().unwrap(), 1000);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rows: Vec<f32> = (0..6 * d).map(|i| ((i * 7919 % 1013) as f32 - 500.0) / 64.0).collect();
    save(path("all.npy").as_ref(), d, &rows);
    for (rank, range) in [0..1, 1..4, 4..6].into_iter().enumerate() {
        save(path(&format!("{rank}.npy")).as_ref(), d, &rows[range.start * d..range.end * d]);
    }
    let aggregate = |size, file: &str, rule, name: &str| {
        let arguments = ["aggregate", file, "--rule", rule, "--out", name];
        mpirun(folder.path(), &[(size, arguments.to_vec())]).output().unwrap()
    };
    let [from_one, from_three] = ["one.npy", "three.npy"].map(path);
    for rule in ["mean", "median", "winsorized:1", "trimmed:2", "median-of-means:4"] {
        for (size, file, name) in [(1, "all.npy", &from_one), (3, "{rank}.npy", &from_three)] {
            let output = aggregate(size, &path(file), rule, name);
            assert!(output.status.success(), "{}", text(&output));
        }
        assert!(fs::read(&from_one).unwrap() == fs::read(&from_three).unwrap(), "{rule}");
    }
    for (file, rule, message) in [
        ("all.npy", "median", "3 workers would read the same rows 3 times"),
        ("{rank}.npy", "krum:1", "krum:1 needs whole rows on one worker"),
        ("{rank}.npy", "trimmed:3", "6"),
    ] {
        let output = aggregate(3, &path(file), rule, &from_three);
        assert!(!output.status.success());
        assert!(text(&output).contains(message), "{}", text(&output));
    }
}

#[test]
fn a_worker_that_fails_alone_ends_the_others_with_its_message() {
    let folder = tempfile::tempdir().unwrap();
    save(&folder.path().join("0.npy"), 2, &[1.0, 2.0]);
    let file = folder.path().join("{rank}.npy").to_str().unwrap().to_owned();
    let mut command = mpirun(folder.path(), &[(2, vec!["aggregate", &file, "--rule", "mean"])]);
    let begin = Instant::now();
    let output = ends(command.spawn().unwrap());
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    assert!(!output.status.success());
    assert!(text(&output).contains("worker 1 of 2 failed: "), "{}", text(&output));
}
