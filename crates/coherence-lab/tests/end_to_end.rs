//! The binary as people use it: run, skip, refuse, interrupt, kill, resume, report.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use coherence_lab::record::Record;
use coherence_lab::scale::Scale;
use coherence_lab::spec::Experiment;
use coherence_tests::output::{check, stderr, stdout};

/// An experiment of a second: two levels of noise, three seeds.
const EXPERIMENT: &str = r#"
id = "X1"
title = "Clean digits are easier than permuted ones"
source = "nobody"
statement = "s"
analysis = "a"

[scale.smoke]
dataset = "digits"
examples = 200
test_examples = 100
hidden = [8]
batch = 20
rate = 0.1
steps = 120
data = "permuted-labels"
probe = 50
seeds = 3
grid = { noise = [0, 100] }

[[claim]]
id = "harder"
written = "2026-11-26"
statement = "After 100 steps the loss on permuted labels is higher"
source = "nobody"
quantity = "at(train.loss, 100)"
expect = { rises_along = "noise" }

[[figure]]
id = "loss"
title = "Loss"
series = ["train.loss", "test.loss"]
color = "noise"
y_label = "mean loss"
"#;

/// A folder with the experiment in it, and room for results.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(experiment: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.put(experiment);
        desk
    }

    fn put(&self, experiment: &str) {
        fs::write(self.path("X1.toml"), experiment).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, out: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        command.args(["reproduce", "--scale", "smoke", "--experiments"]).arg(self.0.path());
        command.arg("--out").arg(self.path(out)).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, out: &str) -> Output {
        self.command(out).output().unwrap()
    }

    /// The times at which the run folders' metrics were last written.
    fn metrics_written(&self, out: &str) -> Vec<SystemTime> {
        let cells = ["noise=0", "noise=100"];
        let runs = cells.iter().flat_map(|cell| (1..=3).map(move |n| format!("{cell}/seed-{n}")));
        runs.map(|run| self.path(out).join("X1").join(run).join("metrics.csv"))
            .map(|path| fs::metadata(path).unwrap().modified().unwrap())
            .collect()
    }
}

#[test]
fn a_reproduction_writes_all_that_it_promises_and_is_not_repeated() {
    let desk = Desk::new(EXPERIMENT);
    let first = desk.run("out");
    check(&first, 0);
    let said = stderr(&first);
    assert!(said.contains("experiments: the folder") && said.contains("X1: 6 runs, 720 steps"));
    assert!(said.contains("X1: ended, 100 % after"), "{said}");
    assert!(stdout(&first).contains("X1.harder"));
    let summary: serde_json::Value = serde_json::from_str(&desk.read("out/summary.json")).unwrap();
    assert_eq!(summary["experiments"][0]["claims"][0]["verdict"], "holds");
    assert_eq!(summary["experiments"][0]["record"], "records/X1.csv");
    assert!(desk.read("out/report.html").contains("Clean digits are easier"));
    assert!(desk.read("out/X1/noise=0/seed-1/run.toml").contains("finished = true"));

    let (written, record) = (desk.metrics_written("out"), desk.read("out/records/X1.csv"));
    check(&desk.run("out"), 0);
    assert_eq!(desk.metrics_written("out"), written);
    assert_eq!(desk.read("out/records/X1.csv"), record);
}

#[test]
fn the_number_of_workers_does_not_change_a_digit() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.command("one").args(["--jobs", "1", "--threads", "1"]).output().unwrap(), 0);
    let all = cores().to_string();
    check(&desk.command("more").args(["--jobs", &all, "--threads", &all]).output().unwrap(), 0);
    assert_eq!(desk.read("one/records/X1.csv"), desk.read("more/records/X1.csv"));
}

#[test]
fn a_folder_with_other_settings_is_refused() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.run("out"), 0);
    desk.put(&EXPERIMENT.replace("rate = 0.1", "rate = 0.2"));
    let second = desk.run("out");
    check(&second, 2);
    let said = stdout(&second);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("rate = 0.1 there, 0.2 here"), "{words}");
}

