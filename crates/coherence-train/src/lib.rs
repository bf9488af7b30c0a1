//! Training with aggregations of per-example gradients, measurements, and checkpoints.
//!
//! The typical workflow:
//!
//! 1. describe the run as a [`Config`]: mini-batch, rate, [`RateSchedule`], [`Aggregation`], [`Schedule`];
//! 2. open a [`TrainingRun`] over two sets of [`Examples`] in a folder and [`advance`](TrainingRun::advance) it. If it is killed at
//!    any moment, it resumes with bit-for-bit the same results;
//! 3. read the results in `metrics.csv` ([`Sink`] lists its series) and `learned.csv` ([`Learned`]).
//!
//! [`Trainer`] is the same without files. [`measure::measure`] measures the coherence of a trained
//! network.
//!
//! Every result is a pure function of the settings, the network and the data: the same on any
//! number of threads, interrupted or not.
//!
//! # What does this crate not do?
//!
//! It knows no experiments, claims or figures, and does not choose the initial weights.
//! The optimiser is stochastic gradient descent with optional momentum, weight decay and a schedule of the
//! rate; there are no adaptive methods.

mod activity;
mod aggregation;
mod attribution;
mod checkpoint;
pub mod collective;
mod config;
mod evaluate;
mod evaluation_set;
mod examples;
mod feed;
mod group;
mod group_means;
mod imputed;
mod learned;
pub mod measure;
mod memory;
mod metrics;
mod misfit;
mod optimizer;
mod passes;
mod probe;
mod rate;
mod sampler;
mod schedule;
mod sink;
mod sum;
mod tally;
mod text;
mod trainer;
mod training_run;
mod updater;
mod watch;

pub use aggregation::{Aggregation, AggregationError};
pub use attribution::Attribution;
pub use checkpoint::{Checkpoint, CheckpointError, NetworkMark, RESULTS};
pub use coherence_core::aggregate::OverTime;
pub use config::{Config, ConfigError};
pub use examples::Examples;
pub use group::Group;
pub use imputed::Imputed;
pub use learned::{Learned, NEVER};
pub use metrics::{MetricsError, MetricsMark};
pub use misfit::Misfit;
pub use rate::{RateSchedule, RateScheduleError};
pub use schedule::{LowWater, Schedule};
pub use sink::{Row, Sink};
pub use trainer::{Diverged, State, TrainError, Trainer};
pub use training_run::{Outcome, Progress, TrainingRun, TrainingRunError};
pub use watch::{Watch, WatchError};
