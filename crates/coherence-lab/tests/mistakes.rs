//! Mistakes that people make in experiment files: `coherence check` names the line and the remedy.

use std::path::Path;

use coherence_lab::spec::Experiment;

/// What `coherence new` writes.
const NEW: &str = include_str!("../src/command/new/template.toml");

/// What is said of the new experiment with `from` replaced by `to`, and the line of the change.
fn told(from: &str, to: &str) -> (String, usize) {
    let text = NEW.replace("DATE", "2026-11-26").replace("\"ID\"", "\"T1\"");
    let at = text.find(from).unwrap_or_else(|| panic!("no {from}"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("T1.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let error = Experiment::load(Path::new(&path)).expect_err(to).to_string();
    (error, 1 + text[..at].matches('\n').count())
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