#[test]
fn more_seeds_reuse_those_that_are_there() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.run("out"), 0);
    let written = desk.metrics_written("out");
    check(&desk.command("out").args(["--seeds", "4"]).output().unwrap(), 0);
    assert_eq!(desk.metrics_written("out"), written);
    assert!(desk.path("out/X1/noise=100/seed-4/metrics.csv").exists());
}

#[test]
fn a_claim_that_fails_gives_status_one() {
    let desk = Desk::new(&EXPERIMENT.replace("rises_along", "falls_along"));
    check(&desk.run("out"), 1);
    assert!(desk.read("out/summary.json").contains("\"verdict\": \"fails\""));
}

/// Two seeds decide nothing.
#[test]
fn an_undecided_claim_is_an_error_only_where_it_is_asked_for() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.command("out").args(["--seeds", "2"]).output().unwrap(), 0);
    assert!(desk.read("out/summary.json").contains("\"verdict\": \"undecided\""));
    check(&desk.command("out").args(["--seeds", "2", "--strict"]).output().unwrap(), 1);
    check(&desk.command("out").arg("--strict").output().unwrap(), 0);
}

#[test]
fn the_first_seed_is_the_one_that_the_file_names() {
    let desk = Desk::new(&EXPERIMENT.replace("seeds = 3", "seeds = 3\nfirst_seed = 5"));
    check(&desk.command("out").args(["--seeds", "2"]).output().unwrap(), 0);
    let record = Record::load(&desk.path("out/records/X1.csv")).unwrap();
    assert_eq!(record.header.seeds, [5, 6]);
    assert!(!record.header.made[0].machine.commit.is_empty());
}

#[test]
fn what_cannot_run_gives_status_two_and_a_remedy() {
    let desk = Desk::new(&EXPERIMENT.replace("steps = 120", "stepz = 120"));
    let output = desk.run("out");
    check(&output, 2);
    assert!(stderr(&output).contains("unknown field `stepz`"), "{}", stderr(&output));
}

#[test]
fn every_series_of_a_run_is_known_to_the_check() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.run("out"), 0);
    let experiment = Experiment::load(&desk.path("X1.toml")).unwrap();
    let record = Record::load(&desk.path("out/records/X1.csv")).unwrap();
    let series: BTreeSet<&str> = record.rows.iter().map(|row| row.series.as_str()).collect();
    assert!(40 < series.len() && series.contains("probe.corrupt.helpfulness"), "{series:?}");
    for name in series {
        assert!(experiment.scales[&Scale::Smoke].records(name), "{name}");
    }
}

