//! Stopped, crashed or killed at any moment, a run ends with the bytes of an uninterrupted one.

use crate::blobs::{Blobs, WIDTHS, config, examples, network};
use coherence_data::{Dataset, ReadError, Target, forward, random};
use coherence_nn::{Activation, Model, model::mlp_with_activation};
use coherence_train::{
    Aggregation, Checkpoint, Config, Examples, Outcome, OverTime, RESULTS, Schedule, TrainingRun,
    TrainingRunError,
};
use sha2::{Digest, Sha256};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

const FILES: [&str; 4] =
    ["metrics.csv", "learned.csv", "weights.safetensors", "checkpoint.safetensors"];

const TRAIN: Blobs = Blobs { n: 110, seed: 1 };
const TEST: Blobs = Blobs { n: 40, seed: 2 };

fn open(folder: &Path, config: Config) -> Result<TrainingRun, TrainingRunError> {
    TrainingRun::open(folder, config, network(), examples(&TRAIN), examples(&TEST))
}

/// Runs to the end and returns the bytes of all files.
fn finish(folder: &Path, config: Config) -> Vec<Vec<u8>> {
    let outcome = open(folder, config).unwrap().advance(&AtomicBool::new(false), |_| {}).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    bytes(folder)
}

fn bytes(folder: &Path) -> Vec<Vec<u8>> {
    FILES.iter().map(|file| std::fs::read(folder.join(file)).unwrap()).collect()
}

fn uninterrupted(config: &Config) -> Vec<Vec<u8>> {
    finish(tempfile::tempdir().unwrap().path(), config.clone())
}

#[track_caller]
fn same(found: &[Vec<u8>], expected: &[Vec<u8>], how: &str) {
    for ((file, found), expected) in FILES.iter().zip(found).zip(expected) {
        assert!(found == expected, "{file} differs {how}");
    }
}

#[test]
fn stopped_at_any_step_a_run_ends_as_if_never_stopped() {
    let falls = Schedule::LowWater { percent: 2 };
    for config in [
        config(Aggregation::Mean),
        config(Aggregation::OverTime(OverTime::M3)),
        config(Aggregation::OverTime(OverTime::Rm3)),
        Config { evaluate: falls, checkpoint_every: 1, ..config(Aggregation::Mean) },
    ] {
        let expected = uninterrupted(&config);
        for at in 0..30 {
            let folder = tempfile::tempdir().unwrap();
            let stop = AtomicBool::new(false);
            let mut run = open(folder.path(), config.clone()).unwrap();
            let raise = |step| stop.store(step >= at, Ordering::Relaxed);
            let outcome = run.advance(&stop, |progress| raise(progress.step)).unwrap();
            assert_eq!((outcome, run.trainer().step()), (Outcome::Interrupted, at));
            drop(run);
            same(&finish(folder.path(), config.clone()), &expected, &format!("stopped at {at}"));
        }
    }
}

#[test]
fn crashed_at_any_step_a_run_ends_as_if_never_crashed() {
    let expected = uninterrupted(&config(Aggregation::OverTime(OverTime::Rm3)));
    for at in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let mut run = open(folder.path(), config(Aggregation::OverTime(OverTime::Rm3))).unwrap();
        let crash = AssertUnwindSafe(|| {
            run.advance(&AtomicBool::new(false), |progress| {
                // Not `panic!`: the hook would print thirty expected messages.
                if progress.step == at {
                    std::panic::resume_unwind(Box::new("crash"));
                }
            })
        });
        assert!(catch_unwind(crash).is_err());
        drop(run);
        same(
            &finish(folder.path(), config(Aggregation::OverTime(OverTime::Rm3))),
            &expected,
            &format!("crashed at {at}"),
        );
    }
}

#[test]
fn partly_written_rows_are_cut_off() {
    let expected = uninterrupted(&config(Aggregation::Mean));
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(true);
    open(folder.path(), config(Aggregation::Mean)).unwrap().advance(&stop, |_| {}).unwrap();
    let path = folder.path().join("metrics.csv");
    let mut rows = std::fs::read(&path).unwrap();
    rows.extend_from_slice(b"1,train.loss,0.123\n1,train.accu");
    std::fs::write(&path, rows).unwrap();
    same(&finish(folder.path(), config(Aggregation::Mean)), &expected, "after a torn row");
}

#[test]
fn a_finished_run_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let first = finish(folder.path(), config(Aggregation::Mean));
    same(&finish(folder.path(), config(Aggregation::Mean)), &first, "when finished twice");
}

/// Long enough to be killed before its end; with many checkpoints, so that some kills hit a write.
fn long() -> Config {
    Config {
        steps: 3000,
        evaluate: Schedule::Every { steps: 10 },
        checkpoint_every: 3,
        ..config(Aggregation::OverTime(OverTime::Rm3))
    }
}

/// Set in the child process: the folder it runs in.
const CHILD: &str = "COHERENCE_TEST_RUN_TO_KILL";

