//! Trials: a few steps of every network of an experiment on the data that are there, however few.
//!
//! Legend: n: training examples of a run.

use std::collections::BTreeMap;

use coherence_data::{Split, open_framed};
use coherence_nn::device::Device;
use coherence_train::Aggregation;
use serde::Serialize;

use super::data::settings_error;
use super::{Options, PlannedRun, RunError, Watch, complete, plan};
use crate::cell::Cell;
use crate::made::Sitting;
use crate::spec::{Experiment, Subset, Training};

/// A setting that a trial lowers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Key in the experiment file.
    pub key: String,
    /// What the experiment says.
    pub from: String,
    /// What the trial does.
    pub to: String,
}

/// The cells in which a trial lowers the same settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// The cells, in the order of the grid.
    pub cells: Vec<Cell>,
    /// What is lowered.
    pub changes: Vec<Change>,
}

/// An experiment whose runs are planned with lowered counts.
#[derive(Clone, Debug)]
pub struct Trial {
    runs: Vec<PlannedRun>,
    /// What is lowered, each cell once.
    pub changed: Vec<Changed>,
}

/// A network of a trial that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Its cell.
    pub cell: Cell,
    /// Its seed.
    pub seed: u64,
    /// Steps of training.
    pub steps: u64,
    /// Seconds, with its measurements and with any training before.
    pub seconds: f64,
}

impl Trial {
    /// Plans a trial of `steps` steps on the data that are there; of one seed unless the options ask for more.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the data are not there, or are too few even for a trial.
    pub fn new<D: Device<f32>>(
        experiment: &Experiment,
        options: &Options<'_, D>,
        steps: u64,
    ) -> Result<Self, RunError> {
        let mut runs = plan(experiment, options.scale, options.seeds.or(Some(1)));
        let mut there: BTreeMap<(String, Option<usize>), [usize; 2]> = BTreeMap::new();
        let mut changed: Vec<Changed> = Vec::new();
        for run in &mut runs {
            let key = (run.settings.dataset.name().to_owned(), run.settings.size);
            let there = match there.get(&key) {
                Some(known) => *known,
                None => *there.entry(key).or_insert(examples_there(run)?),
            };
            let changes = lower(&mut run.settings, there, Some(steps));
            run.trial = true;
            if run.settings.batch == 0 {
                let reason = format!(
                    "{} training and {} test examples are too few even for a trial: add images",
                    there[0], there[1]
                );
                return Err(settings_error(run, &reason));
            }
            match changed.iter_mut().find(|other| other.changes == changes) {
                Some(other) if other.cells.contains(&run.cell) => {}
                Some(other) => other.cells.push(run.cell.clone()),
                None => changed.push(Changed { cells: vec![run.cell.clone()], changes }),
            }
        }
        Ok(Self { runs, changed })
    }

    /// Runs the networks. No record is made of them.
    ///
    /// # Errors
    ///
    /// As [`run`](super::run()).
    pub fn run<D: Device<f32>>(
        &self,
        experiment: &Experiment,
        options: &Options<'_, D>,
        watch: &dyn Watch,
    ) -> Result<Vec<Tried>, RunError> {
        let sittings = complete(experiment, &self.runs, options, watch)?;
        // The runs that find the difficulty of examples stand before the others.
        let own = &sittings[sittings.len() - self.runs.len()..];
        let tried = |(run, sittings): (&PlannedRun, &Vec<Sitting>)| Tried {
            cell: run.cell.clone(),
            seed: run.seed,
            steps: run.settings.steps,
            seconds: sittings.iter().map(|sitting| sitting.seconds).sum(),
        };
        Ok(self.runs.iter().zip(own).map(tried).collect())
    }
}

fn examples_there(run: &PlannedRun) -> Result<[usize; 2], RunError> {
    let settings = &run.settings;
    let open = |split| open_framed(settings.dataset.name(), split, settings.framing());
    Ok([open(Split::Train)?.len(), open(Split::Test)?.len()])
}

/// Whether the data, with so many training and test examples, have what the settings of `run` count on.
///
/// # Errors
///
/// [`RunError::Settings`] with every count that is too large, and a trial as the remedy.
pub(super) fn check(run: &PlannedRun, there: [usize; 2]) -> Result<(), RunError> {
    let excess = lower(&mut run.settings.clone(), there, None);
    if excess.is_empty() {
        return Ok(());
    }
    let counts: Vec<String> =
        excess.iter().map(|change| format!("{} = {}", change.key, change.from)).collect();
    let reason = format!(
        "{} has {} training and {} test examples, too few for {}; lower these, or add --trial, which lowers them \
         and runs a few steps to see that all networks start",
        run.settings.dataset,
        there[0],
        there[1],
        counts.join(", ")
    );
    Err(settings_error(run, &reason))
}

