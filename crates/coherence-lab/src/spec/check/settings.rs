//! Whether settings make sense and stay within the [limits].

use std::collections::{BTreeMap, BTreeSet};

use coherence_core::aggregate::{Requirements, Winsorized};
use coherence_nn::{Shape, device::Cpu, model::Architecture};
use coherence_train::{Aggregation, Attribution, Config, ConfigError};

use crate::cell::{Axis, Cell};
use crate::spec::{Initial, Subset, Sweep, Text, Training, When, Worked, limits};

/// What is wrong with a training experiment at one scale.
pub(super) fn training(training: &Training) -> Vec<String> {
    let Training { batch, rate, steps, probe, seeds, first_seed, ref hidden, ref grid, .. } =
        *training;
    let axes = grid.axes();
    let runs = product(&axes).saturating_mul(usize::try_from(seeds).unwrap_or(usize::MAX));
    let measured = training.every.map_or(0, |every| steps / every.max(1));
    let measured = usize::try_from(measured).unwrap_or(usize::MAX);
    let mut problems: Vec<String> = [
        range("steps", steps, limits::STEPS),
        training.every.and_then(|every| range("every", every, u64::MAX)),
        pretraining(training),
        most("measurements of a run (steps / every)", measured, limits::MEASUREMENTS),
        range("batch", batch as u64, u64::MAX),
        range("probe", probe as u64, u64::MAX),
        range("seeds", seeds, limits::SEEDS),
        (limits::LAST_SEED < first_seed.saturating_add(seeds))
            .then(|| format!("first_seed is {first_seed}: seeds go up to {}", limits::LAST_SEED)),
        positive("rate", rate),
        training.bound.and_then(|bound| not_negative("bound.smoothness", bound.smoothness)),
        hidden.contains(&0).then(|| "hidden has a layer of 0: write at least 1 neuron".to_owned()),
        most("layers in hidden", hidden.len(), limits::LAYERS),
        most("runs (cells of the grid × seeds)", runs, limits::RUNS),
    ]
    .into_iter()
    .flatten()
    .collect();
    problems.extend(
        (training.every.is_some() && training.low_water.is_some())
            .then(|| "every and low_water are both given: keep one".to_owned()),
    );
    problems.extend((training.bound.is_some() && training.difficulty.is_some()).then(|| {
        "bound and difficulty are both given: the bound is of a training set of known size, keep one"
            .to_owned()
    }));
    problems.extend(datasets(training));
    problems.extend(examples(training));
    problems.extend(attribution(training));
    problems.extend(difficulty(training));
    problems.extend(networks(training));
    problems.extend(optimizer(training));
    problems.extend(levels(training));
    problems.extend(rules(training));
    problems.extend(lists(&axes));
    problems.extend(training.when.iter().flat_map(|when| settings_of_cells(training, when)));
    problems
}

/// Settings of some cells: there are such cells, and the first of them has valid settings.
fn settings_of_cells(training: &Training, when: &When) -> Vec<String> {
    let axes = training.grid.axes();
    let lost = when.cell.iter().find(|(name, value)| {
        let axis = axes.iter().find(|axis| axis.name == **name);
        axis.is_none_or(|axis| !axis.values.contains(value))
    });
    if let Some((name, value)) = lost {
        return vec![format!("when.cell has {name} = {value}, which is not in the grid")];
    }
    let of_the_scale = |key: &&String| {
        When::OF_THE_SCALE.contains(&key.as_str()) || axes.iter().any(|axis| axis.name == **key)
    };
    if let Some(key) = when.set.keys().find(of_the_scale) {
        return vec![format!("when.set has {key}, which is not of a single cell: leave it out")];
    }
    let first = axes.iter().filter_map(|axis| {
        let value = when.cell.get(&axis.name).or(axis.values.first())?;
        Some((axis.name.as_str(), value.clone()))
    });
    let alone = Training { when: vec![when.clone()], ..training.clone() };
    let Some(mut cell) = alone.with_cell(&Cell::new(first)) else {
        let set = &when.set;
        return vec![format!(
            "when.set has {set}: a key is unknown, or its value is of another kind"
        )];
    };
    if cell.initial == Initial::Random && !when.set.contains_key("pretraining") {
        // That of the scale is for other cells.
        cell.pretraining = None;
    }
    self::training(&cell).into_iter().map(|problem| format!("when.set: {problem}")).collect()
}

