//! Experiment files: ours are valid, others are refused with a message that helps.

use std::path::{Path, PathBuf};

use coherence_lab::scale::Scale;
use coherence_lab::spec::{Experiment, files};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
}

/// A small valid experiment.
const VALID: &str = r#"
id = "X1"
title = "t"
source = "s"
statement = "s"
analysis = "a"

[scale.quick]
dataset = "digits"
examples = 200
hidden = [8]
batch = 10
rate = 0.1
steps = 10
data = "permuted-labels"
probe = 50
seeds = 3
grid = { noise = [0, 50], clip = [0, 2] }

[[claim]]
id = "c"
statement = "s"
source = "s"
each = { noise = [0], clip = [0] }
quantity = { value = { series = "test.accuracy", at = "end" } }
expect = { at_least = 0.1 }

[[figure]]
id = "f"
title = "t"
series = ["test.accuracy"]
color = "noise"
y_label = "accuracy"
"#;

fn load(text: &str) -> Result<Experiment, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("X1.toml");
    std::fs::write(&path, text).unwrap();
    Experiment::load(&path).map_err(|e| e.to_string())
}

/// The file with `from` replaced by `to` is refused, and the message contains `why`.
#[track_caller]
fn refused(from: &str, to: &str, why: &str) {
    assert!(VALID.contains(from), "{from}");
    let error = load(&VALID.replacen(from, to, 1)).unwrap_err();
    assert!(error.contains(why), "{error}");
}

#[test]
fn every_experiment_of_ours_is_valid() {
    let paths = files(&folder()).unwrap();
    assert!(paths.len() >= 11);
    for path in paths {
        Experiment::load(&path).unwrap();
    }
}

#[test]
fn every_experiment_of_ours_runs_at_every_scale_with_enough_seeds() {
    for experiment in Experiment::load_all(&folder(), &[]).unwrap() {
        for scale in [Scale::Smoke, Scale::Quick, Scale::Desk, Scale::Paper] {
            assert!(experiment.runs_at(scale), "{} at {scale}", experiment.id);
        }
        assert!(experiment.scales.values().all(|training| 3 <= training.seeds));
    }
}

#[test]
fn paper_scale_is_the_papers_own() {
    let one = |id: &str| Experiment::load_all(&folder(), &[id.to_owned()]).unwrap().remove(0);
    let c1 = &one("C1").scales[&Scale::Paper];
    assert_eq!(
        (c1.hidden.as_slice(), c1.batch, c1.rate, c1.steps),
        (&[2048][..], 100, 0.1, 100_000)
    );
    assert_eq!(c1.grid.noise.as_deref(), Some(&[0.0, 25.0, 50.0, 75.0, 100.0][..]));
    assert_eq!((c1.examples, c1.test_examples), (None, None));
    let c3 = &one("C3").scales[&Scale::Paper];
    assert_eq!(
        (c3.hidden.as_slice(), c3.batch, c3.rate, c3.steps),
        (&[256; 3][..], 100, 0.1, 60_000)
    );
    assert_eq!(c3.grid.noise, c1.grid.noise);
    assert_eq!(c3.grid.clip.as_deref(), Some(&[0, 1, 2, 4, 8][..]));
}

#[test]
fn unknown_keys_are_refused_wherever_they_stand() {
    load(VALID).unwrap();
    refused("title = \"t\"", "titel = \"t\"", "unknown field `titel`");
    refused("steps = 10", "step = 10", "unknown field `step`");
    refused("noise = [0, 50]", "nois = [0, 50]", "unknown field `nois`");
    refused("at = \"end\"", "at = \"end\", of = 1", "unknown field `of`");
    refused("at_least", "atleast", "unknown variant `atleast`");
    refused("color =", "colour =", "unknown field `colour`");
    refused("[scale.quick]", "[scale.fast]", "unknown variant `fast`");
}

#[test]
fn parse_errors_name_file_line_and_column() {
    refused(
        "rate = 0.1",
        "rate = \"fast\"",
        "X1.toml is not an experiment: TOML parse error at line",
    );
}

#[test]
fn a_file_beyond_the_greatest_length_is_refused_with_that_length() {
    let padded = |length: usize| format!("{VALID}{}", "#".repeat(length - VALID.len()));
    load(&padded(Experiment::LONGEST)).unwrap();
    let error = load(&padded(Experiment::LONGEST + 1)).unwrap_err();
    assert!(
        error.contains("X1.toml is not an experiment: it has more than 16384 bytes"),
        "{error}"
    );
}

#[test]
fn the_first_problems_are_told_and_no_flood() {
    let twins = "[[figure]]\nid = 'f'\ntitle = 't'\nseries = []\ny_label = 'y'\n".repeat(100);
    let error = load(&format!("{VALID}{twins}")).unwrap_err();
    assert_eq!(error.matches("two figures are called f").count(), 16);
}

#[test]
fn nonsense_is_refused_with_a_remedy() {
    refused("steps = 10", "steps = 0", "scale quick: steps must be at least 1");
    refused("rate = 0.1", "rate = nan", "rate must be positive and finite");
    refused("hidden = [8]", "hidden = [0]", "at least 1 neuron");
    refused("examples = 200", "examples = 5", "batch must not exceed examples");
    refused("probe = 50", "probe = 500", "probe must not exceed examples");
    refused("noise = [0, 50]", "noise = [0, 150]", "percentage");
    refused("clip = [0, 2]", "clip = [0, 6]", "clip must be at most half the batch");
    refused("clip = [0, 2]", "clip = [2, 2]", "axis clip repeats a value");
    refused("clip = [0, 2]", "clip = []", "axis clip is empty");
    refused("id = \"X1\"", "id = \"X2\"", "id is X2, which is not the file's name");
}

#[test]
fn claims_must_fit_the_grid() {
    refused("clip = [0] }", "clip = [1] }", "claim c: axis clip has no value 1 at scale quick");
    refused(", clip = [0] }", " }", "claim c: does not say which clip to read");
    refused("each = { noise", "each = { nois", "the grid has no axis nois");
    refused("at_least = 0.1", "falls_along = 'rate'", "the grid has no axis rate to walk along");
    refused(
        "each =",
        "scales = ['desk']\notherwise = 'w'\neach =",
        "scale desk, at which nothing runs",
    );
    refused("each =", "scales = ['quick']\neach =", "names scales and says otherwise");
    refused("color = \"noise\"", "color = \"rate\"", "figure f: the grid has no axis rate");
}

#[test]
fn an_experiment_is_either_worked_or_trained() {
    let worked = "[worked]\nsteps = 1\nrate = 0.1\nstart = 0\nevery = 1\nsweep = []\n\n[[claim]]";
    refused("[[claim]]", worked, "has both [worked] and [scale]");
    let neither = VALID[..VALID.find("[scale").unwrap()].to_owned();
    assert!(load(&neither).unwrap_err().contains("has neither"));
}

#[test]
fn unknown_identifiers_are_refused_with_those_that_exist() {
    let error = Experiment::load_all(&folder(), &["C99".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("no experiment C99") && error.contains("B1, B2"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_named_with_the_option_for_another() {
    let error = files(Path::new("no/such")).unwrap_err().to_string();
    assert!(error.contains("no/such") && error.contains("--experiments"), "{error}");
}
