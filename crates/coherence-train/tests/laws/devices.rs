//! Training and measuring on a device whose memory the host cannot read give the bits of the processor.

use crate::blobs::{Blobs, WIDTHS, config, examples};
use crate::networks::graph;
use coherence_data::random;
use coherence_nn::{
    Graph, Model,
    device::{Cpu, Device, Memory, Remote},
    model::mlp,
};
use coherence_train::{
    Aggregation, Attribution, Config, OverTime, Row, State, Trainer, TrainingRun, Watch,
    collective::threads,
    measure::{By, Meter, impute},
};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

const TRAIN: Blobs = Blobs { n: 110, seed: 1 };
const TEST: Blobs = Blobs { n: 40, seed: 2 };

fn rules() -> Vec<Aggregation> {
    let over_time = OverTime::ALL.map(Aggregation::OverTime);
    let over_examples = [
        Aggregation::Mean,
        Aggregation::Winsorized { clip: 2 },
        Aggregation::Trimmed { trim: 2 },
        Aggregation::Median,
        Aggregation::MedianOfMeans { groups: 3 },
    ];
    over_examples.into_iter().chain(over_time).collect()
}

fn model<D: Device<f32>>(device: &D, graph: Graph<f32, D>) -> Model<f32, D> {
    Model::initialized_on(device.clone(), graph, &mut random::stream(5, "initialisation"))
}

fn trainer<D: Device<f32>>(device: &D, graph: Graph<f32, D>, config: Config) -> Trainer<D> {
    let model = model(device, graph);
    Trainer::new(config, model, examples(&TRAIN), examples(&TEST)).unwrap()
}

/// The losses of ten steps, with the rows of measurements and the state after them.
fn history<D: Device<f32>>(mut trainer: Trainer<D>) -> (Vec<f64>, Vec<Row>, State) {
    let mut rows = Vec::new();
    trainer.observe(&mut rows).unwrap();
    let losses = (0..10).map(|_| trainer.advance().unwrap()).collect();
    trainer.observe(&mut rows).unwrap();
    (losses, rows, trainer.state())
}

/// All that can be watched and attributed.
fn watching(config: Config) -> Config {
    let all = Attribution { examples: Some(50), weights: None, null_worlds: 1 };
    let some = Attribution { weights: Some(5), ..all };
    let attribution = [("all".to_owned(), all), ("some".to_owned(), some)].into();
    Config { watch: Watch::ALL.to_vec(), attribution, ..config }
}

#[test]
fn every_rule_and_optimiser_trains_to_the_same_bits_on_every_device() {
    let over_groups = ["trimmed:1@5", "krum:1@5"].map(|text| text.parse().unwrap());
    for rule in rules().into_iter().chain(over_groups) {
        let plain = config(rule);
        let momentum = Config { momentum: 0.9, weight_decay: 1e-3, ..plain.clone() };
        let nesterov = Config { nesterov: true, ..momentum.clone() };
        let mut settings = vec![watching(plain), momentum, nesterov];
        let one_pass = [
            Aggregation::Winsorized { clip: 2 },
            Aggregation::Trimmed { trim: 2 },
            Aggregation::Median,
        ];
        if !one_pass.contains(&rule) {
            settings.push(Config { micro_batch: Some(5), ..config(rule) });
        }
        for of in settings {
            let on_cpu = history(trainer(&Cpu::detect(), mlp(&WIDTHS).unwrap(), of.clone()));
            let remote = history(trainer(&Remote::default(), mlp(&WIDTHS).unwrap(), of.clone()));
            assert!(on_cpu == remote, "{of:?}");
        }
    }
}

#[test]
fn networks_of_every_mode_train_to_the_same_bits_on_every_device() {
    let batch = config(Aggregation::OverTime(OverTime::Rm3));
    let attributed = watching(config(Aggregation::Winsorized { clip: 2 }));
    for of in [
        Config { micro_batch: Some(10), watch: vec![Watch::ImputedLayer], ..batch },
        Config { batch_statistics: false, ..attributed },
    ] {
        let on_cpu = history(trainer(&Cpu::detect(), graph(), of.clone()));
        let remote = history(trainer(&Remote::default(), graph(), of.clone()));
        assert!(on_cpu == remote, "{of:?}");
    }
}