/// Calls `run` in child processes, which are killed at random moments until one of them finishes: its files are
/// those of a run that was never killed. `test` is the path of the test that calls this.
pub(crate) fn survives_kills(test: &str, run: impl Fn(&Path)) {
    if let Some(folder) = std::env::var_os(CHILD) {
        return run(Path::new(&folder));
    }
    let [whole, parts] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    run(whole.path());
    let (mut rng, mut kills) = (random::stream(1, "moments"), 0);
    loop {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(CHILD, parts.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Each kill comes later than the one before, so that the run finishes on any machine.
        let moment = 5 + random::below(&mut rng, 20 + 20 * kills);
        std::thread::sleep(Duration::from_millis(moment));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        kills += 1;
        if child.wait().unwrap().success() {
            break;
        }
    }
    assert!(kills > 0, "the run was over before the first kill");
    same(&bytes(parts.path()), &bytes(whole.path()), &format!("after {kills} kills"));
}

#[test]
fn killed_at_random_moments_a_run_ends_as_if_never_killed() {
    let test = "resuming::killed_at_random_moments_a_run_ends_as_if_never_killed";
    survives_kills(test, |folder| drop(finish(folder, long())));
}

#[test]
fn another_run_is_refused_with_the_difference_named() {
    let folder = tempfile::tempdir().unwrap();
    finish(folder.path(), config(Aggregation::Mean));
    let refused = |error: TrainingRunError, what: &str| {
        let message = error.to_string();
        assert!(message.contains(&format!("of another run: its {what} differ")), "{message}");
    };
    let other = Config { rate: 0.2, ..config(Aggregation::Mean) };
    refused(open(folder.path(), other).unwrap_err(), "settings (rate: 0.1 there, 0.2 here)");
    let open = |model, train, test| {
        let [train, test] = [train, test].map(|blobs| examples(&blobs));
        TrainingRun::open(folder.path(), config(Aggregation::Mean), model, train, test)
    };
    let data = "data (images, labels or their noise)";
    refused(open(network(), Blobs { n: 120, ..TRAIN }, TEST).unwrap_err(), data);
    refused(open(network(), Blobs { seed: 9, ..TRAIN }, TEST).unwrap_err(), data);
    refused(open(network(), TRAIN, Blobs { seed: 9, ..TEST }).unwrap_err(), data);
    let wider = coherence_nn::Model::zeros(coherence_nn::model::mlp(&[6, 4, 3]).unwrap());
    refused(open(wider, TRAIN, TEST).unwrap_err(), "networks");
}

#[test]
fn a_folder_in_which_another_run_writes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), config(Aggregation::Mean)).unwrap();
    let message = open(folder.path(), config(Aggregation::Mean)).unwrap_err().to_string();
    assert!(message.contains("metrics.csv: another process writes to it"), "{message}");
    drop(first);
    open(folder.path(), config(Aggregation::Mean)).unwrap();
}

#[test]
fn a_metrics_file_that_lost_rows_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    finish(folder.path(), config(Aggregation::Mean));
    std::fs::write(folder.path().join("metrics.csv"), "step,series,value\n").unwrap();
    let message = open(folder.path(), config(Aggregation::Mean)).unwrap_err().to_string();
    assert!(message.contains("metrics.csv: 18 bytes, but"), "{message}");
}

#[test]
fn a_metrics_file_with_a_changed_bit_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    finish(folder.path(), config(Aggregation::Mean));
    let path = folder.path().join("metrics.csv");
    let mut rows = std::fs::read(&path).unwrap();
    rows[40] ^= 1;
    std::fs::write(&path, &rows).unwrap();
    let message = open(folder.path(), config(Aggregation::Mean)).unwrap_err().to_string();
    let said = format!("metrics.csv: the first {} bytes differ from those", rows.len());
    assert!(message.contains(&said) && message.contains("to start the run over"), "{message}");
}

/// Every 97th bit, and all of the first hundred bytes: length, names, numbers, padding, tensors.
#[test]
fn a_checkpoint_with_a_changed_bit_is_never_resumed() {
    let folder = tempfile::tempdir().unwrap();
    finish(folder.path(), config(Aggregation::OverTime(OverTime::Rm3)));
    let path = folder.path().join("checkpoint.safetensors");
    let sound = std::fs::read(&path).unwrap();
    let bits = (0..800).chain((800..8 * sound.len()).step_by(97));
    for bit in bits {
        let mut flipped = sound.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &flipped).unwrap();
        let opened = open(folder.path(), config(Aggregation::OverTime(OverTime::Rm3)));
        let message = opened.expect_err(&format!("bit {bit} of the file is flipped")).to_string();
        assert!(message.contains("checkpoint.safetensors: "), "bit {bit}: {message}");
        assert!(message.contains("delete"), "bit {bit}: {message}");
    }
    std::fs::write(&path, &sound).unwrap();
    open(folder.path(), config(Aggregation::OverTime(OverTime::Rm3))).unwrap();
}

