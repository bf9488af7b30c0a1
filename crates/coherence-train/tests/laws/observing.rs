//! Measurements during training against naive loops over single examples.

use crate::blobs::{Blobs, config, examples, go, models, one_by_one, trainer_of};
use coherence_data::{Dataset, Designation, random};
use coherence_nn::Model;
use coherence_tests::naive;
use coherence_train::{Aggregation, Config, Group, NEVER, OverTime, Row, Schedule, Trainer, Watch};

/// The value of a series in `rows`; panics unless it occurs exactly once.
#[track_caller]
fn value(rows: &[Row], series: &str) -> f64 {
    let found: Vec<&Row> = rows.iter().filter(|row| row.series == series).collect();
    assert_eq!(found.len(), 1, "rows of {series}");
    found[0].value
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} {expected}");
}

/// What a trainer observes after five steps.
fn observe_after_five(mut trainer: Trainer) -> (Trainer, Vec<Row>) {
    go(&mut trainer, 5);
    let mut rows = Vec::new();
    trainer.observe(&mut rows).unwrap();
    (trainer, rows)
}

/// Of training on `n` examples.
fn observed(model: &Model<f32>, of: Config, n: usize) -> (Trainer, Vec<Row>) {
    let [train, test] = [Blobs { n, seed: 1 }, Blobs { n: 40, seed: 2 }].map(|set| examples(&set));
    observe_after_five(Trainer::new(of, model.clone(), train, test).unwrap())
}

/// α, S and Q of a sample against the loops.
#[track_caller]
fn coherence_is_that_of(gradients: &[Vec<f64>], rows: &[Row], name: &str) {
    let (s, q) = (naive::sq_norm(&naive::sum(gradients)), naive::sum_sq_norms(gradients));
    close(value(rows, &format!("{name}.sq_norm_of_sum")), s, 1e-6);
    close(value(rows, &format!("{name}.sum_sq_norms")), q, 1e-6);
    close(value(rows, &format!("{name}.m_coherence")), s / q, 1e-6);
}

#[test]
fn losses_and_accuracies_are_means_over_their_group() {
    for model in models() {
        let (trainer, rows) =
            observed(&model, Config { probe: 0, ..config(Aggregation::Mean) }, 1310);
        let (train, test) = (Blobs { n: 1310, seed: 1 }, Blobs { n: 40, seed: 2 });
        let group = |name: &str, data: &Blobs, belongs: &dyn Fn(usize) -> bool| {
            let all = one_by_one(trainer.model(), data);
            let members: Vec<_> = (0..data.n).filter(|&i| belongs(i)).map(|i| &all[i]).collect();
            let m = members.len() as f64;
            let loss = members.iter().map(|(_, loss, _)| loss).sum::<f64>() / m;
            let right = members.iter().filter(|(.., right)| *right).count() as f64 / m;
            close(value(&rows, &format!("{name}.loss")), loss, 1e-6);
            assert_eq!(value(&rows, &format!("{name}.accuracy")), right);
        };
        group("train", &train, &|_| true);
        group("test", &test, &|_| true);
        group("pristine", &train, &|i| i % 5 != 4);
        group("corrupt", &train, &|i| i % 5 == 4);
        assert!(rows.iter().all(|row| row.step == 5 && !row.series.starts_with("probe")));
    }
}

/// The probe's α, S and Q by tensor and group; 700 examples are more than one chunk.
#[test]
fn probe_equals_alpha_of_the_loops_gradients() {
    for model in models() {
        let (n, size) = (1310, 700);
        let (trainer, rows) =
            observed(&model, Config { probe: size, ..config(Aggregation::Mean) }, n);
        let data = Blobs { n, seed: 1 };
        let mut chosen = random::permutation(&mut random::stream(3, "probe"), n);
        chosen.truncate(size);
        let all = one_by_one(trainer.model(), &data);
        let gradients = |belongs: &dyn Fn(usize) -> bool, range: core::ops::Range<usize>| {
            let members = chosen.iter().filter(|&&i| belongs(i));
            members.map(|&i| all[i].0[range.clone()].to_vec()).collect::<Vec<_>>()
        };
        let check =
            |name: &str, gradients: &[Vec<f64>]| coherence_is_that_of(gradients, &rows, name);
        let d = trainer.model().parameters().len();
        check("probe", &gradients(&|_| true, 0..d));
        close(value(&rows, "probe.alpha"), naive::alpha(&gradients(&|_| true, 0..d)), 1e-6);
        let is = |i: usize, designation| data.target(i).designation == designation;
        check("probe.pristine", &gradients(&|i| is(i, Designation::Pristine), 0..d));
        check("probe.corrupt", &gradients(&|i| is(i, Designation::Corrupt), 0..d));
        for tensor in trainer.model().layout().tensors() {
            check(&format!("probe.{}", tensor.name), &gradients(&|_| true, tensor.range.clone()));
        }
    }
}

