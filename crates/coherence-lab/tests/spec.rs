//! Experiment files: what is wrong with one is refused with a message that helps.

use coherence_lab::cell::Cell;
use coherence_lab::scale::Scale;
use coherence_lab::spec::Experiment;

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
written = "2026-11-26"
statement = "s"
source = "s"
each = { noise = [0], clip = [0] }
quantity = "end(test.accuracy)"
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
fn settings_of_some_cells_are_theirs_alone() {
    let text = VALID.replace(
        "grid = { noise = [0, 50], clip = [0, 2] }",
        "grid = { noise = [0, 50], clip = [0, 2] }\n\
         when = [{ cell = { clip = 2 }, set = { batch = 5, rate = 0.2 } }, \
                 { cell = { clip = 2, noise = 50 }, set = { rate = 0.4 } }]",
    );
    let experiment = load(&text).unwrap();
    let training = &experiment.scales[&Scale::Quick];
    let found: Vec<(usize, f64)> = experiment
        .cells(Scale::Quick)
        .iter()
        .map(|cell| training.with_cell(cell).unwrap())
        .map(|settings| (settings.batch, settings.rate))
        .collect();
    assert_eq!(found, [(10, 0.1), (5, 0.2), (10, 0.1), (5, 0.4)]);
    let refused = |when: &str, why: &str| {
        let text = VALID.replace("seeds = 3", &format!("seeds = 3\nwhen = [{when}]"));
        let error = load(&text).unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused(
        "{ cell = { clip = 3 }, set = {} }",
        "when.cell has clip = 3, which is not in the grid",
    );
    refused("{ cell = { rule = 'm3' }, set = {} }", "when.cell has rule = m3");
    refused("{ cell = { clip = 2 }, set = { noise = 5 } }", "when.set has noise");
    refused("{ cell = { clip = 2 }, set = { seeds = 5 } }", "when.set has seeds");
    refused("{ cell = { clip = 2 }, set = { batsh = 5 } }", "a key is unknown");
    refused("{ cell = { clip = 2 }, set = { batch = 0.5 } }", "of another kind");
    refused("{ cell = { clip = 2 }, set = { batch = 500 } }", "when.set: batch is 500");
    refused("{ cell = { clip = 2 } }", "missing field `set`");
}

#[test]
fn keys_of_deep_networks_that_make_no_sense_are_refused() {
    let added = |line: &str, why: &str| {
        refused("seeds = 3", &format!("{line}\nseeds = 3"), why);
    };
    added("every = 5\nlow_water = 1", "every and low_water are both given: keep one");
    added(
        "difficulty = { initialisations = 2, steps = 5 }\nbound = { smoothness = 0 }",
        "bound and difficulty are both given",
    );
    added("low_water = 100", "evaluate when the loss falls by 100 %");
    added("initial = 'trained'", "initial is trained: give the steps as pretraining");
    added("initial = 'trained'\npretraining = 0", "pretraining is 0: it must be at least 1");
    added("watch = ['imputed-tensor']", "unknown variant `imputed-tensor`");
    added("size = 32", "size is for imagenet and folder:DIR");
}

#[test]
fn unknown_keys_are_refused_wherever_they_stand() {
    load(VALID).unwrap();
    refused("title = \"t\"", "titel = \"t\"", "unknown field `titel`");
    refused("steps = 10", "step = 10", "unknown field `step`");
    refused("noise = [0, 50]", "nois = [0, 50]", "unknown field `nois`");
    refused("source = \"s\"\neach", "source = \"s\"\nof = 1\neach", "unknown field `of`");
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
    refused("steps = 10", "steps = 0", "scale quick: steps is 0: it must be at least 1");
    refused("rate = 0.1", "rate = nan", "rate is NaN: it must be positive and finite");
    refused("hidden = [8]", "hidden = [0]", "at least 1 neuron");
    refused("examples = 200", "examples = 5", "batch is 10: it must not exceed 5 examples");
    refused("probe = 50", "probe = 500", "probe is 500: it must not exceed 200 examples");
    refused("noise = [0, 50]", "noise = [0, 150]", "noise is 150: write a percentage");
    refused("noise = [0, 50]", "noise = [0, nan]", "noise is NaN: write a percentage");
    refused("clip = [0, 2]", "clip = [0, 6]", "clip is 6: write at most half the batch, 5");
    refused("clip = [0, 2]", "clip = [2, 2]", "axis clip repeats the value 2");
    refused("clip = [0, 2]", "clip = [0, 2], rule = [\"m3\"]", "clip and rule are both given");
    let undefined = "rule winsorized:6 of mini-batches of 10";
    refused("probe = 50", "probe = 50\nrule = \"winsorized:6\"", undefined);
    refused("probe = 50", "probe = 50\nrule = \"krum:1\"", "take krum:1@GROUPS");
    refused("clip = [0, 2]", "clip = []", "axis clip is empty");
    refused("id = \"X1\"", "id = \"X2\"", "id is X2, which is not the file's name");
}

#[test]
fn claims_must_fit_the_grid() {
    refused("clip = [0] }", "clip = [1] }", "line 25: claim c: axis clip has no value 1");
    refused(", clip = [0] }", " }", "claim c: does not say which clip to read");
    refused("each = { noise", "each = { nois", "the grid has no axis nois at scale quick");
    refused("at_least = 0.1", "falls_along = 'rate'", "the grid has no axis rate to walk along");
    refused(
        "each =",
        "scales = ['desk']\notherwise = 'w'\neach =",
        "scale desk, at which nothing runs",
    );
    refused("each =", "scales = ['quick']\neach =", "has only one of scales and otherwise");
    refused("color = \"noise\"", "color = \"rate\"", "figure f: the grid has no axis rate");
}

#[test]
fn keys_of_a_claim_that_make_no_sense_are_refused_with_a_remedy() {
    let added = |line: &str, why: &str| {
        refused("written =", &format!("{line}\nwritten ="), why);
    };
    refused("2026-11-26", "26.11.2026", "TOML parse error at line");
    refused("written = \"2026-11-26\"\n", "", "missing field `written`");
    added(&format!("quote = '{}'", "w ".repeat(61)), "quote has 61 words: quote at most 60");
    added("pool = true", "pool counts outcomes: write a quantity with < or >");
    added("bound = 'theirs'", "unknown variant `theirs`, expected `paper` or `ours`");
    added("changed = 3", "invalid type");
    let outcome = VALID.replace("end(test.accuracy)", "end(test.accuracy) > 0.5");
    load(&outcome).unwrap();
    let along = outcome.replace("at_least = 0.1", "rises_along = 'clip'");
    assert!(load(&along).unwrap_err().contains("an outcome neither rises nor falls"));
}

#[test]
fn formulas_that_make_no_sense_are_refused() {
    let formula = |formula: &str, why: &str| refused("end(test.accuracy)", formula, why);
    formula("", "the formula has its end at character 1");
    formula("mean(test.accuracy)", "'m' at character 1, where start, end, max");
    formula("end(test.accuracy) * rate", "the formula has rate, which each does not give");
    formula("reaches(test.accuracy, level)", "the formula has level, which each does not give");
    refused("clip = [0] }", "clip = [0], level = [1] }", "the grid has no axis level");
    let words = VALID
        .replace("noise = [0, 50], clip", "data = ['real'], clip")
        .replace("noise = [0], clip", "data = ['real'], clip")
        .replace("color = \"noise\"", "color = \"data\"");
    load(&words).unwrap();
    let error =
        load(&words.replace("end(test.accuracy)", "end(test.accuracy) * data")).unwrap_err();
    assert!(error.contains("has data, whose values are no numbers"), "{error}");
}

/// A claim over several scales names values that some of them lack.
#[test]
fn values_of_each_that_a_scale_lacks_are_left_out_there() {
    let scale = &VALID[VALID.find("[scale.quick]").unwrap()..VALID.find("[[claim]]").unwrap()];
    let desk = scale.replace("quick", "desk").replace("[0, 50]", "[0, 25]");
    let both = VALID.replace("[[claim]]", &format!("{desk}[[claim]]"));
    load(&both.replace("noise = [0], ", "noise = [0, 25, 50], ")).unwrap();
    let error = load(&both.replace("noise = [0], ", "noise = [0, 75], ")).unwrap_err();
    assert!(error.contains("claim c: axis noise has no value 75"), "{error}");
    let error = load(&both.replace("noise = [0], ", "noise = [25], ")).unwrap_err();
    assert!(error.contains("axis noise has none of the values of each at scale quick"), "{error}");
}

#[test]
fn identifiers_that_could_leave_a_folder_are_refused_with_line_and_rule() {
    for (from, to) in [
        ("id = \"X1\"", "id = \"..\""),
        ("id = \"X1\"", "id = \"../X1\""),
        ("id = \"X1\"", "id = \"/tmp/X1\""),
        ("id = \"c\"", "id = \"a b\""),
        ("id = \"f\"", "id = \"\""),
    ] {
        refused(from, to, "is not allowed: write 1 to 64 letters, digits");
        refused(from, to, "TOML parse error at line");
    }
}

#[test]
fn bounds_that_are_no_numbers_or_out_of_order_are_refused() {
    let expect = |expect: &str, why: &str| refused("at_least = 0.1", expect, why);
    expect("at_least = nan", "claim c: expect has at_least = NaN: write a finite number");
    expect("at_most = inf", "expect has at_most = inf: write a finite number");
    expect("between = [3, 1]", "expect has between = [3, 1]: write finite numbers, the smaller");
    expect("between = [nan, 1]", "between = [NaN, 1]");
    expect("equals = { value = nan, tolerance = 1 }", "value = NaN: write a finite number");
    expect("equals = { value = 1, tolerance = -1 }", "tolerance = -1: write a finite number");
    expect("equals = { value = 1, tolerance = nan }", "tolerance = NaN");
    refused("y_label", "y_min = 1\ny_max = 0\ny_label", "figure f: y_min is 1 and y_max is 0");
    refused("y_label", "y_min = nan\ny_label", "y_min is NaN and y_max is absent");
}

#[test]
fn steps_that_are_not_measured_are_refused() {
    let at = |quantity: &str, why: &str| refused("end(test.accuracy)", quantity, why);
    at("at(test.accuracy, 11)", "claim c: step 11 is beyond the last, 10, at scale quick");
    at("at(test.accuracy, 1.5)", "step 1.5 is no step: write a whole number");
    at("max(test.accuracy, from 11)", "from 11 is beyond the last step, 10, at scale quick");
    let named = VALID.replace("end(test.accuracy)", "at(test.accuracy, step)");
    let each = |steps: &str| {
        load(&named.replace("clip = [0] }", &format!("clip = [0], step = [{steps}] }}")))
    };
    each("0, 10").unwrap();
    assert!(each("0, 11").unwrap_err().contains("step 11 is beyond the last, 10"));
    let longer = VALID.replace("steps = 10", "steps = 25");
    let text = longer.replace("end(test.accuracy)", "at(test.accuracy, 15)");
    let error = load(&text).unwrap_err();
    assert!(
        error.contains("step 15 is not one of those measured, such as the last, 25"),
        "{error}"
    );
    for step in [0, 9, 10, 20, 25] {
        load(&longer.replace("end(test.accuracy)", &format!("at(test.accuracy, {step})"))).unwrap();
    }
}

#[test]
fn series_that_are_not_recorded_are_refused() {
    for series in [
        "loss",
        "train.losses",
        "fc1.weight.m_coherence",
        "probe.fc3.bias.m_coherence",
        "test.learned",
    ] {
        let claimed = format!("end({series})");
        refused("end(test.accuracy)", &claimed, &format!("no series is called {series}"));
        let drawn = format!("series = [\"test.loss - {series}\"]");
        refused(
            "series = [\"test.accuracy\"]",
            &drawn,
            &format!("figure f: no series is called {series}"),
        );
    }
    refused("color =", "x = \"train.los\"\ncolor =", "no series is called train.los");
    for series in ["corrupt.learned", "batch.alpha", "probe.fc2.bias.sum_sq_norms"] {
        load(&VALID.replace("test.accuracy", series)).unwrap();
    }
}

#[test]
fn what_no_machine_could_run_is_refused_with_the_most() {
    refused("seeds = 3", "seeds = 1000000000", "seeds is 1000000000: write at most 10000");
    refused("hidden = [8]", "hidden = [1000000000]", "parameters of the network: 795000000010");
    refused("hidden = [8]", "hidden = [9223372036854775807, 9223372036854775807]", "are the most");
    refused("hidden = [8]", &format!("hidden = [{}]", "1,".repeat(65)), "layers in hidden: 65");
    refused("steps = 10", "steps = 9223372036854775807", "write at most 1000000000");
    refused("batch = 10", "batch = 9223372036854775807", "must not exceed 200 examples");
    refused("examples = 200", "examples = 10001", "must not exceed the 10000 examples of digits");
    refused("examples = 200", "test_examples = 2001", "exceed the 2000 test examples of digits");
    let text = VALID.replace("seeds = 3", "seeds = 10000");
    load(&text).unwrap();
    let noise: Vec<String> = (0..=50).map(|p| p.to_string()).collect();
    let text = text.replace("noise = [0, 50]", &format!("noise = [{}]", noise.join(",")));
    let error = load(&text).unwrap_err();
    assert!(error.contains("1020000, and 100000 are the most"), "{error}");
}

#[test]
fn samples_for_attribution_are_checked_against_the_examples_and_their_series_are_known() {
    let with = |of: &str| VALID.replacen("probe = 50", &format!("probe = 50\nattribution.{of}"), 1);
    let claim = |text: String| {
        text.replacen("end(test.accuracy)", "sum(attribution.a.null2.corrupt.contribution, 5)", 1)
    };
    load(&claim(with("a = { examples = 200, weights = 30, null_worlds = 2 }"))).unwrap();
    for (of, why) in [
        (
            "a = { examples = 201 }",
            "attribution.a.examples is 201: it must not exceed 200 examples",
        ),
        ("a = { weights = 0 }", "attribution.a has 0 examples or weights"),
        ("a = { null_worlds = 101 }", "attribution.a.null_worlds: 101, and 100 are the most"),
        ("\"a.b\" = {}", "write letters, digits and _"),
        ("a = { null_worlds = 1 }", "no series is called attribution.a.null2.corrupt.contribution"),
        ("b = { null_worlds = 2 }", "no series is called attribution.a.null2.corrupt.contribution"),
    ] {
        let error = load(&claim(with(of))).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

/// A small worked example.
const WORKED: &str = r#"
id = "X1"
title = "t"
source = "s"
statement = "s"
analysis = "a"

[worked]
steps = 100
rate = 0.1
start = 0.01
every = 10

[[worked.sweep]]
keep = "trajectory"
model = ["two-neurons"]
w1 = [0.1]

[[claim]]
id = "c"
written = "2026-11-26"
statement = "s"
source = "s"
each = { model = ["two-neurons"], w1 = [0.1] }
quantity = "at(w.2, 20)"
expect = { at_least = 0.1 }
"#;

#[test]
fn worked_examples_are_held_to_their_own_series_steps_and_limits() {
    load(WORKED).unwrap();
    for (from, to, why) in [
        ("w.2, 20", "w.2, 25", "step 25 is not one of those measured"),
        ("w.2, 20", "w.2, 110", "step 110 is beyond the last, 100,"),
        ("w.2", "w.7", "no series is called w.7"),
        ("w.2", "test.accuracy", "no series is called test.accuracy"),
        ("steps = 100", "steps = 1000000000", "write at most 1000000"),
        ("w1 = [0.1]\n\n", "w1 = [0.1, nan]\n\n", "w1 is NaN: write finite numbers"),
        ("every = 10", "every = 0", "every is 0: it must be at least 1"),
    ] {
        assert!(WORKED.contains(from), "{from}");
        let error = load(&WORKED.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let starts: Vec<String> = (1..=200).map(|i| format!("0.{i:04}")).collect();
    let text = WORKED.replacen("w1 = [0.1]\n\n", &format!("w1 = [{}]\n\n", starts.join(",")), 1);
    let second = format!("w2 = [{}]\nmodel = [\"two", starts[..11].join(","));
    let crowded = text.replacen("model = [\"two", &second, 1);
    let error = load(&crowded).unwrap_err();
    assert!(error.contains("cells in the sweeps: 2200, and 2000 are the most"), "{error}");
}

#[test]
fn an_experiment_is_either_worked_or_trained() {
    let worked = "[worked]\nsteps = 1\nrate = 0.1\nstart = 0\nevery = 1\nsweep = []\n\n[[claim]]";
    refused("[[claim]]", worked, "has both [worked] and [scale]");
    let neither = VALID[..VALID.find("[scale").unwrap()].to_owned();
    assert!(load(&neither).unwrap_err().contains("has neither"));
}

/// The rules that need no clip are reachable from a file, as a setting and as an axis.
#[test]
fn a_rule_is_a_setting_and_an_axis() {
    let of = |text: &str| load(text).unwrap().scales[&Scale::Quick].clone();
    let axis = VALID
        .replace("clip = [0, 2] }", "rule = [\"mean\", \"winsorized:2\", \"m3\"] }")
        .replace("clip = [0] }", "rule = [\"m3\"] }");
    let training = of(&axis);
    let cells: Vec<String> = training
        .grid
        .axes()
        .last()
        .unwrap()
        .values
        .iter()
        .map(|value| {
            let cell = Cell::new([("noise", 0.0.into()), ("rule", value.clone())]);
            training.with_cell(&cell).unwrap().aggregation().to_string()
        })
        .collect();
    assert_eq!(cells, ["mean", "winsorized:2", "m3"]);
    let alone = VALID
        .replace(", clip = [0, 2] }", " }")
        .replace(", clip = [0] }", " }")
        .replace("probe = 50", "probe = 50\nrule = \"rm3\"");
    assert_eq!(of(&alone).aggregation().to_string(), "rm3");
    assert_eq!(of(VALID).aggregation().to_string(), "mean");
}
