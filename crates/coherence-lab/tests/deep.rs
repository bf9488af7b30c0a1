//! What experiments on deep networks need, through the binary: ImageNet's folder, costs, trained initial weights.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use coherence_lab::record::Record;
use coherence_lab::scale::Scale;
use coherence_lab::spec::Experiment;
use coherence_tests::output::{check, stdout};
use image::{Rgb, RgbImage};

/// Two epochs of LeNet-5 on random labels.
const EXPERIMENT: &str = r#"
id = "X1"
title = "t"
source = "s"
statement = "s"
analysis = "a"

[scale.smoke]
dataset = "digits"
examples = 60
test_examples = 20
model = "lenet5"
batch = 20
rate = 0.1
steps = 6
every = 3
data = "redrawn-labels"
noise = 100
probe = 20
seeds = 1
"#;

fn coherence(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.args(arguments).current_dir(folder).env("COHERENCE_DATA", folder);
    command.output().expect("the binary starts")
}

#[track_caller]
fn run(folder: &Path, experiment: &str, arguments: &[&str]) -> Output {
    fs::write(folder.join("X1.toml"), experiment).unwrap();
    let all = [&["run", "X1.toml", "--scale", "smoke", "--out", "out", "-q"], arguments].concat();
    coherence(folder, &all)
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    check(output, 0);
    stdout(output)
}

/// The weights that a run begins with are those with which a run on the data without noise ends.
#[test]
fn trained_initial_weights_are_those_of_a_run_without_noise() {
    let [once, before] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let plain = EXPERIMENT.replace("redrawn-labels", "real").replace("noise = 100\n", "");
    succeeds(&run(once.path(), &plain.replace("steps = 6", "steps = 9"), &[]));
    let settings = "initial = 'trained'\npretraining = 9\nsteps = 6";
    succeeds(&run(before.path(), &EXPERIMENT.replace("steps = 6", settings), &[]));
    let weights = |folder: &Path| fs::read(folder.join("weights.safetensors")).unwrap();
    let first = before.path().join("out/X1/all/seed-1/pretraining");
    assert!(weights(&first) == weights(&once.path().join("out/X1/all/seed-1")));

    // The loss at the start, on the noisy labels, is not that of random weights.
    let start = |folder: &Path| {
        let text = fs::read_to_string(folder.join("out/X1/all/seed-1/metrics.csv")).unwrap();
        text.lines().find(|line| line.starts_with("0,train.loss,")).unwrap().to_owned()
    };
    let random = tempfile::tempdir().unwrap();
    succeeds(&run(random.path(), EXPERIMENT, &[]));
    assert_ne!(start(before.path()), start(random.path()));
}

/// ImageNet's folder is found in the folder of data sets, and its absence is told with the remedy.
#[test]
fn imagenet_is_a_folder_of_class_folders_in_the_folder_of_data_sets() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = EXPERIMENT
        .replace("\"digits\"", "\"imagenet\"\nsize = 32")
        .replace("examples = 60\ntest_examples = 20\n", "")
        .replace("lenet5", "resnet18:w4")
        .replace("batch = 20", "batch = 4")
        .replace("probe = 20", "probe = 8")
        .replace("redrawn-labels", "random-pixels");
    let absent = run(folder.path(), &experiment, &[]);
    let message = stdout(&absent);
    assert_eq!(absent.status.code(), Some(2));
    assert!(message.contains("put its class folders into imagenet/train"), "{message}");
    for (set, images) in [("train", 4), ("val", 1)] {
        for (class, shade) in [("n01", 40), ("n02", 200)] {
            let class = folder.path().join("imagenet").join(set).join(class);
            fs::create_dir_all(&class).unwrap();
            for i in 0..images {
                let image = RgbImage::from_pixel(40, 36, Rgb([shade, shade / 2, i * 9]));
                image.save(class.join(format!("{i}.png"))).unwrap();
            }
        }
    }
    succeeds(&run(folder.path(), &experiment, &[]));
    let metrics = folder.path().join("out/X1/all/seed-1/metrics.csv");
    assert!(fs::read_to_string(metrics).unwrap().contains("6,corrupt.loss,"));
}