/// A15d by naive loops, for the groups of the probe sample and of the next mini-batch.
#[test]
fn a15d_helpfulness_of_groups_equals_the_mean_of_the_loops() {
    for model in models() {
        let (n, size, batch) = (1310, 700, config(Aggregation::Mean).batch);
        let (trainer, rows) =
            observed(&model, Config { probe: size, ..config(Aggregation::Mean) }, n);
        let data = Blobs { n, seed: 1 };
        let all = one_by_one(trainer.model(), &data);
        let check = |of: &str, chosen: &[usize]| {
            let gradients: Vec<Vec<f64>> = chosen.iter().map(|&i| all[i].0.clone()).collect();
            let (sum, q) = (naive::sum(&gradients), naive::sum_sq_norms(&gradients));
            let m = chosen.len() as f64;
            close(value(&rows, &format!("{of}.alpha")), naive::alpha(&gradients), 1e-6);
            for (name, designation) in
                [("pristine", Designation::Pristine), ("corrupt", Designation::Corrupt)]
            {
                let group = chosen.iter().zip(&gradients);
                let group: Vec<&Vec<f64>> = group
                    .filter(|(i, _)| data.target(**i).designation == designation)
                    .map(|(_, g)| g)
                    .collect();
                let help =
                    |g: &Vec<f64>| (naive::dot(g, &sum) - naive::sq_norm(g)) / ((m - 1.0) * q / m);
                let mean = group.iter().map(|g| help(g)).sum::<f64>() / group.len() as f64;
                let found = value(&rows, &format!("{of}.{name}.helpfulness"));
                assert!((found - mean).abs() < 1e-6, "{of}.{name}: {found} {mean}");
            }
        };
        let permuted = |name: &str| random::permutation(&mut random::stream(3, name), n);
        check("probe", &permuted("probe")[..size]);
        check("batch", &permuted("epoch 0")[5 * batch..6 * batch]); // five were processed
    }
}

#[test]
fn observing_changes_nothing_about_training() {
    for model in models() {
        let new = || trainer_of(&model, config(Aggregation::OverTime(OverTime::Rm3)));
        let (mut watched, mut alone) = (new(), new());
        for _ in 0..10 {
            watched.observe(&mut Vec::<Row>::new()).unwrap();
            watched.advance().unwrap();
            alone.advance().unwrap();
        }
        assert_eq!(watched.model(), alone.model());
    }
}

/// First and last learned steps, recomputed from the correct predictions of every step.
#[test]
fn learned_steps_match_the_history() {
    for model in models() {
        let mut trainer = trainer_of(&model, Config { rate: 1.0, ..config(Aggregation::Mean) });
        let (data, mut history, mut rows) = (Blobs { n: 110, seed: 1 }, Vec::new(), Vec::new());
        for _ in 0..20 {
            let right: Vec<bool> =
                one_by_one(trainer.model(), &data).into_iter().map(|(.., right)| right).collect();
            history.push(right);
            rows.clear();
            trainer.observe(&mut rows).unwrap();
            trainer.advance().unwrap();
        }
        let or_never = |step: Option<usize>| step.map_or(NEVER, |step| step as u64);
        for i in 0..data.n {
            let first = history.iter().position(|right| right[i]);
            let streak = history.iter().rev().take_while(|right| right[i]).count();
            let last = (streak > 0).then(|| history.len() - streak);
            assert_eq!(trainer.learned().first[i], or_never(first), "example {i}");
            assert_eq!(trainer.learned().last[i], or_never(last), "example {i}");
        }
        let learned = |i: &usize| trainer.learned().first[*i] != NEVER;
        let corrupt: Vec<usize> = (0..data.n).filter(|i| i % 5 == 4).collect();
        let share = corrupt.iter().copied().filter(learned).count() as f64 / corrupt.len() as f64;
        assert_eq!(value(&rows, "corrupt.learned"), share);
    }
}

