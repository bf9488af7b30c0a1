//! The experiment files of this repository: valid, with the papers' settings at scale paper, claims dated and
//! quoted.

use std::path::{Path, PathBuf};

use coherence_lab::cell::{Cell, Setting};
use coherence_lab::claim::Claim;
use coherence_lab::scale::Scale;
use coherence_lab::spec::{Experiment, Library, Training, files};
use coherence_train::RateSchedule;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
}

fn library() -> Library {
    Library::Folder(folder())
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
fn our_experiments_run_at_every_scale_with_enough_seeds() {
    for experiment in library().load_all(&[]).unwrap() {
        for scale in [Scale::Smoke, Scale::Quick, Scale::Desk, Scale::Paper] {
            assert!(experiment.runs_at(scale), "{} at {scale}", experiment.id);
        }
        // One run of a deep network on ImageNet takes more than a year of a core.
        let is_deep = experiment.id.starts_with('D');
        for (scale, training) in &experiment.scales {
            let enough = 3 <= training.seeds || (is_deep && *scale == Scale::Paper);
            assert!(enough, "{} at {scale}", experiment.id);
        }
    }
}

/// In the papers these are about ImageNet, or the copy of the paper lacks them: scale paper is an extension, and
/// the experiment says so.
#[test]
fn paper_scale_on_mnist_in_place_of_imagenet_says_that_it_is_an_extension() {
    for id in ["C6", "C7", "C8", "C9", "C10", "C11", "C12"] {
        let experiment = library().load(id).unwrap();
        let says = |text: &String| {
            let text = text.to_lowercase();
            text.contains("scale paper") && text.contains("extension")
        };
        assert!(experiment.deviations.iter().any(says), "{id}");
        let training = &experiment.scales[&Scale::Paper];
        assert_eq!(training.dataset.to_string(), "mnist", "{id}");
        let desk = &experiment.scales[&Scale::Desk];
        let is_new = desk.first_seed + desk.seeds <= training.first_seed;
        assert!(is_new, "{id} takes seeds again that were seen at desk");
    }
}

#[test]
fn paper_scale_is_the_papers_own() {
    let one = |id: &str| library().load_all(&[id.to_owned()]).unwrap().remove(0);
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

/// The settings of the cell with these values at scale paper.
fn paper(id: &str, cell: &[(&str, Setting)]) -> Training {
    let experiment = library().load(id).unwrap();
    let wanted = Cell::new(cell.iter().map(|(axis, value)| (*axis, value.clone())));
    let cells = experiment.cells(Scale::Paper);
    let cell = cells.iter().find(|cell| cell.contains(&wanted)).unwrap();
    experiment.scales[&Scale::Paper].with_cell(cell).unwrap()
}

#[test]
fn deep_networks_at_paper_scale_are_the_papers_own() {
    let epochs =
        |training: &Training| (training.steps * training.batch as u64) as f64 / 1_281_167.0;
    let momentum_and_rate = |training: &Training| (training.momentum, training.rate);
    // WS20 App. A: mini-batches of 256; of Inception-V3 and VGG-13 the rate follows a cosine.
    let resnet = paper("D1", &[("model", "resnet18".into())]);
    assert_eq!((resnet.batch, momentum_and_rate(&resnet)), (256, (0.9, 0.1)));
    for (step, factor) in [(0, 1.0), (31 * 5004, 0.1), (61 * 5004, 0.01)] {
        let found = resnet.schedule.factor(step, resnet.steps, 0);
        assert!((found / factor - 1.0).abs() < 1e-9, "{step}: {found}");
    }
    let inception = paper("D1", &[("model", "inception_v3:no_aux".into())]);
    assert_eq!((inception.size, &inception.schedule), (Some(299), &RateSchedule::Cosine));
    // WS20 §3.3: no momentum, and M3 with three micro-batches of 88.
    let rm3 = paper("D3", &[("rule", "rm3".into())]);
    let m3 = paper("D3", &[("rule", "m3".into())]);
    assert_eq!((rm3.batch, m3.batch, momentum_and_rate(&m3)), (256, 88, (0.0, 0.1)));
    // MC20 App. A with the schedule of Goyal et al.: 0.1 for 256 images, 5 epochs of warm-up.
    let mc20 = paper("D6", &[("model", "resnet18".into())]);
    assert_eq!((mc20.batch, momentum_and_rate(&mc20)), (4096, (0.9, 0.1 * 16.0)));
    assert_eq!((mc20.warmup, mc20.probe), (5 * 312, 40_356));
    // GM22 §6.
    let gm22 = paper("D7", &[]);
    assert_eq!((gm22.batch, momentum_and_rate(&gm22)), (4096, (0.0, 0.5)));
    assert_eq!((gm22.low_water, gm22.probe), (Some(1), 50_000));
    let alexnet = paper("D8", &[]);
    assert_eq!((momentum_and_rate(&alexnet), alexnet.dropout), ((0.0, 0.01), Some(false)));
    // GM22 §7.
    // Easy and hard images are told apart once, with momentum, for the networks that are then trained without it, too.
    for (rule, momentum) in [("mean", 0.9), ("rm3", 0.0)] {
        let hard = paper("D4", &[("subset", "hard".into()), ("rule", rule.into())]);
        assert_eq!((hard.examples, hard.batch, hard.momentum), (Some(500_000), 256, momentum));
        assert_eq!(hard.difficulty.unwrap().momentum, Some(0.9));
    }
    let a3 = paper("D9", &[("rule", "a3".into())]);
    assert_eq!((a3.batch, momentum_and_rate(&a3)), (256, (0.0, 0.2)));
    for training in [resnet, inception, rm3, m3, mc20, gm22, alexnet, a3] {
        assert!((89.5..90.5).contains(&epochs(&training)), "{}", epochs(&training));
    }
}

#[test]
fn every_claim_of_ours_quotes_briefly_and_is_dated() {
    for experiment in library().load_all(&[]).unwrap() {
        for claim in experiment.claims {
            let words = claim.quote.map_or(0, |quote| quote.split_whitespace().count());
            assert!(words <= Claim::LONGEST_QUOTE, "{}.{}", experiment.id, claim.id);
            assert!(claim.written.to_string().as_str() >= "2026-11-22");
        }
    }
}

#[test]
fn unknown_identifiers_are_refused_with_those_that_exist() {
    let error = library().load_all(&["C99".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("no experiment \"C99\"") && error.contains("B1, B2"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_named_with_the_option_for_another() {
    let error = files(Path::new("no/such")).unwrap_err().to_string();
    assert!(error.contains("no/such") && error.contains("--experiments"), "{error}");
}
