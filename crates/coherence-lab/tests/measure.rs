//! `coherence measure` as people use it, on the embedded digits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use coherence_data::random;
use coherence_nn::model::{Architecture, mlp};
use coherence_nn::{Activation, Model, Shape, weights};
use serde_json::{Value, json};

/// A folder with the weights of an untrained network.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let network = mlp(&[784, 8, 10]).unwrap();
        let model = Model::initialized(network, &mut random::stream(1, "initialisation"));
        fs::write(desk.path("fc.safetensors"), weights::to_safetensors(&model)).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn measure(&self, weights: &str, arguments: &[&str]) -> Output {
        measure("mlp:784,8,10", &self.path(weights), arguments)
    }

    fn json(&self, weights: &str, arguments: &[&str]) -> Value {
        let output = self.measure(weights, &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn measure(model: &str, weights: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.args(["measure", "--model", model, "--data", "digits:train"]);
    command.arg("--weights").arg(weights).args(arguments);
    command.output().unwrap()
}

/// Another spelling of the tensors' names in a safetensors file: eight bytes of the header's length,
/// the header as JSON, the numbers.
fn renamed(bytes: &[u8], names: &[(&str, &str)]) -> Vec<u8> {
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header = String::from_utf8(bytes[8..8 + len].to_vec()).unwrap();
    names.iter().for_each(|(from, to)| header = header.replace(from, to));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + len..]].concat()
}

#[test]
fn names_of_a_sequential_are_as_good() {
    let desk = Desk::new();
    let bytes = fs::read(desk.path("fc.safetensors")).unwrap();
    let sequential = renamed(&bytes, &[("\"fc1.", "\"0."), ("\"fc2.", "\"2.")]);
    fs::write(desk.path("sequential.safetensors"), sequential).unwrap();
    let arguments = ["--examples", "50", "--by", "layer"];
    let found = desk.json("sequential.safetensors", &arguments);
    assert_eq!(found, desk.json("fc.safetensors", &arguments));
    assert_eq!(found["layers"][0]["name"], "fc1.weight");
}

/// Weights of mlp:784,8,10 in a safetensors file: sixteenths between −1/2 and 1/2, as `encode` writes them.
fn sixteenths(dtype: &str, encode: fn(f32) -> Vec<u8>) -> Vec<u8> {
    let (mut tensors, mut data, mut state) = (serde_json::Map::new(), Vec::new(), 1_u32);
    for (layer, [o, i]) in [("fc1", [8, 784]), ("fc2", [10, 8])] {
        for (kind, shape) in [("weight", vec![o, i]), ("bias", vec![o])] {
            let start = data.len();
            for _ in 0..shape.iter().product::<usize>() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                data.extend(encode((state >> 28) as f32 / 16.0 - 0.5));
            }
            let offsets = [start, data.len()];
            let tensor = json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
            tensors.insert(format!("{layer}.{kind}"), tensor);
        }
    }
    let header = Value::Object(tensors).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// By hand, for 0 and for normal numbers of few digits: the exponent is biased by 15 in place of 127.
fn f16(x: f32) -> Vec<u8> {
    let (sign, exponent, digits) = (x.to_bits() >> 31, x.to_bits() >> 23 & 0xff, x.to_bits() >> 13);
    let magnitude = if x == 0.0 { 0 } else { (exponent + 15 - 127) << 10 | digits & 0x3ff };
    ((sign << 15 | magnitude) as u16).to_le_bytes().to_vec()
}

#[test]
fn weights_of_two_bytes_are_measured_as_the_same_in_four() {
    let desk = Desk::new();
    let found = |dtype, encode| {
        fs::write(desk.path(dtype), sixteenths(dtype, encode)).unwrap();
        desk.json(dtype, &["--examples", "50", "--by", "layer"])
    };
    let expected = found("F32", |x| x.to_le_bytes().to_vec());
    assert_eq!(found("F16", f16), expected);
    assert_eq!(found("BF16", |x| x.to_le_bytes()[2..].to_vec()), expected);
}