/// The steps after the mini-batches whose loss is 3 % under the lowest at such a step, by a loop.
#[test]
fn a_run_is_measured_when_its_loss_falls_under_the_low_water_mark() {
    let of = Config { evaluate: Schedule::LowWater { percent: 3 }, ..config(Aggregation::Mean) };
    for model in models() {
        let mut trainer = trainer_of(&model, of.clone());
        let (mut found, mut expected, mut mark) = (vec![], vec![0], f64::INFINITY);
        while !trainer.is_finished() {
            found.extend(trainer.is_due().then(|| trainer.step()));
            let loss = trainer.advance().unwrap();
            if loss < 0.97 * mark {
                mark = loss;
                expected.push(trainer.step());
            }
        }
        found.extend(trainer.is_due().then(|| trainer.step()));
        expected.extend((expected.last() != Some(&30)).then_some(30));
        assert_eq!(found, expected);
        assert!((4..25).contains(&found.len()), "{found:?}");
    }
}

/// Groups are scored like sets of their own; they may overlap, and an empty one has no rows.
#[test]
fn groups_are_evaluated_apart() {
    let (train, test) = (Blobs { n: 110, seed: 1 }, Blobs { n: 40, seed: 2 });
    let group = |name: &str, members: Vec<usize>| Group { name: name.to_owned(), members };
    let groups = vec![
        group("even", (0..40).step_by(2).collect()),
        group("few", vec![39, 2, 7]),
        group("none", Vec::new()),
    ];
    for model in models() {
        let sets = [examples(&train), examples(&test)].map(|set| set.with_groups(groups.clone()));
        let ([train_set, test_set], of) = (sets, config(Aggregation::Mean));
        let (trainer, rows) =
            observe_after_five(Trainer::new(of, model, train_set, test_set).unwrap());
        for (set, data) in [("train", &train), ("test", &test)] {
            let all = one_by_one(trainer.model(), data);
            for Group { name, members } in &groups[..2] {
                let m = members.len() as f64;
                let loss = members.iter().map(|&i| all[i].1).sum::<f64>() / m;
                let right = members.iter().filter(|&&i| all[i].2).count() as f64 / m;
                close(value(&rows, &format!("{set}.{name}.loss")), loss, 1e-6);
                assert_eq!(value(&rows, &format!("{set}.{name}.accuracy")), right);
            }
        }
        assert!(rows.iter().all(|row| !row.series.contains("none")));
    }
}

/// α, S and Q of the sample of the test set; 700 examples are more than one chunk.
#[test]
fn test_coherence_equals_alpha_of_the_loops_gradients() {
    let (train, test) = (Blobs { n: 800, seed: 1 }, Blobs { n: 900, seed: 2 });
    for model in models() {
        let of = Config { probe: 700, watch: vec![Watch::Test], ..config(Aggregation::Mean) };
        let trainer = Trainer::new(of, model, examples(&train), examples(&test)).unwrap();
        let (trainer, rows) = observe_after_five(trainer);
        let mut chosen = random::permutation(&mut random::stream(3, "probe.test"), test.n);
        chosen.truncate(700);
        let all = one_by_one(trainer.model(), &test);
        let gradients: Vec<Vec<f64>> = chosen.iter().map(|&i| all[i].0.clone()).collect();
        close(value(&rows, "test.alpha"), naive::alpha(&gradients), 1e-6);
        coherence_is_that_of(&gradients, &rows, "test");
    }
}

/// α, S and Q of a random half of the probe sample; both 350 and 700 examples are as without the half.
#[test]
fn coherence_of_a_half_of_the_sample_equals_that_of_the_loops_gradients() {
    for model in models() {
        let (n, size) = (1310, 700);
        let watch = vec![Watch::Half, Watch::Group];
        let of = Config { probe: size, watch, ..config(Aggregation::Mean) };
        let (trainer, rows) = observed(&model, of, n);
        let chosen = random::permutation(&mut random::stream(3, "probe"), n);
        let all = one_by_one(trainer.model(), &Blobs { n, seed: 1 });
        for (name, m) in [("probe.half", size / 2), ("probe", size)] {
            let gradients: Vec<Vec<f64>> = chosen[..m].iter().map(|&i| all[i].0.clone()).collect();
            close(value(&rows, &format!("{name}.alpha")), naive::alpha(&gradients), 1e-6);
            coherence_is_that_of(&gradients, &rows, name);
        }
    }
}

/// Loss and accuracy of 100 examples of each kind, drawn by a loop, and of the set the means weighted by the kinds'
/// shares; the steps at which they are learned stand under their own indices.
#[test]
fn a_sample_of_each_kind_is_scored_in_place_of_the_whole_set() {
    for model in models() {
        a_sample_is_scored(&model);
    }
}

