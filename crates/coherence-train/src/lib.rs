//! One training step, one loop: optimisers, aggregation strategies, observers, checkpoints.
//!
//! The typical workflow:
//!
//! 1. describe the run as a [`Config`]: mini-batch, rate, [`Aggregation`], [`Schedule`];
//! 2. open a [`Run`] in a folder and [`advance`](Run::advance) it. Killed at any moment it goes on
//!    bit for bit where it was;
//! 3. read `metrics.csv` ([`Sink`] names its series) and `learned.csv` ([`Learned`]).
//!
//! [`Trainer`] is the same without files. [`measure::measure`] gives the coherence of a network
//! that is trained already.
//!
//! Every result is a pure function of the settings, the network and the data: the same on any
//! number of threads, interrupted or not.
//!
//! # What does this crate not do?
//!
//! It knows no experiments, no claims and no figures. It does not choose the initial weights.
//! There is no momentum and no weight decay: the papers' experiments on MNIST use neither.

mod aggregation;
mod checkpoint;
mod config;
mod evaluate;
mod examples;
mod learned;
pub mod measure;
mod metrics;
mod passes;
mod probe;
mod run;
mod sampler;
mod schedule;
mod sink;
mod tally;
mod trainer;

pub use aggregation::{Aggregation, Window};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{Config, ConfigError};
pub use examples::Examples;
pub use learned::{Learned, NEVER};
pub use run::{Outcome, Progress, Run, RunError};
pub use schedule::Schedule;
pub use sink::{Row, Sink};
pub use trainer::{Diverged, State, Trainer};
