//! The difficulty of examples: the runs that find it, and the training and test sets that follow from it.
//!
//! The pool is the training part of the data set or a sample of it; a level is the difficulty of one of its examples. The
//! levels are found by ordinary runs in folders of their own, which all runs of a data set, model and seed share.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use coherence_data::{Dataset, random, select};
use coherence_train::{Group, RateSchedule};
use serde::Deserialize;

use super::data::{Boxed, Grouped, sampled, settings_error};
use super::{PlannedRun, RunError};
use crate::cell::Cell;
use crate::spec::{Difficulty, Subset, Training};

/// The runs that must be finished before these `runs` can begin, each once.
pub(super) fn earlier(runs: &[PlannedRun]) -> Vec<PlannedRun> {
    let mut all: Vec<PlannedRun> = Vec::new();
    for run in runs.iter().flat_map(rating) {
        if !all.contains(&run) {
            all.push(run);
        }
    }
    all
}

/// The runs that find the difficulty of the examples of `run`.
fn rating(run: &PlannedRun) -> Vec<PlannedRun> {
    let Some(Difficulty { initialisations, steps, examples, momentum }) = run.settings.difficulty
    else {
        return Vec::new();
    };
    let settings = Training {
        examples,
        schedule: RateSchedule::Constant,
        clip: 0,
        rule: None,
        momentum: momentum.unwrap_or(run.settings.momentum),
        probe: 0,
        difficulty: None,
        subset: Subset::All,
        ..run.settings.preliminary(steps)
    };
    // Other axes do not change the difficulty.
    let axes = run.cell.0.iter().filter(|(axis, _)| ["dataset", "model"].contains(&axis.as_str()));
    let cell = Cell(axes.cloned().collect());
    let numbered = |number: usize| PlannedRun {
        experiment: run.experiment.clone(),
        cell: cell.with("initialisation", &(number as f64).into()),
        seed: run.seed,
        initialisation: Some(number),
        settings: settings.clone(),
        trial: run.trial,
    };
    (1..=initialisations).map(numbered).collect()
}

/// A line of `learned.csv`.
#[derive(Deserialize)]
struct Line {
    last: Option<u64>,
}

/// The number of networks by which each of the `pool` examples of the pool was not learned.
fn levels(run: &PlannedRun, pool: usize, out: &Path) -> Result<Vec<usize>, RunError> {
    let mut levels = vec![0; pool];
    for rating in rating(run) {
        let path = rating.folder(out).join("learned.csv");
        let damaged = |reason: &dyn std::fmt::Display| RunError::Damaged {
            path: path.clone(),
            reason: reason.to_string(),
        };
        let file = File::open(&path).map_err(|e| damaged(&e))?;
        let lines: Vec<Line> = csv::Reader::from_reader(file)
            .into_deserialize()
            .collect::<Result<_, _>>()
            .map_err(|e| damaged(&e))?;
        if lines.len() != pool {
            return Err(damaged(&format!("it has {} examples, not {pool}", lines.len())));
        }
        let missed = lines.iter().map(|line| usize::from(line.last.is_none()));
        levels.iter_mut().zip(missed).for_each(|(level, missed)| *level += missed);
    }
    Ok(levels)
}

/// The examples that a run trains on and is tested on, as indices into the pool.
struct Choice {
    train: Vec<usize>,
    /// Easy and hard ones; `None`: the test part of the data set.
    test: Option<[Vec<usize>; 2]>,
}

/// Chooses the examples of a run from `train`, the training part of its data set; `test` is the test part.
pub(super) fn divide(
    run: &PlannedRun,
    difficulty: Difficulty,
    (train, test): (Boxed, Boxed),
    out: &Path,
) -> Result<[Grouped; 2], RunError> {
    let pool = sampled(run, train, difficulty.examples, "difficulty.examples")?;
    let levels = levels(run, pool.len(), out)?;
    let choice = choose(run, &levels, difficulty.initialisations)?;
    let pool: Arc<dyn Dataset> = Arc::from(pool);
    let chosen = |indices: Vec<usize>| -> Boxed {
        let subset = select::Subset::new(Arc::clone(&pool), indices);
        Box::new(subset.expect("indices of the pool"))
    };
    let of_level = |level| Group {
        name: Difficulty::group(level),
        members: (0..choice.train.len()).filter(|&i| levels[choice.train[i]] == level).collect(),
    };
    let train_groups = (0..=difficulty.initialisations).map(of_level).collect();
    let test = match choice.test {
        None => (sampled(run, test, run.settings.test_examples, "test_examples")?, Vec::new()),
        Some(tested) => (chosen(tested.concat()), test_groups(&tested)),
    };
    Ok([(chosen(choice.train), train_groups), test])
}

/// The groups of the test set: the easy examples come first in the test set, the hard ones after them.
fn test_groups(tested: &[Vec<usize>; 2]) -> Vec<Group> {
    let [easy, hard] = tested.each_ref().map(Vec::len);
    let members = [0..easy, easy..easy + hard];
    let group = |(name, members): (&str, std::ops::Range<usize>)| Group {
        name: name.to_owned(),
        members: members.collect(),
    };
    Subset::TESTED.into_iter().zip(members).map(group).collect()
}

/// Draws the examples of a run; `most` is the largest difficulty.
fn choose(run: &PlannedRun, levels: &[usize], most: usize) -> Result<Choice, RunError> {
    if run.settings.subset == Subset::All {
        return Ok(Choice { train: (0..levels.len()).collect(), test: None });
    }
    let mut rng = random::stream(run.seed, "difficulty.subset");
    let order = random::permutation(&mut rng, levels.len());
    let of_level = |level| order.iter().copied().filter(|&i| levels[i] == level).collect();
    let (easy, hard) =
        if run.trial { halves(order.clone(), levels) } else { (of_level(0), of_level(most)) };
    let (easy_train, easy_test) = drawn(run, easy, "easy")?;
    let (hard_train, hard_test) = drawn(run, hard, "hard")?;
    let train = if run.settings.subset == Subset::Easy { easy_train } else { hard_train };
    Ok(Choice { train, test: Some([easy_test, hard_test]) })
}

/// The half of the examples with the lowest difficulty and the other half; equal ones are in the order of `order`.
fn halves(mut order: Vec<usize>, levels: &[usize]) -> (Vec<usize>, Vec<usize>) {
    order.sort_by_key(|&i| levels[i]);
    let hard = order.split_off(order.len() / 2);
    (order, hard)
}

/// The training and the test examples out of all of one kind, which are in random order.
fn drawn(
    run: &PlannedRun,
    mut order: Vec<usize>,
    kind: &str,
) -> Result<(Vec<usize>, Vec<usize>), RunError> {
    let (settings, there) = (&run.settings, order.len());
    let (train, test) = (settings.examples.unwrap_or(0), settings.test_examples.unwrap_or(0));
    if there < train.saturating_add(test) {
        let reason = format!(
            "{there} examples are {kind}, and examples = {train} and test_examples = {test} ask for more: \
             lower them, or change difficulty.steps"
        );
        return Err(settings_error(run, &reason));
    }
    let test = order.split_off(there - test);
    order.truncate(train);
    Ok((order, test))
}
