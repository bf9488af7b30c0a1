//! Mistakes that people make in experiment files and on the command line: `coherence check` names the line, and
//! every message the remedy.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use coherence_lab::spec::Experiment;
use coherence_tests::output::{check, stderr, stdout};
use tempfile::TempDir;

/// What `coherence new` writes.
const NEW: &str = include_str!("../src/command/new/template.toml");

/// The text of a new experiment T1.
fn new() -> String {
    NEW.replace("DATE", "2026-11-26").replace("\"ID\"", "\"T1\"")
}

/// What is said of an experiment T1.
fn load(text: &str) -> Result<Experiment, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T1.toml");
    fs::write(&path, text).unwrap();
    Experiment::load(Path::new(&path)).map_err(|error| error.to_string())
}

/// What is said of the new experiment with `from` replaced by `to`, and the line of the change.
fn told(from: &str, to: &str) -> (String, usize) {
    let text = new();
    let at = text.find(from).unwrap_or_else(|| panic!("no {from}"));
    let error = load(&text.replacen(from, to, 1)).expect_err(to);
    (error, 1 + text[..at].matches('\n').count())
}

fn coherence(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
    command.args(arguments).current_dir(folder).output().expect("the binary starts")
}

#[test]
fn mistakes_are_told_with_their_line_and_the_remedy() {
    for (from, to, remedy) in [
        ("title = \"Wins", "titel = \"Wins", "did you mean `title`?"),
        ("rate = 0.1", "rate = \"0.1\"", "expected a number"),
        ("seeds = 3", "first_seed = 18446744073709551615\nseeds = 3", "seeds go up to 92233720"),
        ("rate = 0.1", "lr = 0.1", "unknown field `lr`, expected one of `dataset`"),
        ("hidden = [32]", "hidden = 32", "expected a list"),
        ("hidden = [32]", "hiden = [32]", "did you mean `hidden`?"),
        ("hidden = [32]", "model = \"resnet99\"", "resnet18"),
        ("dataset = \"digits\"", "dataset = \"minst\"", "(known: digits, mnist"),
        ("data = \"permuted-labels\"", "data = \"permuted\"", "did you mean `permuted-labels`?"),
        ("seeds = 3", "seeds = 0", "seeds is 0: it must be at least 1"),
        ("steps = 300", "steps = 3e2", "expected a whole number"),
        ("probe = 100", "probe = 1000", "probe is 1000: it must not exceed 500 examples"),
        (
            "probe = 100",
            "sample = 501\nprobe = 100",
            "sample is 501: it must not exceed 500 examples",
        ),
        (
            "probe = 100",
            "single = { examples = 501, loss = 0.1 }\nprobe = 100",
            "single.examples is 501: it must not exceed 500 examples",
        ),
        (
            "probe = 100",
            "pretraining = 10\nprobe = 100",
            "pretraining is 10, but initial is random: write initial = \"trained\"",
        ),
        (
            "grid = { noise = [0, 50], clip = [0, 4] }",
            "grid = { noise = [0, 50], clip = [0, 4] }\nmicro_batch = 25",
            "clip is 4: winsorized:4 needs all examples of a mini-batch in one pass",
        ),
        ("hidden = [32]", "model = \"resnet18:w8:cifar\"", "with :wN at the end"),
        (
            "grid = { noise = [0, 50], clip = [0, 4] }",
            "grid = { noise = [0, 500] }",
            "noise is 500: write a percentage, 0 to 100",
        ),
        (
            "grid = { noise = [0, 50], clip = [0, 4] }",
            "grid = { noise = [0, 50], clip = [0, 40] }",
            "clip is 40: write at most half the batch, 25",
        ),
        (
            "grid = { noise = [0, 50], clip = [0, 4] }",
            "grid = { rule = [\"winsorised:4\"] }",
            "winsorized",
        ),
        (
            "quantity = \"end(test.accuracy)\"",
            "quantity = \"end(test.acuracy)\"",
            "docs/experiments.md lists them",
        ),
        (
            "quantity = \"end(test.accuracy)\"",
            "quantity = \"final(test.accuracy)\"",
            "start, end, max",
        ),
        (
            "quantity = \"end(test.accuracy)\"",
            "quantity = \"end(test.accuracy\"",
            "the formula has its end",
        ),
        (
            "quantity = \"end(train.accuracy)\"",
            "quantity = \"at(train.accuracy, 77)\"",
            "step 77 is not one of those measured",
        ),
        ("expect = { at_least = 0.5 }", "expect = { at_lest = 0.5 }", "did you mean `at_least`?"),
        (
            "expect = { falls_along = \"clip\" }",
            "expect = { falls_along = \"c\" }",
            "the grid has no axis c to walk along",
        ),
        ("each = { noise = [50] }", "each = { noise = [25] }", "axis noise has no value 25"),
        ("bound = \"ours\"", "bound = \"mine\"", "expected `paper` or `ours`"),
        ("columns = \"noise\"", "columns = \"nois\"", "the grid has no axis nois"),
        (
            "series = [\"train.accuracy\", \"test.accuracy\"]",
            "series = [\"train.acc\"]",
            "no series is called train.acc",
        ),
        (
            "levels = {",
            "levels = { zero = \"end(train.loss)\", ",
            "write a formula of numbers and axes of the grid",
        ),
        ("[[figure]]", "[[figures]]", "did you mean `figure`?"),
        ("[scale.smoke]", "[scale.tiny]", "expected one of `smoke`"),
        ("id = \"T1\"", "id = \"T2\"", "id is T2, which is not the file's name"),
    ] {
        let (error, line) = told(from, to);
        let told = [':', ','].map(|after| error.contains(&format!("line {line}{after}")));
        assert!(told.contains(&true), "{to}: no line {line} in {error}");
        assert!(error.contains(remedy), "{to}: no {remedy} in {error}");
    }
}

