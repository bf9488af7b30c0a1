//! What made a number: version, machine, day and time stay with it, however often it is reused.
//!
//! The folder of a run keeps its [`Sitting`]s. A record lists what made its rows, with one [`Made`]
//! for all runs that agree in everything but the day.

use std::iter;

use coherence_train::RESULTS;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, slug};

/// One period of work on one run, without a break.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sitting {
    /// When it began.
    pub started: Timestamp,
    /// How long it took; 0 when it was killed.
    pub seconds: f64,
    /// Threads of the run.
    pub threads: usize,
    /// The accelerator that computed, for example "NVIDIA H100 80GB HBM3"; absent for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Version of the results, see [`RESULTS`].
    pub results: u32,
    /// The machine and the build.
    pub machine: Machine,
}

/// What made a part of a record's rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// First day, ISO 8601, in universal time.
    pub first: String,
    /// Last day.
    pub last: String,
    /// Runs that it made or had a part in. Unknown in old records, as are the next three.
    pub runs: Option<usize>,
    /// Seconds of work, the sum over these runs.
    pub seconds: Option<f64>,
    /// Threads of each run.
    pub threads: Option<usize>,
    /// The accelerator that computed; absent for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Version of the results, see [`RESULTS`].
    pub results: Option<u32>,
    /// The machine and the build.
    pub machine: Machine,
}

impl Sitting {
    /// A sitting on this machine that begins now; `device` is the name of the accelerator, if one computes.
    pub fn begin(threads: usize, device: Option<&str>) -> Self {
        let (started, machine) = (Timestamp::now(), Machine::detect());
        let device = device.map(str::to_owned);
        Self { started, seconds: 0.0, threads, device, results: RESULTS, machine }
    }

    /// Sets the seconds to those since the start, which were measured by `clock`.
    pub fn end(&mut self, clock: std::time::Instant) {
        self.seconds = clock.elapsed().as_secs_f64();
    }

    /// Whether this build computes the same numbers.
    pub fn agrees(&self) -> bool {
        self.results == RESULTS
    }

    /// The build that worked, in words.
    pub fn software(&self) -> String {
        software(&self.machine.version, self.results)
    }

    /// This build, in words.
    pub fn software_here() -> String {
        software(crate::machine::VERSION, RESULTS)
    }
}

fn software(version: &str, results: u32) -> String {
    format!("coherence {version} (results {results})")
}

/// What made a record whose runs were worked on in these sittings, in the order of the first days.
pub fn made(runs: &[Vec<Sitting>]) -> Vec<Made> {
    let mut all: Vec<Made> = Vec::new();
    for run in runs {
        let mut seen = Vec::new();
        for sitting in run {
            let at = all.iter().position(|made| made.covers(sitting));
            let at = at.unwrap_or_else(|| {
                all.push(Made::from_sitting(sitting));
                all.len() - 1
            });
            all[at].add(sitting, !seen.contains(&at));
            seen.push(at);
        }
    }
    all.sort_by(|a, b| a.first.cmp(&b.first));
    all
}