/// Training before needs a number of steps, and only trained weights have one.
fn pretraining(training: &Training) -> Option<String> {
    let initial = training.grid.initial.clone().unwrap_or_else(|| vec![training.initial]);
    let is_trained =
        |when: &When| when.set.get("initial").and_then(toml::Value::as_str) == Some("trained");
    match (initial.contains(&Initial::Trained), training.pretraining) {
        (true, None) => Some("initial is trained: give the steps as pretraining".to_owned()),
        (false, Some(steps)) if !training.when.iter().any(is_trained) => Some(format!(
            "pretraining is {steps}, but initial is random: write initial = \"trained\", or leave pretraining out"
        )),
        (_, Some(steps)) => range("pretraining", steps, limits::STEPS),
        (false, None) => None,
    }
}

/// A cell is the name of a folder, so a grid names no paths; only folders are resized.
fn datasets(training: &Training) -> Vec<String> {
    let several = training.grid.dataset.iter().flatten();
    let path = several.clone().find(|dataset| dataset.path().is_some());
    let path = path.map(|name| format!("grid.dataset has {name}: name a path in dataset only"));
    let sized = training.size.is_some() && !training.dataset.is_folder();
    let sized = sized.then(|| {
        format!("size is for imagenet and folder:DIR, not {}: leave it out", training.dataset)
    });
    path.into_iter().chain(sized).collect()
}

/// Counts of examples must not exceed those that each data set has.
fn examples(training: &Training) -> Vec<String> {
    let datasets = training.grid.dataset.clone().unwrap_or_else(|| vec![training.dataset.clone()]);
    let mut problems = Vec::new();
    for dataset in datasets {
        let Some((train, test)) = dataset.sizes() else { continue };
        let chosen = training.examples.unwrap_or(train);
        let whole = format!("the {train} examples of {dataset}");
        let examples =
            if training.examples.is_some() { format!("{chosen} examples") } else { whole.clone() };
        problems.extend([
            exceeds("examples", chosen, train, &whole),
            exceeds(
                "test_examples",
                training.test_examples.unwrap_or(test),
                test,
                &format!("the {test} test examples of {dataset}"),
            ),
            exceeds("batch", training.batch, chosen, &examples),
            exceeds("probe", training.probe, chosen, &examples),
            training.sample.and_then(|n| exceeds("sample", n, chosen, &examples)),
            training
                .single
                .and_then(|of| exceeds("single.examples", of.examples, chosen, &examples)),
        ]);
        problems.extend(training.attribution.iter().map(|(name, of)| {
            let key = format!("attribution.{name}.examples");
            of.examples.and_then(|n| exceeds(&key, n, chosen, &examples))
        }));
    }
    problems.into_iter().flatten().collect()
}

/// Names are part of the names of series, and a sample has examples and weights.
fn attribution(training: &Training) -> Vec<String> {
    let is_plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let problem = |(name, of): (&String, &Attribution)| {
        if !is_plain(name) {
            Some(format!("attribution has the name \"{name}\": write letters, digits and _"))
        } else if of.examples == Some(0) || of.weights == Some(0) {
            Some(format!("attribution.{name} has 0 examples or weights: leave them out for all"))
        } else {
            let key = format!("attribution.{name}.null_worlds");
            most(&key, of.null_worlds, limits::NULL_WORLDS)
        }
    };
    training.attribution.iter().filter_map(problem).collect()
}

/// Easy and hard examples need a difficulty, and numbers of training and test examples to draw.
fn difficulty(training: &Training) -> Vec<String> {
    let subsets = training.grid.subset.clone().unwrap_or_else(|| vec![training.subset]);
    let divides = subsets.iter().any(|subset| *subset != Subset::All);
    let single = training.single.is_some_and(|single| !(0.0 < single.loss && single.examples > 0));
    let single = single.then(|| {
        "single has no examples or no positive loss: write { examples = 50, loss = 0.01 }"
            .to_owned()
    });
    let Some(difficulty) = training.difficulty else {
        let lost =
            "subset without difficulty: add difficulty = { initialisations = 8, steps = 200 }";
        return single.into_iter().chain(divides.then(|| lost.to_owned())).collect();
    };
    let counts = training.examples.is_none() || training.test_examples.is_none();
    let counts = (divides && counts).then(|| {
        "subset without examples or test_examples: say how many are drawn from each".to_owned()
    });
    let sizes = training.dataset.sizes();
    let there = difficulty.examples.or(sizes.map(|(train, _)| train));
    let rated = |there| format!("the {there} examples whose difficulty is found");
    let momentum = difficulty
        .momentum
        .and_then(|momentum| Config { momentum, ..Config::default() }.check(usize::MAX).err());
    let problems = [
        range("difficulty.initialisations", difficulty.initialisations as u64, u64::MAX),
        most("difficulty.initialisations", difficulty.initialisations, limits::INITIALISATIONS),
        range("difficulty.steps", difficulty.steps, limits::STEPS),
        difficulty.examples.zip(sizes).and_then(|(n, (train, _))| {
            let whole = format!("the {train} examples of {}", training.dataset);
            exceeds("difficulty.examples", n, train, &whole)
        }),
        difficulty.examples.and_then(|n| exceeds("batch", training.batch, n, &rated(n))),
        training
            .examples
            .zip(there)
            .and_then(|(n, there)| exceeds("examples", n, there, &rated(there))),
        momentum.map(|error| format!("difficulty.{error}")),
        counts,
        single,
    ];
    problems.into_iter().flatten().collect()
}

