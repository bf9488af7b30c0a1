//! Experiments on devices other than the processor.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coherence_cuda::{Driver, Engine, Host};
use coherence_lab::claim::judge;
use coherence_lab::record::{Record, Row};
use coherence_lab::run::{Options, RunError, Watch, Workers, run};
use coherence_lab::scale::Scale;
use coherence_lab::spec::Experiment;
use coherence_lab::summary::Verdict;
use coherence_nn::device::{Cpu, Cuda, Device, Remote};
use coherence_train::collective::Solo;

/// Two stages, single examples and a measurement of each layer.
const EXPERIMENT: &str = r#"
id = "X1"
title = "t"
source = "s"
statement = "s"
analysis = "a"

[scale.smoke]
dataset = "digits"
examples = 60
test_examples = 30
hidden = [8]
batch = 20
rate = 0.2
steps = 30
data = "permuted-labels"
noise = 50
pretraining = 60
single = { examples = 1, loss = 1.0 }
probe = 20
seeds = 3
grid = { initial = ["random", "trained"] }

[[claim]]
id = "begins-lower"
written = "2026-11-26"
statement = "Training that begins with trained weights begins with a lower test loss"
source = "s"
quantity = "start(test.loss, initial=random) - start(test.loss, initial=trained)"
expect = { at_least = 0 }
"#;

/// Raises a flag at the first step of a run.
struct Stopping<'a>(&'a AtomicBool);

impl Watch for Stopping<'_> {
    fn begin(&self, _: &Experiment, _: usize, _: u64) {}
    fn advance(&self, steps: u64) {
        self.0.fetch_or(steps > 0, Ordering::Relaxed);
    }
    fn end(&self) {}
}

struct Silent;

impl Watch for Silent {
    fn begin(&self, _: &Experiment, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

fn experiment(folder: &Path) -> Experiment {
    let file = folder.join("X1.toml");
    std::fs::write(&file, EXPERIMENT).unwrap();
    Experiment::load(&file).unwrap()
}

fn run_on<D: Device<f32>>(
    device: D,
    out: &Path,
    stop: &AtomicBool,
    watch: &dyn Watch,
) -> Result<Record, RunError> {
    let options = Options {
        processes: Arc::new(Solo),
        scale: Scale::Smoke,
        out: out.to_owned(),
        seeds: None,
        workers: Workers { jobs: 2, threads: 1, may_be_fewer: false },
        device,
        stop,
    };
    run(&experiment(out), &options, watch)
}

/// A record that was made on `device` in an empty folder.
fn record<D: Device<f32>>(device: D) -> Record {
    let out = tempfile::tempdir().unwrap();
    run_on(device, out.path(), &AtomicBool::new(false), &Silent).unwrap()
}

/// Names of the devices that made a record.
fn devices(record: &Record) -> Vec<Option<&str>> {
    record.header.made.iter().map(|made| made.device.as_deref()).collect()
}

/// The second device computes on the processor, in memory that the host cannot read.
#[test]
fn a_record_has_the_rows_of_the_processor_and_the_name_of_its_device() {
    let (on_cpu, on_remote) = (record(Cpu::detect()), record(Remote::default()));
    assert_eq!(on_cpu.rows, on_remote.rows);
    assert_eq!((devices(&on_cpu), devices(&on_remote)), (vec![None], vec![Some("remote")]));
}

/// Verdicts are those of the processor, and losses differ from its by rounding.
fn agrees_with_the_processor<D: Device<f32>>(device: D) {
    let folder = tempfile::tempdir().unwrap();
    let claim = &experiment(folder.path()).claims[0];
    let name = device.name().map(str::to_owned);
    let (on_cpu, found) = (record(Cpu::detect()), record(device));
    assert_eq!(devices(&found), [name.as_deref()]);
    for record in [&on_cpu, &found] {
        assert_eq!(judge(claim, record).verdict, Verdict::Holds);
    }
    assert_eq!(on_cpu.rows.len(), found.rows.len());
    for (expected, row) in on_cpu.rows.iter().zip(&found.rows) {
        let place = |row: &Row| (row.cell.clone(), row.seed, row.step, row.series.clone());
        assert_eq!(place(expected), place(row));
        let is_near = (expected.value - row.value).abs() <= 1e-3 * expected.value.abs();
        assert!(is_near || !row.series.ends_with(".loss"), "{row:?} instead of {expected:?}");
    }
}

#[test]
fn kernels_for_gpus_give_the_verdicts_of_the_processor() {
    agrees_with_the_processor(Cuda::new(Host));
}

/// A failure without a GPU where `COHERENCE_CUDA` is `required`.
#[test]
#[allow(clippy::print_stdout, reason = "a law that was not tested says so")]
fn a_gpu_gives_the_verdicts_of_the_processor() {
    match Driver::new(0) {
        Ok(driver) => {
            assert!(driver.free_bytes().is_some_and(|free| free > 0));
            agrees_with_the_processor(Cuda::new(driver));
        }
        Err(error) => {
            let required = std::env::var("COHERENCE_CUDA").is_ok_and(|value| value == "required");
            assert!(!required, "{error}");
            println!("not run on a GPU: {error}");
        }
    }
}

#[test]
fn a_run_goes_on_on_another_device_and_its_record_names_both() {
    let (out, stop) = (tempfile::tempdir().unwrap(), AtomicBool::new(false));
    let first = run_on(Remote::default(), out.path(), &stop, &Stopping(&stop));
    assert!(matches!(first, Err(RunError::Interrupted)));
    let whole = run_on(Cpu::detect(), out.path(), &AtomicBool::new(false), &Silent).unwrap();
    assert_eq!(whole.rows, record(Cpu::detect()).rows);
    let mut devices = devices(&whole);
    devices.sort();
    assert_eq!(devices, [None, Some("remote")]);
}