#[test]
fn missing_tensors_are_listed_beside_the_networks() {
    let desk = Desk::new();
    let bytes = fs::read(desk.path("fc.safetensors")).unwrap();
    fs::write(desk.path("bad.safetensors"), renamed(&bytes, &[("fc2.bias", "fc2.gain")])).unwrap();
    let output = desk.measure("bad.safetensors", &[]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("fc2.bias [10]") && message.contains("fc2.gain [10]"), "{message}");
}

/// A group's helpfulness is the mean of its examples', in JSON and in CSV.
#[test]
fn groups_classes_and_the_csv_agree_with_the_examples() {
    let desk = Desk::new();
    let csv = desk.path("examples.csv");
    let noise = ["--noise", "permuted-labels:50", "--seed", "3", "--examples", "300"];
    let by = ["--by", "class,group,example", "--errors", "--csv", csv.to_str().unwrap()];
    let found = desk.json("fc.safetensors", &[&noise[..], &by[..]].concat());
    let examples = found["examples"].as_array().unwrap();
    let check = |row: &Value, belongs: &dyn Fn(&Value) -> bool| {
        let of: Vec<f64> = examples
            .iter()
            .filter(|example| belongs(example))
            .map(|example| example["helpfulness"].as_f64().unwrap())
            .collect();
        let (mean, reported) = (of.iter().sum::<f64>() / of.len() as f64, &row["helpfulness"]);
        assert_eq!(row["m"], of.len());
        assert!((reported.as_f64().unwrap() - mean).abs() < 1e-12, "{row} {mean}");
        assert!(row["standard_error"].as_f64().unwrap() > 0.0, "{row}");
    };
    let [pristine, corrupt] = &found["groups"].as_array().unwrap()[..] else { panic!("{found}") };
    check(pristine, &|example| example["corrupt"] == false);
    check(corrupt, &|example| example["corrupt"] == true);
    let classes = found["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 10);
    for (label, class) in classes.iter().enumerate() {
        check(class, &|example| example["label"] == label);
    }

    let table = fs::read_to_string(csv).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("index,label,corrupt,loss,sq_norm,helpfulness"));
    for (line, example) in lines.by_ref().zip(examples) {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[0].parse::<u64>().ok(), example["index"].as_u64());
        let helpfulness = example["helpfulness"].as_f64().unwrap();
        // serde_json reads numbers to an ulp or two.
        assert!((fields[5].parse::<f64>().unwrap() - helpfulness).abs() < 1e-14);
    }
    assert_eq!((lines.next(), table.lines().count()), (None, 301));
}

#[test]
fn what_is_not_measured_is_null_or_empty() {
    let found = Desk::new().json("fc.safetensors", &["--examples", "20", "--by", "class"]);
    let empty = Value::Array(Vec::new());
    assert_eq!((&found["layers"], &found["groups"], &found["examples"]), (&empty, &empty, &empty));
    assert!(found["network"]["standard_error"].is_null());
    assert!(found["classes"][0]["helpfulness"].is_null());
}