/// Each network is named once, fits the images and is not too large.
fn networks(training: &Training) -> Vec<String> {
    let models = training.grid.model.clone();
    let models = models.unwrap_or_else(|| training.model.iter().cloned().collect());
    if !models.is_empty() && !training.hidden.is_empty() {
        return vec!["model and hidden are both given: keep one".to_owned()];
    }
    let activation = training.activation.as_deref().copied().unwrap_or_default();
    let refused = models.iter().find_map(|model| model.check_activation(activation).err());
    if refused.is_some() {
        return vec!["activation is for perceptrons: leave it out".to_owned()];
    }
    let Some((image, classes)) = training.dataset.shape() else { return Vec::new() };
    let too_many = |d| most("parameters of the network", d, limits::PARAMETERS);
    if models.is_empty() {
        return too_many(parameters(&training.widths(image, classes))).into_iter().collect();
    }
    let input = Shape::image(image.height, image.width, image.channels);
    let problem =
        |model: &Text<Architecture>| match model.build::<f32, Cpu>(input, classes, activation) {
            Ok(network) => too_many(network.layout().parameters()),
            Err(error) => Some(format!("model {}: {error}", **model)),
        };
    models.iter().filter_map(problem).collect()
}

/// Number of parameters of a perceptron; saturates for widths that no network has.
fn parameters(widths: &[usize]) -> usize {
    let sizes = widths.windows(2).map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]));
    sizes.fold(0, usize::saturating_add)
}

/// Schedule, momentum and passes, as training checks them for each rule.
fn optimizer(training: &Training) -> Vec<String> {
    // A batch without examples is refused by the limits.
    let batch = training.batch.max(1);
    let refused = aggregations(training).into_iter().find_map(|(clip, aggregation)| {
        // Attribution depends on the number of examples, which is checked with the other counts.
        let attribution = BTreeMap::new();
        let config = Config { batch, aggregation, attribution, ..training.config(1) };
        let error = config.check(batch).err()?;
        // These have messages of their own.
        let is_told = matches!(error, ConfigError::Rate(_) | ConfigError::Aggregation { .. });
        (!is_told).then(|| match (clip, error) {
            (Some(clip), error @ ConfigError::InPasses { .. }) => {
                format!("clip is {clip}: {error}")
            }
            (_, error) => error.to_string(),
        })
    });
    refused.into_iter().collect()
}

/// The rules of the cells, each with the `clip` that names it, if one does.
fn aggregations(training: &Training) -> Vec<(Option<usize>, Aggregation)> {
    if let Some(rules) = &training.grid.rule {
        return rules.iter().map(|rule| (None, *rule)).collect();
    }
    let clips = training.grid.clip.clone().unwrap_or_else(|| vec![training.clip]);
    let of_clip = |clip| {
        let rule = Training { clip, ..training.clone() }.aggregation();
        (training.rule.is_none().then_some(clip), rule)
    };
    clips.into_iter().map(of_clip).collect()
}

/// Percentages of noise and winsorisation counts.
fn levels(training: &Training) -> Vec<String> {
    let noise = training.grid.noise.clone().unwrap_or_else(|| vec![training.noise]);
    let clip = training.grid.clip.clone().unwrap_or_else(|| vec![training.clip]);
    let most = training.batch / 2;
    let noise = noise.into_iter().find(|p| !(0.0..=100.0).contains(p));
    // A batch without examples is refused by the limits.
    let batch = training.batch.max(1);
    let clip = clip.into_iter().find(|&clip| Winsorized { clip }.check(batch).is_err());
    let noise = noise.map(|p| format!("noise is {p}: write a percentage, 0 to 100"));
    let clip = clip.map(|c| format!("clip is {c}: write at most half the batch, {most}"));
    noise.into_iter().chain(clip).collect()
}