#[test]
fn a_step_moves_the_images_and_labels_of_each_pass_and_nothing_else() {
    for rule in rules() {
        let plain = config(rule);
        let momentum = Config { momentum: 0.9, weight_decay: 1e-3, ..plain.clone() };
        let mut settings = vec![plain, momentum];
        if !rule.needs_examples() {
            settings.push(Config { micro_batch: Some(5), ..config(rule) });
        }
        for of in settings {
            let (device, passes) =
                (Remote::default(), of.batch / of.micro_batch.unwrap_or(of.batch));
            let mut trainer = trainer(&device, mlp(&WIDTHS).unwrap(), of.clone());
            let before = device.transfers();
            for _ in 0..6 {
                trainer.advance().unwrap();
            }
            assert_eq!(device.transfers() - before, 6 * 2 * passes, "{of:?}");
        }
    }
}

#[test]
fn a_network_is_measured_to_the_same_bits_on_every_device() {
    let (cpu, remote) = (Cpu::detect(), Remote::default());
    for by in [By::default(), By { class: true, example: true, errors: true }] {
        for budget in [0, usize::MAX] {
            let on_cpu = model(&cpu, graph());
            let on_remote = model(&remote, graph());
            let expected = Meter::new(&on_cpu, &TRAIN, by, budget).unwrap().measure().unwrap();
            let found = Meter::new(&on_remote, &TRAIN, by, budget).unwrap().measure().unwrap();
            assert!(found == expected, "{by:?}");
        }
    }
    let expected = impute(&model(&cpu, graph()), &TRAIN, 12, 7).unwrap();
    assert_eq!(impute(&model(&remote, graph()), &TRAIN, 12, 7).unwrap(), expected);
}

#[test]
fn the_sum_of_gradients_stays_on_the_device() {
    let device = Remote::default();
    let model = model(&device, graph());
    let mut meter = Meter::new(&model, &TRAIN, By::default(), 0).unwrap();
    let mut sum = device.zeros(model.layout().parameters());
    meter.passes(Remote::view_mut(&mut sum)).unwrap();
    assert!(device.to_host(Remote::view(&sum)).iter().any(|&s| s != 0.0));
}

/// Trains until step `until` or to the end, from the checkpoint if there is one.
fn go_on<D: Device<f32>>(device: &D, folder: &Path, of: &Config, until: u64) {
    let (model, train, test) = (model(device, graph()), examples(&TRAIN), examples(&TEST));
    let mut run = TrainingRun::open(folder, of.clone(), model, train, test).unwrap();
    let stop = AtomicBool::new(false);
    run.advance(&stop, |progress| stop.store(progress.step >= until, Ordering::Relaxed)).unwrap();
}

#[test]
fn a_run_goes_from_device_to_device_by_its_checkpoint() {
    let files = ["metrics.csv", "learned.csv", "weights.safetensors", "checkpoint.safetensors"];
    let bytes = |folder: &Path| files.map(|file| std::fs::read(folder.join(file)).unwrap());
    let rule = Aggregation::OverTime(OverTime::Rm3);
    let of = Config { momentum: 0.9, nesterov: true, weight_decay: 1e-3, ..config(rule) };
    let [whole, parts] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (cpu, remote) = (Cpu::detect(), Remote::default());
    go_on(&cpu, whole.path(), &of, u64::MAX);
    go_on(&cpu, parts.path(), &of, 4);
    go_on(&remote, parts.path(), &of, 17);
    go_on(&cpu, parts.path(), &of, 23);
    go_on(&remote, parts.path(), &of, u64::MAX);
    assert!(bytes(parts.path()) == bytes(whole.path()));
}

#[test]
fn workers_on_a_device_exchange_through_the_host_to_the_same_bits() {
    fn states<D: Device<f32>>(device: &D, size: usize, of: &Config) -> Vec<State> {
        let work = |worker| {
            let model = model(device, graph());
            let (train, test) = (examples(&TRAIN), examples(&TEST));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            pool.install(|| {
                history(Trainer::among(worker, of.clone(), model, train, test).unwrap()).2
            })
        };
        std::thread::scope(|scope| {
            let work = &work;
            let start = |worker| scope.spawn(move || work(worker));
            let started: Vec<_> = threads(size).into_iter().map(start).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }
    let momentum = |of| Config { momentum: 0.9, weight_decay: 1e-3, ..of };
    let m3 = config(Aggregation::OverTime(OverTime::M3));
    for (size, of) in [
        (2, config(Aggregation::Mean)),
        (3, Config { batch_statistics: false, ..config(Aggregation::MedianOfMeans { groups: 3 }) }),
        (3, m3.clone()),
        (3, momentum(m3)),
    ] {
        let expected = states(&Cpu::detect(), size, &of);
        assert!(states(&Remote::default(), size, &of) == expected, "{of:?}");
    }
}