/// A network that PyTorch trained, in bf16, under every activation and two normalisations; the numbers
/// are PyTorch's own (`measure/make.py`), in f64 where ours are in f32.
#[test]
fn activations_and_normalisation_are_pytorchs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measure");
    let expected = fs::read(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let close = |found: &Value, expected: &Value, what: &str| {
        let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
        assert!((found - expected).abs() < 1e-5 * expected, "{what}: {found} {expected}");
    };
    let cases = expected["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 16);
    for case in cases {
        let activation = case["activation"].as_str().unwrap();
        let mut arguments = vec!["--examples", "200", "--by", "layer", "--json"];
        arguments.extend(["--activation", activation]);
        let normalize = case["normalize"].as_str();
        normalize.iter().for_each(|by| arguments.extend(["--normalize", by]));
        let output = measure("mlp:784,8,6,10", &folder.join("tanh.safetensors"), &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let what = format!("{activation}, {normalize:?}");
        close(&found["loss"], &case["loss"], &what);
        close(&found["network"]["alpha"], &case["alpha"], &what);
        assert_eq!(found["accuracy"], case["accuracy"], "{what}");
        let tensors = case["layers"].as_object().unwrap();
        assert_eq!(tensors.len(), 6);
        for ((name, alpha), row) in tensors.iter().zip(found["layers"].as_array().unwrap()) {
            assert_eq!(row["name"], *name);
            close(&row["alpha"], alpha, &format!("{what}, {name}"));
        }
        let warned = String::from_utf8(output.stderr).unwrap().contains("is near chance, 0.1000");
        assert_eq!(warned, case["accuracy"].as_f64() < Some(0.2), "{what}");
    }
}

#[test]
fn what_was_assumed_is_told() {
    let desk = Desk::new();
    let noise = ["--noise", "permuted-labels:50", "--seed", "3", "--examples", "20"];
    let options = ["--normalize", "0.1307/0.3081", "--activation", "leaky-relu"];
    let all = [&noise[..], &options[..]].concat();
    let found = desk.json("fc.safetensors", &all);
    let assumed = serde_json::json!({
        "model": "mlp:784,8,10", "activation": "leaky-relu:0.01",
        "normalize": "0.1307/0.3081", "data": "digits:train",
        "noise": "permuted-labels:50, seed 3", "examples": 20, "classes": 10,
    });
    assert_eq!(found["assumed"], assumed);
    let text = String::from_utf8(desk.measure("fc.safetensors", &all).stdout).unwrap();
    let first = "mlp:784,8,10 with leaky-relu:0.01; inputs pixel/255 normalised by 0.1307/0.3081; 20 \
                 examples of digits:train with permuted-labels:50, seed 3";
    assert_eq!(text.lines().next(), Some(first));
    assert!(text.lines().nth(1).unwrap().contains(", accuracy 0."), "{text}");

    let plain = desk.json("fc.safetensors", &["--examples", "20"]);
    assert_eq!(
        (&plain["assumed"]["normalize"], &plain["assumed"]["noise"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(plain["assumed"]["activation"], "relu");
}

#[test]
fn activations_and_normalisations_that_do_not_exist_are_refused() {
    let desk = Desk::new();
    for (option, value, said) in [
        ("--activation", "elu", "known: relu, leaky-relu:SLOPE"),
        ("--activation", "leaky-relu:-1", "slope -1 of leaky-relu"),
        ("--normalize", "0.1307", "write imagenet, cifar10, mnist, or means"),
        ("--normalize", "0/0", "a standard deviation of 0 (must be positive and finite)"),
    ] {
        let output = desk.measure("fc.safetensors", &[option, value]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn columns_of_what_was_not_measured_are_left_out() {
    let desk = Desk::new();
    let text = |arguments: &[&str]| {
        let output = desk.measure("fc.safetensors", arguments);
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = text(&["--examples", "20", "--by", "class"]);
    assert!(!plain.contains("s.e.") && !plain.contains("helpfulness"), "{plain}");
    assert!(plain.contains("α̂"), "{plain}");
    let all = text(&["--examples", "20", "--by", "class,example"]);
    assert!(all.contains("s.e.") && all.contains("helpfulness"), "{all}");
}

#[test]
fn more_than_there_is_is_refused_before_it_is_allocated() {
    let desk = Desk::new();
    let weights = desk.path("fc.safetensors");
    for (model, arguments, said) in [
        ("mlp:784,8,10", &["--examples", "99999999999"][..], "more than digits:train has: 10000"),
        ("mlp:784,99999999999999,10", &[], "needs at least"),
        ("mlp:784,99999999999999999,10", &[], "more parameters than a program can address"),
        ("mlp:784,99999999999999999999,10", &[], "is not a width"),
    ] {
        let output = measure(model, &weights, arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn noise_that_does_not_exist_is_refused() {
    let desk = Desk::new();
    for noise in ["salt:50", "permuted-labels", "permuted-labels:101", "permuted-labels:x"] {
        let output = desk.measure("fc.safetensors", &["--noise", noise]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("permuted-labels"), "{message}");
    }
}

/// A file of `torch.save` has the usual name of weights, and is not read.
#[test]
fn weights_of_torch_save_are_named_with_the_way_to_convert_them() {
    let desk = Desk::new();
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend([0; 22]);
    zip.extend(16_u16.to_le_bytes());
    zip.extend(b"\0\0archive/data.pkl");
    zip.extend([0; 100]);
    fs::write(desk.path("model.pt"), zip).unwrap();
    let output = desk.measure("model.pt", &[]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("a file of torch.save"), "{message}");
    assert!(message.contains("save_file(torch.load('FILE')"), "{message}");
}

/// α of a sample from its α by groups, and the refusal of groups that are too small.
#[test]
fn groups_impute_the_alpha_of_examples() {
    let desk = Desk::new();
    let found = desk.json("fc.safetensors", &["--examples", "203", "--groups", "20"]);
    let (imputed, exact) = (&found["groups_imputed"], &found["network"]);
    assert_eq!((imputed["groups"].as_u64(), imputed["size"].as_u64()), (Some(20), Some(10)));
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap();
    let error = number(imputed, "standard_error");
    let distance = number(imputed, "alpha_debiased") - number(exact, "alpha_debiased");
    assert!(error > 0.0 && distance.abs() < 4.0 * error, "{imputed} {exact}");
    assert!(number(imputed, "alpha_of_groups") > number(imputed, "alpha"));
    // A15c: α̂ = (K α − 1) / (K − 1) for K groups, α without the products of a gradient with itself.
    let (of_groups, debiased) =
        (number(imputed, "alpha_of_groups"), number(imputed, "alpha_of_groups_debiased"));
    assert!((debiased - (20.0 * of_groups - 1.0) / 19.0).abs() < 1e-12, "{imputed}");
    assert!(number(imputed, "alpha_of_groups_standard_error") > error, "{imputed}");
    let text = desk.measure("fc.safetensors", &["--examples", "203", "--groups", "20"]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("20 groups of 10: α of groups 0."), "{text}");
    let line = text.lines().find(|line| line.starts_with("α̂ of groups ")).unwrap();
    assert_eq!(line.matches(" ± ").count(), 2, "{line}");
    let two = desk.json("fc.safetensors", &["--examples", "20", "--groups", "2"]);
    let two = &two["groups_imputed"];
    assert!(two["alpha_of_groups_debiased"].is_number(), "{two}");
    assert!(two["alpha_of_groups_standard_error"].is_null(), "{two}");

    let plain = desk.json("fc.safetensors", &["--examples", "20"]);
    assert!(plain["groups_imputed"].is_null());
    let output = desk.measure("fc.safetensors", &["--examples", "20", "--groups", "21"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("21 groups of 20 examples (take at least 2 groups"), "{message}");
}

/// Class folders of pictures that are not square: `red` [3 pictures] and `sky` [2], the same for training and test.
fn pictures(folder: &Path) {
    for (class, channel, count) in [("red", 0, 3), ("sky", 2, 2)] {
        for split in ["train", "test"] {
            let of_class = folder.join(split).join(class);
            fs::create_dir_all(&of_class).unwrap();
            for i in 0..count {
                let picture = image::RgbImage::from_fn(40 + 3 * i, 36, |x, y| {
                    let mut pixel = [(7 * x + i * y) as u8, (5 * y) as u8, 90];
                    pixel[channel] = 200;
                    image::Rgb(pixel)
                });
                picture.save(of_class.join(format!("{i}.png"))).unwrap();
            }
        }
    }
}

#[test]
fn a_folder_of_pictures_is_measured_in_sorted_order() {
    let desk = tempfile::tempdir().unwrap();
    pictures(&desk.path().join("all"));
    let coherence = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        let output = command.args(arguments).current_dir(desk.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let train = ["train", "--model", "lenet5", "--size", "32", "--steps", "2", "--batch", "5"];
    coherence(&[&train[..], &["--data", "folder:all", "--out", "run"]].concat());
    let measured = |data: &str| -> Value {
        let measure = ["measure", "--model", "lenet5", "--weights", "run/weights.safetensors"];
        let by = ["--size", "32", "--by", "layer,example", "--json", "--data", data];
        serde_json::from_slice(&coherence(&[&measure[..], &by].concat())).unwrap()
    };
    let all = measured("folder:all");
    let examples = all["examples"].as_array().unwrap();
    let labels: Vec<&Value> = examples.iter().map(|example| &example["label"]).collect();
    assert_eq!(labels, [0, 0, 0, 1, 1]);
    assert_eq!(all["layers"].as_array().unwrap().len(), 10);

    // Example 3 is the first picture of the second class: without the others of its class it is example 1.
    pictures(&desk.path().join("few"));
    for gone in ["red/1.png", "red/2.png", "sky/1.png"] {
        fs::remove_file(desk.path().join("few/train").join(gone)).unwrap();
    }
    let few = measured("folder:few");
    let norm = |of: &Value, index: usize| of["examples"][index]["sq_norm"].as_f64().unwrap();
    assert_eq!(few["examples"].as_array().unwrap().len(), 2);
    for (alone, index) in [(0, 0), (1, 3)] {
        let (x, y) = (norm(&few, alone), norm(&all, index));
        assert!((x - y).abs() <= 1e-5 * y && y > 0.0, "example {index}: {x} alone, {y} among all");
    }
    assert!((norm(&all, 0) - norm(&all, 3)).abs() > 1e-3 * norm(&all, 0));
}

#[test]
fn a_file_of_examples_that_is_read_as_well_is_refused_and_kept() {
    let desk = Desk::new();
    let (weights, batch) = (desk.path("fc.safetensors"), desk.path("data_batch_1.bin"));
    fs::write(&batch, "images").unwrap();
    let kept = fs::read(&weights).unwrap();
    let images = format!("cifar10:{}", desk.0.path().display());
    for (data, csv) in [("digits", &weights), (images.as_str(), &weights), (&images, &batch)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        command.args(["measure", "--model", "mlp:784,8,10", "--data", data, "--weights"]);
        let output = command.arg(&weights).arg("--csv").arg(csv).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("is read as well: choose another file"), "{message}");
        assert_eq!(fs::read(&weights).unwrap(), kept);
        assert_eq!(fs::read(&batch).unwrap(), b"images");
    }
    let folder = desk.0.path().to_str().unwrap();
    let output = desk.measure("fc.safetensors", &["--csv", folder]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("cannot be a file: choose another one"), "{message}");
}

/// Weights of an untrained LeNet-5, ten tensors.
fn lenet() -> Vec<u8> {
    let network = Architecture::LeNet5.build(Shape::image(28, 28, 1), 10, Activation::Relu);
    weights::to_safetensors(&Model::initialized(network.unwrap(), &mut random::stream(1, "lenet")))
}

/// As torch.nn.DataParallel names tensors; other names are told, the first few of them.
#[test]
fn one_prefix_of_all_names_is_no_matter_and_other_names_are_told() {
    let desk = tempfile::tempdir().unwrap();
    let file = desk.path().join("lenet.safetensors");
    let measured = |[conv, fc]: [&str; 2]| {
        fs::write(&file, renamed(&lenet(), &[("\"conv", conv), ("\"fc", fc)])).unwrap();
        let output = measure("lenet5", &file, &["--examples", "20", "--json"]);
        (output.stdout, String::from_utf8(output.stderr).unwrap())
    };
    let plain = measured(["\"conv", "\"fc"]);
    assert!(plain.0.starts_with(b"{") && plain == measured(["\"module.conv", "\"module.fc"]));
    let (_, told) = measured(["\"myconv", "\"myfc"]);
    assert!(told.contains("file:    10 of 10 tensors do not fit: myconv1.bias [6],"), "{told}");
    assert!(told.matches(" and 6 more").count() == 2 && !told.contains("perceptron"), "{told}");
}

/// Only a perceptron has a function that is assumed; others have those of their architecture.
#[test]
fn only_a_perceptron_is_told_with_its_activation() {
    let desk = tempfile::tempdir().unwrap();
    let file = desk.path().join("lenet.safetensors");
    fs::write(&file, lenet()).unwrap();
    let output = measure("lenet5", &file, &["--examples", "20", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["assumed"]["activation"], Value::Null);
    let warning = String::from_utf8(output.stderr).unwrap();
    assert!(warning.contains("near chance") && !warning.contains("--activation"), "{warning}");
}