/// What is missing has no line: that of its table is told.
#[test]
fn what_is_missing_is_named() {
    let (error, _) = told("batch = 50\n", "");
    assert!(error.contains("missing field `batch`: write it"), "{error}");
    let (error, _) = told("each = { noise = [50] }\n", "");
    assert!(error.contains("claim less-memorised: does not say which noise to read"), "{error}");
}

/// A claim or a figure that reads the test set needs one; other claims and figures do not.
#[test]
fn series_of_the_test_set_need_test_examples() {
    let text = new().replace("test_examples = 500", "test_examples = 0");
    let error = load(&text).unwrap_err();
    for part in ["claim learns", "figure accuracy", "figure overfit"] {
        let told = format!("{part}: test.accuracy needs test examples, and test_examples is 0");
        assert!(error.contains(&told), "no {told} in {error}");
    }
    let untested = text
        .replace("end(test.accuracy)", "end(train.accuracy)")
        .replace("\"train.accuracy\", \"test.accuracy\"", "\"train.accuracy\"")
        .replace("train.accuracy - test.accuracy", "train.accuracy");
    load(&untested).unwrap();
    let some = "test_examples = 0\nwhen = [{ cell = { clip = 0 }, set = { test_examples = 9 } }]";
    load(&text.replace("test_examples = 0", some)).unwrap();
}

/// Steps of training before that only some cells have are no mistake.
#[test]
fn pretraining_may_be_of_some_cells() {
    for settings in [
        "pretraining = 9\nwhen = [{ cell = { clip = 4 }, set = { initial = 'trained' } }]",
        "when = [{ cell = { clip = 4 }, set = { initial = 'trained', pretraining = 9 } }]",
        "initial = 'trained'\npretraining = 9\nwhen = [{ cell = { clip = 4 }, set = { initial = 'random' } }]",
    ] {
        load(&new().replace("seeds = 3", &format!("{settings}\nseeds = 3"))).unwrap();
    }
    let wrong = "when = [{ cell = { clip = 4 }, set = { pretraining = 9 } }]\nseeds = 3";
    let error = load(&new().replace("seeds = 3", wrong)).unwrap_err();
    assert!(error.contains("when.set: pretraining is 9, but initial is random"), "{error}");
}

