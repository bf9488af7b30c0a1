//! Trials: every experiment on deep networks starts at scale paper on a folder of a few images.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use coherence_tests::output::{check, stderr, stdout};
use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// The experiments that take ImageNet at scale paper.
const ON_IMAGENET: [&str; 10] = ["D1", "D2", "D3", "D4", "D6", "D7", "D8", "D9", "D10", "D11"];

/// A folder of data sets: an ImageNet of six training and three test images of three classes, PNG and JPEG.
fn few_images() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (split, kinds) in [("train", &["png", "jpg"][..]), ("val", &["jpg"])] {
        for (class, shade) in [("n01", 40), ("n02", 120), ("n03", 220)] {
            let class = folder.path().join("imagenet").join(split).join(class);
            fs::create_dir_all(&class).unwrap();
            for (i, kind) in kinds.iter().enumerate() {
                let pixel = |x: u32, y: u32| Rgb([shade, (x * 6) as u8, (y * 5) as u8 ^ i as u8]);
                let image = RgbImage::from_fn(40, 36, pixel);
                image.save(class.join(format!("{i}.{kind}"))).unwrap();
            }
        }
    }
    folder
}

/// The file of one of our experiments.
fn ours(id: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    fs::read_to_string(folder.join(format!("{id}.toml"))).unwrap()
}

fn coherence(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.args(arguments).current_dir(folder).env("COHERENCE_DATA", folder.path());
    command.output().expect("the binary starts")
}

