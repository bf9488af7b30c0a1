//! `coherence train` as people use it, on the embedded digits and on a folder of images.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use coherence_tests::output::{check, stderr, stdout};
use serde_json::Value;

fn train(out: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.arg("train").arg("--out").arg(out).args(arguments).output().unwrap()
}

#[track_caller]
fn message(output: &Output, code: i32) -> String {
    check(output, code);
    stderr(output)
}

const LENET: [&str; 16] = [
    "--model",
    "lenet5",
    "--data",
    "digits",
    "--examples",
    "300",
    "--batch",
    "30",
    "--every",
    "5",
    "--probe",
    "60",
    "--rule",
    "winsorized:2",
    "--by",
    "layer,activity",
];

fn lenet(out: &Path, steps: &str) -> Output {
    train(out, &[&LENET[..], &["--steps", steps, "--json"]].concat())
}

#[test]
fn a_network_of_convolutions_is_trained_by_a_robust_rule_and_measured_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let output = lenet(folder.path(), "10");
    message(&output, 0);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let series = |name: &str| found["latest"][name].as_f64().unwrap();
    let rows = fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    let loss: Vec<f64> =
        rows.lines().filter_map(|row| row.split_once(",train.loss,")?.1.parse().ok()).collect();
    assert_eq!(loss.len(), 3, "at steps 0, 5 and 10");
    assert!(loss[2] < loss[0], "{loss:?}");
    assert!((loss[2] - series("train.loss")).abs() < 1e-12);
    assert!(series("probe.alpha") > 0.0 && rows.contains("10,probe.conv1.weight.m_coherence,"));
    assert!(
        rows.contains("10,activity.conv1.dead_units,") && !rows.contains("pristine.m_coherence")
    );
    assert!(folder.path().join("weights.safetensors").exists());

    // The same command again: nothing is left to do, and nothing changes.
    message(&lenet(folder.path(), "10"), 0);
    assert_eq!(fs::read_to_string(folder.path().join("metrics.csv")).unwrap(), rows);
    let other = message(&lenet(folder.path(), "20"), 2);
    assert!(
        other.contains("of another run: its settings (steps: 10 there, 20 here) differ"),
        "{other}"
    );
}

#[test]
fn measure_takes_the_weights_that_train_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let output = lenet(folder.path(), "10");
    let trained: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.args(["measure", "--model", "lenet5", "--data", "digits", "--examples", "300"]);
    command.args(["--json", "--by", "layer,example", "--weights"]);
    let output = command.arg(folder.path().join("weights.safetensors")).output().unwrap();
    message(&output, 0);
    let measured: Value = serde_json::from_slice(&output.stdout).unwrap();
    let accuracy = [&measured["accuracy"], &trained["latest"]["train.accuracy"]];
    assert_eq!(accuracy[0], accuracy[1]);
    assert_eq!(measured["layers"].as_array().unwrap().len(), 10);
    assert_eq!(measured["examples"].as_array().unwrap().len(), 300);
}

#[test]
fn an_epoch_has_whole_mini_batches_only_and_is_the_default_interval_of_measurements() {
    for (examples, batch, epochs, steps) in
        [("150", "100", "1", &["0", "1"][..]), ("70", "30", "2", &["0", "2", "4"])]
    {
        let folder = tempfile::tempdir().unwrap();
        let data = ["--model", "mlp:784,4,10", "--data", "digits", "--examples", examples];
        let epochs = ["--batch", batch, "--epochs", epochs, "--probe", "0"];
        message(&train(folder.path(), &[&data[..], &epochs].concat()), 0);
        let rows = fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
        let measured = rows.lines().filter_map(|row| row.split_once(",train.loss,"));
        assert_eq!(measured.map(|(step, _)| step).collect::<Vec<_>>(), steps);
    }
}

#[test]
fn a_mini_batch_larger_than_the_training_set_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--model", "mlp:784,10", "--data", "digits", "--examples", "99"];
    let told = message(&train(folder.path(), &data), 2);
    assert!(told.contains("batch is 100 (must lie in 1..=99"), "{told}");
}

/// Nothing is allocated or written first.
#[test]
fn more_than_any_machine_can_do_is_refused_with_the_most_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (small, most) = ("mlp:784,8,10", u64::MAX.to_string());
    let out = folder.path().join("out");
    for (model, arguments, said) in [
        (small, &["--batch", "1000000000000"][..], "batch is 1000000000000 (must lie in 1..=10000"),
        (small, &["--micro-batch", &most], "(must divide the batch, which is 100)"),
        (small, &["--steps", &most], "steps (must be at most 1000000000000: at a hundred thousand"),
        (small, &["--epochs", &most], "take fewer steps or epochs"),
        (small, &["--warmup", &most], "(must be less than the 1000 steps of training)"),
        (small, &["--rule", &format!("winsorized:{most}")], "vectors for its clip, found 100"),
        (small, &["--rule", &format!("mean@{most}")], "the cut needs at least"),
        (small, &["--probe", &most], "more than the training set has: 10000"),
        (small, &["--examples", "0"], "number would be zero"),
        (small, &["--size", "0"], "number would be zero"),
        (small, &["--rule", &format!("centered-clipping:1:{most}@10")], "at most 10000 iterations"),
        (small, &["--augment", &format!("crop:{most}")], "PADDING from 1 to 65535"),
        (small, &["--examples", &most], "more than digits:train has: 10000"),
        ("mlp:784,99999999999999,10", &[], "needs at least 1.7 EiB of memory"),
        ("mlp:784,99999999999999999,10", &[], "more parameters than a program can address"),
    ] {
        let told = message(
            &train(&out, &[&["--model", model, "--data", "digits"], arguments].concat()),
            2,
        );
        assert!(told.contains(said), "{told}");
        assert!(!out.exists(), "{said}");
    }
}