#[test]
fn quiet_says_nothing() {
    let desk = Desk::new(EXPERIMENT);
    let output = desk.command("out").arg("--quiet").output().unwrap();
    check(&output, 0);
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn what_was_not_measured_is_no_failure_and_gives_status_two() {
    // With noise 0 no example is corrupt.
    let desk = Desk::new(&EXPERIMENT.replace("at(train.loss, 100)", "at(corrupt.loss, 100)"));
    let output = desk.run("out");
    check(&output, 2);
    assert!(stdout(&output).contains("NOT MEASURED"));
    assert!(desk.read("out/summary.json").contains("\"verdict\": \"not-measured\""));
    assert!(desk.read("out/report.html").contains("not measured"));
}

#[test]
fn too_many_workers_are_refused_with_the_cores() {
    let desk = Desk::new(EXPERIMENT);
    for option in ["--threads", "--jobs"] {
        let output = desk.command("out").args([option, "100000"]).output().unwrap();
        check(&output, 2);
        let text = format!("{option} is 100000, and this machine has {} cores", cores());
        assert!(stderr(&output).contains(&text), "{}", stderr(&output));
    }
    let output = desk.command("out").args(["--seeds", "1000000000"]).output().unwrap();
    check(&output, 2);
    assert!(stderr(&output).contains("1..=10000"), "{}", stderr(&output));
    assert!(!desk.path("out").exists(), "nothing was begun");
}

#[test]
fn an_id_cannot_write_outside_of_its_folder() {
    let desk = Desk::new(&EXPERIMENT.replace("id = \"X1\"", "id = \"..\""));
    fs::rename(desk.path("X1.toml"), desk.path("...toml")).unwrap();
    let output = desk.command("deep/out").output().unwrap();
    check(&output, 2);
    assert!(stderr(&output).contains("\"..\" is not allowed"), "{}", stderr(&output));
    assert!(!desk.path("deep").exists(), "nothing was written");
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The value of a key of a record's header or of a run's file.
fn header(desk: &Desk, file: &str) -> toml::Table {
    desk.read(file).parse().unwrap()
}

#[test]
fn a_record_keeps_what_made_it_however_often_it_is_reused() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.run("out"), 0);
    let first = header(&desk, "out/records/X1.toml");
    let [made] = first["made"].as_array().unwrap().as_slice() else { panic!("one build") };
    assert_eq!(made["runs"].as_integer(), Some(6));
    let (wall, work) = (first["wall_seconds"].as_float(), made["seconds"].as_float());
    assert!(0.0 < wall.unwrap() && wall <= work, "{wall:?} of {work:?}");
    check(&desk.run("out"), 0);
    assert_eq!(header(&desk, "out/records/X1.toml"), first);

    // As if an older build had made one of the runs.
    let run = "out/X1/noise=0/seed-1/run.toml";
    let old = desk.read(run).replace("version = \"", "version = \"0.0.");
    fs::write(desk.path(run), old).unwrap();
    check(&desk.run("out"), 0);
    let mixed = header(&desk, "out/records/X1.toml");
    let runs: Vec<_> =
        mixed["made"].as_array().unwrap().iter().map(|m| m["runs"].as_integer().unwrap()).collect();
    assert_eq!(runs.iter().sum::<i64>(), 6);
    assert_eq!(runs.len(), 2, "both builds are told");
}

#[test]
fn runs_of_a_version_with_other_results_are_refused() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.run("out"), 0);
    let run = "out/X1/noise=0/seed-1/run.toml";
    let ours = format!("results = {}", coherence_train::RESULTS);
    let text = desk.read(run);
    assert!(text.contains(&ours), "{text}");
    fs::write(desk.path(run), text.replace(&ours, "results = 0")).unwrap();
    let output = desk.run("out");
    check(&output, 2);
    let said = stdout(&output);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("(results 0) and this is") && words.contains("remove it"), "{words}");
}

/// Long enough to be caught in the middle.
fn long() -> String {
    EXPERIMENT.replace("steps = 120", "steps = 6000")
}

/// A child that has trained past its first checkpoint.
fn caught(desk: &Desk) -> Child {
    let child = desk.command("broken").spawn().unwrap();
    let checkpoint = desk.path("broken/X1/noise=0/seed-1/checkpoint.safetensors");
    while !checkpoint.exists() {
        sleep(Duration::from_millis(5));
    }
    child
}

fn same_as_uninterrupted(desk: &Desk) {
    check(&desk.run("broken"), 0);
    check(&desk.run("whole"), 0);
    assert_eq!(desk.read("broken/records/X1.csv"), desk.read("whole/records/X1.csv"));
}

#[test]
fn a_killed_reproduction_ends_as_if_it_had_not_been() {
    let desk = Desk::new(&long());
    let mut child = caught(&desk);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!finished(&desk.path("broken")));
    same_as_uninterrupted(&desk);
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_stops_and_says_how_to_go_on() {
    a_signal_saves_and_stops("-INT");
}

#[cfg(unix)]
#[test]
fn sigterm_saves_stops_and_says_how_to_go_on() {
    a_signal_saves_and_stops("-TERM");
}