#[track_caller]
fn tried(folder: &TempDir, id: &str, arguments: &[&str]) -> serde_json::Value {
    let file = format!("{id}.toml");
    let output =
        coherence(folder, &[&["run", &file, "--scale", "paper", "--json"], arguments].concat());
    check(&output, 0);
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// With narrow networks over images of 64 × 64, but otherwise every setting of scale paper; without Inception-V3 and
/// VGG-13, and with LeNet-5 for AlexNet, which take minutes.
#[test]
fn every_deep_experiment_starts_on_a_few_images() {
    let folder = few_images();
    for id in ON_IMAGENET {
        let text = ours(id)
            .replace("\"resnet18\"", "\"resnet18:w4\"")
            .replace("\"resnet50\"", "\"resnet50:w4\"")
            .replace("\"alexnet\"", "\"lenet5\"")
            .replace(", \"inception_v3:no_aux\", \"vgg13\"", "")
            .replace(", \"inception_v3:no_aux\"", "")
            .replace("size = 224", "size = 64");
        // Claims and settings of the networks that are left out go, too.
        let text = text.split("[[claim]]").next().unwrap();
        let mut file: toml::Table = toml::from_str(text).unwrap();
        let paper = file["scale"]["paper"].as_table_mut().unwrap();
        if let Some(toml::Value::Array(when)) = paper.get_mut("when") {
            when.retain(|when| when["cell"].get("model").is_none());
        }
        fs::write(folder.path().join(format!("{id}.toml")), file.to_string()).unwrap();
        let told = tried(&folder, id, &["--trial", "-q", "--out", "tried"]);
        let ran = told["trials"][0]["ran"].as_array().unwrap();
        assert!(!ran.is_empty() && ran.iter().all(|run| run["steps"] == 3), "{id}: {told}");
        let cells: usize = file["scale"]["paper"].get("grid").map_or(1, |grid| {
            grid.as_table().unwrap().values().map(|axis| axis.as_array().unwrap().len()).product()
        });
        assert_eq!(ran.len(), cells, "{id}");
        assert!(!folder.path().join("tried/records").exists());
    }
}

/// The experiment on CIFAR-10, of five training and two test images.
#[test]
fn a_short_cifar_is_tried_with_smaller_mini_batches_and_clips() {
    let folder = tempfile::tempdir().unwrap();
    let images = |count: u8| -> Vec<u8> {
        (0..count).flat_map(|i| [vec![i % 3], vec![i.wrapping_mul(19); 3072]].concat()).collect()
    };
    let set = folder.path().join("cifar");
    fs::create_dir(&set).unwrap();
    for batch in 1..=5 {
        fs::write(set.join(format!("data_batch_{batch}.bin")), images(1)).unwrap();
    }
    fs::write(set.join("test_batch.bin"), images(2)).unwrap();
    let text = ours("D5").replace("\"cifar10\"\nmodel", "\"cifar10:cifar\"\nmodel");
    let text = text.replace("resnet32:gn", "resnet20:gn");
    let text = text.split("[[claim]]").next().unwrap();
    fs::write(folder.path().join("D5.toml"), text).unwrap();
    let told = tried(&folder, "D5", &["--trial=2", "-q"]);
    assert_eq!(told["trials"][0]["ran"].as_array().unwrap().len(), 6);
}

/// Nothing is lowered unless it is asked for: the error names what is too much, and the remedy.
#[test]
fn too_few_images_are_an_error_that_names_the_counts_and_the_trial() {
    let folder = few_images();
    let refused = coherence(&folder, &["run", "D4", "--scale", "paper", "-q", "--json"]);
    check(&refused, 2);
    let told: serde_json::Value = serde_json::from_str(&stdout(&refused)).unwrap();
    let reason = told["experiments"][0]["failure"].as_str().unwrap();
    assert!(reason.contains("6 training and 3 test examples"), "{reason}");
    assert!(reason.contains("batch = 256") && reason.contains("test_examples = 50000"), "{reason}");
    assert!(reason.contains("add --trial"), "{reason}");
}

/// The runs of a trial are told on stderr with what is lowered, and are not taken for those of the experiment.
#[test]
fn a_trial_tells_what_it_lowers_and_its_runs_are_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let text = "id = 'X1'\ntitle = 't'\nsource = 's'\nstatement = 's'\nanalysis = 'a'\n\
                [scale.paper]\ndataset = 'digits'\nexamples = 60\ntest_examples = 20\nhidden = [4]\nbatch = 20\n\
                rate = 0.1\nsteps = 3\ndata = 'real'\nprobe = 20\nseeds = 3\n";
    fs::write(folder.path().join("X1.toml"), text).unwrap();
    let run = |arguments: &[&str]| {
        let all = ["run", "X1.toml", "--scale", "paper", "--out", "out", "-q"];
        coherence(&folder, &[&all, arguments].concat())
    };
    let tried = run(&["--trial=2"]);
    check(&tried, 0);
    assert!(
        stderr(&tried).contains("X1: lowered for this trial: steps 3 to 2"),
        "{}",
        stderr(&tried)
    );
    assert!(stdout(&tried).contains("nothing is recorded and no claim is judged"));
    assert!(!folder.path().join("out/records").exists());
    let file = fs::read_to_string(folder.path().join("out/X1/all/seed-1/run.toml")).unwrap();
    assert!(file.contains("trial = true"), "{file}");
    // With nothing to lower the settings are those of the experiment, and the runs still are not.
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    check(&run(&["--trial"]), 0);
    let refused = run(&[]);
    check(&refused, 2);
    let words = stdout(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("trial = true there, false here"), "{words}");
    check(&run(&["--trial", "--records", "filed"]), 2);
}

/// The cost is that of the paper's own counts, whatever images there are. A narrow network on small images does as
/// well: a dry run times the steps, too.
#[test]
fn a_dry_run_on_a_few_images_tells_the_cost_of_all_of_them() {
    let (few, none) = (few_images(), tempfile::tempdir().unwrap());
    let text = ours("D2").replace("\"resnet18\"", "\"resnet18:w4\"");
    let text = text.replace("size = 224", "size = 32");
    let counts = |folder: &TempDir| -> Vec<serde_json::Value> {
        fs::write(folder.path().join("D2.toml"), &text).unwrap();
        let dry = ["run", "D2.toml", "--scale", "paper", "--dry-run", "--json"];
        let told = coherence(folder, &dry);
        check(&told, 0);
        let told: serde_json::Value = serde_json::from_str(&stdout(&told)).unwrap();
        let cell = &told["experiments"][0]["cells"][0];
        ["steps", "training", "measurement", "memory"].map(|key| cell[key].clone()).to_vec()
    };
    assert_eq!(counts(&few), counts(&none));
}