#[test]
fn progress_is_lines_where_stderr_is_no_terminal_and_quiet_silences_them() {
    let folder = tempfile::tempdir().unwrap();
    let network =
        ["--model", "mlp:784,10", "--data", "digits", "--examples", "60", "--batch", "20"];
    let run = |options: &[&str]| {
        message(&train(folder.path(), &[&network[..], &["--epochs", "2"], options].concat()), 0)
    };
    let told = run(&[]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "mlp:784,10: 6 steps", "{told}");
    assert!(lines[lines.len() - 1].starts_with("mlp:784,10: ended, 100 % after "), "{told}");
    let again = run(&[]);
    assert!(again.starts_with("mlp:784,10: 6 steps, 6 of them done\n"), "{again}");
    assert_eq!(run(&["--quiet"]), "");
}

/// An experiment without claims, which trains as the options below do.
const EXPERIMENT: &str = r#"
id = "X2"
title = "t"
source = "s"
statement = "s"
analysis = "a"

[scale.smoke]
dataset = "digits"
test_examples = 100
sample = 100
normalize = "mnist"
model = "lenet5"
batch = 40
micro_batch = 20
augment = "crop:2"
rate = 0.05
schedule = "steps:4,6/5"
warmup = 3
loss = "cross-entropy:0.1"
momentum = 0.9
nesterov = true
weight_decay = 0.0005
rule = "rm3"
steps = 8
data = "real"
probe = 20
seeds = 1
"#;