#[test]
fn options_of_the_other_list_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, told) in [
        (&["list", "--size", "3"][..], "--size is for models: write `coherence list models --size"),
        (&["list", "experiments", "--batch", "3"], "--batch is for models"),
        (&["list", "models", "--experiments", "."], "--experiments is for `coherence list exp"),
    ] {
        let output = coherence(&folder, arguments);
        check(&output, 2);
        assert!(stderr(&output).contains(told), "{arguments:?}: {}", stderr(&output));
    }
}

/// The list, the help and the error of an unknown name say how residual networks of another width are named.
#[test]
fn networks_of_another_width_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let form = "with :wN at the end for N channels";
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let train = ["train", "--data", "digits", "--out", "out", "--model"];
    for (arguments, code) in [
        (&["list", "models"][..], 0),
        (&["train", "--help"], 0),
        (&[&train[..], &["resnet19"]].concat(), 2),
        (&[&train[..], &["resnet18:w8:cifar:gn"]].concat(), 2),
    ] {
        let output = coherence(&folder, arguments);
        check(&output, code);
        let told = words(stdout(&output) + &stderr(&output));
        assert!(told.contains(form), "{arguments:?}: {told}");
    }
}

#[test]
fn what_is_not_there_to_check_gives_status_2_and_what_is_not_valid_1() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("T1.toml", new());
    write("T2.toml", new());
    for (names, code) in [
        (&["T1.toml"][..], 0),
        (&["T1.toml", "T2.toml"], 1),
        (&["nosuch.toml"], 2),
        (&["nosuch", "T2.toml"], 2),
        (&["T2.toml", "nosuch"], 2),
    ] {
        check(&coherence(&folder, &[&["check"], names].concat()), code);
    }
    let told = stdout(&coherence(&folder, &["check", "T1"]));
    assert!(told.contains("--experiments . for ./T1.toml"), "{told}");
    check(&coherence(&folder, &["check", "T1", "--experiments", "."]), 0);
}

#[test]
fn a_record_is_two_files_and_the_one_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let report = || {
        let output = coherence(&folder, &["report", "own.csv"]);
        check(&output, 2);
        stderr(&output)
    };
    let both = "(a record is two files, own.csv and own.toml)";
    let told = report();
    assert!(told.contains("cannot read own.csv: ") && told.contains(both), "{told}");
    fs::write(folder.path().join("own.csv"), "").unwrap();
    let told = report();
    assert!(told.contains("cannot read own.toml: ") && told.contains(both), "{told}");
}

#[test]
fn a_run_that_does_not_go_on_is_told_with_the_options() {
    let folder = tempfile::tempdir().unwrap();
    let train = |out: &str, arguments: &[&str]| {
        let network = ["train", "--model", "mlp:784,4,10", "--data", "digits", "--examples", "40"];
        let run = ["--batch", "10", "--steps", "2", "--probe", "10", "-q", "--out", out];
        coherence(&folder, &[&network[..], &run, arguments].concat())
    };
    check(&train("run", &[]), 0);
    let others = ["--rule", "m3", "--every", "1", "--by", "layer", "--running-statistics"];
    let output = train("run", &others);
    check(&output, 2);
    let told = stderr(&output);
    for option in [
        "aggregation is set by --rule",
        "evaluate is set by --every",
        "watch is set by --by",
        "batch_statistics is set by --running-statistics",
    ] {
        assert!(told.contains(option), "no {option} in {told}");
    }
    assert!(!told.contains("--augment") && !told.contains("--epochs"), "{told}");

    fs::write(folder.path().join("file"), "kept").unwrap();
    let output = train("file", &[]);
    check(&output, 2);
    assert!(stderr(&output).contains("--out file is a file (name a folder"), "{}", stderr(&output));
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"kept");
}
