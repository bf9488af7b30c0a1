//! Bytes that P workers send to each other for an update of the weights and for a measurement: counted, and by formula.
//!
//! Legend: P: workers, d: parameters, t: tensors, n: examples of a set.
//!
//! The workers are threads of this program and send what they would send under MPI. `cargo run --example traffic` prints
//! the table of docs/scale.md; a count that differs from its formula is a panic.

#![allow(clippy::print_stdout, reason = "an example's output")]

use coherence_core::aggregate::OverTime;
use coherence_data::{digits, random, select::Subset};
use coherence_nn::{Graph, GraphError, Model, Shape, model};
use coherence_train::{
    Aggregation, Config, Examples, Row, Trainer,
    collective::{Collective, Exchange, block, threads},
};
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// A worker that counts what it sends to others.
#[derive(Debug)]
struct Counted {
    worker: Arc<dyn Collective>,
    bytes: AtomicU64,
}

impl Counted {
    fn count<T>(&self, values: usize) {
        self.bytes.fetch_add((values * size_of::<T>()) as u64, Ordering::Relaxed);
    }

    /// The length of this worker's block of d values.
    fn own(&self, d: usize) -> usize {
        block(d, self.size(), self.rank()).len()
    }
}

impl<T> Exchange<T> for Counted
where
    dyn Collective: Exchange<T>,
{
    fn exchange(&self, values: &[T], rows: &mut [T]) {
        self.count::<T>(values.len() - self.own(values.len()));
        self.worker.exchange(values, rows);
    }

    fn gather(&self, values: &mut [T]) {
        self.count::<T>(self.own(values.len()) * (self.size() - 1));
        self.worker.gather(values);
    }
}

impl Collective for Counted {
    fn rank(&self) -> usize {
        self.worker.rank()
    }

    fn size(&self) -> usize {
        self.worker.size()
    }
}

/// Examples of each set, all in one chunk of a pass.
const EXAMPLES: usize = 300;

/// Builds a network for digits.
type Network = fn() -> Result<Graph<f32>, GraphError>;

const NETWORKS: [(&str, Network); 2] = [
    ("784-256-256-256-10", || model::mlp(&[784, 256, 256, 256, 10])),
    ("lenet5", || model::lenet5(Shape::image(28, 28, 1), 10)),
];

/// What all workers send together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Traffic {
    /// For one update of the weights.
    update: u64,
    /// For one measurement: evaluation of both sets, α of the probe sample and of the mini-batch.
    measurement: u64,
}

/// The mini-batches of one update.
fn mini_batches(rule: Aggregation) -> u64 {
    if matches!(rule, Aggregation::OverTime(_)) { 3 } else { 1 }
}

impl Traffic {
    /// By formula. A vector of d numbers is exchanged and gathered once for an update, or once for each mini-batch
    /// whose gradient is a sum over the workers; and a loss for each pass. A measurement gathers losses and predictions
    /// of both sets, and for each of two samples exchanges S of a chunk, gathers it in f64, and gathers m and Q.
    fn expected(size: u64, network: &Graph<f32>, rule: Aggregation) -> Self {
        let [d, t] = [network.layout().parameters(), network.layout().tensors().len()]
            .map(|count| count as u64);
        let (others, number) = (size - 1, 8 * size * (size - 1));
        let times = if size == 3 { 1 } else { mini_batches(rule) };
        let sets = 2 * number * (1 + 2 * EXAMPLES as u64);
        let samples = 2 * (others * (4 + 8) * d + number * (1 + t));
        Self { update: times * (others * 8 * d + number), measurement: sets + samples }
    }

    /// Counted in training by `size` workers.
    fn count(size: usize, network: Network, rule: Aggregation) -> Self {
        let sent = thread::scope(|scope| {
            let workers = threads(size).into_iter();
            let start = |worker| scope.spawn(move || train(worker, network, rule));
            let started: Vec<_> = workers.map(start).collect();
            let sent = started.into_iter().map(|thread| thread.join().expect("no panic"));
            sent.collect::<Vec<[u64; 2]>>()
        });
        let [update, measurement] = [0, 1].map(|i| sent.iter().map(|sent| sent[i]).sum());
        Self { update, measurement }
    }
}

/// Trains for two updates and measures; returns the bytes that this worker sends for one of each.
fn train(worker: Arc<dyn Collective>, network: Network, rule: Aggregation) -> [u64; 2] {
    // A worker that waits holds its thread: each has a pool of its own.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| {
        let steps = 2 * mini_batches(rule);
        let config =
            Config { batch: 60, probe: EXAMPLES, steps, aggregation: rule, ..Config::default() };
        let worker = Arc::new(Counted { worker, bytes: AtomicU64::new(0) });
        let data = Subset::new(digits::train(), (0..EXAMPLES).collect()).expect("so many digits");
        let [train, test] = [(); 2].map(|()| Examples::decode(&data).expect("embedded data"));
        let network = network().expect("a network for digits");
        let model = Model::initialized(network, &mut random::stream(1, "initialisation"));
        let mut trainer = Trainer::among(Arc::clone(&worker) as _, config, model, train, test)
            .expect("settings for these workers");
        let mut sent = |work: &mut dyn FnMut(&mut Trainer)| {
            let before = worker.bytes.load(Ordering::Relaxed);
            work(&mut trainer);
            worker.bytes.load(Ordering::Relaxed) - before
        };
        let updates = sent(&mut |trainer| {
            for _ in 0..steps {
                trainer.advance().expect("a step");
            }
        });
        let measurement = sent(&mut |trainer| {
            trainer.observe(&mut Vec::<Row>::new()).expect("a measurement");
        });
        [updates / 2, measurement]
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("| network | d | rule | P | bytes of an update | bytes of a measurement |");
    println!("|---|---|---|---|---|---|");
    for (name, network) in NETWORKS {
        let graph = network()?;
        let d = graph.layout().parameters();
        for size in 1..=4 {
            let rules = [
                Aggregation::Mean,
                Aggregation::OverTime(OverTime::M3),
                Aggregation::MedianOfMeans { groups: size },
            ];
            for rule in rules {
                let counted = Traffic::count(size, network, rule);
                assert_eq!(counted, Traffic::expected(size as u64, &graph, rule), "{rule} {size}");
                let Traffic { update, measurement } = counted;
                println!("| {name} | {d} | {rule} | {size} | {update} | {measurement} |");
            }
        }
    }
    Ok(())
}