#[test]
fn options_and_an_experiment_file_train_the_same_weights() {
    let desk = tempfile::tempdir().unwrap();
    let file = desk.path().join("X2.toml");
    fs::write(&file, EXPERIMENT).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.arg("run").arg(&file).args(["--scale", "smoke", "--out"]).arg(desk.path().join("run"));
    command.output().unwrap();
    let run = desk.path().join("run/X2/all/seed-1");

    let out = desk.path().join("train");
    let mut arguments = vec!["--model", "lenet5", "--data", "digits", "--normalize", "mnist"];
    arguments.extend(["--batch", "40", "--micro-batch", "20", "--rule", "rm3", "--steps", "8"]);
    arguments.extend(["--rate", "0.05", "--schedule", "steps:4,6/5", "--warmup", "3"]);
    arguments.extend(["--momentum", "0.9", "--nesterov", "--weight-decay", "0.0005"]);
    message(
        &train(
            &out,
            &[
                &arguments[..],
                &["--probe", "20", "--augment", "crop:2", "--loss", "cross-entropy:0.1"],
            ]
            .concat(),
        ),
        0,
    );
    let [ours, theirs] =
        [out, run].map(|folder| fs::read(folder.join("weights.safetensors")).unwrap());
    assert!(ours == theirs);

    let broken = |from: &str, to: &str, said: &str| {
        fs::write(&file, EXPERIMENT.replace(from, to)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        let output = command.arg("check").arg(&file).output().unwrap();
        let told = stdout(&output);
        assert!(output.status.code() == Some(1) && told.contains(said), "{to}: {told}");
    };
    broken("\"lenet5\"", "\"lenet6\"", "no model lenet6 (known: ");
    broken("\"lenet5\"", "\"alexnet\"", "model alexnet: ");
    broken("model =", "hidden = [8]\nmodel =", "model and hidden are both given");
    broken("model =", "activation = \"tanh\"\nmodel =", "activation is for perceptrons");
    broken("\"digits\"", "\"digit\"", "no data set is called");
    broken("cross-entropy:0.1", "hinge", "unknown loss hinge");
    broken("\"mnist\"", "\"0/0\"", "a standard deviation of 0");
    broken("steps:4,6/5", "steps:6,4", "the steps do not ascend");
    broken("micro_batch = 20", "micro_batch = 30", "must divide the batch");
    broken("rm3", "winsorized:2", "needs all examples of a mini-batch in one pass");
    broken("momentum = 0.9", "momentum = 9", "momentum is 9");
    broken("warmup = 3", "warmup = 8", "warm-up of 8 steps");
    let few = "watch = [\"imputed\"]\nprobe = 39";
    broken("probe = 20", few, "a probe sample of 39, which has no two passes of 20 examples");
    broken("nesterov", "size = 8\nnesterov", "size is for imagenet and folder:DIR");

    // A figure names what is watched, and nothing else.
    let figure = |series: &str| {
        format!(
            "seeds = 1\n[[figure]]\nid = 'f'\ntitle = 't'\ny_label = 'y'\nseries = ['{series}']\n"
        )
    };
    for series in
        ["activity.dead_examples", "activity.conv1.dead_units", "probe.fc9.weight.m_coherence"]
    {
        broken("seeds = 1\n", &figure(series), &format!("no series is called {series}"));
    }
    for series in ["activity.conv1.dead_units", "probe.imputed.alpha", "probe.alpha"] {
        let watched = format!("watch = ['activity', 'imputed']\n{}", figure(series));
        let with_two_passes = EXPERIMENT.replace("probe = 20", "probe = 40");
        fs::write(&file, with_two_passes.replace("seeds = 1\n", &watched)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_coherence")).arg("check").arg(&file).output();
        assert!(output.unwrap().status.success(), "{series}");
    }
}

#[test]
fn help_names_every_data_set() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    let help = stdout(&command.args(["train", "--help"]).output().unwrap());
    let from = help.find("--data <").unwrap();
    let help = &help[from..help.find("--size <").unwrap()];
    let words: Vec<&str> = help.split([' ', ',', '\n']).collect();
    let with_path = ["cifar10:PATH", "cifar100:PATH", "cifar100-coarse:PATH", "folder:DIR"];
    for name in coherence_data::names().chain(with_path) {
        assert!(words.contains(&name), "{name}: {help}");
    }
}

/// Class folders of grey squares, dark and bright.
fn squares(root: &Path) {
    for split in ["train", "test"] {
        for (class, level) in [("bright", 200), ("dark", 40)] {
            let folder = root.join(split).join(class);
            fs::create_dir_all(&folder).unwrap();
            for n in 0..6_u8 {
                let image = image::GrayImage::from_pixel(9, 8, image::Luma([level + n]));
                image.save(folder.join(format!("{n}.png"))).unwrap();
            }
        }
    }
}

#[test]
fn a_folder_of_images_is_trained_on_and_refusals_name_the_remedy() {
    let data = tempfile::tempdir().unwrap();
    squares(data.path());
    let source = format!("folder:{}", data.path().display());
    let run = |arguments: &[&str]| {
        let out = tempfile::tempdir().unwrap();
        let common = ["--data", &source, "--batch", "6", "--steps", "4", "--probe", "6", "--size"];
        train(out.path(), &[&common[..], &["8"], arguments].concat())
    };
    let told =
        message(&run(&["--model", "convnet", "--normalize", "imagenet", "--rule", "rm3"]), 0);
    assert!(!told.contains("warning"), "{told}");
    let told = message(&run(&["--model", "convnet", "--examples", "6"]), 0);
    assert!(told.contains("--examples 6: only 1 of 2 classes have examples"), "{told}");
    for (arguments, said) in [
        (&["--model", "resnet18:cifar", "--rule", "winsorized:1"][..], "layer bn1 normalises"),
        (&["--model", "alexnet"], "for images of 8 × 8 × 3"),
        (&["--model", "resnet19"], "known: mlp:INPUTS"),
        (&["--model", "mlp:7,2"], "the model takes 7"),
        (&["--model", "convnet", "--rule", "krum:1"], "take krum:1@GROUPS"),
        (&["--model", "convnet", "--rule", "trimmed:3"], "mini-batches of 6"),
        (&["--model", "convnet", "--rule", "winsorized:5%"], "examples winsorized:5 (or take"),
        (&["--model", "convnet", "--rule", "winsorized:5%:interpolated"], "ted@GROUPS"),
        (&["--model", "convnet", "--rule", "winsorized:9"], "mini-batches of 6"),
        (&["--model", "convnet", "--activation", "tanh"], "--activation is for mlp"),
        (&["--model", "convnet", "--momentum", "1"], "momentum is 1 (must be"),
        (&["--model", "convnet", "--nesterov"], "--momentum"),
        (&["--model", "convnet", "--weight-decay=-1"], "weight decay is -1"),
        (&["--model", "convnet", "--augment", "turn"], "write crop:PADDING"),
        (&["--model", "convnet", "--by", "example"], "known: layer, group"),
        (&["--model", "convnet", "--warmup", "4"], "warm-up of 4 steps"),
        (&["--model", "convnet", "--schedule", "linear"], "write constant, cosine, steps:A,B"),
        (&["--model", "convnet", "--micro-batch", "4"], "must divide the batch, which is 6"),
        (
            &["--model", "convnet", "--micro-batch", "3", "--rule", "winsorized:1"],
            "needs all examples of a mini-batch in one pass",
        ),
    ] {
        let message = message(&run(arguments), 2);
        assert!(message.contains(said), "{arguments:?}: {message}");
    }
}