fn a_sample_is_scored(model: &Model<f32>) {
    let (n, size) = (1310, 100);
    let train = Blobs { n, seed: 1 };
    let [train_set, test_set] = [&train, &Blobs { n: 40, seed: 2 }].map(|set| examples(set));
    let few = Group { name: "few".to_owned(), members: (0..400).collect() };
    let (designations, set) = (train_set.designations().to_vec(), train_set.with_groups(vec![few]));
    let of = Config { sample: Some(size), ..config(Aggregation::Mean) };
    let (trainer, rows) =
        observe_after_five(Trainer::new(of, model.clone(), set, test_set).unwrap());
    let (all, mut rng) = (one_by_one(trainer.model(), &train), random::stream(3, "sample"));
    let (mut chosen, mut whole) = (Vec::new(), [0.0; 2]);
    let means = |members: &[usize]| {
        let m = members.len() as f64;
        let right = members.iter().filter(|&&i| all[i].2).count() as f64;
        [members.iter().map(|&i| all[i].1).sum::<f64>() / m, right / m]
    };
    for kind in Designation::ALL {
        let of_kind: Vec<usize> = (0..n).filter(|&i| designations[i] == kind).collect();
        let order = random::permutation(&mut rng, of_kind.len());
        let members: Vec<usize> = order[..size].iter().map(|&place| of_kind[place]).collect();
        let [loss, accuracy] = means(&members);
        close(value(&rows, &format!("{}.loss", kind.name())), loss, 1e-6);
        assert_eq!(value(&rows, &format!("{}.accuracy", kind.name())), accuracy);
        let share = of_kind.len() as f64 / n as f64;
        whole = [whole[0] + share * loss, whole[1] + share * accuracy];
        chosen.extend(members);
    }
    close(value(&rows, "train.loss"), whole[0], 1e-6);
    close(value(&rows, "train.accuracy"), whole[1], 1e-12);
    chosen.sort_unstable();
    assert_eq!(trainer.evaluated(), chosen);
    let few: Vec<usize> = chosen.iter().copied().filter(|&i| i < 400).collect();
    close(value(&rows, "train.few.loss"), means(&few)[0], 1e-6);
    let learned: Vec<bool> = trainer.learned().first.iter().map(|&first| first != NEVER).collect();
    assert_eq!(learned, chosen.iter().map(|&i| all[i].2).collect::<Vec<_>>());
    let mut csv = Vec::new();
    trainer.learned().write_csv(trainer.evaluated(), trainer.examples(), &mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let indices = csv.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap());
    assert_eq!(indices.collect::<Vec<usize>>(), chosen);
}

/// A sample larger than the set is the set: to the last bit but in the mean over both kinds.
#[test]
fn a_sample_of_all_examples_has_the_scores_of_the_whole_set() {
    for model in models() {
        let observe = |sample| {
            let of = Config { sample, ..config(Aggregation::Mean) };
            observe_after_five(trainer_of(&model, of)).1
        };
        let [all, sampled] = [None, Some(1_000_000)].map(observe);
        for (all, sampled) in all.iter().zip(&sampled) {
            assert_eq!(all.series, sampled.series);
            if all.series.starts_with("train") {
                close(sampled.value, all.value, 1e-12);
            } else {
                assert_eq!(sampled.value, all.value, "{}", all.series);
            }
        }
        assert_eq!(all.len(), sampled.len());
    }
}

/// The median over the history of every step, of the groups of which half is learned.
#[test]
fn median_last_learned_step_matches_the_history() {
    for model in models() {
        medians_match_the_history(&model);
    }
}

fn medians_match_the_history(model: &Model<f32>) {
    let watching = Config { rate: 1.0, watch: vec![Watch::Learned], ..config(Aggregation::Mean) };
    let (mut trainer, data) = (trainer_of(model, watching), Blobs { n: 110, seed: 1 });
    let (mut history, mut rows): (Vec<Vec<bool>>, _) = (Vec::new(), Vec::new());
    for step in 0..15 {
        let right = one_by_one(trainer.model(), &data).into_iter().map(|(.., right)| right);
        history.push(right.collect());
        rows.clear();
        trainer.observe(&mut rows).unwrap();
        for (name, is_corrupt) in [("pristine", false), ("corrupt", true)] {
            let members = (0..data.n).filter(|i| (i % 5 == 4) == is_corrupt);
            let since = |i: usize| {
                let streak = history.iter().rev().take_while(|right| right[i]).count();
                if streak == 0 { usize::MAX } else { history.len() - streak }
            };
            let mut steps: Vec<usize> = members.map(since).collect();
            steps.sort_unstable();
            let median = steps[(steps.len() - 1) / 2];
            let series = format!("{name}.last_learned");
            let found = rows.iter().find(|row: &&Row| row.series == series).map(|row| row.value);
            let expected = (median != usize::MAX).then_some(median as f64);
            assert_eq!(found, expected, "{series} at {step}");
        }
        trainer.advance().unwrap();
    }
}