/// Lowers the counts of `settings` that exceed the examples that are `there`, and for a trial the steps. Says what it
/// lowers.
fn lower(settings: &mut Training, [train, test]: [usize; 2], trial: Option<u64>) -> Vec<Change> {
    let mut lowered = Lowered::default();
    let mut pool = train;
    if let Some(difficulty) = &mut settings.difficulty {
        lowered.most("difficulty.examples", difficulty.examples.as_mut(), train);
        pool = difficulty.examples.unwrap_or(train);
        lowered.most_steps("difficulty.steps", Some(&mut difficulty.steps), trial);
    }
    let n = if settings.difficulty.is_none() {
        lowered.most("examples", settings.examples.as_mut(), train);
        lowered.most("test_examples", settings.test_examples.as_mut(), test);
        settings.examples.unwrap_or(train)
    } else if trial.is_some() || settings.subset != Subset::All {
        // In a trial half of the examples count as easy, and all cells have the same numbers, since they share the
        // networks that find the difficulty.
        let (of_kind, tests) = if trial.is_some() { (pool / 2, test) } else { (pool, usize::MAX) };
        let asked = [settings.examples, settings.test_examples].map(Option::unwrap_or_default);
        let mut tested = asked[1].min(tests);
        if of_kind < asked[0].saturating_add(tested) {
            tested = tested.min(of_kind.div_ceil(3));
        }
        lowered.most("examples", settings.examples.as_mut(), of_kind - tested);
        lowered.most("test_examples", settings.test_examples.as_mut(), tested);
        settings.examples.unwrap_or(of_kind - tested)
    } else {
        lowered.most("test_examples", settings.test_examples.as_mut(), test);
        pool
    };
    let asked = settings.batch;
    // Two passes at least, so that there are mini-batches to impute from.
    let batch = if settings.micro_batch.is_some() && n > 1 { n - n % 2 } else { n };
    if n < settings.batch {
        lowered.most("batch", Some(&mut settings.batch), batch);
        let most = settings.micro_batch.map_or(0, |pass| pass.min((batch / 2).max(2)));
        let pass = (1..=most).rev().find(|pass| batch.is_multiple_of(*pass));
        lowered.most("micro_batch", settings.micro_batch.as_mut(), pass.unwrap_or(batch));
        lower_rule(&mut lowered, settings);
    }
    lowered.most("probe", Some(&mut settings.probe), n);
    for (name, of) in &mut settings.attribution {
        lowered.most(&format!("attribution.{name}.examples"), of.examples.as_mut(), n);
    }
    lowered.most("sample", settings.sample.as_mut(), n);
    let single = settings.single.as_mut().map(|single| &mut single.examples);
    lowered.most("single.examples", single, n);
    lowered.most_steps("pretraining", settings.pretraining.as_mut(), trial);
    lowered.most_steps("steps", Some(&mut settings.steps), trial);
    if trial.is_some() {
        lower_watch(&mut lowered, settings);
        lower_rate(&mut lowered, settings, asked);
    }
    lowered.0
}

/// Leaves out what is imputed from the mini-batches of the probe sample if it has no two.
fn lower_watch(lowered: &mut Lowered, settings: &mut Training) {
    let watch = settings.watch();
    let kept: Vec<_> = watch.iter().copied().filter(|watch| !watch.imputes()).collect();
    if kept.len() < watch.len() && !settings.config(0).has_two_passes() {
        let [from, to] = [&watch, &kept].map(|watch| {
            let names: Vec<&str> = watch.iter().map(|watch| watch.name()).collect();
            format!("[{}]", names.join(", "))
        });
        lowered.0.push(Change { key: "watch".to_owned(), from, to });
        settings.watch = Some(kept);
    }
}