/// A file with changed metadata and the matching checksum, as another version would have written it.
/// `from` and `to` have the same length.
fn rewritten(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let replace = |bytes: &[u8], from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    let key = br#"checksum\":\""#;
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    let mut blank = replace(bytes, from.as_bytes(), to.as_bytes());
    blank[at..at + 64].fill(b'0');
    let sum: String = Sha256::digest(&blank).iter().map(|byte| format!("{byte:02x}")).collect();
    blank[at..at + 64].copy_from_slice(sum.as_bytes());
    blank
}

#[test]
fn a_run_with_another_results_number_is_refused_with_both_named() {
    let folder = tempfile::tempdir().unwrap();
    finish(folder.path(), config(Aggregation::Mean));
    let path = folder.path().join("checkpoint.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let [ours, other] = [RESULTS, 9 - RESULTS].map(|n| format!(r#"\"results\":{n}"#));
    std::fs::write(&path, rewritten(&bytes, &ours, &other)).unwrap();
    let message = open(folder.path(), config(Aggregation::Mean)).unwrap_err().to_string();
    let named = [9 - RESULTS, RESULTS].map(|n| message.contains(&format!("results number {n}")));
    assert!(named == [true, true] && message.contains("continue with that version"), "{message}");

    // A version with the same results number may resume.
    let version = env!("CARGO_PKG_VERSION");
    let older = "9".repeat(version.len());
    let [ours, other] = [version, &older].map(|v| format!(r#"\"version\":\"{v}\""#));
    std::fs::write(&path, rewritten(&bytes, &ours, &other)).unwrap();
    open(folder.path(), config(Aggregation::Mean)).unwrap();
}

#[test]
fn a_checkpoint_of_another_format_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    finish(folder.path(), config(Aggregation::Mean));
    let path = folder.path().join("checkpoint.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let [ours, older] = [5, 3].map(|n| format!(r#"\"format\":{n}"#));
    std::fs::write(&path, rewritten(&bytes, &ours, &older)).unwrap();
    let message = open(folder.path(), config(Aggregation::Mean)).unwrap_err().to_string();
    assert!(message.contains("format 3, this version reads 5 (delete it"), "{message}");
}

#[test]
fn another_activation_is_another_run() {
    let folder = tempfile::tempdir().unwrap();
    finish(folder.path(), config(Aggregation::Mean));
    let data = examples(&Blobs { n: 110, seed: 1 });
    let tanh = mlp_with_activation(&WIDTHS, Activation::Tanh).unwrap();
    let tanh = Model::zeros(tanh);
    let opened =
        TrainingRun::open(folder.path(), config(Aggregation::Mean), tanh, data.clone(), data);
    let message = opened.unwrap_err().to_string();
    assert!(message.contains("its networks differ"), "{message}");
}

#[test]
fn a_checkpoint_reads_back_but_no_prefix_of_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let mut run = open(folder.path(), config(Aggregation::OverTime(OverTime::Rm3))).unwrap();
    run.advance(&stop, |progress| stop.store(progress.step == 5, Ordering::Relaxed)).unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let checkpoint = Checkpoint::read(&path).unwrap();
    assert_eq!(checkpoint.state, run.trainer().state());
    assert_eq!(checkpoint.state.recent.steps, 5);
    let bytes = std::fs::read(&path).unwrap();
    for len in (0..bytes.len()).step_by(13) {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert!(Checkpoint::read(&path).is_err(), "the first {len} bytes");
    }
}

/// The blobs, with a flag that is raised when so many images have been read.
struct Raising {
    data: Blobs,
    left: AtomicUsize,
    stop: Arc<AtomicBool>,
}

impl Dataset for Raising {
    forward!(self => self.data; len, shape, classes, target);

    fn get(&self, i: usize, input: &mut [f32]) -> Result<Target, ReadError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.data.get(i, input)
    }
}

/// The training set is read in the second part of a measurement, so that the flag is raised in the middle.
#[test]
fn stopped_during_a_measurement_a_run_ends_as_if_never_stopped() {
    let of = || Config { evaluate: Schedule::Every { steps: 3 }, ..config(Aggregation::Mean) };
    let expected = uninterrupted(&of());
    let mut unfinished = 0;
    for left in [1, 50, 120, 160, 230, 400, 700, 1100] {
        let folder = tempfile::tempdir().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let data = Blobs { n: 110, seed: 1 };
        let data = Raising { data, left: AtomicUsize::new(left), stop: Arc::clone(&stop) };
        let (train, test) = (Examples::stream(Arc::new(data)), examples(&Blobs { n: 40, seed: 2 }));
        let mut run = TrainingRun::open(folder.path(), of(), network(), train, test).unwrap();
        assert_eq!(run.advance(&stop, |_| {}).unwrap(), Outcome::Interrupted);
        drop(run);
        let checkpoint = Checkpoint::read(&folder.path().join("checkpoint.safetensors")).unwrap();
        unfinished += usize::from(!checkpoint.observed);
        same(&finish(folder.path(), of()), &expected, &format!("stopped after {left} images"));
    }
    assert!(unfinished >= 3, "{unfinished} of 8 were stopped during a measurement");
}