#[cfg(unix)]
fn a_signal_saves_and_stops(signal: &str) {
    let desk = Desk::new(&long());
    let child = caught(&desk);
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    check(&output, 2);
    assert!(stderr(&output).contains("the same command goes on"), "{}", stderr(&output));
    assert!(!finished(&desk.path("broken")));
    same_as_uninterrupted(&desk);
}

fn finished(out: &Path) -> bool {
    out.join("records/X1.csv").exists()
}

#[test]
fn records_are_judged_again_without_running() {
    let desk = Desk::new(EXPERIMENT);
    let filed = desk.path("filed");
    check(&desk.command("out").arg("--records").arg(&filed).output().unwrap(), 0);
    let record = fs::read_dir(filed.join("X1"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().unwrap() == "csv")
        .unwrap();
    let mut report = Command::new(env!("CARGO_BIN_EXE_coherence"));
    report.arg("report").arg(&record).arg("--experiments").arg(desk.0.path());
    report.arg("--out").arg(desk.path("again"));
    check(&report.output().unwrap(), 0);
    assert_eq!(desk.read("again/records/X1.csv"), desk.read("out/records/X1.csv"));

    desk.put(&EXPERIMENT.replace("seeds = 3", "seeds = 3\nfirst_seed = 4"));
    check(&report.output().unwrap(), 0);

    desk.put(&EXPERIMENT.replace("rate = 0.1", "rate = 0.2"));
    let refused = report.output().unwrap();
    check(&refused, 2);
    assert!(stderr(&refused).contains("other settings"), "{}", stderr(&refused));
}

#[test]
fn list_and_check_speak_to_people_and_machines() {
    let desk = Desk::new(EXPERIMENT);
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        command.args(args).arg("--experiments").arg(desk.0.path()).output().unwrap()
    };
    let list = run(&["list"]);
    check(&list, 0);
    assert!(stdout(&list).contains("Clean digits"));
    let json: serde_json::Value = serde_json::from_slice(&run(&["list", "--json"]).stdout).unwrap();
    assert_eq!(json[0]["scales"], serde_json::json!(["smoke"]));
    check(&run(&["check"]), 0);
    desk.put(&EXPERIMENT.replace("batch = 20", "batch = 0"));
    let invalid = run(&["check"]);
    check(&invalid, 1);
    assert!(stdout(&invalid).contains("batch is 0: it must be at least 1"));
}

#[test]
fn measure_breaks_coherence_down_so_that_mean_helpfulness_is_debiased_alpha() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.run("out"), 0);
    let run = desk.path("out/X1/noise=0/seed-1");
    let mut measure = Command::new(env!("CARGO_BIN_EXE_coherence"));
    measure.args(["measure", "--model", "mlp:784,8,10", "--data", "digits:train", "--json"]);
    measure.args(["--by", "layer,class,example", "--examples", "300", "--weights"]);
    let output = measure.arg(run.join("weights.safetensors")).output().unwrap();
    check(&output, 0);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["network"]["m"], 300);
    assert_eq!(found["layers"].as_array().unwrap().len(), 4);
    assert_eq!(found["classes"].as_array().unwrap().len(), 10);
    let help =
        found["examples"].as_array().unwrap().iter().map(|e| e["helpfulness"].as_f64().unwrap());
    let mean = help.sum::<f64>() / 300.0;
    let debiased = found["network"]["alpha_debiased"].as_f64().unwrap();
    assert!((mean - debiased).abs() < 1e-6, "mean helpfulness {mean}, de-biased α {debiased}");
}

#[test]
fn measure_lists_both_sides_when_weights_do_not_fit() {
    let desk = Desk::new(EXPERIMENT);
    check(&desk.run("out"), 0);
    let mut measure = Command::new(env!("CARGO_BIN_EXE_coherence"));
    measure.args(["measure", "--model", "mlp:784,9,10", "--data", "digits:test", "--weights"]);
    let weights = desk.path("out/X1/noise=0/seed-1/weights.safetensors");
    let output = measure.arg(weights).output().unwrap();
    check(&output, 2);
    assert!(stderr(&output).contains("network:") && stderr(&output).contains("file:"));
}
