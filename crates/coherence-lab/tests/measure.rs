//! `coherence measure` as people use it, on the embedded digits.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use coherence_data::random;
use coherence_nn::{Mlp, weights};
use serde_json::Value;

/// A folder with the weights of an untrained network.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let mlp = Mlp::xavier(&[784, 8, 10], &mut random::stream(1, "initialisation")).unwrap();
        fs::write(desk.path("fc.safetensors"), weights::to_safetensors(&mlp)).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn measure(&self, weights: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        command.args(["measure", "--model", "mlp:784,8,10", "--data", "digits:train"]);
        command.arg("--weights").arg(self.path(weights)).args(arguments);
        command.output().unwrap()
    }

    fn json(&self, weights: &str, arguments: &[&str]) -> Value {
        let output = self.measure(weights, &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
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