/// The wall time of sittings, some of which were side by side: seconds in which any was at work.
pub fn wall_seconds<'a>(sittings: impl IntoIterator<Item = &'a Sitting>) -> f64 {
    let span = |sitting: &Sitting| {
        let start = sitting.started.as_nanosecond() as f64 / 1e9;
        (start, start + sitting.seconds)
    };
    let mut spans: Vec<(f64, f64)> = sittings.into_iter().map(span).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut until = f64::NEG_INFINITY;
    let mut seconds = 0.0;
    for (start, end) in spans {
        seconds += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    seconds
}

impl Made {
    fn from_sitting(sitting: &Sitting) -> Self {
        Self {
            first: day(sitting.started),
            last: day(sitting.started),
            runs: Some(0),
            seconds: Some(0.0),
            threads: Some(sitting.threads),
            device: sitting.device.clone(),
            results: Some(sitting.results),
            machine: sitting.machine.clone(),
        }
    }

    fn covers(&self, sitting: &Sitting) -> bool {
        self.machine == sitting.machine
            && self.threads == Some(sitting.threads)
            && self.device == sitting.device
            && self.results == Some(sitting.results)
    }

    /// Machine and accelerator as a part of a file's name: letters, digits and hyphens.
    pub fn slug(&self) -> String {
        let device = self.device.iter().map(|name| slug(name));
        iter::once(self.machine.slug()).chain(device).collect::<Vec<_>>().join("-")
    }

    fn add(&mut self, sitting: &Sitting, new_run: bool) {
        let day = day(sitting.started);
        self.first = day.clone().min(std::mem::take(&mut self.first));
        self.last = day.max(std::mem::take(&mut self.last));
        self.runs = self.runs.map(|runs| runs + usize::from(new_run));
        self.seconds = self.seconds.map(|seconds| seconds + sitting.seconds);
    }
}

/// The day of a moment, ISO 8601, in universal time.
fn day(moment: Timestamp) -> String {
    moment.to_string()[..10].to_owned()
}

/// Today, ISO 8601, in universal time.
pub fn today() -> String {
    day(Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sitting(started: &str, seconds: f64, version: &str) -> Sitting {
        let mut machine = Machine::detect();
        machine.version = version.to_owned();
        let started = started.parse().unwrap();
        Sitting { started, seconds, threads: 1, device: None, results: RESULTS, machine }
    }

    #[test]
    fn wall_time_counts_what_is_side_by_side_once_and_no_pause() {
        // 0 to 10 s, 4 to 6 s within it, 8 to 13 s overlapping, and 5 s an hour later.
        let sittings = [
            sitting("2026-01-01T00:00:08Z", 5.0, "1"),
            sitting("2026-01-01T00:00:00Z", 10.0, "1"),
            sitting("2026-01-01T01:00:00Z", 5.0, "1"),
            sitting("2026-01-01T00:00:04Z", 2.0, "1"),
        ];
        assert!((wall_seconds(&sittings) - 18.0).abs() < 1e-6);
        assert_eq!(wall_seconds(&[]), 0.0);
    }

    #[test]
    fn what_an_accelerator_made_is_told_apart_and_names_it() {
        let on_cpu = sitting("2026-01-01T00:00:00Z", 1.0, "1");
        let on_gpu = Sitting { device: Some("NVIDIA H100 80GB HBM3".to_owned()), ..on_cpu.clone() };
        let made = made(&[vec![on_cpu.clone(), on_gpu], vec![on_cpu]]);
        let told: Vec<_> = made.iter().map(|made| (made.device.as_deref(), made.runs)).collect();
        assert_eq!(told, [(None, Some(2)), (Some("NVIDIA H100 80GB HBM3"), Some(1))]);
        let [cpu, gpu] = [&made[0], &made[1]].map(|made| toml::to_string(made).unwrap());
        assert!(!cpu.contains("device") && gpu.contains("device"));
        assert_eq!(toml::from_str::<Made>(&gpu).unwrap(), made[1]);
        assert_eq!(made[1].slug(), format!("{}-nvidia-h100-80gb-hbm3", made[0].slug()));
    }

    #[test]
    fn runs_that_agree_are_told_together_and_others_apart() {
        let runs = [
            vec![sitting("2026-01-03T00:00:00Z", 1.0, "2")],
            vec![
                sitting("2026-01-01T00:00:00Z", 2.0, "1"),
                sitting("2026-01-02T00:00:00Z", 4.0, "1"),
            ],
            vec![sitting("2026-01-04T00:00:00Z", 8.0, "2")],
        ];
        let made = made(&runs);
        assert_eq!(made.len(), 2);
        let told = |i: usize| {
            let made: &Made = &made[i];
            (made.machine.version.as_str(), made.first.as_str(), made.last.as_str(), made.runs)
        };
        assert_eq!(told(0), ("1", "2026-01-01", "2026-01-02", Some(1)));
        assert_eq!(told(1), ("2", "2026-01-03", "2026-01-04", Some(2)));
        assert_eq!((made[0].seconds, made[1].seconds), (Some(6.0), Some(9.0)));
    }
}