/// Rules must be defined for the batch, and not contradict clip.
fn rules(training: &Training) -> Vec<String> {
    let Training { batch, clip, rule, ref grid, .. } = *training;
    let rules = grid.rule.clone().unwrap_or_else(|| rule.into_iter().collect());
    let clips = clip > 0 || grid.clip.is_some();
    let both = (clips && !rules.is_empty()).then(|| {
        "clip and rule are both given: write clip = 2 as rule = \"winsorized:2\"".to_owned()
    });
    let undefined = rules.iter().find_map(|rule| {
        let error = rule.check(batch.max(1)).err()?;
        Some(format!("rule {rule} of mini-batches of {batch}: {error}"))
    });
    both.into_iter().chain(undefined).collect()
}

/// What is wrong with a worked example.
pub(super) fn worked(worked: &Worked) -> Vec<String> {
    let names = |axes: Vec<Axis>| axes.into_iter().map(|axis| axis.name).collect::<BTreeSet<_>>();
    let all = names(worked.axes());
    let same = worked.sweep.iter().all(|sweep| names(sweep.axes()) == all);
    let cells = worked.sweep.iter().map(|sweep| product(&sweep.axes()));
    let cells = cells.fold(0, usize::saturating_add);
    let measured = (worked.steps / worked.every.max(1)).saturating_mul(cells as u64);
    let starts = worked.sweep.iter().flat_map(starts).chain([("start", worked.start)]);
    let starts = starts.filter(|(_, start)| !start.is_finite());
    let mut problems: Vec<String> = [
        range("steps", worked.steps, limits::WORKED_STEPS),
        range("every", worked.every, u64::MAX),
        positive("rate", worked.rate),
        worked.sweep.is_empty().then(|| "there is no sweep: add [[worked.sweep]]".to_owned()),
        (!same).then(|| "sweeps name different axes: give all of them the same".to_owned()),
        most("cells in the sweeps", cells, limits::WORKED_CELLS),
        (limits::WORKED_MEASUREMENTS < measured).then(|| {
            let most = limits::WORKED_MEASUREMENTS;
            format!("{measured} steps are measured and {most} are the most: raise every")
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    let starts = starts.map(|(key, start)| format!("{key} is {start}: write finite numbers"));
    problems.extend(starts.take(1));
    problems.extend(lists(&worked.axes()));
    problems
}

fn starts(sweep: &Sweep) -> impl Iterator<Item = (&'static str, f64)> {
    let named = [("w1", &sweep.w1), ("w2", &sweep.w2)];
    named.into_iter().flat_map(|(key, starts)| starts.iter().flatten().map(move |s| (key, *s)))
}

/// Lists of values must have values, and each once.
fn lists(axes: &[Axis]) -> Vec<String> {
    let mut problems = Vec::new();
    for axis in axes {
        if axis.values.is_empty() {
            problems.push(format!("axis {} is empty: leave it out or give values", axis.name));
        }
        let before = |i: usize| axis.values[..i].contains(&axis.values[i]);
        if let Some(i) = (1..axis.values.len()).find(|&i| before(i)) {
            let value = &axis.values[i];
            problems.push(format!("axis {} repeats the value {value}: give it once", axis.name));
        }
    }
    problems
}

fn product(axes: &[Axis]) -> usize {
    axes.iter().map(|axis| axis.values.len()).fold(1, usize::saturating_mul)
}

fn range(key: &str, value: u64, most: u64) -> Option<String> {
    match value {
        0 => Some(format!("{key} is 0: it must be at least 1")),
        _ if most < value => Some(format!("{key} is {value}: write at most {most}")),
        _ => None,
    }
}

fn positive(key: &str, value: f64) -> Option<String> {
    let wrong = !(0.0 < value && value.is_finite());
    wrong.then(|| format!("{key} is {value}: it must be positive and finite"))
}

fn not_negative(key: &str, value: f64) -> Option<String> {
    let wrong = !(0.0 <= value && value.is_finite());
    wrong.then(|| format!("{key} is {value}: it must be finite and at least 0"))
}

fn most(what: &str, found: usize, most: usize) -> Option<String> {
    (most < found).then(|| format!("{what}: {found}, and {most} are the most"))
}

fn exceeds(key: &str, value: usize, there: usize, of: &str) -> Option<String> {
    (there < value).then(|| format!("{key} is {value}: it must not exceed {of}"))
}