/// Lowers warm-up and rate, so that the first steps have the rates of the experiment, in proportion to the mini-batch:
/// `asked` for.
fn lower_rate(lowered: &mut Lowered, settings: &mut Training, asked: usize) {
    let (warmup, rate) = (settings.warmup, settings.rate);
    lowered.most_steps("warmup", Some(&mut settings.warmup), Some(settings.steps - 1));
    let ramp = settings.warmup.max(1) as f64 / warmup.max(1) as f64;
    settings.rate = rate * ramp * (settings.batch as f64 / asked as f64);
    if settings.rate < rate {
        let (from, to) = (rate.to_string(), format!("{:.3e}", settings.rate));
        lowered.0.push(Change { key: "rate".to_owned(), from, to });
    }
}

/// Lowers the counts of a rule that is not defined for the mini-batch; what remains undefined is refused later.
fn lower_rule(lowered: &mut Lowered, settings: &mut Training) {
    let k = settings.batch;
    lowered.most("clip", Some(&mut settings.clip), k / 2);
    let Some(rule) = settings.rule.filter(|rule| rule.check(k).is_err()) else { return };
    let fitting = match rule {
        Aggregation::Winsorized { .. } => Aggregation::Winsorized { clip: k / 2 },
        Aggregation::Trimmed { .. } => Aggregation::Trimmed { trim: k.saturating_sub(1) / 2 },
        Aggregation::MedianOfMeans { .. } => Aggregation::MedianOfMeans { groups: k },
        Aggregation::OverGroups { rule, .. } => Aggregation::OverGroups { rule, groups: k },
        same @ (Aggregation::Mean | Aggregation::Median | Aggregation::OverTime(_)) => same,
    };
    lowered.0.push(Change {
        key: "rule".to_owned(),
        from: rule.to_string(),
        to: fitting.to_string(),
    });
    settings.rule = Some(fitting);
}

/// What has been lowered.
#[derive(Default)]
struct Lowered(Vec<Change>);

impl Lowered {
    /// Lowers a count that is given to `most`.
    fn most(&mut self, key: &str, count: Option<&mut usize>, most: usize) {
        let Some(count) = count.filter(|count| most < **count) else { return };
        let (key, from, to) = (key.to_owned(), count.to_string(), most.to_string());
        self.0.push(Change { key, from, to });
        *count = most;
    }

    /// Likewise of steps, if there is such a number.
    fn most_steps(&mut self, key: &str, count: Option<&mut u64>, most: Option<u64>) {
        let Some(((count, most), key)) = count.zip(most).zip(Some(key.to_owned())) else { return };
        if most < *count {
            self.0.push(Change { key, from: count.to_string(), to: most.to_string() });
            *count = most;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::Scale;
    use crate::spec::Library;

    fn lowered(id: &str, cell: usize, there: [usize; 2], trial: Option<u64>) -> Vec<String> {
        let experiment = Library::Embedded.load(id).unwrap();
        let mut settings = plan(&experiment, Scale::Paper, Some(1))[cell].settings.clone();
        let changes = lower(&mut settings, there, trial);
        changes.iter().map(|c| format!("{} {} {}", c.key, c.from, c.to)).collect()
    }

    #[test]
    fn what_exceeds_the_data_is_lowered_to_them() {
        let expected = [
            "batch 256 6",
            "micro_batch 32 3",
            "probe 1024 7",
            "sample 50000 7",
            "steps 450360 3",
            "rate 0.1 2.344e-3",
        ];
        assert_eq!(lowered("D1", 0, [7, 2], Some(3)), expected);
        assert_eq!(lowered("D1", 0, [7, 2], None), &expected[..4]);
        // Of twelve images, six count as easy.
        let easy = [
            "difficulty.steps 10008 3",
            "examples 500000 4",
            "test_examples 50000 2",
            "batch 256 4",
            "micro_batch 32 2",
            "probe 1024 4",
            "steps 175770 3",
            "rate 0.1 1.563e-3",
        ];
        assert_eq!(lowered("D4", 2, [12, 2], Some(3)), easy);
        let warm = [
            "batch 4096 6",
            "micro_batch 32 3",
            "probe 40356 6",
            "steps 28080 3",
            "warmup 1560 2",
            "rate 1.6 3.005e-6",
        ];
        assert_eq!(lowered("D6", 0, [6, 2], Some(3)), warm);
        let clipped = ["batch 32 6", "clip 4 3", "probe 1000 6"];
        assert_eq!(lowered("D5", 2, [6, 9], None), clipped);
    }

    #[test]
    fn nothing_is_lowered_where_the_data_suffice() {
        assert!(lowered("D1", 0, [1_281_167, 50_000], None).is_empty());
        assert!(lowered("D4", 2, [1_281_167, 50_000], None).is_empty());
    }
}