/// Steps, examples and layers of LeNet-5, counted by hand.
#[test]
fn a_dry_run_tells_the_cost_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = succeeds(&run(folder.path(), EXPERIMENT, &["--dry-run", "--json"]));
    assert!(!folder.path().join("out").exists());
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cell = &told["experiments"][0]["cells"][0];
    let convolutions = 28.0 * 28.0 * 6.0 * 25.0 + 10.0 * 10.0 * 16.0 * 150.0;
    let forward = convolutions + 400.0 * 120.0 + 120.0 * 84.0 + 84.0 * 10.0;
    assert_eq!(cell["training"].as_f64(), Some(6.0 * 20.0 * 3.0 * forward));
    // 60 + 20 examples once; the mini-batch and the sample, 20 each, forwards and backwards.
    assert_eq!(cell["measurement"].as_f64(), Some((80.0 + 3.0 * 40.0) * forward));
    assert_eq!(cell["measurements"].as_u64(), Some(3));
    for timed in ["step_seconds", "measurement_seconds"] {
        assert!(cell[timed].as_f64().unwrap() > 0.0, "{timed}");
    }
    let falls = EXPERIMENT.replace("every = 3", "low_water = 5");
    let text = succeeds(&run(folder.path(), &falls, &["--dry-run"]));
    assert!(text.contains("whose number depends on the loss"), "{text}");
}

/// What a winsorised step does for each example is counted, which the multiply-adds of the passes do not say.
#[test]
fn a_dry_run_counts_the_work_of_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = EXPERIMENT
        .replace("model = \"lenet5\"", "hidden = [256]")
        .replace("seeds = 1", "seeds = 1\ngrid = { clip = [0, 4] }");
    let text = succeeds(&run(folder.path(), &experiment, &["--dry-run", "--json"]));
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cells = told["experiments"][0]["cells"].as_array().unwrap();
    let [mean, winsorised] = [0, 1].map(|i| cells[i]["step_seconds"].as_f64().unwrap());
    assert!(1.5 * mean < winsorised, "{mean} s and {winsorised} s a step");
    assert_eq!(cells[0]["training"], cells[1]["training"]);
}

/// ImageNet's numbers are known, so that its cost is told where it is not.
#[test]
fn a_dry_run_needs_no_images_of_imagenet() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = EXPERIMENT
        .replace("\"digits\"", "\"imagenet\"\nsize = 32")
        .replace("examples = 60\ntest_examples = 20\n", "");
    let text = succeeds(&run(folder.path(), &experiment, &["--dry-run", "--json"]));
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cell = &told["experiments"][0]["cells"][0];
    let [training, measurement] =
        ["training", "measurement"].map(|key| cell[key].as_f64().unwrap());
    let forward = training / (6.0 * 20.0 * 3.0);
    assert_eq!(measurement, (1_281_167.0 + 50_000.0 + 3.0 * 40.0) * forward);
}

#[test]
fn every_series_of_a_normalised_network_is_known_to_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let watch = "watch = ['layer', 'group', 'imputed-layer', 'imputed-group']\nprobe = 60";
    let experiment = EXPERIMENT
        .replace("lenet5", "resnet18:w4")
        .replace("noise = 100", "noise = 50")
        .replace("batch = 20", "batch = 5")
        .replace("probe = 20", watch);
    succeeds(&run(folder.path(), &experiment, &[]));
    let settings = &Experiment::load(&folder.path().join("X1.toml")).unwrap().scales[&Scale::Smoke];
    let record = Record::load(&folder.path().join("out/records/X1.csv")).unwrap();
    for row in &record.rows {
        assert!(settings.records(&row.series), "{}", row.series);
    }
    for series in ["probe.batches.alpha_debiased", "probe.batches.standard_error"] {
        assert!(record.rows.iter().any(|row| row.series == series), "{series}");
    }
    assert!(!settings.records("probe.batches.m_coherence"));
    for series in ["corrupt.alpha", "layer4.1.conv2.weight.m_coherence", "fc.bias.m_coherence"] {
        let name = format!("probe.imputed.{series}");
        assert!(record.rows.iter().any(|row| row.series == name), "{name}");
        assert!(!settings.records(&format!("{name}.x")));
    }
}
